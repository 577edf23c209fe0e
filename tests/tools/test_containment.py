"""What candidates on the strict levels cannot do, and ordinary things they still can."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from codegrove.task import CallTest, StdioTest
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.containment import Level
from codegrove.tools.sandbox.examination import examine
from codegrove.tools.sandbox.interpreter import Interpreter
from codegrove.verdict import Status, Verdict

LIMITS = Limits(wall_seconds=20, test_seconds=5, memory_mb=600, scratch_mb=8)
STRICT: list[Level] = [
    level for level in ("isolated", "restricted") if examine(level, sys.executable).available
]

pytestmark = pytest.mark.skipif(not STRICT, reason="needs namespaces or path rules of Linux")


@pytest.fixture(scope="module", params=STRICT)
def strict(request: pytest.FixtureRequest) -> Iterator[ProcessSandbox]:
    shared = ProcessSandbox(LIMITS, workers=2, level=request.param)
    yield shared
    asyncio.run(shared.aclose())


async def outcome(sandbox: ProcessSandbox, body: str, limits: Limits = LIMITS) -> Verdict:
    """Run the body of a function; it should return 'done' or let an OSError pass."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    program = (
        "import ctypes, os, signal, socket, struct, sys, threading, time\n"
        f"def f(x):\n    try:\n{lines}\n    except OSError as e:\n        return 'refused'\n    return 'done'\n"
    )
    return await sandbox.judge(
        program, [CallTest(args="(1,)", expected="'refused'")], entry_point="f", limits=limits
    )


SYSCALL = """\
libc = ctypes.CDLL(None, use_errno=True)
def syscall(*numbers):
    if libc.syscall(*(ctypes.c_long(n) for n in numbers)) < 0:
        raise OSError(ctypes.get_errno(), 'no')
"""

