"""The bundled problems are what they promise, and their files are read strictly."""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from importlib.resources import files

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from codegrove.errors import TaskError
from codegrove.problem import Problem
from codegrove.problems.bundled import LEVELS, all_bundled, bundled_ids, load_bundled, parse_bundled
from codegrove.task import CallTest, Origin, StdioTest, Test

ALL = all_bundled()
each_problem = pytest.mark.parametrize("problem", ALL, ids=lambda problem: problem.id)
Check = Callable[[Test], bool]


def tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def function_check(program: str, entry_point: str) -> Check:
    """Return a judge of call tests. The programs are our own, so they may run in this process."""
    names: dict[str, object] = {"__name__": "candidate"}
    exec(compile(program, "candidate", "exec"), names)
    function = names[entry_point]
    assert callable(function)

    def passes(test: Test) -> bool:
        assert isinstance(test, CallTest)
        arguments, expected = ast.literal_eval(test.args), ast.literal_eval(test.expected)
        try:
            value = function(*arguments)
        except Exception:  # noqa: BLE001 - a wrong program may raise anything; that is a failed test
            return False
        return type(value) is type(expected) and bool(value == expected)

    return passes


def stdio_check(program: str, monkeypatch: pytest.MonkeyPatch) -> Check:
    code = compile(program, "candidate", "exec")

    def passes(test: Test) -> bool:
        assert isinstance(test, StdioTest)
        output = io.StringIO()
        monkeypatch.setattr("sys.stdin", io.StringIO(test.stdin))
        try:
            with contextlib.redirect_stdout(output):
                exec(code, {"__name__": "__main__"})
        except Exception:  # noqa: BLE001 - a wrong program may raise anything; that is a failed test
            return False
        return tidy(output.getvalue()) == tidy(test.expected)

    return passes


def check_of(problem: Problem, program: str, monkeypatch: pytest.MonkeyPatch) -> Check:
    if problem.task.entry_point:
        return function_check(program, problem.task.entry_point)
    return stdio_check(program, monkeypatch)


def given_to(test: Test) -> str:
    match test:
        case CallTest(args=args):
            return args
        case StdioTest(stdin=stdin):
            return stdin
        case _:
            raise AssertionError(f"bundled problems have no tests of kind {test.kind}")


def wanted_by(test: Test) -> str:
    assert isinstance(test, CallTest | StdioTest)
    return test.expected


# --- the set as a whole


def test_there_are_enough_problems_of_every_level_and_kind() -> None:
    levels = Counter(problem.level for problem in ALL)
    kinds = Counter(problem.task.kind for problem in ALL)
    assert len(ALL) >= 44
    assert set(levels) == set(LEVELS)
    assert min(levels.values()) >= 12
    assert kinds["function"] >= 28 and kinds["stdio"] >= 14
    for level in LEVELS:
        assert {problem.task.kind for problem in ALL if problem.level == level} == {"function", "stdio"}


def test_at_least_half_have_a_wrong_algorithm_and_some_hide_from_the_visible_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hiding = [
        problem.id
        for problem in ALL
        for program in problem.wrong
        if all(map(check_of(problem, program, monkeypatch), problem.task.tests))
    ]
    assert sum(bool(problem.wrong) for problem in ALL) * 2 >= len(ALL)
    assert len(set(hiding)) >= 22


def test_ids_are_the_names_of_the_files_and_sorted() -> None:
    names = [entry.name for entry in (files("codegrove.problems") / "bundled").iterdir()]
    assert bundled_ids() == sorted(name.removesuffix(".md") for name in names)
    assert [problem.id for problem in ALL] == bundled_ids()
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", problem_id) for problem_id in bundled_ids())


def test_entry_points_are_different() -> None:
    points = [problem.task.entry_point for problem in ALL if problem.task.entry_point]
    assert len(set(points)) == len(points)


def test_the_levels_part_the_ids() -> None:
    parts = [problem_id for level in LEVELS for problem_id in bundled_ids(level)]
    assert sorted(parts) == bundled_ids()
    assert all(load_bundled(problem_id).level == "hard" for problem_id in bundled_ids("hard"))


