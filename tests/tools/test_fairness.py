"""A program that runs out of time is believed if it had the processor; else it gets a second run, alone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.task import CallTest
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.assignment import Assignment, Interrupted
from codegrove.tools.sandbox.containment import Level
from codegrove.tools.sandbox.examination import examine
from codegrove.tools.sandbox.fairness import judge_fairly, starved
from codegrove.tools.sandbox.judgement import Judgement
from codegrove.tools.sandbox.rules import Rules, RunEnd
from codegrove.tools.sandbox.runs import Run
from codegrove.tools.sandbox.tally import Tally
from codegrove.tools.sandbox.turns import Turns
from codegrove.tools.sandbox.values import to_wire
from codegrove.verdict import Status

LIMITS = Limits(wall_seconds=20.0, test_seconds=1.0)
CALLS = [CallTest(args="(1,)", expected="1"), CallTest(args="(2,)", expected="2")]


def end(
    seconds: float, cpu: float, held_up: float | None, stopped: Any = "", exit_code: int | None = 0
) -> RunEnd:
    return RunEnd(
        stopped=stopped,
        started=True,
        exit_code=exit_code,
        cpu_seconds=cpu,
        memory_bytes=0,
        seconds=seconds,
        stdout=b"",
        stderr=b"",
        held_up=held_up,
    )


class Machine:
    """Runs nothing: each process answers the next of the scripted ways.

    A way is a list of answers, ``None`` for a test that runs out of time, and how the process ended.
    """

    def __init__(self, *ways: tuple[Sequence[object], RunEnd]) -> None:
        self.ways = list(ways)

    def __call__(
        self, job: dict[str, Any], stdin: bytes | None, rules: Rules, on_record: Callable[[bytes], bool]
    ) -> RunEnd:
        answers, how = self.ways.pop(0)

        def say(**fields: object) -> None:
            on_record(json.dumps({"token": job["token"], **fields}).encode())

        say(kind="prepared")
        say(kind="loaded")
        for test, answer in zip(job["tests"], answers, strict=False):
            if answer is None:
                error: dict[str, object] = {
                    "type": "TimeLimit",
                    "message": "",
                    "trace": [],
                    "test_line": None,
                }
                say(kind="result", index=test["index"], seconds=1.0, outcome="timed_out", error=error)
                return how
            say(kind="result", index=test["index"], seconds=0.1, outcome="value", value=to_wire(answer))
        say(kind="finished")
        return how

    def pair(self, candidate: Run, tests: Run, grace_seconds: float) -> tuple[RunEnd, RunEnd]:
        raise AssertionError("nothing here is split")

    def judge(self, turns: Turns | None = None) -> Any:
        work = Assignment(program="", tests=CALLS, entry_point="f", limits=LIMITS)
        return judge_fairly(lambda: Judgement(work, self), turns or Turns(1))


QUICK = end(0.1, 0.1, 0)
STARVED = end(1.1, 0.3, 0.7)
COMPUTED = end(1.1, 1.08, 0.02)
SLEPT = end(1.1, 0.02, 0.03)


def test_what_passes_alone_passes() -> None:
    machine = Machine(([1, None], STARVED), ([1, 2], QUICK))
    verdict, judgement = machine.judge()
    assert verdict.passed
    assert judgement.proven
    assert verdict.retried == (
        "timed out in test 1 while the machine was busy; a second run, alone, said something else"
    )
    assert (verdict.seconds, verdict.cpu_seconds) == (0.1, 0.1)


def test_what_fails_alone_fails() -> None:
    machine = Machine(([None], STARVED), ([2], QUICK), ([1, 3], QUICK))
    verdict, _ = machine.judge()
    assert [result.status for result in verdict.results] == [Status.PASSED, Status.FAILED]
    assert "timed out in test 0" in verdict.retried


def test_what_runs_out_of_time_twice_has_run_out_of_time() -> None:
    machine = Machine(([1, None], STARVED), ([1, None], STARVED))
    verdict, _ = machine.judge()
    assert verdict.status is Status.TIMED_OUT
    assert verdict.retried.endswith("a second run, alone, said the same")
    assert machine.ways == []


@pytest.mark.parametrize("how", [COMPUTED, SLEPT])
def test_who_had_the_processor_is_believed_at_once(how: RunEnd) -> None:
    verdict, _ = Machine(([1, None], how)).judge()
    assert (verdict.status, verdict.retried) == (Status.TIMED_OUT, "")


def test_without_a_time_out_nothing_is_repeated() -> None:
    verdict, _ = Machine(([1, 2], STARVED)).judge()
    assert verdict.passed


def test_a_limit_of_the_whole_run_is_doubted_as_well() -> None:
    machine = Machine(([1], end(20.0, 3.0, 15.0, "wall", -9)), ([1, 2], QUICK))
    verdict, _ = machine.judge()
    assert (verdict.passed, verdict.limit, bool(verdict.retried)) == (True, "", True)


def test_where_nobody_counts_every_lack_of_processor_time_is_doubtful() -> None:
    assert starved(1.0, 0.85, None, LIMITS)
    assert not starved(1.0, 0.95, None, LIMITS)


@given(wall=st.floats(0, 60), cpu=st.floats(0, 60), held=st.floats(0, 100), limit=st.floats(0.1, 60))
def test_longer_hold_ups_never_settle_a_doubt(wall: float, cpu: float, held: float, limit: float) -> None:
    limits = Limits(test_seconds=limit)
    if starved(wall, cpu, held, limits):
        assert starved(wall, cpu, held + 1, limits)


@given(wall=st.floats(0, 60), cpu=st.floats(0, 60), limit=st.floats(0.1, 60))
def test_where_nobody_counts_more_processor_time_never_raises_a_doubt(
    wall: float, cpu: float, limit: float
) -> None:
    limits = Limits(test_seconds=limit)
    if starved(wall, cpu + 1, None, limits):
        assert starved(wall, cpu, None, limits)


def test_a_turn_alone_waits_for_the_others_and_keeps_new_ones_waiting() -> None:
    turns, log = Turns(2), []
    first_in, go, alone_waits = threading.Event(), threading.Event(), threading.Event()

    def shared(name: str) -> None:
        with turns.shared(lambda: False):
            log.append(f"{name} in")
            first_in.set()
            assert go.wait(10)
            log.append(f"{name} out")

    def alone() -> None:
        alone_waits.set()
        with turns.alone(lambda: False):
            log.append("alone")

    first = threading.Thread(target=shared, args=("first",))
    first.start()
    assert first_in.wait(10)
    lonely = threading.Thread(target=alone)
    lonely.start()
    while not turns._waiting_for_alone:
        alone_waits.wait(0.001)
    late = threading.Thread(target=shared, args=("late",))
    late.start()
    late.join(0.02)
    go.set()
    for thread in (first, lonely, late):
        thread.join(10)
    assert log == ["first in", "first out", "alone", "late in", "late out"]


def test_no_more_turns_at_a_time_than_allowed() -> None:
    turns, running, most = Turns(2), [], []

    def work(name: int) -> None:
        with turns.shared(lambda: False):
            running.append(name)
            most.append(len(running))
            threading.Event().wait(0.002)
            running.remove(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert max(most) == 2


def test_whoever_is_cancelled_waits_no_longer_and_blocks_nobody() -> None:
    turns = Turns(1)
    with turns.shared(lambda: False):
        for take in (turns.shared, turns.alone):
            with pytest.raises(Interrupted), take(lambda: True):
                raise AssertionError("it was not its turn")
    with turns.shared(lambda: False):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_copy_of_this_process_starts_afresh() -> None:
    script = (
        "import os, sys\nfrom codegrove.tools.sandbox.turns import OF_THIS_PROCESS\n"
        "with OF_THIS_PROCESS.alone(lambda: False):\n    pid = os.fork()\n    if pid == 0:\n"
        "        with OF_THIS_PROCESS.alone(lambda: True):\n            os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("7\n", "")


@asynccontextmanager
async def closing(sandbox: ProcessSandbox) -> AsyncIterator[ProcessSandbox]:
    yield sandbox
    await sandbox.aclose()


GIVES_WAY = """
import ctypes, threading, time
def f(x):
    libc = ctypes.CDLL(None)
    def give_way():
        for _ in range(3000): libc.sched_yield()
    threads = [threading.Thread(target=give_way) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    time.sleep(1000)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="nobody measures how long it waits")
