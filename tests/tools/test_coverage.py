"""Coverage of tests, whatever the program does about it."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox import Coverage, CoverageSandbox, Limits, ProcessSandbox, TestCoverage
from codegrove.tools.sandbox.counts import Counts
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.verdict import Status, TestResult

QUICK = Limits(test_seconds=0.4, wall_seconds=5)

PROGRAM = """\
def sign(x):
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0
"""


def call(x: int, expected: str) -> CallTest:
    return CallTest(args=f"({x},)", expected=expected)


async def test_every_test_has_its_lines_and_its_result(sandbox: ProcessSandbox) -> None:
    tests = [call(5, "1"), call(-5, "1")]
    coverage = await sandbox.coverage(PROGRAM, tests, entry_point="sign")
    assert coverage.executable == (1, 2, 3, 4, 5, 6)
    assert [test.result.status for test in coverage.tests] == [Status.PASSED, Status.FAILED]
    assert [dict(test.hits) for test in coverage.tests] == [{1: 1, 2: 1, 3: 1}, {1: 1, 2: 1, 4: 1, 5: 1}]
    assert coverage.hits == {1: 2, 2: 2, 3: 1, 4: 1, 5: 1}
    assert (coverage.executed, coverage.missed) == ((1, 2, 3, 4, 5), (6,))
    assert coverage.ratio == pytest.approx(5 / 6)
    assert coverage.error is None


KINDS: dict[str, Test] = {
    "assert": AssertTest(code="assert sign(0) == 0"),
    "split": AssertTest(code="for x in (0,):\n    assert sign(x) == 0"),
    "together": AssertTest(code="import inspect\ninspect.getsource(sign)\nassert sign(0) == 0"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_all_kinds_of_tests_are_counted_once(sandbox: ProcessSandbox, kind: str) -> None:
    coverage = await sandbox.coverage(PROGRAM, [KINDS[kind]], entry_point="sign")
    assert coverage.tests[0].result.passed
    assert dict(coverage.tests[0].hits) == {1: 1, 2: 1, 4: 1, 6: 1}


async def test_programs_on_standard_input_are_counted(sandbox: ProcessSandbox) -> None:
    program = "n = int(input())\nfor i in range(n):\n    print(i)\nif n > 5:\n    print('many')\n"
    coverage = await sandbox.coverage(program, [StdioTest(stdin="2\n", expected="0\n1\n")])
    assert coverage.tests[0].result.passed
    assert (coverage.hits, coverage.missed) == ({1: 1, 2: 1, 3: 2, 4: 1}, (5,))


BODIES: dict[str, tuple[str, dict[int, int]]] = {
    "hard exit": ("import os\ndef f(x):\n    y = 1\n    os._exit(0)\n    y = 2", {3: 1, 4: 1}),
    "exit": ("import sys\ndef f(x):\n    sys.exit(0)\n    y = 2", {3: 1}),
    "crash": ("import ctypes\ndef f(x):\n    ctypes.string_at(0)\n    y = 2", {3: 1}),
    "kill": ("import os\ndef f(x):\n    os.kill(os.getpid(), 9)\n    y = 2", {3: 1}),
    "loop in C": ("def f(x):\n    y = 1\n    sum(range(10**12))\n    y = 2", {2: 1, 3: 1}),
    "exit at import": ("import os\nos._exit(0)\ndef f(x): pass", {1: 1, 2: 1}),
    "exception": ("def f(x):\n    y = 1 / 0\n    return y", {2: 1}),
    "no trace functions": (
        "import sys, threading\ndef f(x):\n    sys.settrace(None)\n    sys.settrace(lambda *a: None)\n"
        "    sys.setprofile(None)\n    threading.settrace(None)\n    return 2",
        {3: 1, 4: 1, 5: 1, 6: 1, 7: 1},
    ),
    "monitoring": (
        "import sys\ndef f(x):\n    m = getattr(sys, 'monitoring', None)\n    for t in range(6):\n"
        "        if m and m.get_tool(t): m.free_tool_id(t)\n    return 2",
        {3: 1, 4: 1, 5: 6, 6: 1},
    ),
    "threads": (
        "import threading\ndef g():\n    y = 1\n    return y\ndef f(x):\n"
        "    t = threading.Thread(target=g); t.start(); t.join()\n    return 2",
        {3: 1, 4: 1, 6: 3, 7: 1},
    ),
    "replaced built-ins": (
        "import builtins\ndef f(x):\n    for n in ('exec', 'compile', 'dict', 'len'): setattr(builtins, n, None)\n"
        "    return 2",
        {3: 5, 4: 1},
    ),
    "another name space": (
        "from types import FunctionType\ndef g():\n    return 2\ndef f(x):\n"
        "    return FunctionType(g.__code__, {})()",
        {3: 1, 5: 1},
    ),
}


@pytest.mark.slow
async def test_lines_are_there_whatever_way_a_program_ends(sandbox: ProcessSandbox) -> None:
    async def inner(name: str) -> dict[int, int]:
        program, expected = BODIES[name]
        coverage = await sandbox.coverage(program, [call(1, "2")], entry_point="f", limits=QUICK)
        return {line: count for line, count in coverage.hits.items() if line in expected}

    found = await asyncio.gather(*map(inner, BODIES))
    assert dict(zip(BODIES, found, strict=True)) == {name: lines for name, (_, lines) in BODIES.items()}


FORGED = """\
def f(x):
    counters = f.__code__.co_consts[1:]
    for c in counters:
        if type(c).__name__ == 'Counters':
            for i in range(len(c)): c[i] = 2**60
    return 2