FORBIDDEN = {
    "fork": "if os.fork() == 0: os._exit(0)",
    "vfork": SYSCALL + "syscall(58)" if os.uname().machine == "x86_64" else "os.fork()",
    "exec": "os.execv('/bin/true', ['true'])",
    "subprocess": "import subprocess\nsubprocess.run(['true'])",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "internet socket": "socket.socket()",
    "unix socket": "socket.socket(socket.AF_UNIX)",
    "netlink socket": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "pair that can be redirected": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "memory file": "os.memfd_create('x')",
    "signal everybody": "os.kill(-1, 0)",
    "signal the first process": "os.kill(1, 0)",
    "open process": "os.pidfd_open(1)",
    "limits of another process": "import resource\nresource.prlimit(1, resource.RLIMIT_NOFILE)",
    "priority": "os.nice(1)",
    "affinity": "os.sched_setaffinity(0, {0})",
    "attributes": "open('a', 'w').close()\nos.setxattr('a', 'user.x', b'1')",
    "device": "os.mknod('null', 0o20666, os.makedev(1, 3))\nopen('null').close()",
    "terminal input": "import fcntl\nfcntl.ioctl(0, 0x5412, b'x')",
    "larger pipe": "import fcntl\nfcntl.fcntl(os.pipe()[0], 1031, 1 << 20)",
    "signals by descriptor": "import fcntl\nfcntl.fcntl(0, 8, 1)",
    "root folder": "open('/new', 'w')",
    "library folder": "open(os.path.join(os.path.dirname(os.__file__), 'new.py'), 'w')",
    "library": "open(os.__file__, 'a')",
    "accounts": "open('/etc/passwd')",
    "process table": "open('/proc/self/environ')",
    "system log": SYSCALL + "syscall(103 if os.uname().machine == 'x86_64' else 116, 3, 0, 0)",
    "ring": SYSCALL + "syscall(425, 1, 0)",
    "bpf": SYSCALL + "syscall(321 if os.uname().machine == 'x86_64' else 280, 0, 0, 0)",
    "keys": SYSCALL + "syscall(250 if os.uname().machine == 'x86_64' else 219, 0, -3, 0)",
    "namespaces": SYSCALL + "syscall(272 if os.uname().machine == 'x86_64' else 97, 0x10000000)",
    "thread in a new namespace": SYSCALL
    + "syscall(56 if os.uname().machine == 'x86_64' else 220, 0x10000000 | 17, 0, 0, 0, 0)",
    "new kind of clone": SYSCALL + "syscall(435, 0, 0)",
    "mount tree": SYSCALL + "syscall(428, -100, 0, 1)",
    "lift the filter": SYSCALL + "if libc.prctl(22, 0, 0, 0, 0): raise OSError",
    "user id": "os.setuid(0)\nif os.getuid() != 0 or True: raise OSError",
    "shared memory": SYSCALL + "if libc.shmget(1, 4096, 0o1600) < 0: raise OSError",
    "semaphores": SYSCALL + "if libc.semget(1, 1, 0o1600) < 0: raise OSError",
    "messages": SYSCALL + "if libc.msgget(1, 0o1600) < 0: raise OSError",
    "message queue": "libc = ctypes.CDLL(None)\nif libc.mq_open(b'/q', 0o102, 0o600, 0) < 0: raise OSError",
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_it_is_refused(strict: ProcessSandbox, name: str) -> None:
    verdict = await outcome(strict, FORBIDDEN[name])
    assert verdict.passed, verdict


async def test_files_of_the_user_are_out_of_reach(strict: ProcessSandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(0o777 if folder == tmp_path else folder.stat().st_mode | 0o711)
    secret.chmod(0o666)
    path, folder_name = repr(str(secret)), repr(str(tmp_path))
    for body in (
        f"open({path})",
        f"open({path}, 'a')",
        f"os.listdir({folder_name})",
        f"os.unlink({path})",
        f"os.truncate({path}, 0)",
        f"os.rename({path}, {path} + 'x')",
        f"os.link({path}, 'here')",
        f"os.symlink({path}, 'here')\nopen('here')",
        f"os.mkdir({folder_name} + '/new')",
        f"os.mkfifo({folder_name} + '/new')",
        f"os.open({folder_name}, os.O_TMPFILE | os.O_RDWR)",
        f"os.chdir({folder_name})\nopen('secret')",
    ):
        verdict = await outcome(strict, body)
        assert verdict.passed, (body, verdict)
    await outcome(strict, f"os.chmod({path}, 0)\nos.utime({path}, (1, 1))")
    assert secret.read_text() == "hunter2"
    assert secret.stat().st_mode & 0o777 == 0o666
    assert secret.stat().st_mtime > 1
    assert os.listdir(tmp_path) == ["secret"]


async def test_nobody_is_reached_over_the_network_or_by_name(strict: ProcessSandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0codegrove-test-{os.getpid()}")
        abstract.listen()
        abstract.settimeout(0)
        server.settimeout(0)
        port, name = server.getsockname()[1], abstract.getsockname()
        for body in (
            f"socket.create_connection(('127.0.0.1', {port}))",
            f"s = socket.socket(socket.AF_UNIX)\ns.connect({name!r})",
            f"a, b = socket.socketpair()\na.connect({name!r})",
            f"a, b = socket.socketpair()\na.sendto(b'x', {name!r})",
        ):
            assert (await outcome(strict, body)).passed, body
        for listening in (server, abstract):
            with pytest.raises(BlockingIOError):
                listening.accept()


async def test_the_scratch_folder_is_bounded(strict: ProcessSandbox) -> None:
    verdict = await outcome(
        strict,
        "for n in range(1000):\n    open(str(n), 'wb').write(bytes(1 << 20))\n    time.sleep(0.005)",
    )
    patient = replace(LIMITS, test_seconds=20)  # on a busy disk, thousands of files take their time
    many = await outcome(strict, "for n in range(100_000):\n    open(str(n), 'w').close()", patient)
    if strict.level == "isolated":  # the kernel refuses
        assert verdict.passed, verdict
        assert many.passed, many
    else:  # the run is killed
        assert (verdict.status, many.status) == (Status.CRASHED, Status.CRASHED)
    held_open = await outcome(
        strict,
        "held = []\nfor n in range(200):\n    held.append(open('x', 'wb'))\n    held[-1].write(bytes(1 << 20))\n"
        "    held[-1].flush()\n    os.unlink('x')\n    time.sleep(0.005)",
    )
    assert held_open.passed == (strict.level == "isolated"), held_open
    assert held_open.status in (Status.PASSED, Status.CRASHED)
    out_of_sight = await outcome(
        strict,
        "os.mkdir('d', 0o300)\nfor n in range(200):\n    open('d/%d' % n, 'wb').write(bytes(1 << 20))\n"
        "    time.sleep(0.005)",
    )
    assert out_of_sight.passed == (strict.level == "isolated"), out_of_sight


async def test_nothing_of_a_run_is_left_for_the_next(strict: ProcessSandbox) -> None:
    own = ProcessSandbox(LIMITS, workers=1, level=strict.level)  # type: ignore[arg-type]
    look = (
        "import os\ndef f(x):\n    seen = os.listdir('.'), os.getcwd(), os.getuid(), sorted(os.environ)\n"
        "    open('left', 'w').write('x')\n    os.makedirs('a/b')\n    return seen"
    )
    tests = [CallTest(args="(1,)", expected="0")]
    found = [(await own.judge(look, tests, entry_point="f")).results[0].output for _ in range(3)]
    await own.aclose()
    assert found[0].startswith("([], ")
    assert found[0] == found[1] == found[2]


async def test_a_thread_bomb_ends(strict: ProcessSandbox) -> None:
    program = (
        "import threading, time\ndef f(x):\n    while True:\n        try:\n"
        "            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "        except RuntimeError: pass"
    )
    verdict = await strict.judge(
        program, [CallTest(args="(1,)", expected="1")], entry_point="f", limits=LIMITS
    )
    assert (verdict.status, verdict.limit) == (Status.CRASHED, "processes")


async def test_children_share_one_limit_of_memory(strict: ProcessSandbox) -> None:
    program = (
        "import os, time\ndef f(x):\n    for _ in range(4):\n        if os.fork() == 0:\n"
        "            kept = bytearray(os.urandom(1 << 20)) * 300\n            time.sleep(60)\n"
        "    time.sleep(60)"
    )
    limits = replace(LIMITS, children=True)
    verdict = await strict.judge(
        program, [CallTest(args="(1,)", expected="1")], entry_point="f", limits=limits
    )
    assert verdict.status is Status.CRASHED
    assert verdict.seconds < 4


async def test_children_are_confined_like_their_parent(strict: ProcessSandbox) -> None:
    limits = replace(LIMITS, children=True)
    verdict = await outcome(
        strict,
        "import subprocess\nassert subprocess.run(['cat', '/etc/passwd'], capture_output=True).returncode == 1\n"
        "assert subprocess.run(['echo', 'x'], capture_output=True).stdout == b'x\\n'\nsocket.socket()",
        limits,
    )
    assert verdict.passed, verdict


async def test_names_of_the_standard_streams_work(strict: ProcessSandbox) -> None:
    program = "import sys\nprint(open('/dev/stdin').read(), end='')\nprint(input())"
    verdict = await strict.judge(program, [StdioTest(stdin="a\n", expected="a\na\n")])
    assert verdict.passed, verdict


async def test_standard_input_cannot_be_written(strict: ProcessSandbox) -> None:
    program = "import os\ntry:\n    os.pwrite(0, b'x', 0)\nexcept OSError:\n    print(input())"
    verdict = await strict.judge(program, [StdioTest(stdin="a\n", expected="a\n")])
    assert verdict.passed, verdict


async def test_ordinary_use_of_files_and_signals_works(strict: ProcessSandbox) -> None:
    program = (
        "import asyncio, os, shutil, signal, socket, sqlite3, tempfile, zipfile, decimal, json\n"
        "def f(x):\n"
        "    open('a', 'w').write('1')\n    os.chmod('a', 0o600)\n    shutil.copy('a', 'b')\n"
        "    shutil.copytree(shutil.os.curdir, tempfile.mkdtemp() + '/copy', ignore=lambda *a: ['copy'])\n"
        "    os.rename('b', 'c')\n    os.utime('c')\n    os.symlink('c', 'd')\n    os.truncate('d', 0)\n"
        "    a, b = socket.socketpair()\n    a.send(b'1')\n    assert b.recv(1) == b'1'\n"
        "    db = sqlite3.connect('x.db')\n    db.execute('create table t (x)')\n    db.commit()\n"
        "    with zipfile.ZipFile('x.zip', 'w') as z: z.write('a')\n"
        "    with open('/dev/null', 'w') as n: n.write('x')\n"
        "    assert len(open('/dev/urandom', 'rb').read(8)) == 8\n"
        "    got = []\n    signal.signal(signal.SIGUSR1, lambda *a: got.append(1))\n"
        "    os.kill(os.getpid(), signal.SIGUSR1)\n    signal.raise_signal(signal.SIGUSR1)\n"
        "    async def g(): return await asyncio.to_thread(int, '1')\n"
        "    assert asyncio.run(g()) == 1\n    return got == [1, 1]\n"
    )
    verdict = await strict.judge(program, [CallTest(args="(1,)", expected="True")], entry_point="f")
    assert verdict.passed, verdict


LOCKS = (
    "import ctypes, errno, fcntl, mmap, os, random\n"
    "def f(x):\n"
    "    file = open(random.__file__)\n    own = open('own', 'w+')\n"
    "    for each in (file, own): fcntl.flock(each, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "    fcntl.lockf(own, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)\n"
    "    shown = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)\n"
    "    shown.madvise(21)\n    shown.madvise(mmap.MADV_DONTNEED)\n"
    "    assert shown[:3] == file.read(3).encode()\n"
    "    assert os.preadv(file.fileno(), [bytearray(9)], 0, os.RWF_HIPRI) == 9\n"
    "    try: os.preadv(file.fileno(), [bytearray(9)], 0, os.RWF_NOWAIT)\n"
    "    except OSError as error: assert error.errno == errno.EOPNOTSUPP\n"
    "    else: raise AssertionError\n"
    "    assert ctypes.CDLL(None).mincore(None, 0, None) == -1\n"
)
ONE_PROCESS_MAY_LOCK_TWICE = "    fcntl.flock(open('own'), fcntl.LOCK_EX | fcntl.LOCK_NB)\n    return x\n"
CHILDREN_MEET_LOCKS = (
    "    if not (pid := os.fork()):\n        for take in (fcntl.flock, fcntl.lockf):\n"
    "            try: take(open('own', 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "            except OSError: continue\n            os._exit(1)\n        os._exit(0)\n"
    "    assert os.waitpid(pid, 0)[1] == 0\n    return x\n"
)


@pytest.mark.parametrize(
    ("children", "rest"), [(False, ONE_PROCESS_MAY_LOCK_TWICE), (True, CHILDREN_MEET_LOCKS)]
)
async def test_locks_bind_processes_of_the_run_and_nobody_else(
    strict: ProcessSandbox, children: bool, rest: str
) -> None:
    call = CallTest(args="(1,)", expected="1")
    limits = replace(LIMITS, children=children)
    verdict = await strict.judge(LOCKS + rest, [call], entry_point="f", limits=limits)
    assert verdict.passed, verdict


async def test_a_killed_judge_takes_everything_with_it(strict: ProcessSandbox) -> None:
    own = ProcessSandbox(LIMITS, workers=1, level=strict.level)  # type: ignore[arg-type]
    call = [CallTest(args="(1,)", expected="1")]
    assert (await own.judge("def f(x): return x", call, entry_point="f")).passed
    (interpreter,) = own._pool._idle
    assert isinstance(interpreter, Interpreter)
    before = set(_processes_of_session(interpreter._process.pid))
    assert before
    running = asyncio.create_task(own.judge("def f(x):\n    while True: pass", call, entry_point="f"))
    deadline = time.monotonic() + 10
    while interpreter._running is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    everything = {interpreter._process.pid, *_all_below(interpreter._process.pid)}
    interpreter.abort()
    await running
    await own.aclose()
    while any(_lives(pid) for pid in everything):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def _processes_of_session(leader: int) -> list[int]:
    return [leader, *_all_below(leader)]


def _all_below(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_all_below(child)]
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_many_runs_leave_nothing_in_the_judge(strict: ProcessSandbox) -> None:
    call = [CallTest(args="(1,)", expected="1")]
    own = ProcessSandbox(LIMITS, workers=1, level=strict.level)  # type: ignore[arg-type]
    await own.judge("def f(x): return x", call, entry_point="f")
    (interpreter,) = own._pool._idle
    assert isinstance(interpreter, Interpreter)
    of_one_run = 9  # descriptors, here or in the interpreter: the next run may just be on its way

    def state() -> tuple[int, int, int, list[int]]:
        below = _all_below(interpreter._process.pid)
        server = (below or [interpreter._process.pid])[0]
        fixed = below[:1]  # the rest is the next run
        descriptors = len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{server}/fd"))
        return *descriptors, threading.active_count(), fixed

    before = state()
    for _ in range(60):
        assert (await own.judge("def f(x): return x", call, entry_point="f")).passed
    after = state()
    assert after[2:] == before[2:]
    assert after[0] <= before[0] + of_one_run
    assert after[1] <= before[1] + of_one_run
    await own.aclose()


async def test_names_of_files_are_not_found_by_the_next_run(strict: ProcessSandbox) -> None:
    own = ProcessSandbox(LIMITS, workers=1, level=strict.level)  # type: ignore[arg-type]
    writes = (
        "import os, time\ndef f(x):\n    name = 'na' + 'me' * 110\n    os.mkdir(name)\n"
        "    for number in range(50):\n        open(f'{name}/{name}{number}', 'w').close()\n"
        "    time.sleep(0.2)\n    return x"
    )
    looks_everywhere = (
        "import ctypes\ndef f(x):\n    libc = ctypes.CDLL(None)\n    libc.malloc.restype = ctypes.c_void_p\n"
        "    sizes = list(range(512, 2048, 16)) * 40\n"
        "    return any(b'me' * 40 in ctypes.string_at(libc.malloc(n), n) for n in sizes)"
    )
    call = CallTest(args="(1,)", expected="1")
    for _ in range(4):
        assert (await own.judge(writes, [call], entry_point="f")).passed
        found = CallTest(args="(1,)", expected="False")
        assert (await own.judge(looks_everywhere, [found], entry_point="f")).passed
    await own.aclose()
