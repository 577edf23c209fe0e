from __future__ import annotations

import ast
import os
import sys
import textwrap
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegrove.tools.line_counts import compile_counting, executable_lines
from codegrove.tools.sandbox.counts import Counts, attach


class Counters(dict[int, int]):
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __missing__(self, line: int) -> int:
        return 0


def count(program: str, namespace: dict[str, Any] | None = None) -> Counters:
    counters = Counters()
    exec(compile_counting(program, "<program>", counters), {} if namespace is None else namespace)
    return counters


PROGRAM = '''\
"""Doc."""
from __future__ import annotations
import enum


class Kind(enum.Enum):
    """Doc."""

    A = 1


def f(n):
    """Doc."""
    global G
    total = 0
    for i in range(n):
        if i % 2: total += i
        elif i > 5:
            total -= 1
        else:
            pass
    try:
        raise ValueError
    except KeyError:
        total = 1
    except ValueError:
        G = (
            1,
            2,
        )
    finally:
        total += 1
    match n:
        case 3:
            total
        case _: total += 1
    with memoryview(b""):
        pass
    while n:
        n -= 1
    else:
        n = 7
    return total


f(10)
'''


def test_lines_are_counted_when_their_statements_begin() -> None:
    executable = executable_lines(ast.parse(PROGRAM))
    assert executable == (
        *(3, 6, 9, 12, 15, 16, 17, 18, 19, 21, 22, 23, 25, 27, 32, 33, 35, 36, 37, 38, 39, 40, 42, 43, 46),
    )
    counters = count(PROGRAM)
    assert set(executable) - set(counters) == {25, 35}
    assert counters[17] == 15  # ten conditions and five additions begin on this line
    assert (counters[18], counters[19], counters[21], counters[40], counters[27]) == (5, 2, 3, 10, 1)


def test_the_program_is_otherwise_itself() -> None:
    namespace: dict[str, Any] = {}
    count(PROGRAM + "\nvalue = f(3)\n", namespace)
    plain: dict[str, Any] = {}
    exec(compile(PROGRAM + "\nvalue = f(3)\n", "<program>", "exec", dont_inherit=True), plain)
    assert namespace["value"] == plain["value"]
    assert (namespace["__doc__"], namespace["f"].__doc__) == ("Doc.", "Doc.")
    assert namespace.keys() == plain.keys()
    assert namespace["f"].__code__.co_varnames == plain["f"].__code__.co_varnames
    hash(namespace["f"].__code__)


def test_line_numbers_stay() -> None:
    namespace: dict[str, Any] = {}
    count("def f(x):\n    y = 1\n    return (y /\n            x)\n", namespace)
    with pytest.raises(ZeroDivisionError) as caught:
        namespace["f"](0)
    assert [entry.lineno + 1 for entry in caught.traceback][-1] == 3


def test_recursion_goes_as_deep() -> None:
    namespace: dict[str, Any] = {}
    count("def f(n):\n    if n == 0:\n        return 0\n    return 1 + f(n - 1)\n", namespace)
    depth = sys.getrecursionlimit() - 200
    here, frame = 0, sys._getframe()
    walk: FrameType | None = frame
    while walk is not None:
        here, walk = here + 1, walk.f_back
    assert namespace["f"](depth - here) == depth - here


@pytest.mark.parametrize(
    "program",
    [
        "",
        "x = 1; y = 2",
        "class A: x = 1",
        "async def f():\n    async with a:\n        async for x in y: await x\n",
        "def f():\n    'only a documentation string'\n",
        "if 1:\n    if 0: pass\n    else:\n        try: pass\n        except* ValueError: pass\n",
        "x: int\n@property\ndef f(self): yield\n",
        "lambda: (yield)\n",
        "\f\nx = '''\n\n'''\ny = 1\r\nz = 2\n",
        "'counts'\ndel __name__\n",
    ],
)
def test_every_form_of_statement_compiles(program: str) -> None:
    code = compile_counting(program, "<program>", Counters())
    assert isinstance(code, CodeType)
    lines = executable_lines(ast.parse(program))
    assert list(lines) == sorted(set(lines))


@pytest.mark.parametrize("program", ["x = = 1", "return", "x = 1\0", "(" * 500])
def test_what_is_no_program_is_refused(program: str) -> None:
    with pytest.raises((SyntaxError, ValueError, MemoryError, RecursionError)):
        compile_counting(program, "<program>", Counters())


def test_our_own_sources_compile_and_have_their_lines() -> None:
    for path in sorted((Path(__file__).parents[2] / "tools").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert isinstance(compile_counting(text, "<program>", Counters()), CodeType)
        assert len(executable_lines(ast.parse(text))) <= text.count("\n")


def indented(statements: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(statements, min_size=1, max_size=3).map(
        lambda lines: textwrap.indent("\n".join(lines), "    ")
    )


STATEMENTS = st.recursive(
    st.sampled_from(["t += 1", "pass", "'text'", "u = t; t -= u"]),
    lambda inner: st.one_of(
        st.builds("if t % 2:\n{0}\nelse:\n{1}".format, indented(inner), indented(inner)),
        st.builds("for i in range(3):\n{0}".format, indented(inner)),
        st.builds(
            "try:\n{0}\n    raise KeyError\nexcept KeyError:\n{1}".format, indented(inner), indented(inner)
        ),
    ),
    max_leaves=8,
)


def traced(program: str) -> set[int]:
    seen: set[int] = set()

    def note(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename == "<traced>" and event == "line":
            seen.add(frame.f_lineno)
        return note

    code = compile(program, "<traced>", "exec", dont_inherit=True)
    before = sys.gettrace()
    sys.settrace(note)
    try:
        exec(code, {"t": 0})
    finally:
        sys.settrace(before)
    return seen


@given(program=st.lists(STATEMENTS, min_size=1, max_size=4).map("\n".join))
@settings(max_examples=40)
def test_the_lines_are_those_that_a_tracer_sees(program: str) -> None:
    counters = count(program, {"t": 0})
    executable = set(executable_lines(ast.parse(program)))
    assert set(counters) <= executable
    assert set(counters) == traced(program) & executable


def test_counters_in_shared_memory_can_be_constants() -> None:
    with Counts(3) as counts:
        descriptor = counts.begin()
        code = compile_counting("x = 1\nfor x in 'abc':\n    x\n", "<program>", attach(descriptor, 3))
        exec(code, {})
        os.close(descriptor)
        assert counts.read(range(4)) == {1: 1, 2: 1, 3: 3}
    hash(code)
