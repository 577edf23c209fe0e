from __future__ import annotations

import textwrap
from typing import Any

import pytest

from codegrove.task import AssertTest, CallTest, StdioTest
from codegrove.tools.block_trace import KEPT, Recorder
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.showing import show

SUM_EVEN = """\
def sum_even(xs):
    total = 0
    for x in xs:
        if x % 2 == 1:
            total += x
    return total
"""


def record(program: str, call: str) -> Recorder:
    """Trace one call in this process."""
    program = textwrap.dedent(program)
    namespace: dict[str, Any] = {}
    exec(compile(program, "<program>", "exec"), namespace)
    recorder = Recorder(program, "<program>", show)
    recorder.start()
    try:
        eval(call, namespace)
    finally:
        recorder.stop()
    return recorder


def sources(recorder: Recorder) -> list[str]:
    return [" | ".join(line.strip() for line in b["source"].split("\n")) for b in recorder.blocks()]


def test_the_example_of_the_method_gives_seven_blocks() -> None:
    recorder = record(SUM_EVEN, "sum_even([1, 2, 4])")
    assert recorder.total == 7
    assert sources(recorder) == [
        "total = 0",
        "for x in xs:",
        "if x % 2 == 1:",
        "total += x",
        "for x in xs:",
        "if x % 2 == 1: | for x in xs:",
        "if x % 2 == 1: | for x in xs: | return total",
    ]
    first, header, _, addition, *_, last = recorder.blocks()
    assert first["before"] == [("xs", "[1, 2, 4]")]
    assert first["after"] == [("xs", "[1, 2, 4]"), ("total", "0")]
    assert dict(header["after"])["x"] == "1"
    assert (dict(addition["before"])["total"], dict(addition["after"])["total"]) == ("0", "1")
    assert last["after"][-1] == ("_ret", "1")
    assert (first["lines"], last["lines"]) == ([2, 2], [3, 6])


def test_thirty_items_give_sixty_two_blocks() -> None:
    recorder = record(SUM_EVEN, "sum_even(list(range(30)))")
    assert recorder.total == 62
    assert [block["index"] for block in recorder.blocks()] == list(range(62))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("def f():\n    a = 1\n    b = 2\n    return a + b", ["a = 1 | b = 2 | return a + b"]),
        (
            "def f():\n    a = 1\n    if a:\n        b = 2\n    else:\n        b = 3\n    return b",
            ["a = 1 | if a:", "b = 2", "return b"],
        ),
        (
            "def f():\n    a = 0\n    if a:\n        b = 2\n    else:\n        b = 3\n    return b",
            ["a = 0 | if a:", "b = 3", "return b"],
        ),
        (
            "def f():\n    n = 2\n    while n:\n        n -= 1\n        continue\n    return n",
            [
                "n = 2",
                "while n:",
                "n -= 1 | continue",
                "while n:",
                "n -= 1 | continue",
                "while n: | return n",
            ],
        ),
        (
            "def f():\n    try:\n        a = 1\n        b = a / 0\n    except ArithmeticError:\n        b = 0\n"
            "    return b",
            ["try: | a = 1 | b = a / 0", "except ArithmeticError:", "b = 0", "return b"],
        ),
        (
            "def f():\n    for i in range(3):\n        if i == 1:\n            break\n    return i",
            ["for i in range(3):", "if i == 1: | for i in range(3):", "if i == 1:", "break", "return i"],
        ),
        (
            "def f():\n    total = sum(\n        i * i\n        for i in range(5)\n    )\n"
            "    return [x for x in range(total)]",
            ["total = sum( | i * i | for i in range(5) | ) | return [x for x in range(total)]"],
        ),
        (
            "import contextlib\ndef f():\n    with contextlib.nullcontext():\n        a = 1\n    return a",
            ["with contextlib.nullcontext(): | a = 1 | with contextlib.nullcontext(): | return a"],
        ),
        (
            "def f():\n    match 3:\n        case 1:\n            a = 1\n        case 3:\n            a = 2\n"
            "    return a",
            ["match 3:", "case 1: | case 3:", "a = 2", "return a"],
        ),
    ],
)
def test_blocks_follow_the_branches(program: str, expected: list[str]) -> None:
    assert sources(record(program, "f()")) == expected


def test_functions_that_are_called_are_traced_in_order_of_entry() -> None:
    program = """\
    def g(n):
        return n + 1

    def f(n):
        m = g(n)
        return m
    """
    recorder = record(program, "f(1)")
    assert sources(recorder) == ["m = g(n) | return m", "return n + 1"]
    outer, inner = recorder.blocks()
    assert outer["after"] == [("n", "1"), ("m", "2"), ("_ret", "2")]
    assert inner["after"] == [("n", "1"), ("_ret", "2")]


