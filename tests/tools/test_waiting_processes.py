"""The next run waits, forked and locked, for its job: it is bound to the right limits, and survives accidents."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegrove.task import AssertTest, CallTest, StdioTest
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox import interpreter as interpreter_module
from codegrove.tools.sandbox.conversation import Conversation, Ready
from codegrove.tools.sandbox.examination import examine
from codegrove.tools.sandbox.interpreter import Interpreter
from codegrove.verdict import Verdict

pytestmark = pytest.mark.skipif(
    not examine("isolated", sys.executable).available, reason="needs namespaces of Linux"
)

LIMITS = Limits(wall_seconds=20, test_seconds=5, memory_mb=600, scratch_mb=8)
WRITES_3_MB = (
    "def f(x):\n    with open('a', 'wb') as file:\n        file.write(bytes(3 << 20))\n    return x\n"
)
STARTS_A_PROCESS = (
    "import os\ndef f(x):\n    pid = os.fork()\n    if not pid: os._exit(7)\n"
    "    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) - 7 + x\n"
)


@pytest.fixture
async def own() -> AsyncIterator[ProcessSandbox]:
    sandbox = ProcessSandbox(LIMITS, workers=1, level="isolated")
    yield sandbox
    await sandbox.aclose()


async def judge(sandbox: ProcessSandbox, program: str, limits: Limits = LIMITS) -> Verdict:
    call = CallTest(args="(1,)", expected="1")
    return await sandbox.judge(program, [call], entry_point="f", limits=limits)


async def waiting(sandbox: ProcessSandbox) -> tuple[Interpreter, list[int]]:
    """Return the interpreter, and the processes of the run that waits in it once there are any."""
    (interpreter,) = sandbox._pool._idle
    assert isinstance(interpreter, Interpreter)
    deadline = time.monotonic() + 10
    while True:
        (server,) = _children(interpreter._process.pid)
        found = _children(server)
        if len(found) == 2:
            return interpreter, found
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_the_one_that_waits_is_bound_to_the_limits_of_its_own_job(own: ProcessSandbox) -> None:
    small, free = replace(LIMITS, scratch_mb=1), replace(LIMITS, children=True)
    for limits, writes, forks in ((LIMITS, True, False), (small, False, False), (free, True, True)) * 2:
        assert (await judge(own, WRITES_3_MB, limits)).passed is writes
        assert (await judge(own, STARTS_A_PROCESS, limits)).passed is forks


async def test_standard_input_is_that_of_its_own_job(own: ProcessSandbox) -> None:
    echo = "print(open('/dev/stdin').read() + input())"
    for text in ("one", "two"):
        verdict = await own.judge(echo, [StdioTest(stdin=text, expected=text + text)])
        assert verdict.passed, verdict
        assert (await judge(own, "import sys\ndef f(x): return x + len(sys.stdin.read())")).passed


@pytest.mark.parametrize("who", [0, 1])
async def test_one_that_dies_while_it_waits_is_replaced(own: ProcessSandbox, who: int) -> None:
    for _ in range(3):
        assert (await judge(own, "def f(x): return x")).passed
        interpreter, processes = await waiting(own)
        os.kill(processes[who], signal.SIGKILL)
        deadline = time.monotonic() + 10
        while (await waiting(own))[1] == processes:
            assert time.monotonic() < deadline
    assert (await judge(own, "def f(x): return x")).passed
    assert own._pool._idle == [interpreter]


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the numbers of the runs that begin from now on, as they begin."""
    found: list[int] = []

    class Noted(Conversation):
        def __init__(self, ready: Ready, *rest: Any, **named: Any) -> None:
            found.append(ready.number)
            super().__init__(ready, *rest, **named)

    monkeypatch.setattr(interpreter_module, "Conversation", Noted)
    return found


async def test_the_number_of_a_run_does_not_tell_how_many_there_were(
    own: ProcessSandbox, numbers: list[int]
) -> None:
    for _ in range(15):
        assert (await judge(own, "def f(x): return x")).passed
    assert len(set(numbers)) == len(numbers)
    assert numbers != sorted(numbers)  # by chance they are, once in many million times


async def test_a_kill_that_comes_too_late_hits_nobody(own: ProcessSandbox, numbers: list[int]) -> None:
    for _ in range(20):
        assert (await judge(own, "def f(x): return x")).passed
        (interpreter,) = own._pool._idle
        assert isinstance(interpreter, Interpreter)
        interpreter.interrupt()  # nothing is going on
        interpreter._control.tell({"kill": numbers[-1]})
        interpreter._control.tell({"look": numbers[-1]})


async def test_cancelled_runs_do_not_harm_those_after_them(own: ProcessSandbox) -> None:
    for pause in (0.0, 0.001, 0.002, 0.004, 0.01, 0.05):
        task = asyncio.create_task(judge(own, "def f(x):\n    while True: pass"))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await judge(own, "def f(x): return x")).passed


async def test_a_job_may_be_larger_than_any_buffer(own: ProcessSandbox) -> None:
    padding = "#" * 3_000_000
    program = f"def f(x):\n    return x\n{padding}\n"
    assert (await judge(own, program, replace(LIMITS, wall_seconds=30))).passed


async def test_every_run_starts_from_the_same_state(own: ProcessSandbox) -> None:
    program = (
        "import os, random, sys, threading\n"
        "def f(x):\n"
        "    same_thread = threading.main_thread().native_id == threading.get_native_id()\n"
        "    free = os.open('a', os.O_RDWR | os.O_CREAT)\n"
        "    names = os.environ['HOME'], os.environ['TMPDIR'], os.getcwd(), sys.argv, os.getpid()\n"
        "    return repr((same_thread, free, random.random(), names, sys.stdout.seekable()))\n"
    )
    test = CallTest(args="(1,)", expected="0")
    seen = {(await own.judge(program, [test], entry_point="f")).results[0].output for _ in range(4)}
    assert len(seen) == 1
    assert "(True, 3," in next(iter(seen))


async def test_pairs_of_processes_wait_as_well(own: ProcessSandbox) -> None:
    test = AssertTest(code="pairs = iter([(1, 1), (2, 2)])\nfor a, b in pairs:\n    assert f(a) == b")
    for _ in range(3):
        verdict = await own.judge("def f(x): return x", [test], entry_point="f")
        assert verdict.passed
        assert not (await own.judge("def f(x): return 1", [test], entry_point="f")).passed


async def test_a_run_that_is_over_at_once_is_judged_by_all_it_wrote(own: ProcessSandbox) -> None:
    program = "def f(x):\n    print('out' * 5)\n    if x == 3: raise SystemExit(1)\n    return x"
    tests = [CallTest(args=f"({number},)", expected=str(number)) for number in range(6)]
    verdict = await own.judge(program, tests, entry_point="f")
    assert [result.passed for result in verdict.results] == [True, True, True, False, True, True]
    assert verdict.stdout.count("out") == 30
