"""Level remote with plain processes as the other side: the same verdicts, and nothing goes there that is ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from codegrove.errors import SandboxError
from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox import Limits, Sandbox
from codegrove.tools.sandbox.remote import Patience, RemoteSandbox
from codegrove.verdict import Status
from tests.support.executors import ENDED, HANG, PlainExecutor, ScriptedExecutor, frames, honest

pytestmark = pytest.mark.slow

CALL = CallTest(args="(2,)", expected="2")
RIGHT = "def f(x):\n    return x\n"
ENDLESS = "def f(x):\n    while True: pass\n"
SPLIT = "[].copy()\nfor i in range(3):\n    assert f(i) == {expected}"
QUICK = Limits(wall_seconds=10.0, test_seconds=0.4)


@pytest.fixture
def executor() -> PlainExecutor:
    return PlainExecutor()


@pytest.fixture
async def sandbox(executor: PlainExecutor) -> AsyncIterator[RemoteSandbox]:
    made = RemoteSandbox(executor, QUICK, workers=2, patience=Patience(kill_seconds=3.0))
    yield made
    await made.aclose()
    assert all(process.process.poll() is not None for process in executor.processes)


def test_it_is_a_sandbox() -> None:
    sandbox = RemoteSandbox(PlainExecutor(guarantees=("G10", "G4")))
    assert isinstance(sandbox, Sandbox)
    assert (sandbox.level, sandbox.guarantees) == ("remote", ("G2", "G4", "G10", "G12", "G13"))


async def test_every_kind_of_test_has_its_verdict(sandbox: RemoteSandbox) -> None:
    tests: list[Test] = [
        CALL,
        CallTest(args="(2,)", expected="3"),
        AssertTest(code="assert f(5) == 5"),
        AssertTest(code=SPLIT.format(expected="i")),
        AssertTest(code=SPLIT.format(expected="i + 1")),
        AssertTest(code="import inspect\nassert inspect.isfunction(f)"),
    ]
    verdict = await sandbox.judge(RIGHT, tests, entry_point="f")
    assert [result.status for result in verdict.results] == [
        *("passed", "failed", "passed", "passed", "failed", "passed"),
    ]
    assert "test 5 ran in the program's process" in verdict.note
    assert "G1" not in verdict.guarantees
    right = await sandbox.judge(RIGHT, tests[:1] + tests[2:4], entry_point="f")
    assert right.passed
    assert right.guarantees == ("G1", "G2", "G12", "G13")
    assert right.level == "remote"
    assert right.seconds > 0
    assert right.memory_mb > 1


async def test_programs_on_stdin(sandbox: RemoteSandbox) -> None:
    echo = "import sys\nsys.stdout.write(sys.stdin.read())\nprint('e', file=sys.stderr)\n"
    text = "ä\n" * 100_000
    limits = Limits(output_bytes=1_000_000)
    verdict = await sandbox.judge(echo, [StdioTest(stdin=text, expected=text)], limits=limits)
    assert verdict.passed, verdict
    assert verdict.stderr == "e\n"
    flood = await sandbox.judge(echo, [StdioTest(stdin=text, expected=text)], limits=Limits(output_bytes=999))
    assert (flood.status, flood.limit) == (Status.CRASHED, "output")


async def test_what_a_program_must_not_know_is_never_sent_to_it(
    sandbox: RemoteSandbox, executor: PlainExecutor
) -> None:
    tests: list[Test] = [
        CallTest(args="(71,)", expected="71 * 0 + 987650001"),
        AssertTest(code="assert f(72) == 987650002"),
        AssertTest(code="text = 'tExT'.lower()\nfor i in [73]:\n    assert f(i) != 987650003"),
    ]
    tests[0] = CallTest(args="(71,)", expected="987650001")
    await sandbox.judge(RIGHT, tests, entry_point="f")
    with_program = [p for p in executor.processes if b"return x" in p.messages()["job"]]
    with_tests = [p for p in executor.processes if p not in with_program]
    assert (len(with_program), len(with_tests)) == (2, 1)
    for process in with_program:
        everything = b"".join(process.messages().values())
        assert b"98765000" not in everything
        assert b"tExT" not in everything
    assert b"987650003" in with_tests[0].messages()["job"]
    served = with_program[-1].messages()
    assert b'"serve"' in served["job"]
    assert b"73" in served["peer"]


async def test_without_a_relay_asserts_are_marked_and_prove_nothing() -> None:
    executor = PlainExecutor(relays=False, guarantees=("G3", "G4", "G11"))
    sandbox = RemoteSandbox(executor, QUICK, workers=1)
    endless = await sandbox.judge(ENDLESS, [CALL], entry_point="f")
    assert endless.status is Status.TIMED_OUT
    echo = await sandbox.judge("print(input())", [StdioTest(stdin="a", expected="a")])
    assert echo.passed
    split = AssertTest(code=SPLIT.format(expected="i"))
    right = await sandbox.judge(RIGHT, [split], entry_point="f")
    assert right.passed
    assert "in-process): two runs cannot be connected here" in right.note
    assert right.guarantees == ("G2", "G4", "G11", "G12", "G13")
    forger = (
        "import sys\ndef f(x):\n    frame = sys._getframe(1)\n"
        "    while frame.f_code.co_filename != '<test>':\n        frame = frame.f_back\n"
        "    return max(c for c in frame.f_code.co_consts if type(c) is int and c < 10**5)\n"
    )
    readable = AssertTest(code="[].copy()\nassert f(1) == 4321")
    forged = await sandbox.judge(forger, [readable], entry_point="f")
    assert forged.results[0].error is not None
    assert (forged.status, forged.results[0].error.type) == (Status.CRASHED, "Tampering")
    proven = await sandbox.judge(RIGHT, [CALL, AssertTest(code="assert f(5) == 5")], entry_point="f")
    assert proven.passed
    assert proven.guarantees == ("G1", "G2", "G3", "G4", "G11", "G12", "G13")
    await sandbox.aclose()


async def test_limits_of_time(sandbox: RemoteSandbox) -> None:
    blocked = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n" + ENDLESS
    tests = [CALL, CALL]
    verdict = await sandbox.judge("def f(x):\n    return x\n" + blocked, tests, entry_point="f")
    assert [result.status for result in verdict.results] == ["timed_out", "timed_out"]
    short = Limits(wall_seconds=0.5, test_seconds=5.0)
    began = time.monotonic()
    verdict = await sandbox.judge(ENDLESS, tests, entry_point="f", limits=short)
    assert (verdict.status, verdict.limit) == (Status.TIMED_OUT, "wall")
    assert time.monotonic() - began < 4


async def test_our_own_clock_ends_what_the_other_side_does_not() -> None:
    executor = ScriptedExecutor(lambda job: [*frames(job, honest([2])[:3]), HANG])
    sandbox = RemoteSandbox(executor, Limits(wall_seconds=0.2), patience=Patience(kill_seconds=0.3))
    began = time.monotonic()
    verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert (verdict.status, verdict.limit) == (Status.TIMED_OUT, "wall")
    assert time.monotonic() - began < 2
    await sandbox.aclose()


async def test_an_executor_that_cannot_kill_has_failed() -> None:
    executor = ScriptedExecutor(lambda job: [*frames(job, honest([2])[:3]), HANG], stubborn=True)
    sandbox = RemoteSandbox(executor, Limits(wall_seconds=0.2), patience=Patience(kill_seconds=0.3))
    began = time.monotonic()
    verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert verdict.status is Status.UNJUDGED
    assert "script: it did not end a run within 0.3 seconds" in verdict.note
    assert time.monotonic() - began < 2
    await sandbox.aclose()


async def test_an_executor_that_does_not_start_has_failed() -> None:
    executor = ScriptedExecutor(lambda job: [HANG])
    patience = Patience(start_seconds=0.2, kill_seconds=0.3)
    sandbox = RemoteSandbox(executor, patience=patience)
    verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert "script: it began no run within 0.2 seconds" in verdict.note
    split = AssertTest(code=SPLIT.format(expected="i"))
    verdict = await sandbox.judge(RIGHT, [split], entry_point="f")
    assert "it began no run within 0.2 seconds" in verdict.note
    trace = await sandbox.trace(RIGHT, CALL, entry_point="f")
    assert trace.error is not None
    assert "it began no run" in trace.error.message
    await sandbox.aclose()


class Exploding:
    name = "bomb"
    relays = True
    guarantees: tuple[str, ...] = ()

    def start(self, source: str, limits: Limits) -> ScriptedExecutor:
        raise ValueError("no such region")

    def close(self) -> None:
        pass


async def test_what_an_executor_raises_is_told() -> None:
    sandbox = RemoteSandbox(Exploding())  # type: ignore[arg-type]
    verdict = await sandbox.judge(RIGHT, [CALL, CALL], entry_point="f")
    assert verdict.note == "the sandbox failed: bomb: ValueError: no such region"
    assert [result.status for result in verdict.results] == ["unjudged", "unjudged"]
    await sandbox.aclose()


def test_executors_state_what_is_theirs_to_state() -> None:
    with pytest.raises(SandboxError, match="plain states G1, secure: an executor can state G3, G4"):
        RemoteSandbox(PlainExecutor(guarantees=("G1", "G4", "secure")))
    with pytest.raises(SandboxError, match="workers=0"):
        RemoteSandbox(PlainExecutor(), workers=0)


async def test_many_at_once_and_from_several_loops(sandbox: RemoteSandbox) -> None:
    programs = [f"def f(x):\n    return x + {i % 2}\n" for i in range(4)]
    verdicts = await asyncio.gather(*(sandbox.judge(p, [CALL], entry_point="f") for p in programs))
    assert [v.status for v in verdicts] == ["passed", "failed"] * 2
    other = await asyncio.to_thread(lambda: asyncio.run(sandbox.judge(RIGHT, [CALL], entry_point="f")))
    assert other.passed


async def test_cancelling_and_closing_end_runs(executor: PlainExecutor) -> None:
    sandbox = RemoteSandbox(executor, Limits(wall_seconds=60.0, test_seconds=60.0), workers=2)
    for delay in (0.0, 0.05):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sandbox.judge(ENDLESS, [CALL], entry_point="f"), delay)
    assert (await sandbox.judge(RIGHT, [CALL], entry_point="f")).passed
    running = asyncio.create_task(sandbox.judge(ENDLESS, [CALL], entry_point="f"))
    await asyncio.sleep(0.3)
    await sandbox.aclose()
    verdict = await running
    assert verdict.status is Status.UNJUDGED
    assert "closed" in verdict.note
    await sandbox.aclose()
    late = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert "closed" in late.note
    assert all(process.process.wait(5) is not None for process in executor.processes)


async def test_fail_fast_and_traces(sandbox: RemoteSandbox) -> None:
    tests = [CallTest(args="(1,)", expected="2"), CALL]
    verdict = await sandbox.judge(RIGHT, tests, entry_point="f", fail_fast=True)
    assert [result.status for result in verdict.results] == ["failed", "unjudged"]
    for test in (CALL, AssertTest(code=SPLIT.format(expected="i"))):
        trace = await sandbox.trace("def f(x):\n    y = x\n    return y\n", test, entry_point="f")
        assert trace.error is None
        assert trace.blocks[-1].source.strip().startswith("y = x")


async def test_a_run_leaves_its_environment_behind(
    sandbox: RemoteSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "sEcReT")
    program = (
        "import os\ndef f(x):\n    try: seen = open('/proc/self/environ').read()\n"
        "    except OSError: seen = ''\n    return sorted(os.environ), 'sEcReT' in seen + str(os.environ), "
        "os.environ['PYTHONHASHSEED']\n"
    )
    verdict = await sandbox.judge(program, [CALL], entry_point="f")
    shown = verdict.results[0].output
    assert "SERVICE_TOKEN" not in shown
    assert shown.endswith("False, '0')")


async def test_programs_cannot_import_what_was_shipped(sandbox: RemoteSandbox) -> None:
    program = "def f(x):\n    import codegrove.tools.sandbox.remote.supervisor\n    return x\n"
    verdict = await sandbox.judge(program, [CALL], entry_point="f")
    assert verdict.results[0].error is not None
    assert verdict.results[0].error.type == "ModuleNotFoundError"


async def test_an_end_that_is_claimed_too_early_is_no_pass() -> None:
    executor = ScriptedExecutor(lambda job: frames(job, [*honest([2])[:3], ENDED]))
    sandbox = RemoteSandbox(executor)
    verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert verdict.status is Status.CRASHED
    await sandbox.aclose()