def g():
    return 3
"""


async def test_a_program_can_falsify_only_its_own_counts(sandbox: ProcessSandbox) -> None:
    coverage = await sandbox.coverage(FORGED, [call(1, "2"), call(1, "2")], entry_point="f")
    assert coverage.executable == (1, 2, 3, 4, 5, 6, 7, 8)
    assert set(coverage.hits) == set(coverage.executable)
    assert [test.result.status for test in coverage.tests] == [Status.PASSED] * 2
    honest = await sandbox.coverage(PROGRAM, [call(5, "1")], entry_point="sign")
    assert honest.hits == {1: 1, 2: 1, 3: 1}


RESIZE = """\
import os
def f(x):
    done = []
    for fd in range(3, 30):
        for size in (0, 10**9):
            try:
                os.ftruncate(fd, size)
                done.append(size)
            except OSError: pass
    return done
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs files that keep their size")
async def test_the_place_of_the_counts_keeps_its_size(sandbox: ProcessSandbox) -> None:
    coverage = await sandbox.coverage(RESIZE, [call(1, "[]")], entry_point="f")
    assert coverage.tests[0].result.passed
    assert coverage.hits[7] == 54


@pytest.mark.parametrize(
    ("program", "kind"),
    [("def f(:\n", "SyntaxError"), ("x = 1\n" * 20_000, "TooLong"), ("\0", "SyntaxError")],
)
async def test_what_cannot_be_measured_says_why(program: str, kind: str) -> None:
    box = ProcessSandbox(workers=1)
    coverage = await box.coverage(program, [call(1, "1")], entry_point="f")
    assert (coverage.tests, coverage.error and coverage.error.type) == ((), kind)


async def test_a_sandbox_that_fails_is_no_fault_of_the_program() -> None:
    box = ProcessSandbox(workers=1)
    await box.aclose()
    coverage = await box.coverage(PROGRAM, [call(1, "1")], entry_point="sign")
    assert coverage.tests[0].result.status is Status.UNJUDGED


async def test_cancelling_ends_the_runs() -> None:
    box = ProcessSandbox(workers=1, level="basic")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await box.coverage("while True: pass", [call(1, "1")] * 3, entry_point="f")
    assert (await box.coverage(PROGRAM, [call(1, "1")], entry_point="sign")).tests[0].result.passed
    await box.aclose()


def test_nothing_executable_is_covered_and_no_tests_cover_nothing() -> None:
    assert Coverage().ratio == 1.0
    empty = Coverage(executable=(1, 2))
    assert (empty.ratio, empty.missed) == (0.0, (1, 2))
    full = TestCoverage(result=TestResult(status=Status.PASSED), hits={1: 1, 2: 3})
    assert Coverage(executable=(1, 2), tests=(full, full)).hits == {1: 2, 2: 6}


def test_a_sandbox_need_not_measure() -> None:
    assert isinstance(ProcessSandbox(workers=1), CoverageSandbox)
    assert not isinstance(ScriptedSandbox(lambda program, tests: 1.0), CoverageSandbox)


def test_counts_start_anew_for_every_process() -> None:
    with Counts(3) as counts:
        first = counts.begin()
        os.pwrite(first, (5).to_bytes(8, sys.byteorder), 16)
        os.close(first)
        assert counts.read((1, 2, 3)) == {2: 5}
        os.close(counts.begin())
        assert counts.read((1, 2, 3)) == {}
