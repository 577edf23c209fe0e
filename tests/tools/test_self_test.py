"""A sandbox that misjudges programs whose verdict is known judges nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import codegrove
from codegrove.errors import SandboxError
from codegrove.graphs.state import BranchState
from codegrove.graphs.steps import execute_step
from codegrove.task import CallTest, Task, Test
from codegrove.tools.sandbox import BlockTrace, Limits, ProcessSandbox
from codegrove.tools.sandbox.known_programs import FIRST_USE, MORE, FirstUse, Known
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.tools.self_test import about_packages, self_test, why_distrust
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict

CALL = CallTest(args="(2,)", expected="2")
RIGHT = "def f(x):\n    return x\n"


async def test_the_process_sandbox_tells_right_from_wrong(sandbox: ProcessSandbox) -> None:
    report = await self_test(sandbox)
    assert report.ok, report
    assert report.level == sandbox.level
    assert {line.expected for line in report.lines} == set(Status) - {Status.UNJUDGED}
    assert len(report.lines) == len(FIRST_USE) + len(MORE)
    assert str(report.lines[0]) == "right function: passed, ok"


class Custom:
    """A sandbox of somebody else, wired to one way to judge."""

    level = "remote"
    guarantees: tuple[str, ...] = ()

    def __init__(self, judge: Callable[[str], Status]) -> None:
        self._judge = judge
        self.judged: list[str] = []

    async def judge(
        self,
        program: str,
        tests: Sequence[Test],
        *,
        entry_point: str | None = None,
        limits: Limits | None = None,
        fail_fast: bool = False,
    ) -> Verdict:
        self.judged.append(program)
        await asyncio.sleep(0)
        status = self._judge(program)
        return Verdict(status=status, results=(TestResult(status=status),) * len(tests), note="sure")

    async def trace(
        self, program: str, test: Test, *, entry_point: str | None = None, limits: Limits | None = None
    ) -> BlockTrace:
        return BlockTrace()

    async def aclose(self) -> None:
        pass


def knows(program: str) -> Status:
    """Judge the known programs rightly, and pass everything else."""
    return next((known.expected for known in FIRST_USE if known.program == program), Status.PASSED)


def passes_everything(program: str) -> Status:
    return Status.PASSED


def judges_nothing(program: str) -> Status:
    return Status.UNJUDGED


def fails_everything(program: str) -> Status:
    return Status.FAILED


async def test_a_sandbox_that_passes_everything_is_found_out() -> None:
    report = await self_test(Custom(passes_everything))
    assert not report.ok
    assert [line.ok for line in report.lines].count(True) == 4
    assert str(report.lines[1]) == "wrong function: passed, expected failed (sure)"


@pytest.mark.parametrize(
    ("judge", "complaint"),
    [
        (passes_everything, "wrong function: passed, expected failed (sure)"),
        (fails_everything, "right function: failed, expected passed (sure)"),
        (judges_nothing, "right function: unjudged, expected passed (sure)"),
    ],
)
async def test_custom_sandboxes_are_asked_once(judge: Callable[[str], Status], complaint: str) -> None:
    sandbox = Custom(judge)
    why = await why_distrust(sandbox)
    assert complaint in why
    assert await why_distrust(sandbox) == why
    assert len(sandbox.judged) == len(FIRST_USE)
    assert await why_distrust(Custom(knows)) == ""


async def test_a_sandbox_without_hash_is_asked_as_well() -> None:
    class Bare(Custom):
        __hash__ = None  # type: ignore[assignment]

    assert "wrong function" in await why_distrust(Bare(passes_everything))


async def test_scripted_verdicts_are_exempt() -> None:
    sandbox = ScriptedSandbox(lambda program, tests: 1.0)
    assert await why_distrust(sandbox) == ""
    assert sandbox.judged == []


async def test_a_step_of_a_hand_wired_graph_asks_too() -> None:
    state = BranchState(
        task=Task(id="t", statement="Return x.", entry_point="f", tests=(CALL,)), program=RIGHT
    )
    update = await execute_step(Custom(knows)).ainvoke(state)
    assert update["verdict"].passed
    with pytest.raises(SandboxError, match="wrong function: passed"):
        await execute_step(Custom(passes_everything)).ainvoke(state)


def test_first_use_asks_once_and_remembers_the_answer() -> None:
    asked: list[str] = []

    def wrong(known: Known) -> Verdict:
        asked.append(known.name)
        return Verdict(status=Status.PASSED)

    use = FirstUse()
    for _ in range(2):
        with pytest.raises(SandboxError, match="early exit: passed, expected crashed"):
            use.require(wrong)
    assert len(asked) == len(FIRST_USE)


def test_a_first_use_that_broke_down_is_tried_again() -> None:
    use = FirstUse()

    def broken(known: Known) -> Verdict:
        raise SandboxError("no process to be had")

    with pytest.raises(SandboxError, match="no process"):
        use.require(broken)
    use.require(lambda known: Verdict(status=known.expected))


def test_a_first_use_that_ran_out_of_time_is_tried_again() -> None:
    use = FirstUse()
    slow = FIRST_USE[0].name

    def busy(known: Known) -> Verdict:
        return Verdict(status=Status.TIMED_OUT if known.name == slow else known.expected)

    with pytest.raises(SandboxError, match=f"{slow}: timed_out"):
        use.require(busy)
    use.require(lambda known: Verdict(status=known.expected))
    use.require(busy)  # nobody is asked any more

    def busy_and_wrong(known: Known) -> Verdict:
        return Verdict(status=Status.TIMED_OUT if known.name == slow else Status.PASSED)

    use = FirstUse()
    for judge in (busy_and_wrong, lambda known: Verdict(status=known.expected)):
        with pytest.raises(SandboxError, match="early exit: passed"):
            use.require(judge)


@pytest.mark.parametrize("known", FIRST_USE, ids=lambda known: known.name)
def test_what_counts_as_misjudged(known: Known) -> None:
    right = known.expected is Status.PASSED
    for status in Status:
        misjudged = status is Status.UNJUDGED or (status is Status.PASSED) != right
        assert bool(known.complaint(Verdict(status=status))) == misjudged
    half_passed = Verdict(status=Status.FAILED, results=(TestResult(status=Status.PASSED),))
    assert bool(known.complaint(half_passed)) != right


@pytest.fixture
def lying_python(tmp_path: Path) -> str:
    """An interpreter whose runs answer 7 to everything."""
    assert codegrove.__file__ is not None
    tools = tmp_path / "tools"
    shutil.copytree(
        Path(codegrove.__file__).parent / "tools", tools, ignore=shutil.ignore_patterns("__pycache__")
    )
    with open(tools / "sandbox" / "child_run.py", "a") as file:
        file.write("\nRun._call = lambda self, *rest: values.to_wire(7)\n")
    child = tools / "sandbox" / "child.py"
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nfor last; do :; done\nexec {sys.executable} -s -P -S -B {child} "$last"\n')
    script.chmod(0o755)
    return str(script)


@pytest.mark.skipif(os.name != "posix", reason="starts processes")
async def test_a_process_sandbox_that_misjudges_refuses_to_work(lying_python: str) -> None:
    for _ in range(2):
        sandbox = ProcessSandbox(python=lying_python, site_packages=False, workers=1)
        verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
        assert verdict.status is Status.UNJUDGED
        assert "wrong function: passed, expected failed" in verdict.note
        trace = await sandbox.trace(RIGHT, CALL, entry_point="f")
        assert trace.error is not None
        assert "misjudges" in trace.error.message
        await sandbox.aclose()


class Always(ScriptedSandbox):
    def __init__(self, verdict: Verdict) -> None:
        super().__init__(lambda program, tests: verdict)


async def test_packages_are_reported_as_programs_find_them() -> None:
    sandbox = ProcessSandbox(workers=1)
    found = await about_packages(sandbox, ["json", "no_such_package"])
    await sandbox.aclose()
    assert found[0].startswith("json: programs can import it, in 0.")
    assert found[1] == "no_such_package: programs do not have it"
    slow = Verdict(status=Status.PASSED, results=(TestResult(status=Status.PASSED, seconds=2.0),))
    error = ErrorInfo(type="OSError", message="no such library")
    broken = Verdict(status=Status.CRASHED, results=(TestResult(status=Status.CRASHED, error=error),))
    for verdict, said in ((slow, "compileall"), (broken, "cannot import it: OSError: no such library")):
        scripted = Always(verdict)
        (line,) = await about_packages(scripted, ["heavy"])
        assert said in line