@pytest.mark.parametrize("level", ["isolated", "basic"])
@pytest.mark.slow
async def test_threads_that_give_way_to_each_other_are_not_held_up(level: Level) -> None:
    if not examine(level, sys.executable).available:
        pytest.skip("needs namespaces of Linux")
    async with closing(ProcessSandbox(Limits(wall_seconds=9.0, test_seconds=1.5), level=level)) as sandbox:
        verdict = await sandbox.judge(GIVES_WAY, CALLS[:1], entry_point="f")
    assert (verdict.status, verdict.retried) == (Status.TIMED_OUT, "")


@pytest.fixture
def busy() -> Iterator[None]:
    """Keep all processors busy."""
    others = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(8)]
    yield
    for process in others:
        process.kill()
        process.wait()


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="nobody measures how long it waits")
@pytest.mark.parametrize("level", ["isolated", "basic"])
@pytest.mark.slow
async def test_who_stands_in_a_queue_for_the_processor_is_held_up(
    level: Level, busy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not examine(level, sys.executable).available:
        pytest.skip("needs namespaces of Linux")
    ends: list[RunEnd] = []
    account = Tally.account

    def keep(tally: Tally, *them: RunEnd) -> None:
        ends.extend(them)
        account(tally, *them)

    monkeypatch.setattr(Tally, "account", keep)
    async with closing(ProcessSandbox(Limits(wall_seconds=9.0, test_seconds=0.6), level=level)) as sandbox:
        await sandbox.judge("def f(x):\n    while True: pass", CALLS[:1], entry_point="f")
    end = ends[-1]
    assert end.held_up is not None
    assert end.held_up >= (end.seconds - end.cpu_seconds) / 2


async def test_sandboxes_share_the_processors() -> None:
    turns = Turns(1)
    sandboxes = [ProcessSandbox(workers=2, turns=turns) for _ in range(2)]
    program = "import time\ndef f(x):\n    time.sleep(0.05)\n    return time.monotonic()"
    verdicts = await asyncio.gather(
        *(sandbox.judge(program, [CALLS[0]], entry_point="f") for sandbox in sandboxes for _ in range(2))
    )
    ended = sorted(float(verdict.results[0].output) for verdict in verdicts)
    assert all(later - earlier >= 0.05 for earlier, later in zip(ended, ended[1:], strict=False))
    for sandbox in sandboxes:
        await sandbox.aclose()
