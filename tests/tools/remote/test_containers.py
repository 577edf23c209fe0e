"""Containers by the command line of an engine: what it is told, what it complains of, and that nothing is left."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegrove.errors import SandboxError
from codegrove.task import AssertTest, CallTest
from codegrove.tools.sandbox import Limits
from codegrove.tools.sandbox.remote import ContainerExecutor, Patience, RemoteSandbox
from codegrove.tools.sandbox.remote.container import GUARANTEES
from codegrove.tools.sandbox.remote.engine import ENGINES, Engine, find_engine
from codegrove.tools.sandbox.remote.harness import harness
from codegrove.tools.self_test import self_test
from codegrove.verdict import Status, Verdict
from tests.support.containers import IMAGE, FakeEngine
from tests.support.fake_engine import DAEMON_DOWN, DENIED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the fake engine needs Linux"),
]

CALL = CallTest(args="(2,)", expected="2")
RIGHT = "def f(x):\n    return x\n"
ENDLESS = "def f(x):\n    while True: pass\n"
SPLIT = AssertTest(code="[].copy()\nfor i in range(3):\n    assert f(i) == i")
QUICK = Limits(wall_seconds=10.0, test_seconds=0.5)
PATIENCE = Patience(start_seconds=20.0, stop_seconds=1.0, kill_seconds=3.0)

MakeSandbox = Callable[..., RemoteSandbox]


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path)


def over(
    engine: FakeEngine, *, warm: int = 0, patience: Patience = PATIENCE, seconds: float = 5.0
) -> RemoteSandbox:
    """A sandbox on a fake engine."""
    executor = ContainerExecutor(engine=engine.path, warm=warm, command_seconds=seconds)
    return RemoteSandbox(executor, QUICK, workers=2, patience=patience)


async def judged(engine: FakeEngine, program: str = RIGHT, *, seconds: float = 5.0) -> Verdict:
    sandbox = over(
        engine, seconds=seconds, patience=Patience(start_seconds=10, stop_seconds=1, kill_seconds=1)
    )
    try:
        return await sandbox.judge(program, [CALL, CALL], entry_point="f")
    finally:
        await sandbox.aclose()


@pytest.mark.parametrize("name", ENGINES)
async def test_it_tells_right_from_wrong_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    engine = FakeEngine(tmp_path, name)
    sandbox = over(engine, warm=1)
    if name == "docker":
        report = await self_test(sandbox)
        assert report.ok, report
    verdict = await sandbox.judge(RIGHT, [CALL, SPLIT], entry_point="f")
    assert verdict.passed
    assert verdict.guarantees == ("G1", "G2", *GUARANTEES, "G12", "G13")
    await sandbox.aclose()
    assert engine.containers() == []


async def test_every_run_has_a_container_of_its_own(engine: FakeEngine) -> None:
    sandbox = over(engine, warm=2)
    for _ in range(3):
        assert (await sandbox.judge(RIGHT, [CALL], entry_point="f")).passed
    await asyncio.to_thread(engine.wait_until, lambda found: len(found) == 2)
    waiting = set(engine.containers())
    other = Limits(wall_seconds=5.0, memory_mb=512)
    assert (await sandbox.judge(RIGHT, [SPLIT], entry_point="f", limits=other)).passed
    await asyncio.to_thread(
        engine.wait_until, lambda found: not waiting & set(found)
    )  # made for other limits
    await sandbox.aclose()
    assert engine.containers() == []
    runs = [command for command in engine.commands() if command[0] == "run"]
    names = [command[command.index("--name") + 1] for command in runs]
    assert (
        len(set(names)) == len(names) == 9
    )  # four runs of three judgements and a pair, and those that waited


async def test_a_container_that_died_while_it_waited_is_not_used(engine: FakeEngine) -> None:
    sandbox = over(engine, warm=1)
    assert (await sandbox.judge(RIGHT, [CALL], entry_point="f")).passed
    await asyncio.to_thread(engine.wait_until, bool)
    await asyncio.to_thread(engine.remove_all)
    await asyncio.sleep(0.1)
    assert (await sandbox.judge(RIGHT, [CALL], entry_point="f")).passed
    await sandbox.aclose()


def test_containers_are_told_to_hold_everything_in() -> None:
    limits = Limits(memory_mb=500, scratch_mb=50, processes=8)
    for engine in (Engine(path="/bin/docker"), Engine(path="/bin/podman")):
        executor = ContainerExecutor("python@sha256:12", cpus=1.5, options=("--runtime", "runsc"))
        command = executor.run_command(engine, "codegrove-1", "print()", limits)
        assert command[:2] == [engine.path, "run"]
        assert command[-7:-5] == ["--entrypoint", "python3"]
        assert command[-5:] == ["python@sha256:12", "-I", "-S", "-c", "print()"]
        text = " ".join(command)
        for wanted in (
            *("--rm --interactive", "--pull never", "--name codegrove-1", "--network none", "--ipc none"),
            *("--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--user 65534:65534"),
            *("--pids-limit 12", "--memory 614m --memory-swap 614m", "--cpus 1.5", "--runtime runsc"),
            "--tmpfs /tmp:rw,nosuid,nodev,noexec,size=50m,mode=1777",
        ):
            assert wanted in text, wanted
        assert ("--read-only-tmpfs=false" in text) == engine.is_podman == ("nr_inodes" not in text)


@pytest.mark.parametrize("name", ENGINES)
def test_a_real_engine_understands_the_options(name: str) -> None:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    engine = Engine(path=path)
    executor = ContainerExecutor("codegrove.invalid/no-such-image:0", engine=path)
    command = executor.run_command(engine, "codegrove-test", harness(), Limits())
    done = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 125
    said = done.stderr.decode().lower()
    assert not any(word in said for word in ("unknown flag", "invalid argument", "usage:", "too long")), said


COMPLAINTS: dict[str, tuple[dict[str, Any], str]] = {
    "no engine": ({}, "no container engine: no '/nowhere/docker' is on the PATH; install one"),
    "no image": ({"images": []}, f"No such image: {IMAGE}; get it first: docker pull {IMAGE}"),
    "no daemon": ({"down": True}, f"{DAEMON_DOWN}; start docker, or name another engine"),
    "no permission": ({"denied": True}, f"{DENIED}; this user may not use docker"),
    "no answer": ({"hang": ["image inspect"]}, "`docker image inspect` did not answer within 0.5 seconds"),
}


@pytest.mark.parametrize("case", COMPLAINTS)
async def test_what_is_missing_is_told_with_what_to_do(engine: FakeEngine, case: str) -> None:
    trouble, expected = COMPLAINTS[case]
    engine.set(**trouble)
    path = engine.path if case != "no engine" else "/nowhere/docker"
    executor = ContainerExecutor(engine=path, command_seconds=0.5 if case == "no answer" else 5.0)
    with pytest.raises(SandboxError) as found:
        executor.check()
    assert expected in str(found.value)
    sandbox = RemoteSandbox(executor)
    verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert verdict.status is Status.UNJUDGED
    assert expected in verdict.note
    await sandbox.aclose()


def test_podman_says_it_in_its_own_words(tmp_path: Path) -> None:
    engine = FakeEngine(tmp_path, "podman", images=[])
    with pytest.raises(SandboxError, match=f"get it first: podman pull {IMAGE}"):
        ContainerExecutor(engine=engine.path).check()


def test_the_engine_that_answers_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker, podman = FakeEngine(tmp_path, "docker", down=True), FakeEngine(tmp_path, "podman")
    monkeypatch.setenv("PATH", f"{docker.folder}:{podman.folder}:/usr/bin:/bin")
    assert find_engine().name == "podman"
    docker.set()
    assert find_engine().name == "docker"
    assert find_engine("podman").name == "podman"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="neither 'docker' nor 'podman' is on the PATH"):
        find_engine()


def test_settings_that_make_no_sense_are_refused() -> None:
    wrong: tuple[dict[str, Any], ...] = ({"warm": -1}, {"image": ""}, {"image": "--privileged"})
    for settings in wrong:
        with pytest.raises(SandboxError, match="expected"):
            ContainerExecutor(**settings)


TROUBLE: dict[str, tuple[dict[str, Any], str]] = {
    "refused": (
        {"exit": 125, "message": "Error response from daemon: no space left"},
        "125: docker: Error resp",
    ),
    "not executable": ({"exit": 126, "message": "permission odd"}, "exit code 126: docker: permission odd"),
    "no interpreter": (
        {"exit": 127, "message": "python3: not found"},
        "exit code 127: docker: python3: not found",
    ),
    "killed at once": ({"exit": 137, "message": ""}, "exit code 137"),
    "interpreter missing": ({"python": "/nowhere/python3"}, "exit code 127: exec: '/nowhere/python3'"),
    "interpreter of another kind": ({"python": "/bin/echo"}, "it delivered what is no report of a run"),
    "garbage first": (
        {"stdout": "garbage"},
        "no report of a run: a line of something else: 'Welcome to this image!'",
    ),
    "cut at the start": (
        {"stdout": "cut", "lines": 1, "code": 137},
        "exit code 137: docker: the container was killed",
    ),
    "cut after the first result": ({"stdout": "cut", "lines": 3, "code": 137}, "exit code 137"),
    "cut before the end": ({"stdout": "cut", "lines": 4, "code": 0}, "ended before the run was over"),
    "repeated start": ({"stdout": "repeat", "lines": 1}, "line 2 is missing, repeated or out of order"),
    "repeated result": ({"stdout": "repeat", "lines": 3}, "line 4 is missing, repeated or out of order"),
    "lost result": ({"stdout": "lose", "lines": 3}, "line 3 is missing, repeated or out of order"),
    "endless lines": ({"stdout": "endless"}, "a line without an end: 'xxxx"),
    "more after the end": ({"stdout": "go on"}, "missing, repeated or out of order"),
    "a client that stays": ({"stdout": "stay"}, "its process did not end after the run"),
}


@pytest.mark.parametrize("case", TROUBLE)
async def test_trouble_is_told_and_never_a_pass(engine: FakeEngine, case: str) -> None:
    trouble, expected = TROUBLE[case]
    engine.set(**trouble)
    began = time.monotonic()
    verdict = await judged(engine)
    assert time.monotonic() - began < 10
    assert verdict.status is Status.UNJUDGED
    assert {result.status for result in verdict.results} == {Status.UNJUDGED}
    assert verdict.note.startswith("the sandbox failed: docker: ")
    assert expected in verdict.note
    assert engine.containers() == []


async def test_a_slow_start_is_nobodys_fault(engine: FakeEngine) -> None:
    engine.set(slow_start=0.7)
    sandbox = over(engine)
    limits = Limits(wall_seconds=0.6, test_seconds=0.5)
    verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f", limits=limits)
    assert verdict.status in (
        Status.PASSED,
        Status.TIMED_OUT,
    )  # a loaded machine may need longer for the run itself
    assert verdict.status is Status.PASSED or verdict.seconds > 0.5
    await sandbox.aclose()


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ({"hang": ["rm"]}, "`docker rm --force` did not answer within 0.5 seconds"),
        ({"kill_fails": True}, "cannot remove container"),
    ],
)
async def test_what_cannot_be_killed_is_a_failure_of_the_engine(
    engine: FakeEngine, trouble: dict[str, object], expected: str
) -> None:
    sandbox = over(engine, seconds=0.5, patience=Patience(stop_seconds=0.1, kill_seconds=2.0))
    stopped = (
        "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\n" + ENDLESS
    )  # nobody there keeps the time
    limits = Limits(wall_seconds=0.4)
    assert sandbox.executor.name == engine.path
    await asyncio.to_thread(sandbox.executor.check)  # type: ignore[attr-defined]
    engine.set(**trouble)
    verdict = await sandbox.judge(stopped, [CALL], entry_point="f", limits=limits)
    assert verdict.status is Status.UNJUDGED
    assert expected in verdict.note
    await sandbox.aclose()
    engine.set()
    await asyncio.to_thread(engine.remove_all)


async def test_a_program_that_stops_its_supervisor_is_killed_by_name(engine: FakeEngine) -> None:
    program = "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\n" + ENDLESS
    sandbox = over(engine)
    verdict = await sandbox.judge(program, [CALL], entry_point="f", limits=Limits(wall_seconds=0.4))
    assert (verdict.status, verdict.limit) == (Status.TIMED_OUT, "wall")
    assert engine.containers() == []
    removed = [command[2] for command in engine.commands() if command[0] == "rm"]
    assert len(removed) == 1
    await sandbox.aclose()


async def test_limits_that_an_engine_cannot_keep_are_not_claimed(engine: FakeEngine) -> None:
    engine.set(
        warning="WARNING: Your kernel does not support memory limit capabilities. Limitation discarded."
    )
    verdict = await judged(engine)
    assert verdict.passed
    assert "G8" not in verdict.guarantees
    assert "G9" in verdict.guarantees


async def test_closing_and_cancelling_leave_no_container(engine: FakeEngine) -> None:
    sandbox = over(engine, warm=1)
    limits = Limits(wall_seconds=60.0, test_seconds=60.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sandbox.judge(ENDLESS, [CALL], entry_point="f", limits=limits), 0.5)
    running = asyncio.create_task(sandbox.judge(ENDLESS, [CALL], entry_point="f", limits=limits))
    await asyncio.sleep(0.5)
    await sandbox.aclose()
    assert "closed" in (await running).note
    assert engine.containers() == []


FORGOTTEN = """\
import asyncio, sys, threading
from codegrove.task import CallTest
from codegrove.tools.sandbox.remote import ContainerExecutor, RemoteSandbox
sandbox = RemoteSandbox(ContainerExecutor(engine=sys.argv[1], warm=2))
call = CallTest(args='(2,)', expected='2')
verdict = asyncio.run(sandbox.judge('def f(x): return x', [call], entry_point='f'))
print(verdict.status, flush=True)
if sys.argv[2] == 'killed':
    import os
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_nothing_outlives_the_process_of_the_judge(engine: FakeEngine, how: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", FORGOTTEN, engine.path, how], capture_output=True, text=True, env=environment
    )
    assert (done.stdout, done.stderr) == ("passed\n", "")
    assert how == "killed" or not engine.containers()
    engine.wait_until(lambda found: not found)
