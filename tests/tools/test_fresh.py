"""Runs without forks, as on Windows: an interpreter of its own for each, and the same verdicts."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from codegrove.errors import SandboxError
from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox, make_sandbox
from codegrove.tools.sandbox.child_alarm import ThreadAlarm
from codegrove.tools.sandbox.containment import containment
from codegrove.tools.sandbox.factory import WeakSandboxWarning
from codegrove.tools.sandbox.fresh import FreshInterpreter
from codegrove.tools.sandbox.job import ProcessGroup
from codegrove.tools.sandbox.rules import Rules, RunEnd
from codegrove.verdict import Status

_ABORTED = "EarlyExit" if os.name == "nt" else "Killed"
posix = pytest.mark.skipif(os.name == "nt", reason="stands in for what a system without forks does")

LIMITS = Limits(wall_seconds=20.0, test_seconds=5.0)
SHORT = replace(LIMITS, test_seconds=0.5)
CALL = CallTest(args="(2,)", expected="3")
LOOP = AssertTest(code="for number in range(3):\n    assert f(number) == number + 1")
TOGETHER = AssertTest(code="import candidate\ncandidate.ONE = 1\nassert vars(candidate)['f'](2) == 3")
STDIN = StdioTest(stdin="2\n", expected="3\n")
RIGHT = "ONE = 1\ndef f(x):\n    return x + ONE\n"
ENDLESS = "def f(x):\n    while True: pass\n"


@pytest.fixture(scope="module")
def unforked() -> Iterator[ProcessSandbox]:
    """One for all: what one program breaks must show in the next verdict."""
    shared = ProcessSandbox(LIMITS, workers=2, fork=False)
    yield shared
    asyncio.run(shared.aclose())


async def test_right_and_wrong_programs(unforked: ProcessSandbox) -> None:
    tests: list[Test] = [CALL, LOOP, TOGETHER]
    right = await unforked.judge(RIGHT, tests, entry_point="f")
    assert right.passed, right
    assert right.level == "basic"
    assert "test 2 ran in the program's process" in right.note
    assert (await unforked.judge(RIGHT, tests[:2], entry_point="f")).guarantees == (
        "G1",
        *unforked.guarantees,
    )
    wrong = await unforked.judge(RIGHT.replace("1", "2"), [CALL, LOOP], entry_point="f")
    assert [result.status for result in wrong.results] == [Status.FAILED, Status.FAILED]


async def test_programs_that_read_stdin(unforked: ProcessSandbox) -> None:
    program = "import sys\nprint(int(input()) + 1)\nprint('seen', file=sys.stderr)\n"
    wrong = replace(STDIN, expected="4\n")
    verdict = await unforked.judge(program, [STDIN, wrong])
    assert [result.status for result in verdict.results] == [Status.PASSED, Status.FAILED]
    assert verdict.stderr == "seen\nseen\n"
    ended = await unforked.judge("raise SystemExit(3)", [STDIN])
    assert ended.status is Status.CRASHED


@pytest.mark.parametrize(
    ("program", "limits", "status", "kind", "limit"),
    [
        (ENDLESS, SHORT, Status.TIMED_OUT, "TimeLimit", ""),
        ("def f(x):\n    return sum(range(10 ** 11))", SHORT, Status.TIMED_OUT, "TimeLimit", ""),
        (ENDLESS, replace(LIMITS, wall_seconds=0.7), Status.TIMED_OUT, "TimeLimit", "wall"),
        ("def f(x):\n    return bytearray(1 << 31)", LIMITS, Status.CRASHED, "MemoryError", "memory"),
        ("def f(x):\n    while True: print('x' * 999)", LIMITS, Status.CRASHED, "OutputLimit", "output"),
        ("import os\ndef f(x): os._exit(0)", LIMITS, Status.CRASHED, "EarlyExit", ""),
        ("import os\ndef f(x): os.abort()", LIMITS, Status.CRASHED, _ABORTED, ""),
        ("raise OSError('no')", LIMITS, Status.CRASHED, "OSError", ""),
        ("def g(x): return x", LIMITS, Status.INVALID, "MissingEntryPoint", ""),
    ],
)
async def test_limits_and_crashes(
    unforked: ProcessSandbox, program: str, limits: Limits, status: Status, kind: str, limit: str
) -> None:
    verdict = await unforked.judge(program, [CALL], entry_point="f", limits=limits)
    assert (verdict.status, verdict.limit) == (status, limit)
    error = verdict.results[0].error
    assert error is not None
    assert error.type == kind
    assert verdict.seconds < limits.wall_seconds + 1.5


LIAR = "a value that equals everything"
FORGERIES = {
    "records on every descriptor": (
        "import os\n"
        "def f(x):\n"
        '    line = b\'{"kind": "result", "index": 0, "seconds": 0.1, "outcome": "passed"}\\n\'\n'
        "    for number in range(1, 64):\n"
        "        try: os.write(number, line)\n"
        "        except OSError: pass\n"
        "    os._exit(0)\n"
    ),
    "records with the token of the run": (
        "import gc, json, os\n"
        "def f(x):\n"
        "    for found in gc.get_objects():\n"
        "        if isinstance(found, dict) and isinstance(found.get('token'), str):\n"
        "            line = {'token': found['token'], 'kind': 'result', 'index': 0, 'seconds': 0.1,\n"
        "                    'outcome': 'passed'}\n"
        "            for number in range(3, 64):\n"
        "                try: os.write(number, (json.dumps(line) + '\\n').encode())\n"
        "                except OSError: pass\n"
        "    os._exit(0)\n"
    ),
    "another result after the first": (
        "import atexit, os, sys, threading\n"
        "def f(x):\n"
        "    frame = sys._getframe()\n"
        "    while frame is not None:\n"
        "        run = frame.f_locals.get('self')\n"
        "        if hasattr(run, 'send'):\n"
        "            run.send('result', index=0, seconds=0.1, outcome='passed')\n"
        "            run.send('finished')\n"
        "            os._exit(0)\n"
        "        frame = frame.f_back\n"
    ),
    "no alarm": (
        "import sys, time\n"
        "def f(x):\n"
        "    frame = sys._getframe()\n"
        "    while frame is not None:\n"
        "        run = frame.f_locals.get('self')\n"
        "        if hasattr(run, 'alarm'):\n"
        "            run.alarm.stop()\n"
        "        frame = frame.f_back\n"
        "    time.sleep(60)\n"
    ),
    "a record without an end": (
        "import os\ndef f(x):\n    while True:\n        os.write(4, b'x' * 65536)\n        os.write(5, b'x')\n"
    ),
    LIAR: (
        "class Liar:\n    def __eq__(self, other): return True\n    __hash__ = None\ndef f(x): return Liar()\n"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "test"),
    [*((name, CALL) for name in FORGERIES), ("records on every descriptor", LOOP), (LIAR, LOOP)],
)
async def test_a_forged_verdict_is_no_pass(unforked: ProcessSandbox, name: str, test: Test) -> None:
    verdict = await unforked.judge(FORGERIES[name], [test], entry_point="f", limits=SHORT)
    assert verdict.status in (Status.CRASHED, Status.FAILED, Status.TIMED_OUT), verdict
    assert not verdict.results[0].passed
    assert (await unforked.judge(RIGHT, [test], entry_point="f")).passed


@posix
async def test_nothing_is_inherited_but_what_a_run_needs(
    unforked: ProcessSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "do not tell")
    with open(tmp_path / "opened", "w") as opened:  # noqa: ASYNC230
        os.set_inheritable(opened.fileno(), True)
        program = (
            "import os, sys\ndef f(x):\n"
            "    names = [name for name in os.environ if name.startswith(('SECRET', 'PYTHONPATH'))]\n"
            f"    files = [n for n in range(64) if os.path.exists(f'/proc/self/fd/{{n}}')\n"
            f"             and os.readlink(f'/proc/self/fd/{{n}}') == {str(tmp_path / 'opened')!r}]\n"
            "    return names, files, [m for m in sys.modules if m.startswith('codegrove')]\n"
        )
        test = CallTest(args="(2,)", expected="([], [], [])")
        verdict = await unforked.judge(program, [test], entry_point="f")
    assert verdict.passed, verdict


async def test_a_run_has_a_folder_of_its_own_that_is_gone_afterwards(unforked: ProcessSandbox) -> None:
    program = (
        "import os, tempfile\ndef f(x):\n"
        "    os.makedirs('a/b'); open('a/b/c', 'w').close(); os.chmod('a', 0)\n"
        "    print(os.getcwd(), tempfile.gettempdir(), os.path.expanduser('~'))\n"
        "    return x + 1\n"
    )
    verdict = await unforked.judge(program, [CALL], entry_point="f")
    assert verdict.passed, verdict
    folders = set(verdict.stdout.split())
    assert len(folders) == 1
    assert not Path(folders.pop()).exists()  # noqa: ASYNC240


async def test_what_a_run_started_ends_with_it(
    unforked: ProcessSandbox, is_alive: Callable[[int], bool]
) -> None:
    program = (
        "import subprocess, sys\ndef f(x):\n"
        "    print(subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)']).pid)\n"
        "    return x + 1\n"
    )
    verdict = await unforked.judge(program, [CALL], entry_point="f")
    assert verdict.passed, verdict
    deadline = time.monotonic() + 5
    while is_alive(int(verdict.stdout)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_cancelling_ends_the_run(unforked: ProcessSandbox, tmp_path: Path) -> None:
    note = tmp_path / "note"
    program = f"open({str(note)!r}, 'w').close()\n{ENDLESS}"
    judging = asyncio.create_task(unforked.judge(program, [CALL], entry_point="f"))
    while not note.exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.01)
    judging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await judging
    began = time.monotonic()
    assert (await unforked.judge(RIGHT, [CALL], entry_point="f")).passed
    assert time.monotonic() - began < 4.0


async def test_a_trace_is_the_same(unforked: ProcessSandbox) -> None:
    forked = ProcessSandbox(LIMITS, workers=1)
    traces = [await one.trace(RIGHT, CALL, entry_point="f") for one in (unforked, forked)]
    await forked.aclose()
    assert traces[0].blocks
    assert traces[0] == traces[1]


async def test_what_takes_forks_is_refused_in_one_message(unforked: ProcessSandbox) -> None:
    coverage = await unforked.coverage(RIGHT, [CALL], entry_point="f")
    assert coverage.error is not None
    assert "cannot be forked" in coverage.error.message
    with pytest.raises(SandboxError, match="cannot be forked"):
        unforked.session()
    with pytest.raises(SandboxError, match="cannot be forked"):
        unforked.for_language("bash")
    isolated = ProcessSandbox(LIMITS, level="isolated", fork=False)
    verdict = await isolated.judge(RIGHT, [CALL], entry_point="f")
    await isolated.aclose()
    assert verdict.status is Status.UNJUDGED
    assert "cannot be forked" in verdict.note


async def test_the_best_level_without_forks_is_basic() -> None:
    with pytest.warns(WeakSandboxWarning, match="candidates can read and write what you can"):
        sandbox = make_sandbox(fork=False)
    assert sandbox.level == "basic"
    with pytest.raises(SandboxError, match="'restricted' is demanded but not available .* offers 'basic'"):
        make_sandbox(at_least="restricted", fork=False)
    await sandbox.aclose()


class Refusing(ProcessGroup):
    """A job of a system that holds no process."""

    refuses = "take"

    def take(self, process: object) -> None:
        """Refuse."""
        if self.refuses == "take":
            raise PermissionError("the system says no")
        super().take(process)  # type: ignore[arg-type]

    def limit(self, **limits: object) -> None:
        """Refuse."""
        raise PermissionError("the system says no")


class RefusingLimits(Refusing):
    """A job of a system that keeps no limits."""

    refuses = "limit"


def run_on(interpreter: FreshInterpreter, job: bytes = b"{}") -> RunEnd:
    rules = Rules(wall_seconds=5.0, step_seconds=5.0, output_bytes=1000, processes=4)
    return interpreter.run(job, stdin=None, rules=rules, on_record=lambda line: True, cancelled=lambda: False)


@posix
@pytest.mark.parametrize("kind", [Refusing, RefusingLimits])
def test_a_process_that_cannot_be_held_runs_nothing(kind: type[Refusing]) -> None:
    interpreter = FreshInterpreter(sys.executable, containment("basic", ()), make_job=kind)
    with pytest.raises(SandboxError, match="the system says no"):
        run_on(interpreter)


@posix
def test_an_interpreter_that_does_not_start_is_lost_and_blames_no_program(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    broken.chmod(0o755)
    end = run_on(FreshInterpreter(str(broken), containment("basic", ())))
    assert (end.stopped, end.started) == ("lost", False)
    assert "exit code 3: out of order" in end.problem
    with pytest.raises(SandboxError, match="cannot start"):
        run_on(FreshInterpreter(str(tmp_path / "nothing"), containment("basic", ())))


@posix
def test_a_run_that_used_up_its_processor_time_says_so() -> None:
    class Tired(ProcessGroup):
        def wait(self) -> int:
            code = super().wait()
            self._usage = replace(self._usage, cpu_used_up=True)
            return code

    end = run_on(FreshInterpreter(sys.executable, containment("basic", ()), make_job=Tired), b"")
    assert end.stopped == "cpu"


def test_an_alarm_rings_in_the_end_of_the_process_only() -> None:
    rung = threading.Event()

    def ring_for_ever(frame: object) -> None:
        rung.set()
        threading.Event().wait()

    alarm = ThreadAlarm(0.05, ring_for_ever)
    alarm.start()
    alarm.stop()
    alarm.start(30.0)
    alarm.start(0.0)
    assert rung.wait(10.0)
    stopped = threading.Thread(target=alarm.stop, daemon=True)
    stopped.start()
    stopped.join(0.1)
    assert stopped.is_alive()  # nobody goes on while it rings


def test_an_alarm_that_is_stopped_in_time_is_silent() -> None:
    rung: list[object] = []
    alarm = ThreadAlarm(0.02, rung.append)
    for _ in range(200):
        alarm.start()
        alarm.stop()
    time.sleep(0.1)
    assert rung == []


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="compares with forked runs")
@pytest.mark.parametrize("program", [ENDLESS, "def f(x):\n    return undefined\n"])
@pytest.mark.slow
async def test_errors_have_the_same_words(unforked: ProcessSandbox, program: str) -> None:
    forked = ProcessSandbox(LIMITS, workers=1)
    verdicts = [await one.judge(program, [CALL], entry_point="f", limits=SHORT) for one in (unforked, forked)]
    await forked.aclose()
    assert verdicts[0].results[0].error == verdicts[1].results[0].error
