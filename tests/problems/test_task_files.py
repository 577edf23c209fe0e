"""A user's own files as a task."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import TaskError
from codegrove.problems import load_task
from codegrove.problems.stub_files import read_stub
from codegrove.task import StdioTest, Task
from tests.problems.judging import passes
from tests.problems.test_python_tests import PARTS

STUB = '''"""Sums."""
import math
import pytest
from hypothesis import given
from hypothesis import strategies as st

LIMIT = 10


def helper(x):
    return x


def add(a: int, b: int) -> int:
    """Add.

    >>> add(1, 2)
    3
    """
    raise NotImplementedError("yet")


# my tests
assert add(2, 2) == 4


def test_big():
    for n in range(LIMIT):
        assert add(n, helper(n)) == 2 * n


def test_error():
    with pytest.raises(TypeError):
        add(None, 1)


if __name__ == "__main__":
    print(add(1, 1))
'''


def write(folder: Path, content: str | bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def stub_task(folder: Path, source: str, entry_point: str | None = None) -> Task:
    return load_task(write(folder, source, "job.py"), entry_point=entry_point)


def refusal(source: Path | str, tests: Path | None = None, entry_point: str | None = None) -> str:
    with pytest.raises(TaskError) as error:
        load_task(source, tests=tests, entry_point=entry_point)
    return str(error.value)


def test_a_stub_with_doctests_asserts_and_test_functions(tmp_path: Path) -> None:
    task = stub_task(tmp_path, STUB)
    assert (task.id, task.entry_point, task.kind) == ("job", "add", "function")
    assert [t.describe("add") for t in task.tests[:2]] == ["add(1, 2) == 3", "add(2, 2) == 4"]
    assert len(task.tests) == 4
    right = "def add(a, b):\n    return a + b"
    assert all(passes(right, t, "add") for t in task.tests)
    wrong = "def add(a, b):\n    return -1 if a is None else a + b + 1"
    assert not any(passes(wrong, t, "add") for t in task.tests)


@given(
    st.lists(st.sampled_from([*PARTS, "def g(x):", "# note", '"""Doc."""', "raise ValueError"]), max_size=6)
)
def test_any_python_file_is_a_task_or_refused(parts: list[str]) -> None:
    try:
        file = read_stub("\n".join(parts), "t.py")
        entry_point = file.entry_point("t.py", None)
    except TaskError as error:
        assert str(error).startswith("t.py")
        return
    tree = ast.parse(file.stub)
    assert entry_point in {
        n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    assert not any(isinstance(n, ast.Assert) for n in tree.body)


def test_the_stub_is_the_file_without_its_tests(tmp_path: Path) -> None:
    task = stub_task(tmp_path, STUB)
    assert task.statement == task.stub
    ast.parse(task.stub)
    for gone in ("assert", "test_big", "pytest", "__main__", "print"):
        assert gone not in task.stub
    for kept in ('"""Sums."""', "import math", "LIMIT = 10", "def helper", "def add", ">>> add(1, 2)"):
        assert kept in task.stub


@pytest.mark.parametrize(
    "body", ["pass", "...", "raise NotImplementedError", "'''Doc.'''", "# nothing\n", "return NotImplemented"]
)
def test_the_unfinished_function_is_the_one_to_write(tmp_path: Path, body: str) -> None:
    source = f"def done(x):\n    return x\n\ndef todo(x):\n    {body}\n\ndef also_done(x):\n    return x\n\n"
    source += "assert done(1) == 1\n"
    task = stub_task(tmp_path, source)
    assert task.entry_point == "todo"
    ast.parse(task.stub)


def test_a_signature_over_several_lines_without_any_body(tmp_path: Path) -> None:
    task = stub_task(tmp_path, "def add(\n    a,\n    b,\n):\n    # write me\nassert add(1, 2) == 3\n")
    assert task.entry_point == "add"
    assert [t.describe("add") for t in task.tests] == ["add(1, 2) == 3"]


@pytest.mark.parametrize(
    ("source", "entry_point"),
    [
        ("def a(x):\n    pass\ndef b(x):\n    pass\nassert b(1) == 2", "b"),
        ("def a(x):\n    return 1\ndef b(x):\n    return 2\nassert a(1) == 2", "a"),
        ("def a(x):\n    return 1\ndef b(x):\n    return 2\n", "b"),
        ("async def a(x):\n    pass\n", "a"),
    ],
)
def test_among_several_functions_the_tests_decide_else_the_last_counts(
    tmp_path: Path, source: str, entry_point: str
) -> None:
    assert stub_task(tmp_path, source).entry_point == entry_point


def test_an_ambiguous_file_asks_for_the_entry_point(tmp_path: Path) -> None:
    source = "def a(x):\n    pass\ndef b(x):\n    pass\n"
    message = refusal(write(tmp_path, source, "job.py"))
    assert "several functions that could be the one to write (a, b); say which with --entry-point" in message
    assert stub_task(tmp_path, source, "a").entry_point == "a"


def test_an_entry_point_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, STUB, "job.py")
    assert refusal(path, entry_point="ad") == f"{path} defines no function 'ad'; did you mean 'add'?"
    assert "must be the name of a function; found 'a b'" in refusal(path, entry_point="a b")


def test_a_function_to_write_may_be_called_like_a_test(tmp_path: Path) -> None:
    task = stub_task(tmp_path, "def test_bit(n, k):\n    pass\nassert test_bit(4, 2) == 1\n", "test_bit")
    assert task.entry_point == "test_bit"
    assert [t.describe("test_bit") for t in task.tests] == ["test_bit(4, 2) == 1"]


def test_tests_that_use_another_unfinished_function_do_not_bring_it_along(tmp_path: Path) -> None:
    source = "def a(x):\n    pass\ndef b(x):\n    pass\nK = 2\nassert b(a(K)) == 2\n"
    (test,) = stub_task(tmp_path, source, "b").tests
    assert test.describe("b") == "K = 2\nassert b(a(K)) == 2"


def test_a_stub_with_tests_in_another_file(tmp_path: Path) -> None:
    stub = write(tmp_path, "def add(a, b):\n    '''>>> add(1, 1)\n    2\n    '''\n", "sums.py")
    tests = write(
        tmp_path,
        "from sums import add\ndef test_it():\n    assert add(1, 2) == 3\nassert add(1, 1) == 2",
        "test_sums.py",
    )
    task = load_task(stub, tests=tests)
    assert [t.describe("add") for t in task.tests] == ["add(1, 1) == 2", "add(1, 2) == 3"]


def test_a_statement_with_python_tests(tmp_path: Path) -> None:
    statement = write(tmp_path, "# Sums\n\nWrite `add`.\n", "sums.md")
    tests = write(tmp_path, "from sums import add\nassert add(1, 2) == 3\n", "checks.py")
    task = load_task(statement, tests=tests)
    assert (task.id, task.entry_point, task.stub) == ("sums", "add", "")
    assert task.statement == "# Sums\n\nWrite `add`.\n"
    assert [t.describe("add") for t in task.tests] == ["add(1, 2) == 3"]


def test_the_module_named_like_the_test_file_is_under_test(tmp_path: Path) -> None:
    statement = write(tmp_path, "Write a function.", "job.txt")
    tests = write(tmp_path, "import calc\ndef test_it():\n    assert calc.add(1, 2) == 3\n", "test_calc.py")
    assert load_task(statement, tests=tests).entry_point == "add"


def test_a_statement_with_a_fenced_stub(tmp_path: Path) -> None:
    text = "Add.\n\n```python\ndef add(a, b):\n    '''Sum.'''\n```\n\nadd(1, 2) == 3\n"
    task = load_task(write(tmp_path, text, "job.md"))
    assert (task.entry_point, task.stub) == ("add", "def add(a, b):\n    '''Sum.'''\n")
    assert [t.describe("add") for t in task.tests] == ["add(1, 2) == 3"]
    several = text.replace("def add", "def sub(a, b):\n    pass\ndef add")
    assert load_task(write(tmp_path, several, "job.md")).entry_point is None


def test_a_statement_without_tests_is_a_task_without_tests(tmp_path: Path) -> None:
    task = load_task(write(tmp_path, "Read two numbers, print their sum.", "job.txt"))
    assert (task.kind, task.tests) == ("stdio", ())
    task = load_task(write(tmp_path, "Add, e.g. add(1, 2) -> 3", "job.txt"), entry_point="add")
    assert [t.describe("add") for t in task.tests] == ["add(1, 2) == 3"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", '[{"input": "1 2\\n", "output": "3\\n"}, {"input": "", "output": "0"}]'),
        ("t.jsonl", '{"input": "1 2\\n", "output": "3\\n"}\n{"input": "", "output": "0"}\n'),
    ],
)
def test_input_and_output_pairs_for_a_whole_program(tmp_path: Path, name: str, content: str) -> None:
    statement = write(tmp_path, "Add.", "job.md")
    task = load_task(statement, tests=write(tmp_path, content, name))
    assert (task.kind, task.entry_point) == ("stdio", None)
    assert task.tests == (StdioTest(stdin="1 2\n", expected="3\n"), StdioTest(stdin="", expected="0"))


def test_a_statement_on_standard_input(tmp_path: Path) -> None:
    tests = write(tmp_path, "assert add(1, 2) == 3", "t.py")
    task = load_task("-", tests=tests, stdin=io.StringIO("Write add.\r\n"))
    assert (task.id, task.statement, task.entry_point) == ("stdin", "Write add.\n", "add")
    for content in ("", " \n"):
        with pytest.raises(TaskError, match="standard input is empty; expected"):
            load_task("-", stdin=io.StringIO(content))
    with pytest.raises(TaskError, match="standard input is a binary file"):
        load_task("-", stdin=io.StringIO("a\0b"))
    with pytest.raises(TaskError, match="standard input is not UTF-8 text"):
        load_task("-", stdin=io.TextIOWrapper(io.BytesIO(b"caf\xe9"), encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"\x89PNG\r\n\0", "a.png is no task; expected a Python file with an unfinished function"),
        ("a.py", b"\x89PNG\r\n\0", "a.py is a binary file; expected a Python file"),
        ("a.md", b"", "a.md is empty; expected"),
        ("a.md", b"\n \n", "a.md is empty; expected"),
        ("a.py", "# é\n".encode("latin-1"), "a.py, line 1: byte 0xe9 is not UTF-8 text"),
        ("a.py", b"x = 1\n", "a.py defines no function at top level; expected one with a docstring"),
        (
            "a.py",
            b"class Solution:\n    def f(self):\n        pass\n",
            "a.py defines no function at top level",
        ),
        ("a.py", b"def test_f():\n    assert f(1)\n", "a.py defines no function at top level"),
        ("a.py", b"x = 1\ndef f(x:\n    pass\n", "a.py:2: not Python: '(' was never closed in 'def f(x:'"),
        ("a.py", b"def f(x):\n    pass\n\nassert f(1 == 2\n", "a.py:4: not Python"),
        (
            "a.py",
            b"def f(x):\n    pass\nx = 1; assert f(1) == 2\n",
            "a.py:3: a test shares its line with other code",
        ),
        ("a.py", b"def f(x):\n    pass\ndef test_f(tmp_path):\n    pass\n", "a.py:3: test_f takes tmp_path"),
        ("a.jsonl", b"{}", "a.jsonl is no task; expected"),
        ("a.jsonl", b"{}", "use --problem FILE --id ID"),
        ("a.md", b"x" * (5 * 1024 * 1024), "a.md is larger than 4 MiB"),
    ],
)
def test_a_file_that_is_no_task_gets_one_clear_message(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    refused = refusal(write(tmp_path, content, name))
    assert message in refused
    assert "\n" not in refused


def test_a_place_that_is_no_file(tmp_path: Path) -> None:
    assert f"{tmp_path} is a directory; expected a Python file" in refusal(tmp_path)
    assert "there is no file" in refusal(tmp_path / "no.py")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.txt", "assert f(1)", "t.txt holds no tests; expected a Python file with asserts"),
        ("t.py", "x = 1", "t.py holds no tests; expected asserts at top level or test_ functions"),
        ("t.py", "", "t.py is empty; expected a Python file with asserts"),
        ("t.py", "assert f(1) ==", "t.py:1: not Python"),
        (
            "t.py",
            "assert 1 == 1",
            "the tests call no function but their own and builtins; say with --entry-point",
        ),
        ("t.py", "assert f(g(1)) == 1", "the tests call several functions (f, g); say with --entry-point"),
        ("t.json", "[]", "t.json holds no tests"),
        ("t.json", "{", "t.json, line 1: not JSON"),
        (
            "t.json",
            '[{"input": 1, "output": "1"}]',
            "t.json, entry 1, field 'input': expected text; found int 1",
        ),
        ("t.json", '[{"input": "1"}]', "t.json, entry 1, field 'output': expected a value; it is missing"),
    ],
)
def test_tests_that_cannot_be_used(tmp_path: Path, name: str, content: str, message: str) -> None:
    statement = write(tmp_path, "Write f.", "job.md")
    assert message in refusal(statement, write(tmp_path, content, name))


def test_pairs_for_a_program_do_not_go_with_an_entry_point(tmp_path: Path) -> None:
    tests = write(tmp_path, '[{"input": "1", "output": "1"}]', "t.json")
    assert "but a function (f) is to be written" in refusal(write(tmp_path, "Do.", "job.md"), tests, "f")


def test_pairs_for_a_program_do_not_go_with_a_stub(tmp_path: Path) -> None:
    tests = write(tmp_path, '[{"input": "1", "output": "1"}]', "t.json")
    message = refusal(write(tmp_path, STUB, "job.py"), tests)
    assert "t.json holds input/output pairs for a whole program" in message
