"""Programs that cheat or do damage: never a pass, never a hang, nothing left, and the sandbox works afterwards."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.verdict import Status

LIMITS = Limits(wall_seconds=6, test_seconds=0.3, memory_mb=400, output_bytes=100_000)
PATIENT = replace(LIMITS, wall_seconds=20, test_seconds=5)
"""For tests of other limits than time, which must not be decided by a busy machine."""
CALL = CallTest(args="(1,)", expected="1")
ASSERT = AssertTest(code="assert f(1) == 1")

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the process table of Linux")

LIAR = """\
class L{base}:
    __class__ = int
    def __eq__(self, other): return True
    def __hash__(self): return 1
    def __repr__(self): return '1'
    def __index__(self): return 1
    __int__ = __index__
    def __reduce__(self): return (print, ('decoded',))
def f(x):
    return L({value})
"""

HOSTILE: dict[str, tuple[str, str]] = {
    "endless loop": ("def f(x):\n    while True: pass", "timed_out"),
    "swallows everything": (
        "def f(x):\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass",
        "timed_out",
    ),
    "loop in C": ("def f(x):\n    return sum(range(10**12))", "timed_out"),
    "blocked signals": (
        "import signal\ndef f(x):\n    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n"
        "    while True: pass",
        "timed_out",
    ),
    "ignored alarm": (
        "import signal\ndef f(x):\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True: pass",
        "timed_out",
    ),
    "suspends itself": (
        "import os, signal\ndef f(x):\n    os.kill(os.getpid(), signal.SIGSTOP)",
        "timed_out",
    ),
    "endless loop at import": ("while True: pass", "timed_out"),
    "exit": ("import sys\ndef f(x):\n    sys.exit(0)", "crashed"),
    "exit at import": ("import sys\nsys.exit(0)\ndef f(x): return 1", "crashed"),
    "hard exit": ("import os\ndef f(x):\n    os._exit(0)", "crashed"),
    "hard exit at import": ("import os\nos._exit(0)", "crashed"),
    "exit in a thread": (
        "import os, threading, time\nthreading.Timer(0.05, os._exit, (0,)).start()\n"
        "def f(x):\n    time.sleep(5)\n    return 1",
        "crashed",
    ),
    "keyboard interrupt": ("def f(x):\n    raise KeyboardInterrupt", "crashed"),
    "generator exit": ("def f(x):\n    raise GeneratorExit", "crashed"),
    "kills itself": ("import os\ndef f(x):\n    os.kill(os.getpid(), 9)", "crashed"),
    "crashes the interpreter": ("import ctypes\ndef f(x):\n    ctypes.string_at(0)", "crashed"),
    "replaces itself": ("import os\ndef f(x):\n    os.execv('/bin/true', ['true'])", "crashed"),
    "reads input": ("def f(x):\n    return input()", "crashed"),
    "recursion": ("def f(x):\n    return f(x)", "crashed"),
    "hostile message": (
        "class E(Exception):\n    def __str__(self): raise SystemExit(0)\ndef f(x): raise E",
        "crashed",
    ),
    "endless message": (
        "class E(Exception):\n    def __str__(self):\n        while True: pass\ndef f(x): raise E",
        "timed_out",
    ),
    "huge message": ("def f(x):\n    raise ValueError('x' * 10_000_000)", "crashed"),
    "exception with a lying type": (
        "class M(type):\n    __name__ = property(lambda c: 1 / 0)\n"
        "class E(Exception, metaclass=M): pass\ndef f(x): raise E",
        "crashed",
    ),
    "prints a result": (
        'def f(x):\n    print(\'{"kind": "result", "index": 0, "outcome": "passed"}\')\n    return 2',
        "failed",
    ),
    "writes a result to every descriptor": (
        'import os\ndef f(x):\n    line = b\'{"token": "", "kind": "result", "index": 0, "seconds": 0,'
        ' "outcome": "value", "value": 1}\\n\'\n    for fd in range(3, 64):\n'
        "        try: os.write(fd, line)\n        except OSError: pass\n    return 2",
        "crashed",
    ),
    "closes every descriptor": ("import os\ndef f(x):\n    os.closerange(0, 64)\n    return 1", "crashed"),
    "breaks the library": (
        "import builtins, json, os, signal, time\njson.dumps = lambda *a, **k: '[]'\nos.write = lambda *a: 1\n"
        "os._exit = os.getpid = signal.setitimer = lambda *a: None\ntime.perf_counter = lambda: 'x'\n"
        "builtins.AssertionError = SystemExit\ndef f(x): return 2",
        "failed",
    ),
    "breaks builtins": (
        "import builtins\nbuiltins.isinstance = lambda *a: True\ndef f(x): return 2",
        "crashed",
    ),
    "kills the interpreter above": (
        "import os\ndef f(x):\n    os.kill(os.getppid(), 9)\n    return 1",
        "crashed",
    ),
    "lying object": (LIAR.format(base="", value=""), "failed"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_programs_get_a_verdict_in_time(sandbox: ProcessSandbox, name: str) -> None:
    program, status = HOSTILE[name]
    tests: list[Test] = [CALL] if status == "timed_out" else [CALL, CALL]
    began = time.monotonic()
    verdict = await sandbox.judge(program, tests, entry_point="f", limits=LIMITS)
    assert time.monotonic() - began < LIMITS.wall_seconds + 3
    assert [result.status for result in verdict.results] == [status] * len(tests), verdict
    assert verdict.status == status
    after = await sandbox.judge("def f(x):\n    return x", [CALL, ASSERT], entry_point="f")
    assert after.passed


@pytest.mark.parametrize(
    ("base", "value"), [("(int)", "99"), ("(str)", "'99'"), ("(list)", "[99]"), ("(dict)", "")]
)
async def test_values_that_lie_about_equality_fail(sandbox: ProcessSandbox, base: str, value: str) -> None:
    program = LIAR.format(base=base, value=value).replace("    __class__ = int\n", "")
    verdict = await sandbox.judge(program, [CALL], entry_point="f", limits=PATIENT)
    assert verdict.status is Status.FAILED


@pytest.mark.parametrize(
    "program",
    [
        "import sys\ndef f(x):\n    sys.exit(0)",
        "import os\ndef f(x):\n    os._exit(0)",
        "import builtins\nbuiltins.AssertionError = SystemExit\ndef f(x): return 2",
        "import os, atexit\natexit.register(os._exit, 0)\ndef f(x): return 2",
        "import sys\nsys.excepthook = lambda *a: None\ndef f(x): return 2",
        "import sys\nsys.settrace(lambda *a: None)\ndef f(x): raise SystemExit",
        "def f(x):\n    raise KeyboardInterrupt",
        "def f(x):\n    print('1 passed')\n    return 2",
    ],
)
async def test_simple_ways_to_skip_assertions_do_not_pass(sandbox: ProcessSandbox, program: str) -> None:
    verdict = await sandbox.judge(program, [ASSERT], entry_point="f", limits=PATIENT)
    assert verdict.status in (Status.FAILED, Status.CRASHED)


async def test_a_flood_of_output_is_cut(sandbox: ProcessSandbox) -> None:
    program = "def f(x):\n    while x == 1:\n        print('x' * 1000)\n    return x"
    tests = [CallTest(args="(0,)", expected="0"), CALL, CallTest(args="(2,)", expected="2")]
    verdicts = await asyncio.gather(
        *(sandbox.judge(program, tests, entry_point="f", limits=PATIENT) for _ in range(20))
    )
    for verdict in verdicts:
        assert [result.status for result in verdict.results] == ["passed", "crashed", "passed"]
        assert verdict.limit == "output"
        assert verdict.results[1].error is not None
        assert verdict.results[1].error.type == "OutputLimit"
        assert len(verdict.stdout) <= 4000
    verdict = await sandbox.judge("while True: print(1)", [StdioTest(stdin="", expected="1")], limits=PATIENT)
    assert (verdict.status, verdict.limit) == (Status.CRASHED, "output")


async def test_memory_is_bounded(sandbox: ProcessSandbox) -> None:
    program = "def f(x):\n    return len(bytearray(x * 600_000_000)) and x"
    tests = [CALL, CallTest(args="(0,)", expected="0")]
    verdict = await sandbox.judge(program, tests, entry_point="f", limits=PATIENT)
    assert [result.status for result in verdict.results] == ["crashed", "passed"]
    assert verdict.limit == "memory"
    assert verdict.results[0].error is not None
    assert verdict.results[0].error.type == "MemoryError"


async def test_file_size_is_bounded(sandbox: ProcessSandbox) -> None:
    program = "def f(x):\n    open('big', 'wb').write(bytes(30_000_000))\n    return x"
    verdict = await sandbox.judge(program, [CALL], entry_point="f", limits=PATIENT)
    assert verdict.status is Status.CRASHED
    assert verdict.results[0].error is not None
    assert "too large" in verdict.results[0].error.message.lower()


@linux
@pytest.mark.parametrize(
    "program",
    [
        "import os\ndef f(x):\n    while True:\n        try: os.fork()\n        except OSError: pass",
        "import os, signal\ndef f(x):\n    while True:\n        try:\n            if os.fork() == 0: os._exit(0)\n"
        "            if os.fork() == 0: signal.pause()\n"
        "        except OSError: pass",
        "import os, time\ndef f(x):\n    for _ in range(40):\n        if os.fork() == 0:\n"
        "            os.setsid()\n            time.sleep(60)\n    time.sleep(60)",
        "import threading, time\ndef f(x):\n    for _ in range(20):\n"
        "        threading.Thread(target=time.sleep, args=(60,)).start()\n    time.sleep(60)",
    ],
)
async def test_processes_and_threads_are_counted(sandbox: ProcessSandbox, program: str) -> None:
    limits = replace(PATIENT, children=True)
    verdict = await sandbox.judge(program, [CALL], entry_point="f", limits=limits)
    assert (verdict.status, verdict.limit) == (Status.CRASHED, "processes")


DAEMON = """\
import os, time
def f(x):
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, b'%d' % os.getpid())
            os.closerange(0, 3)
            time.sleep(60)
        os._exit(0)
    os.wait()
    pid = int(os.read(read, 20))
    {after}
    return pid
