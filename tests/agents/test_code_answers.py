"""Which program an answer means, and what is added to make it whole."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.agents.answers import Question, read_answer
from codegrove.errors import UnreadableAnswer
from codegrove.task import Task

STUB = """\
from typing import List
import math

SCALE = 2

def helper(x):
    return x * SCALE


def f(x: List[int]) -> int:
    '''Doc.'''
"""
PLAIN = Task(id="t", statement="Write f.", entry_point="f")
WITH_STUB = Task(id="t", statement="Write f.", entry_point="f", stub=STUB)
STDIO = Task(id="s", statement="Add two numbers.")
F = "def f(x):\n    return x\n"


def read(answer: str, task: Task = PLAIN, *, truncated: bool = False) -> str:
    """The program that is found."""
    program = read_answer("code", answer, Question(task=task, truncated=truncated)).program
    assert program is not None
    return program


def run(program: str) -> dict[str, object]:
    """Execute a program of these tests (never a model's)."""
    names: dict[str, object] = {}
    exec(program, names)
    return names


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{F}```",
        f"Words.\n\n```python\n{F}```\nMore words.",
        f"```\n{F}```",
        f"~~~py\n{F}~~~",
        f"````python\n{F}````",
        f"```Python3 title=x\n{F}```",
        f"```{{.python}}\n{F}```",
        f"1. The program:\n\n{textwrap.indent(f'```python{chr(10)}{F}```', '   ')}\n\n2. It works.",
        "> ```python\n> def f(x):\n>     return x\n> ```",
        f"```python\n{F}",
        f"```python\n{F}```\n\nExample:\n\n```python\nprint(f(1))\n```",
        f"```python\n{F}```\n\n```text\n3\n```",
        f"```python\ndef f(x):\n    return 0\n```\nBetter:\n```python\n{F}```",
        F,
        f"Here is the program:\n\n{F}",
        f"```python\n{textwrap.indent(F, '    ')}```",
        f"\r\n```python\r\n{F}```".replace("\n", "\r\n"),
    ],
)
def test_the_program_is_found(answer: str) -> None:
    assert read(answer).replace("\r\n", "\n").strip() == F.strip()


def test_a_longer_fence_may_hold_a_shorter_one() -> None:
    program = 'def f(x):\n    """\n```\nexample\n```\n    """\n    return x\n'
    assert read(f"````python\n{program}````") == program


def test_a_block_that_defines_the_entry_point_wins_over_a_later_labelled_one() -> None:
    assert "return x" in read(f"```\n{F}```\n```python\nassert f(1) == 1\n```")


def test_a_block_that_does_not_parse_is_used_when_there_is_nothing_better() -> None:
    assert read("```\nnotes\n```\n```python\ndef f(x:\n```") == "def f(x:\n"
    assert read("```\ndef f(x:\n```") == "def f(x:\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "the answer is empty"),
        ("  \n", "the answer is empty"),
        ("Sorry, I cannot do that.", "no fenced block"),
        ("Sorry", "no fenced block"),
        ("    Sorry", "no fenced block"),
        ("x = 1", "no fenced block"),
        ('```json\n{"a": 1}\n```', "only blocks labelled 'json'"),
        ("```python\n```", "no fenced block"),
    ],
)
def test_an_answer_without_a_program_is_unreadable(answer: str, reason: str) -> None:
    with pytest.raises(UnreadableAnswer, match=reason):
        read(answer)
    with pytest.raises(UnreadableAnswer, match=reason):
        read(answer, WITH_STUB)


def test_an_answer_that_is_cut_off_inside_the_program_is_unreadable() -> None:
    for text in (
        "```python\ndef f(x):\n    return (x +",
        "```python\nimport math\n",
        "def f(x):\n    return (",
    ):
        with pytest.raises(UnreadableAnswer, match="cut off at the token limit"):
            read(text, truncated=True)
    assert read(f"```python\n{F}```\nThis program wor", truncated=True) == F


def test_a_stdin_program_is_not_mistaken_for_its_sample_data() -> None:
    program = "a, b = map(int, input().split())\nprint(a + b)\n"
    answer = f"Input:\n```\n3\n```\nProgram:\n```python\n{program}```\nOutput:\n```\n7\n```"
    assert read(answer, STDIO) == program
    assert read(f"```\n{program}```\n```\n7\n```", STDIO) == program
    assert read(program, STDIO) == program


ADD = "def add(a, b):\n    return a + b\n\nprint(add(*map(int, input().split())))\n"


