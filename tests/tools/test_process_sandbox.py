"""The pool: loops, threads, cancelling, closing, and failures that are nobody's program's fault."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from codegrove.errors import SandboxError
from codegrove.task import CallTest
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.containment import Level
from codegrove.tools.sandbox.examination import examine
from codegrove.verdict import Status, Verdict

CALL = CallTest(args="(2,)", expected="2")
RIGHT = "def f(x):\n    return x\n"
UNKNOWN_PYTHON = os.path.realpath(sys.executable)  # the same one under a name the sandbox does not recognise
ENDLESS = "def f(x):\n    while True: pass\n"


def announcing(note: Path) -> str:
    """A program that writes its process id and then hangs."""
    return (
        f"import os\ndef f(x):\n    open({str(note)!r}, 'w').write(str(os.getpid()))\n    while True: pass\n"
    )


def pid_once_written(note: Path) -> int:
    while not (note.exists() and note.read_text()):
        time.sleep(0.005)
    return int(note.read_text())


@pytest.fixture
def wait_until_dead(is_alive: Callable[[int], bool]) -> Callable[[int], None]:
    def wait(pid: int) -> None:
        deadline = time.monotonic() + 10
        while is_alive(pid):
            assert time.monotonic() < deadline, f"process {pid} is still there"
            time.sleep(0.005)

    return wait


async def test_many_judges_at_once(sandbox: ProcessSandbox) -> None:
    programs = [f"def f(x):\n    return x + {i % 2}\n" for i in range(16)]
    verdicts = await asyncio.gather(*(sandbox.judge(p, [CALL] * 3, entry_point="f") for p in programs))
    assert [v.status for v in verdicts] == ["passed", "failed"] * 8


def test_several_event_loops_share_one_sandbox(sandbox: ProcessSandbox) -> None:
    verdicts: list[Verdict] = []

    def work() -> None:
        verdicts.append(asyncio.run(sandbox.judge(RIGHT, [CALL], entry_point="f")))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work()  # and one after another
    assert [v.status for v in verdicts] == ["passed"] * 4


async def test_cancelling_kills_the_run(tmp_path: Path, wait_until_dead: Callable[[int], None]) -> None:
    sandbox = ProcessSandbox(Limits(wall_seconds=60, test_seconds=60), workers=1)
    note = tmp_path / "pid"
    running = asyncio.create_task(sandbox.judge(announcing(note), [CALL], entry_point="f"))
    waiting = asyncio.create_task(sandbox.judge(ENDLESS, [CALL], entry_point="f"))
    pid = await asyncio.to_thread(pid_once_written, note)
    waiting.cancel()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.to_thread(wait_until_dead, pid)
    verdict = await asyncio.wait_for(sandbox.judge(RIGHT, [CALL], entry_point="f"), 5)
    assert verdict.passed
    await sandbox.aclose()


async def test_cancelling_right_away_leaves_a_sandbox_that_works() -> None:
    sandbox = ProcessSandbox(Limits(wall_seconds=60, test_seconds=60), workers=1)
    for delay in (0, 0.001, 0.003, 0.01):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sandbox.judge(ENDLESS, [CALL], entry_point="f"), delay)
    verdict = await asyncio.wait_for(sandbox.judge(RIGHT, [CALL], entry_point="f"), 5)
    assert verdict.passed
    await sandbox.aclose()


@pytest.mark.parametrize("level", ["basic", "restricted"])
async def test_a_cancelled_run_that_never_began_does_not_harm_the_next(level: Level) -> None:
    if not (found := examine(level, sys.executable)).available:
        pytest.skip(found.reason)
    sandbox = ProcessSandbox(Limits(wall_seconds=60, test_seconds=60), workers=1, level=level)
    try:
        # Its process may find that its folder is gone, and say so while the next one is being waited for.
        for moment in range(40):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(sandbox.judge(ENDLESS, [CALL], entry_point="f"), moment * 0.0003)
            verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
            assert verdict.passed, verdict
    finally:
        await sandbox.aclose()


async def test_closing_ends_what_is_running(tmp_path: Path, wait_until_dead: Callable[[int], None]) -> None:
    sandbox = ProcessSandbox(Limits(wall_seconds=60, test_seconds=60), workers=2)
    note = tmp_path / "pid"
    running = asyncio.create_task(sandbox.judge(announcing(note), [CALL], entry_point="f"))
    pid = await asyncio.to_thread(pid_once_written, note)
    await sandbox.aclose()
    verdict = await running
    assert (verdict.status, verdict.results[0].status) == (Status.UNJUDGED, Status.UNJUDGED)
    assert "closed" in verdict.note
    await asyncio.to_thread(wait_until_dead, pid)
    await sandbox.aclose()
    late = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert (late.status, late.note) == (Status.UNJUDGED, "the sandbox failed: the sandbox is closed")
    trace = await sandbox.trace(RIGHT, CALL, entry_point="f")
    assert trace.error is not None
    assert trace.error.type == "SandboxError"


def children() -> set[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return {int(pid) for pid in found.stdout.split()}


@pytest.mark.skipif(sys.platform != "linux", reason="needs ps of Linux")
async def test_nothing_starts_before_the_first_run_and_nothing_stays() -> None:
    before = threading.active_count()
    processes = children()
    sandbox = ProcessSandbox(workers=2)
    assert threading.active_count() == before
    assert len(children() - processes) <= 1  # ps itself
    await asyncio.gather(*(sandbox.judge(RIGHT, [CALL], entry_point="f") for _ in range(6)))
    assert 1 <= len(children() - processes) <= 3
    del sandbox
    gc.collect()
    assert len(children() - processes) <= 1


async def test_getting_ready_starts_what_the_first_verdict_needs() -> None:
    processes = children()
    sandbox = ProcessSandbox(workers=2)
    await sandbox.get_ready()
    started = children() - processes
    assert 2 <= len(started) <= 3
    verdicts = await asyncio.gather(*(sandbox.judge(RIGHT, [CALL], entry_point="f") for _ in range(4)))
    assert all(verdict.passed for verdict in verdicts)
    assert len(children() - processes - started) <= 1
    await sandbox.aclose()


async def test_what_goes_wrong_while_getting_ready_is_said_by_the_first_verdict(tmp_path: Path) -> None:
    sandbox = ProcessSandbox(python=str(tmp_path / "no such python"))
    await sandbox.get_ready()
    verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert (verdict.status, "no such python" in verdict.note) == (Status.UNJUDGED, True)
    await sandbox.aclose()


def test_a_user_who_forgets_to_close_leaves_nothing_behind() -> None:
    script = (
        "import asyncio\nfrom codegrove.tools.sandbox import ProcessSandbox\nfrom codegrove.task import CallTest\n"
        "sandbox = ProcessSandbox()\n"
        "verdict = asyncio.run(sandbox.judge('def f(): return 1', [CallTest(args='()', expected='1')],"
        " entry_point='f'))\nassert verdict.passed\n"
        "(interpreter,) = sandbox._pool._idle\nprint(interpreter._process.pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


async def test_an_interpreter_that_died_while_waiting_is_replaced() -> None:
    sandbox = ProcessSandbox(workers=1)
    assert (await sandbox.judge(RIGHT, [CALL], entry_point="f")).passed
    (idle,) = sandbox._pool._idle
    idle.abort()
    assert (await sandbox.judge(RIGHT, [CALL], entry_point="f")).passed
    await sandbox.aclose()


async def test_without_warm_interpreters_none_is_kept() -> None:
    sandbox = ProcessSandbox(workers=1, warm=False)
    assert (await sandbox.judge(RIGHT, [CALL], entry_point="f")).passed
    assert sandbox._pool._idle == []
    await sandbox.aclose()


@pytest.mark.parametrize("python", ["/does/not/exist", "/bin/false"])
async def test_our_own_failure_is_never_the_programs_fault(python: str) -> None:
    for packages in (True, False):
        sandbox = ProcessSandbox(python=python, site_packages=packages)
        verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
        assert (verdict.status, verdict.results[0].status) == (Status.UNJUDGED, Status.UNJUDGED)
        assert "the sandbox failed" in verdict.note
        assert python in verdict.note
        await sandbox.aclose()


async def test_third_party_packages_can_be_withheld() -> None:
    program = "import numpy\ndef f(x):\n    return x\n"
    sandbox = ProcessSandbox(workers=1, site_packages=False)
    verdict = await sandbox.judge(program, [CALL], entry_point="f")
    assert verdict.error is not None
    assert verdict.error.type == "ModuleNotFoundError"
    assert verdict.note == (
        "the program imports 'numpy'; third-party packages are withheld from programs (site_packages=False)"
    )
    await sandbox.aclose()


async def test_a_missing_package_is_named_together_with_where_it_is_missing(sandbox: ProcessSandbox) -> None:
    for program, named in (
        ("import no_such_package\ndef f(x):\n    return x\n", True),
        ("def f(x):\n    import no_such_package.part\n", True),
        ("def f(x):\n    import json.no_such_part\n", False),
        ("def f(x):\n    raise ModuleNotFoundError('no such thing')\n", False),
    ):
        verdict = await sandbox.judge(program, [CALL], entry_point="f")
        assert verdict.status is Status.CRASHED
        assert ("imports 'no_such_package'" in verdict.note) == named, verdict
        assert (sys.executable in verdict.note) == named


@pytest.mark.parametrize("memory_mb", [256, 1024])
async def test_numpy_computes_within_the_limit_of_memory(sandbox: ProcessSandbox, memory_mb: int) -> None:
    pytest.importorskip("numpy")
    program = (
        "import numpy as np\ndef f(x):\n    a = np.random.default_rng(0).random((60, 60)) + 60 * np.eye(60)\n"
        "    return round(float((a @ np.linalg.inv(a)).trace())) // 30 * x - x\n"
    )
    limits = Limits(test_seconds=20, memory_mb=memory_mb)
    verdict = await sandbox.judge(program, [CALL], entry_point="f", limits=limits)
    assert verdict.passed, verdict


async def test_standard_modules_come_before_packages(sandbox: ProcessSandbox) -> None:
    program = "import sys\ndef f(x):\n    return ['site-packages' in p for p in sys.path]\n"
    verdict = await sandbox.judge(program, [CALL], entry_point="f")
    output = verdict.results[0].output
    assert "True" in output
    assert "True, False" not in output


async def test_another_interpreter_can_be_used() -> None:
    other = ProcessSandbox(workers=1, python=UNKNOWN_PYTHON)
    assert (await other.judge(RIGHT, [CALL], entry_point="f")).passed
    verdict = await other.judge("def f(:", [CALL], entry_point="f")  # found by that interpreter
    assert verdict.error is not None
    assert (verdict.status, verdict.error.line) == (Status.INVALID, 1)
    await other.aclose()


def test_a_number_of_workers_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(SandboxError, match="workers=0"):
        ProcessSandbox(workers=0)