"""


@linux
@pytest.mark.parametrize("after", ["", "os.kill(os.getppid(), 9)"])
async def test_processes_that_detach_are_dead_afterwards(
    is_alive: Callable[[int], bool], tmp_path: Path, after: str
) -> None:
    # On this level a program can tell, in a file, which process to look for.
    own = ProcessSandbox(workers=1, level="basic")
    note = tmp_path / "pid"
    program = DAEMON.format(after=f"open({str(note)!r}, 'w').write(str(pid)); {after}")
    await own.judge(program, [CALL], entry_point="f", limits=PATIENT)
    await own.aclose()
    pid = int(note.read_text())
    async with asyncio.timeout(5):  # the kernel may still be busy with it on a loaded machine
        while is_alive(pid):  # noqa: ASYNC110  a process gives no event
            await asyncio.sleep(0.02)


async def test_the_scratch_folder_is_gone_afterwards(sandbox: ProcessSandbox) -> None:
    program = (
        "import os\ndef f(x):\n    os.makedirs('a/b')\n    open('a/b/c', 'w').close()\n    return os.getcwd()"
    )
    verdict = await sandbox.judge(program, [CALL], entry_point="f")
    folder = verdict.results[0].output.strip("'")
    assert "codegrove-" in folder
    assert not os.access(folder, os.F_OK)


async def test_the_environment_is_made_from_an_allow_list(
    sandbox: ProcessSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    own = ProcessSandbox(workers=1)  # started with the secret in the environment
    program = (
        "import os, subprocess\ndef f(x):\n    seen = dict(os.environ)\n"
        "    initial = open('/proc/self/environ').read() if os.path.exists('/proc') else ''\n"
        "    return 'hunter2' in str(seen) + initial, sorted(seen)"
    )
    verdict = await own.judge(program, [CALL], entry_point="f")
    await own.aclose()
    assert verdict.results[0].output.startswith("(False, [")
    assert "PATH" in verdict.results[0].output


async def test_the_parts_of_the_sandbox_cannot_be_imported(sandbox: ProcessSandbox) -> None:
    program = "import sys\ndef f(x):\n    return [m for m in sys.modules if 'codegrove' in m or 'child' in m]"
    verdict = await sandbox.judge(program, [CallTest(args="(1,)", expected="[]")], entry_point="f")
    assert verdict.passed


async def test_no_run_finds_what_an_earlier_one_left_in_the_interpreter(sandbox: ProcessSandbox) -> None:
    own = ProcessSandbox(workers=1)
    leave = "import builtins, sys, math\nbuiltins.left = 1\nsys.left = 1\nmath.pi = 3\ndef f(x): return x"
    find = (
        "import builtins, sys, math\n"
        "def f(x):\n    return hasattr(builtins, 'left') + hasattr(sys, 'left') + (math.pi == 3)"
    )
    assert (await own.judge(leave, [CALL], entry_point="f")).passed
    verdict = await own.judge(find, [CallTest(args="(1,)", expected="0")], entry_point="f")
    await own.aclose()
    assert verdict.passed


async def test_verdicts_do_not_depend_on_order_or_company(sandbox: ProcessSandbox) -> None:
    names = ["exit", "hard exit", "prints a result", "hostile message", "breaks the library", "lying object"]
    tests: list[Test] = [CALL, ASSERT, CALL]

    async def verdicts(order: list[str]) -> dict[str, list[object]]:
        found = await asyncio.gather(
            *(sandbox.judge(HOSTILE[name][0], tests, entry_point="f", limits=PATIENT) for name in order)
        )
        return {
            name: [v.status, v.error, [(r.status, r.error, r.output) for r in v.results]]
            for name, v in zip(order, found, strict=True)
        }

    assert await verdicts(names) == await verdicts(names[::-1]) == await verdicts(names[1::2] + names[::2])