def test_a_problem_is_read_once_and_the_lists_belong_to_the_caller() -> None:
    assert load_bundled(bundled_ids()[0]) is all_bundled()[0]
    all_bundled().clear()
    bundled_ids().clear()
    assert len(all_bundled()) == len(bundled_ids()) == len(ALL)


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(TaskError, match="'merge-shift'; did you mean 'merge-shifts'"):
        load_bundled("merge-shift")
    with pytest.raises(TaskError, match="'esay'; did you mean 'easy'"):
        bundled_ids("esay")
    with pytest.raises(TaskError, match="no bundled problem is called '../bundled/merge-shifts'"):
        load_bundled("../bundled/merge-shifts")


# --- every single problem


@each_problem
def test_tests_are_many_and_different(problem: Problem) -> None:
    visible, hidden = problem.task.tests, problem.hidden
    assert len(visible) >= 3
    assert len(hidden) >= 20
    assert {test.origin for test in visible} == {Origin.VISIBLE}
    assert {test.origin for test in hidden} == {Origin.HIDDEN}
    assert len({given_to(test) for test in visible + hidden}) == len(visible) + len(hidden)
    # A test set with one answer throughout would be passed by a program that computes nothing.
    assert len(set(map(wanted_by, hidden))) >= 4


@each_problem
def test_the_reference_passes_every_test(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = check_of(problem, problem.reference, monkeypatch)
    failed = [given_to(test) for test in problem.task.tests + problem.hidden if not passes(test)]
    assert failed == []


@each_problem
def test_wrong_programs_fail_hidden_tests_but_are_plausible(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in problem.wrong:
        passes = check_of(problem, program, monkeypatch)
        passed = sum(map(passes, problem.hidden))
        assert 0 < passed < len(problem.hidden), program


@each_problem
def test_references_leave_their_arguments_alone(problem: Problem) -> None:
    if problem.task.entry_point is None:
        return
    names: dict[str, object] = {}
    exec(compile(problem.reference, "reference", "exec"), names)
    function = names[problem.task.entry_point]
    assert callable(function)
    for test in problem.hidden:
        assert isinstance(test, CallTest)
        arguments = ast.literal_eval(test.args)
        before = copy.deepcopy(arguments)
        function(*arguments)
        assert arguments == before


@each_problem
def test_the_statement_says_what_to_write(problem: Problem) -> None:
    task = problem.task
    if task.entry_point is None:
        assert task.stub == ""
        assert "standard input" in task.statement.lower()
        assert "print" in task.statement.lower()
        return
    (stub,) = [node for node in ast.parse(task.stub).body if isinstance(node, ast.FunctionDef)]
    assert stub.returns is not None
    signature = f"{stub.name}({ast.unparse(stub.args)}) -> {ast.unparse(stub.returns)}"
    assert f"`{signature}`" in task.statement
    assert all(argument.annotation for argument in stub.args.args)
    assert ast.get_docstring(stub)
    assert len(stub.body) == 1
    reference = {n.name: n for n in ast.parse(problem.reference).body if isinstance(n, ast.FunctionDef)}
    assert [a.arg for a in reference[stub.name].args.args] == [a.arg for a in stub.args.args]


@each_problem
def test_files_are_easy_to_read(problem: Problem) -> None:
    text = (files("codegrove.problems") / "bundled" / f"{problem.id}.md").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 1500
    assert max(map(len, problem.task.statement.splitlines())) <= 110
    for program in (problem.reference, *problem.wrong):
        assert max(map(len, program.splitlines())) <= 110
    assert 5 <= len([line for line in problem.reference.splitlines() if line.strip()]) <= 60


# --- the form of a file

FUNCTION_FILE = """---
level: easy
kind: function
entry_point: double
---

## Statement

Write `double(n: int) -> int`.

```
## this line stands in a fence
```

## Stub

```python
def double(n: int) -> int:
    \"\"\"Return twice n.\"\"\"
```

## Reference

```python
def double(n):
    return n + n
```

## Wrong

### It squares

```python
def double(n):
    return n * n
```

### It adds two

```python
def double(n):
    return n + 2
```

## Visible tests

```python
double(2) == 4
```

## Hidden tests

```python
double(-1) == -2

double(0) == 0
```
"""

STDIO_FILE = """---
level: hard
kind: stdio
---

## Statement

Print the input.

## Reference

```python
print(input())
```

## Visible tests

```jsonl
["a\\n", "a\\n"]
```

## Hidden tests

```jsonl
["b\\n", "b\\n"]
```
"""


def test_a_function_file_is_read_as_it_stands() -> None:
    problem = parse_bundled(FUNCTION_FILE, "double")
    assert problem.id == "double"
    assert (problem.level, problem.source, problem.task.kind) == ("easy", "bundled", "function")
    assert problem.task.statement.startswith("Write `double(n: int) -> int`.\n\n```\n## this line")
    assert problem.task.stub == 'def double(n: int) -> int:\n    """Return twice n."""\n'
    assert problem.reference == "def double(n):\n    return n + n\n"
    assert problem.wrong == ("def double(n):\n    return n * n\n", "def double(n):\n    return n + 2\n")
    assert problem.task.tests == (CallTest(args="(2,)", expected="4"),)
    assert (
        "\n".join(test.describe(problem.task.entry_point) for test in problem.task.tests) == "double(2) == 4"
    )
    assert problem.hidden == (
        CallTest(args="(-1,)", expected="-2", origin=Origin.HIDDEN),
        CallTest(args="(0,)", expected="0", origin=Origin.HIDDEN),
    )


def test_a_stdio_file_needs_no_stub_and_no_wrong_program() -> None:
    problem = parse_bundled(STDIO_FILE, "echo")
    assert (problem.task.kind, problem.task.stub, problem.wrong) == ("stdio", "", ())
    assert problem.hidden == (StdioTest(stdin="b\n", expected="b\n", origin=Origin.HIDDEN),)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("---\nlevel", "level", "section 'front matter', line 1: expected '---'"),
        ("easy", "simple", "line 2: 'level' must be one of easy, medium, hard; found 'simple'"),
        ("level: easy\n", "", "'level' must be one of easy, medium, hard; it is missing"),
        ("level: easy\n", "level: easy\nlevel: easy\n", "line 3: the key 'level' stands here twice"),
        ("level:", "levle:", "line 2: unknown key 'levle'; did you mean 'level'"),
        ("level: easy", "level easy", "line 2: expected 'key: value', found 'level easy'"),
        ("entry_point: double\n", "", "'entry_point' must name the function"),
        ("function\nentry_point", "stdio\nentry_point", "a stdio problem has no 'entry_point'"),
        ("## Statement", "Hello\n## Statement", "expected '## Statement' after the front matter"),
        ("## Stub", "## Stubb", "unknown section 'Stubb'; did you mean 'Stub'"),
        (
            "## Stub",
            "## Reference",
            "section 'Reference', line 22: the section 'Reference' stands here twice",
        ),
        ("## Wrong", "## Hidden tests", "the section 'Hidden tests' stands here twice"),
        ("    return n + n", "    return n +", "section 'Reference', line 26: the program does not parse"),
        ("def double(n: int)", "def twice(n: int)", "section 'Stub', line 18: the program does not define"),
        ("### It squares\n", "", "section 'Wrong', line 29: expected a '###' heading"),
        ("### It squares\n", "### It squares\nSomehow.\n", "after '### It squares', found 'Somehow.'"),
        ("double(2) == 4", "double(2) = 4", "section 'Visible tests', line 48: expected 'double(arguments)"),
        ("double(2) == 4", "double(n) == 4", "arguments and value must be literals"),
        ("double(2) == 4", "double({[]}) == 4", "arguments and value must be literals"),
        ("double(2) == 4", "twice(2) == 4", "found 'twice(2) == 4'"),
        ("double(2) == 4", "double(n=2) == 4", "found 'double(n=2) == 4'"),
        ("double(2) == 4", "double(2) < 9", "found 'double(2) < 9'"),
        ("double(2) == 4", "", "section 'Visible tests', line 45: expected at least one test"),
        ("double(0)", "double(2)", "section 'Hidden tests', line 56: the same input stands in line 48"),
        ("double(0) == 0\n```", "double(0) == 0", "a fenced block is not closed"),
        ("```python\ndouble(2) == 4\n```", "double(2) == 4", "section 'Visible tests'"),
    ],
)
def test_a_malformed_function_file_is_an_error_with_its_place(old: str, new: str, message: str) -> None:
    assert old in FUNCTION_FILE
    with pytest.raises(TaskError) as caught:
        parse_bundled(FUNCTION_FILE.replace(old, new, 1), "double")
    assert str(caught.value).startswith("bundled/double.md, section ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["a\\n", "a\\n"]', '["a\\n"]', "line 19: expected [input, expected output], two strings"),
        ('["a\\n", "a\\n"]', "[1, 2]", "line 19: expected [input, expected output], two strings"),
        ('["a\\n", "a\\n"]', "echo", "section 'Visible tests', line 19: the test is not JSON"),
        ("## Reference", "## Stub", "unknown section 'Stub'"),
        ("Print the input.", "", "section 'Statement', line 6: the section is empty"),
        ("print(input())\n", "", "section 'Reference', line 10: the program is empty"),
        ("print(input())\n", "print(input())\n```\n\n```python\n", "expected one fenced block and no text"),
        ("## Visible tests", "## Visible test", "unknown section 'Visible test'"),
        ("## Reference", "## Wrong", "section 'Reference', line 27: the section is missing"),
    ],
)
def test_a_malformed_stdio_file_is_an_error_with_its_place(old: str, new: str, message: str) -> None:
    assert old in STDIO_FILE
    with pytest.raises(TaskError) as caught:
        parse_bundled(STDIO_FILE.replace(old, new, 1), "echo")
    assert message in str(caught.value)