def test_functions_and_classes_are_no_variables() -> None:
    program = """\
    def f():
        import math
        def g(): pass
        class A: pass
        a = A()
        return 1
    """
    blocks = record(program, "f()").blocks()
    assert blocks[0]["after"] == [("a", "<A object>"), ("_ret", "1")]


def test_an_exception_leaves_no_returned_value() -> None:
    program = """\
    def f(n):
        try:
            return g(n)
        except ValueError:
            return -1

    def g(n):
        raise ValueError
    """
    inner = record(program, "f(1)").blocks()[1]
    assert inner["after"] == [("n", "1")]


def test_first_and_last_blocks_are_kept_and_all_are_counted() -> None:
    recorder = record("def f(n):\n    for i in range(n):\n        i += 1\n    return n", "f(1000)")
    blocks = recorder.blocks()
    assert recorder.total == 2001
    assert [b["index"] for b in blocks] == [*range(KEPT), *range(2001 - KEPT, 2001)]
    assert blocks[-1]["after"][-1] == ("_ret", "1000")


def test_long_values_keep_both_ends() -> None:
    block = record("def f(s):\n    return s", "f('a' * 300 + 'b' * 300)").blocks()[0]
    text = block["before"][0][1]
    assert len(text) < 450
    assert text[:60] == "'" + "a" * 59
    assert text[-60:] == "b" * 59 + "'"


async def test_the_sandbox_traces_a_call(sandbox: ProcessSandbox) -> None:
    trace = await sandbox.trace(SUM_EVEN, CallTest(args="([1, 2, 4],)", expected="6"), entry_point="sum_even")
    assert (trace.total, len(trace.blocks), trace.error) == (7, 7, None)
    assert trace.blocks[3].source.strip() == "total += x"
    assert trace.blocks[6].after[-1] == ("_ret", "1")


async def test_a_failing_assertion_is_no_error_of_the_trace(sandbox: ProcessSandbox) -> None:
    test = AssertTest(code="def check(candidate):\n    assert candidate([1, 2, 4]) == 6\ncheck(sum_even)")
    trace = await sandbox.trace(SUM_EVEN, test, entry_point="sum_even")
    assert (trace.total, trace.error) == (7, None)


async def test_the_sandbox_traces_a_script(sandbox: ProcessSandbox) -> None:
    program = "n = int(input())\nif n > 1:\n    n = n * 2\nprint(n)\n"
    trace = await sandbox.trace(program, StdioTest(stdin="4\n", expected="8"))
    assert [block.source.strip() for block in trace.blocks] == [
        "n = int(input())\nif n > 1:",
        "n = n * 2",
        "print(n)",
    ]
    assert ("n", "8") in trace.blocks[1].after


async def test_exceptions_end_a_trace_with_the_line(sandbox: ProcessSandbox) -> None:
    program = "def f(n):\n    m = n - 1\n    return 1 / m\n"
    trace = await sandbox.trace(program, CallTest(args="(1,)", expected="1"), entry_point="f")
    assert trace.error is not None
    assert (trace.error.type, trace.error.line) == ("ZeroDivisionError", 3)
    assert trace.total == 1


async def test_an_assertion_inside_the_program_is_an_error(sandbox: ProcessSandbox) -> None:
    program = "def f(n):\n    assert n > 1\n    return n\n"
    trace = await sandbox.trace(program, AssertTest(code="assert f(1) == 1"), entry_point="f")
    assert trace.error is not None
    assert (trace.error.type, trace.error.line) == ("AssertionError", 2)


async def test_endless_loops_end_a_trace_with_what_was_recorded(sandbox: ProcessSandbox) -> None:
    program = "def f(n):\n    while n:\n        n += 1\n"
    limits = Limits(wall_seconds=5, test_seconds=0.2)
    trace = await sandbox.trace(program, CallTest(args="(1,)", expected="1"), entry_point="f", limits=limits)
    assert trace.error is not None
    assert trace.error.type == "TimeLimit"
    assert trace.error.line in (2, 3)
    assert trace.total > len(trace.blocks) == 2 * KEPT


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("def f(n:\n", "SyntaxError"),
        ("def g(n): pass\n", "MissingEntryPoint"),
        ("1 / 0\n", "ZeroDivisionError"),
    ],
)
async def test_programs_that_cannot_be_loaded_have_no_trace(
    sandbox: ProcessSandbox, program: str, error: str
) -> None:
    trace = await sandbox.trace(program, CallTest(args="(1,)", expected="1"), entry_point="f")
    assert trace.error is not None
    assert (trace.error.type, trace.blocks, trace.total) == (error, (), 0)
