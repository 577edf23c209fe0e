"""Interpreters and pairs of runs: what fails on the way leaves nothing behind and costs nobody a verdict."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from codegrove.errors import SandboxError
from codegrove.task import AssertTest, CallTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox, judgement
from codegrove.tools.sandbox import interpreter as interpreter_module
from codegrove.tools.sandbox.containment import Containment, Level
from codegrove.tools.sandbox.conversation import Conversation
from codegrove.tools.sandbox.examination import examine
from codegrove.tools.sandbox.fresh import FreshInterpreter
from codegrove.tools.sandbox.interpreter import Interpreter, can_fork
from codegrove.tools.sandbox.pool import Executor, Pool, Ticket
from codegrove.tools.sandbox.rules import Rules
from codegrove.tools.sandbox.runs import Meeting, Run

pytestmark = pytest.mark.skipif(not can_fork(), reason="needs fork")

RULES = Rules(wall_seconds=5.0, step_seconds=5.0, output_bytes=1000, processes=1)
SPLIT = AssertTest(code="pairs = iter([(1, 1), (2, 2)])\nfor a, b in pairs:\n    assert f(a) == b")


@pytest.fixture(params=["isolated", "basic"])
async def own(request: pytest.FixtureRequest) -> AsyncIterator[ProcessSandbox]:
    level: Level = request.param
    if not examine(level, sys.executable).available:
        pytest.skip("needs namespaces of Linux")
    sandbox = ProcessSandbox(Limits(wall_seconds=20, test_seconds=0.5), workers=1, level=level)
    yield sandbox
    await sandbox.aclose()


def descriptors() -> list[str]:
    return sorted(os.listdir("/dev/fd"))


def test_what_starts_ahead_is_what_runs_later() -> None:
    pool = Pool(sys.executable, 2, site_packages=False, warm=True, fork=False)
    pool.start_ahead()
    assert [type(one) for one in pool._idle] == [FreshInterpreter] * 2
    pool.close()


@pytest.mark.slow
async def test_a_slow_start_of_the_program_is_not_the_time_of_its_tests(
    own: ProcessSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await own.judge("def f(x): return x", [SPLIT], entry_point="f")).passed
    monkeypatch.setattr(judgement, "TEST_PROCESS_GRACE_SECONDS", 0.3)
    wait = Interpreter._wait_until_ready

    def slowly(self: Interpreter, *how: Any) -> Any:
        if threading.current_thread().name == "codegrove-candidate":
            time.sleep(1.5)
        return wait(self, *how)

    monkeypatch.setattr(Interpreter, "_wait_until_ready", slowly)
    verdict = await own.judge("def f(x): return x", [SPLIT], entry_point="f")
    assert verdict.passed, verdict
    assert verdict.seconds < 1.0


def test_a_meeting_is_called_off_or_takes_place() -> None:
    for turn in range(200):
        meeting = Meeting()
        found: list[bool] = []

        def come(meeting: Meeting = meeting, found: list[bool] = found) -> None:
            found.append(meeting.arrive())
            meeting.call_off()

        threads = [threading.Thread(target=come) for _ in range(2)]
        for thread in threads[: 1 + turn % 2]:
            thread.start()
        if turn % 2 == 0:
            meeting.call_off()
        for thread in threads[: 1 + turn % 2]:
            thread.join(10)
        assert found == ([True, True] if turn % 2 else [False])


@pytest.mark.parametrize("what", ["start", "_shared", "pipe"])
def test_a_pair_that_cannot_begin_leaves_no_descriptor(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(sys.executable, 2, site_packages=False, warm=True)
    executor = Executor(pool, Ticket())
    runs = [Run({"coverage": 0}, RULES, lambda line: True) for _ in range(2)]
    before = descriptors()
    pipe, pipes = os.pipe, iter([True, False])

    def refuse(*arguments: object) -> Any:
        raise RuntimeError("can't start new thread")

    def refuse_the_second() -> tuple[int, int]:
        return pipe() if next(pipes) else refuse()

    with monkeypatch.context() as patched:
        if what == "start":
            patched.setattr(threading.Thread, "start", refuse)
        elif what == "pipe":
            patched.setattr(os, "pipe", refuse_the_second)
        else:
            patched.setattr(Executor, "_shared", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            executor.pair(runs[0], runs[1], 0.1)
    assert descriptors() == before
    pool.close()


@pytest.mark.parametrize("what", ["TemporaryFile", "socketpair", "Popen"])
def test_an_interpreter_that_cannot_start_leaves_nothing(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*arguments: object, **named: object) -> Any:
        raise OSError("no room")

    monkeypatch.setattr(interpreter_module, "new_folder", lambda: tempfile.mkdtemp(dir=tmp_path))
    owner = {"TemporaryFile": tempfile, "socketpair": socket, "Popen": subprocess}
    monkeypatch.setattr(owner[what], what, refuse)
    before = descriptors()
    with pytest.raises((OSError, SandboxError), match="no room"):
        Interpreter(sys.executable, Containment(level="restricted"))
    assert descriptors() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("test", [CallTest(args="(1,)", expected="1"), SPLIT], ids=["call", "split"])
@pytest.mark.parametrize("times", [1, 2])
async def test_whoever_is_killed_just_before_its_job_has_another_try(
    own: ProcessSandbox, test: Test, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await own.judge("def f(x): return x", [test], entry_point="f")).passed
    send, killed = Conversation.send, 0

    def kill_first(self: Conversation, job: bytes, extra: Any) -> None:
        nonlocal killed
        if killed < times:
            killed += 1
            self.interrupt()
            deadline = time.monotonic() + 10
            while self.ended is None and time.monotonic() < deadline:
                self._hear()
        send(self, job, extra)

    monkeypatch.setattr(Conversation, "send", kill_first)
    verdict = await own.judge("def f(x): return x", [test], entry_point="f")
    monkeypatch.undo()
    tries = 1 if isinstance(test, CallTest) else 2  # both of a pair may be killed in the first one
    assert verdict.passed is (times <= tries), verdict
    assert (await own.judge("def f(x): return x", [test], entry_point="f")).passed


async def test_a_program_that_kills_itself_is_told_so(own: ProcessSandbox) -> None:
    for program in (
        "import os\nos.kill(os.getpid(), 9)",
        "def f(x): __import__('os').kill(__import__('os').getpid(), 9)",
    ):
        for test in (CallTest(args="(1,)", expected="1"), SPLIT):
            verdict = await own.judge(program, [test], entry_point="f")
            assert (str(verdict.status), verdict.passed_count) == ("crashed", 0), verdict