def test_sections_have_one_order() -> None:
    head, statement, reference, visible, hidden = STDIO_FILE.split("## ")
    swapped = "## ".join([head, statement, reference, hidden + "\n", visible])
    with pytest.raises(TaskError, match="must stand in this order: Statement, Reference, Visible tests"):
        parse_bundled(swapped, "echo")


@pytest.mark.parametrize("text", [FUNCTION_FILE, STDIO_FILE], ids=["function", "stdio"])
def test_a_file_with_a_line_missing_is_read_or_refused(text: str) -> None:
    lines = text.split("\n")
    refused = 0
    for missing in range(len(lines)):
        try:
            parse_bundled("\n".join(lines[:missing] + lines[missing + 1 :]), "cut")
        except TaskError:
            refused += 1
    assert refused >= 15


literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=6,
)


@settings(max_examples=60)
@given(arguments=st.lists(literals, min_size=1, max_size=3), expected=literals)
def test_literals_come_through_unchanged(arguments: list[object], expected: object) -> None:
    assume(
        len(arguments) > 1 or not isinstance(arguments[0], int)
    )  # single numbers stand in the file already
    line = f"double({', '.join(map(repr, arguments))}) == {expected!r}"
    problem = parse_bundled(FUNCTION_FILE.replace("double(-1) == -2", line), "double")
    test = problem.hidden[0]
    assert isinstance(test, CallTest)
    assert ast.literal_eval(test.args) == tuple(arguments)
    assert ast.literal_eval(test.expected) == expected
    assert test.describe("double") == line


@settings(max_examples=60)
@given(stdin=st.text(max_size=30).filter(lambda text: text != "a\n"), expected=st.text(max_size=30))
def test_stdio_texts_come_through_unchanged(stdin: str, expected: str) -> None:
    line = json.dumps([stdin, expected], ensure_ascii=False)
    problem = parse_bundled(STDIO_FILE.replace('["b\\n", "b\\n"]', line), "echo")
    assert problem.hidden == (StdioTest(stdin=stdin, expected=expected, origin=Origin.HIDDEN),)
