"""The grading process: what it says, what happens when it dies, and that it leaves nobody waiting."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from codegrove.errors import BrokenOff, SandboxError, UsageError
from codegrove.evaluation.grader import Grading
from codegrove.evaluation.grading import DIED_TWICE, Grader
from codegrove.task import Test
from codegrove.tools.sandbox.factory import findings
from codegrove.tools.sandbox.port import Limits
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.verdict import Status, TestResult, Verdict
from tests.support.small_benchmark import SECRET, problem

FAILING = (sys.executable, "-P", str(Path(__file__).with_name("failing_grader.py")))


@pytest.mark.slow
async def test_verdicts_and_a_process_that_is_killed() -> None:
    right, wrong = "def f(x):\n    return x + 1\n", "def f(x):\n    return x\n"
    slow = "import time\n\ndef f(x):\n    time.sleep(0.5)\n    return x + 1\n"
    async with Grader(level="basic", workers=2) as grader:
        verdicts = [await grader.grade(problem(1), program) for program in (right, wrong, "def f(x:", None)]
        assert [v and v.status for v in verdicts] == [Status.PASSED, Status.FAILED, Status.INVALID, None]
        before = grader.pid
        in_flight = asyncio.ensure_future(grader.grade(problem(1), slow))
        await asyncio.sleep(0.2)
        assert before is not None
        os.kill(before, signal.SIGKILL)
        found = await in_flight
        assert found is not None and found.passed
        again = await grader.grade(problem(2), right)
        assert again is not None and again.status is Status.FAILED
        assert grader.pid != before


async def test_who_kills_it_twice_is_unjudged_and_harms_nobody(tmp_path: Path) -> None:
    programs = [f"WAIT ONCE {tmp_path / 'a'}", f"DIE ONCE {tmp_path / 'b'}", "fine", "DIE"]
    async with Grader(command=FAILING) as grader:
        verdicts = await asyncio.gather(*(grader.grade(problem(0), program) for program in programs))
        statuses = [verdict and verdict.status for verdict in verdicts]
        assert statuses == [Status.PASSED, Status.PASSED, Status.PASSED, Status.UNJUDGED]
        killer = verdicts[3]
        assert killer is not None and killer.note == DIED_TWICE
        assert len(killer.results) == problem(0).hidden_count
        after = await grader.grade(problem(0), "fine")
        assert after is not None and after.passed


async def test_an_answer_that_makes_no_sense_leaves_nobody_waiting() -> None:
    async with Grader(command=FAILING) as grader:
        verdict = await grader.grade(problem(0), "TALK NONSENSE")
        assert verdict is not None and verdict.note == DIED_TWICE


async def test_a_process_that_cannot_start_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(BrokenOff, match=r"could not start \(exit code 3\)"):
        async with Grader(command=(sys.executable, "-c", "raise SystemExit(3)")):
            pass
    with pytest.raises(BrokenOff, match="could not start: No such file"):
        async with Grader(command=(str(tmp_path / "none"),)):
            pass


async def test_a_level_that_the_machine_does_not_have_is_said_by_name(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(UsageError, match="'total'"):
        async with Grader(level="total"):
            pass
    absent = [finding for finding in findings() if not finding.available]
    for finding in absent[:1]:
        with pytest.raises(SandboxError, match=finding.level):
            async with Grader(level=finding.level):
                pass
    assert capfd.readouterr() == ("", "")


async def test_a_start_that_is_given_up_leaves_no_process(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = (
        f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    starting = asyncio.ensure_future(Grader(command=(sys.executable, "-c", code)).__aenter__())

    def wait_for_the_mark() -> None:
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.01)

    await asyncio.to_thread(wait_for_the_mark)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


async def test_a_failure_of_ours_is_unjudged() -> None:
    def fail(program: str, tests: object) -> float:
        raise RuntimeError("a mistake of ours")

    grading = Grading(ScriptedSandbox(fail))
    grading.announce(problem(0))
    verdict = await grading.grade("add/0", "def f(x): return x")
    assert verdict.status is Status.UNJUDGED
    assert verdict.note == "the grader failed: RuntimeError: a mistake of ours"


async def test_a_forgotten_problem_is_graded_to_the_end() -> None:
    grading = Grading(ScriptedSandbox(lambda program, tests: 1.0))
    grading.announce(problem(0))
    pending = grading.grade("add/0", "def f(x): return x")
    grading.forget("add/0")
    assert (await pending).passed


async def test_a_program_that_loops_is_stopped_once() -> None:
    judged: list[bool] = []

    class Sandbox(ScriptedSandbox):
        async def judge(
            self,
            program: str,
            tests: Sequence[Test],
            *,
            entry_point: str | None = None,
            limits: Limits | None = None,
            fail_fast: bool = False,
        ) -> Verdict:
            judged.append(fail_fast)
            verdict = await super().judge(program, tests)
            if not fail_fast:
                return verdict
            seen = verdict.results[:1] + (TestResult(status=Status.UNJUDGED),) * (len(tests) - 1)
            return replace(verdict, results=seen)

    def decide(program: str, tests: Sequence[Test]) -> Verdict | Sequence[bool]:
        if program == "loops":
            return Verdict(
                status=Status.TIMED_OUT, results=(TestResult(status=Status.TIMED_OUT),) * len(tests)
            )
        return [program == "right"] + [True] * (len(tests) - 1)

    grading = Grading(Sandbox(decide))
    grading.announce(problem(0))
    loops = await grading.grade("add/0", "loops")
    assert (loops.status, loops.passed_count, judged) == (Status.TIMED_OUT, 0, [True])
    assert loops.note == "1 tests after the one that timed out were not run"
    judged.clear()
    wrong = await grading.grade("add/0", "wrong")
    assert (wrong.status, wrong.passed_count, judged) == (Status.FAILED, 1, [True, False])
    judged.clear()
    assert (await grading.grade("add/0", "right")).passed
    assert judged == [True]


def test_hidden_values_are_in_no_representation() -> None:
    assert str(SECRET) not in repr(problem(0))


async def test_what_nobody_waits_for_any_more_is_given_up_without_a_word(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with Grader(level="basic", workers=1) as grader:
        asked = [asyncio.ensure_future(grader.grade(problem(1), f"x = {n}")) for n in range(50)]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    assert capfd.readouterr() == ("", "")