@pytest.mark.parametrize(
    "snippet",
    [
        "print(add(1, 2))",
        "import subprocess\nsubprocess.run(['python', 'sol.py'], input='1 2', text=True)",
        "import io, sys\nsys.stdin = io.StringIO('1 2')\nprint(add(1, 2))",
        "assert add(1, 2) == 3",
        "import sys\nbefore = sys.stdin\nadd(1, 2)",
    ],
)
@pytest.mark.parametrize("label", ["python", ""])
def test_an_example_after_a_stdin_program_is_not_taken_for_it(snippet: str, label: str) -> None:
    assert read(f"```{label}\n{ADD}```\nTry it:\n```python\n{snippet}\n```", STDIO) == ADD
    assert read(f"```python\n{snippet}\n```\nNow all of it:\n```{label}\n{ADD}```", STDIO) == ADD


@pytest.mark.parametrize(
    "program",
    [
        "import sys\nprint(sum(map(int, sys.stdin.read().split())))\n",
        "from sys import stdin\nprint(sum(map(int, stdin.readline().split())))\n",
        "print(sum(map(int, open(0).read().split())))\n",
        "import os\nprint(sum(map(int, os.read(0, 100).split())))\n",
        "print(sum(map(int, open('/dev/stdin').read().split())))\n",
        "import sys\nread = sys.stdin.buffer.readline\nprint(sum(map(int, read().split())))\n",
        "import fileinput\nfor line in fileinput.input():\n    print(sum(map(int, line.split())))\n",
    ],
)
def test_what_reads_its_input_is_the_program(program: str) -> None:
    assert read(f"```python\n{program}```\n```python\nprint(3)\n```", STDIO) == program


def test_the_last_of_several_stdin_programs_is_taken() -> None:
    better = ADD.replace("a + b", "b + a")
    assert read(f"```python\n{ADD}```\nBetter:\n```python\n{better}```", STDIO) == better
    silent = "print(42)\n"
    assert read(f"```python\nprint(41)\n```\n```python\n{silent}```", STDIO) == silent


@pytest.mark.parametrize(
    "body", ["    y = sum(x)\n    return y", "y = sum(x)\nreturn y", "\n    y = sum(x)\n\n    return y\n"]
)
def test_a_bare_body_is_put_under_the_stub(body: str) -> None:
    program = read(f"```python\n{body}\n```", WITH_STUB)
    assert run(program)["f"]([1, 2, 3]) == 6  # type: ignore[operator]


@pytest.mark.parametrize("placeholder", ["    pass", "    ...", "    raise NotImplementedError('todo')"])
def test_what_holds_the_place_of_the_body_is_replaced(placeholder: str) -> None:
    task = Task(id="t", statement="s", entry_point="f", stub=f"def f(x):\n{placeholder}\n")
    program = read("```python\n    return x + 1\n```", task)
    assert run(program)["f"](1) == 2  # type: ignore[operator]


def test_imports_and_helpers_of_the_stub_are_added_when_they_are_missing() -> None:
    program = read("```python\ndef f(x: List[int]) -> int:\n    return helper(len(x))\n```", WITH_STUB)
    assert run(program)["f"]([1, 2]) == 4  # type: ignore[operator]
    assert "import math" not in program


def test_nothing_is_added_that_the_program_has_or_does_not_use() -> None:
    own = "from typing import List\n\ndef helper(x):\n    return 0\n\ndef f(x: List[int]):\n    return helper(x)\n"
    assert read(f"```python\n{own}```", WITH_STUB) == own
    assert read(f"```python\n{F}```", WITH_STUB) == F


def test_a_star_import_is_added_for_unknown_names_and_future_imports_stay_first() -> None:
    task = Task(
        id="t",
        statement="s",
        entry_point="f",
        stub="from math import *\n\n@staticmethod\ndef f(x):\n    pass\n",
    )
    program = read(
        "```python\nfrom __future__ import annotations\n\ndef f(x):\n    return floor(x)\n```", task
    )
    assert run(program)["f"](1.5) == 1  # type: ignore[operator]
    assert program.startswith("from __future__ import annotations\nfrom math import *\n")


names = st.sampled_from(["a", "b", "c", "f"])


@given(
    st.lists(st.tuples(st.sampled_from(["python", "py", "", "text", "json"]), names), min_size=1, max_size=5)
)
def test_the_last_block_that_defines_the_entry_point_is_taken(blocks: list[tuple[str, str]]) -> None:
    programs = [f"def {name}():\n    return {number}\n" for number, (_, name) in enumerate(blocks)]
    answer = "\n".join(f"```{label}\n{p}```" for (label, _), p in zip(blocks, programs, strict=True))
    wanted = [number for number, (_, name) in enumerate(blocks) if name == "f"]
    if wanted:
        assert read(answer) == programs[wanted[-1]]


@given(st.text(alphabet="ab1. \n>-", max_size=120))
def test_a_program_survives_any_words_around_its_fence(words: str) -> None:
    assert ast.parse(read(f"{words}\n\n```python\n{F}```\n\n{words}"))
