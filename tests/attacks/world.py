"""The world around the sandbox: what an attack could reach, and what can be seen of it afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import resource
import secrets
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.attacks.attack import Attack
from tests.attacks.disposable import SECRET_ENV, SECRET_START

Broken = tuple[str, str]
"""A guarantee and what was seen."""

_OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
_VICTIM = """\
import ctypes, os, sys, time
secret = open(sys.argv[1], 'rb')
held = ctypes.create_string_buffer(secret.read(64))
print(secret.fileno(), ctypes.addressof(held), flush=True)
while True:
    time.sleep(1000)
"""
_PRELUDES = {
    "python": "try: open('/proc/self/comm', 'w').write('@MARK@')\nexcept OSError: pass\n",
    "cpp": (
        "#include <sys/prctl.h>\n"
        '__attribute__((constructor)) static void mark_() { prctl(PR_SET_NAME, "@MARK@"); }\n'
    ),
    "javascript": "process.title = '@MARK@';\n",
    "bash": "printf %s @MARK@ 2> /dev/null > /proc/$$/comm\n",
}
"""How a program in a language gets a name that can be told in the process table."""
_GONE_WITHIN = 0.5
"""Seconds that a killed process may take to disappear from the table."""


class World:
    """Plants what attacks are after, and looks for traces of them.

    Only for a disposable host: it writes into the home folder and kills processes.
    """

    def __init__(self) -> None:
        self.home = Path(os.environ["HOME"])
        self.secret = os.environ[SECRET_ENV]
        assert self.secret.startswith(SECRET_START)
        self._plant_files()
        self._inherited = self._open_inheritable()
        self._listen()
        self._victim = self._start_victim()
        self._home_before = self._home()
        self._folders_before = self._entries()
        self._system_v_before = _system_v()
        self._clip = ""
        self.descriptors = len(os.listdir("/proc/self/fd"))

    def close(self) -> None:
        """End what was started."""
        self._victim.kill()
        self._victim.wait()
        for each in (*self._streams, *self._datagrams, *self._pair):
            each.close()

    # -- planting --------------------------------------------------------------------------------------------

    def _plant_files(self) -> None:
        files = {
            ".ssh/id_rsa": f"-----BEGIN KEY-----\n{self.secret}\n",
            ".aws/credentials": f"[default]\nsecret = {self.secret}\n",
            ".bashrc": "# mine\n",
            "notes.txt": "my notes, for nobody else\n" * 10,
            "project/hidden_tests.py": f"EXPECTED = {self.secret!r}\n",
            "project/readme.txt": "a project\n",
        }
        for name, text in files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.home / ".ssh").chmod(0o700)
        with contextlib.closing(sqlite3.connect(self.home / "project" / "base.sqlite")) as base, base:
            base.execute("create table if not exists secret (text)")
            base.execute("insert into secret values (?)", (self.secret,))
        for name in ("/tmp/shared-secret.txt", "/var/tmp/shared-secret.txt", "/dev/shm/shared-secret"):
            Path(name).write_text(self.secret)
        suid = Path("/tmp/shared-suid")
        if not suid.exists():
            shutil.copy(shutil.which("id") or "/usr/bin/id", suid)
            suid.chmod(0o4755)

    def _open_inheritable(self) -> list[int]:
        """Descriptors that a careless parent would hand on."""
        reading = os.open(self.home / ".ssh/id_rsa", os.O_RDONLY)
        writing = os.open(self.home / "notes.txt", os.O_RDWR)
        self._pair = socket.socketpair()
        self._pair[0].setblocking(False)
        for descriptor in (reading, writing, self._pair[1].fileno()):
            os.set_inheritable(descriptor, True)
        return [reading, writing]

    def _listen(self) -> None:
        self.unix = str(self.home / "service.sock")
        self.unix_datagram = str(self.home / "log.sock")
        self.abstract = "service-" + secrets.token_hex(4)
        self.fifo = str(self.home / "commands")
        for path in (self.unix, self.unix_datagram, "/tmp/shared.sock", self.fifo):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self._streams = [_bound(socket.AF_INET, socket.SOCK_STREAM, ("0.0.0.0", 0))]
        self.port = self._streams[0].getsockname()[1]
        for address in (self.unix, "/tmp/shared.sock", "\0" + self.abstract):
            self._streams.append(_bound(socket.AF_UNIX, socket.SOCK_STREAM, address))
        self._datagrams = [_bound(socket.AF_INET, socket.SOCK_DGRAM, ("0.0.0.0", 0))]
        self.udp = self._datagrams[0].getsockname()[1]
        for address in (self.unix_datagram, f"\0{self.abstract}-datagram"):
            self._datagrams.append(_bound(socket.AF_UNIX, socket.SOCK_DGRAM, address))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.free_port = free.getsockname()[1]
        os.mkfifo(self.fifo)
        self._fifo = os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK)

    def _start_victim(self) -> subprocess.Popen[str]:
        """Another process of the same user, with a secret in its memory, arguments and descriptors."""
        victim = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _VICTIM, str(self.home / ".ssh/id_rsa"), self.secret],
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.home,
        )
        assert victim.stdout is not None
        self.victim_fd, self.victim_address = map(int, victim.stdout.readline().split())
        self._victim_held = self._victim_memory(victim.pid)
        self._victim_limits = resource.prlimit(victim.pid, resource.RLIMIT_CPU)
        return victim

    def _victim_memory(self, pid: int) -> bytes:
        try:
            with open(f"/proc/{pid}/mem", "rb") as memory:
                memory.seek(self.victim_address)
                return memory.read(64)
        except OSError:
            return b""

    # -- giving attacks their target -------------------------------------------------------------------------

    def prepare(self, attack: Attack) -> tuple[str, str]:
        """Return the attack's program and its second one, aimed at this world."""
        self.mark = "atk" + secrets.token_hex(5)
        self.claim = "cLaIm_" + secrets.token_hex(6)
        self.left = "LEFT" + secrets.token_hex(3)
        places = {
            "HOME": self.home,
            "PROJECT": self.home / "project",
            "MARK": self.mark,
            "CLAIM": self.claim,
            "LEFT": self.left,
            "VICTIM_FD": self.victim_fd,
            "VICTIM_ADDRESS": self.victim_address,
            "VICTIM": self._victim.pid,
            "JUDGE": os.getpid(),
            "PORT": self.port,
            "UDP": self.udp,
            "LISTEN": self.free_port,
            "UNIX_DATAGRAM": self.unix_datagram,
            "UNIX": self.unix,
            "ABSTRACT": self.abstract,
            "FIFO": self.fifo,
            "SUID": "/tmp/shared-suid",
        }
        # so that what is left of it can be told in the process table
        prelude = _PRELUDES[attack.language].replace("@MARK@", self.mark)
        texts = []
        for text in (attack.program, attack.then):
            for name, value in places.items():
                text = text.replace(f"@{name}@", str(value))
            texts.append(prelude + text if text else "")
        return texts[0], texts[1]

    # -- looking ---------------------------------------------------------------------------------------------

    def traces(self, attack: Attack) -> list[Broken]:
        """Return what the attack left or touched, and put everything back."""
        found = [
            *self._processes(),
            *self._contacts(),
            *self._victim_harmed(),
            *self._home_changed(),
            *self._files(),
            *self._kernel_objects(),
        ]
        return [(guarantee or attack.guarantee, what) for guarantee, what in found]

    def _processes(self) -> Iterator[Broken]:
        deadline = time.monotonic() + _GONE_WITHIN
        while (pids := list(self._marked())) and time.monotonic() < deadline:
            time.sleep(0.02)
        if pids:
            yield "G9", f"{len(pids)} processes outlive the run"
        while pids:
            for pid in pids:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
            pids = [pid for pid in self._marked() if time.monotonic() < deadline + 2]

    def _marked(self) -> Iterator[int]:
        mark = self.mark.encode()
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    folder = Path("/proc", name)
                    if mark in (folder / "comm").read_bytes() + (folder / "cmdline").read_bytes():
                        yield int(name)

    def _contacts(self) -> Iterator[Broken]:
        names = ("TCP port", "unix socket in the home folder", "unix socket in /tmp", "abstract socket")
        for name, listener in zip(names, self._streams, strict=True):
            count = 0
            with contextlib.suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    count += 1
            if count:
                yield "G6", f"{count} connections to the {name}"
        for name, receiver in zip(("UDP port", "unix", "abstract"), self._datagrams, strict=True):
            with contextlib.suppress(BlockingIOError):
                while receiver.recv(100) is not None:
                    yield "G6", f"a datagram to the {name} socket"
        with contextlib.suppress(OSError):
            if self._pair[0].recv(1 << 20):
                yield "G6", "a message on an inherited socket"
        with contextlib.suppress(OSError):
            if os.read(self._fifo, 4096):
                yield "G6", "a message in a named pipe"

    def _victim_harmed(self) -> Iterator[Broken]:
        victim = self._victim
        state = "X"
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{victim.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state in "XZTt":
            yield "G6", f"another process was killed or stopped (state {state})"
        elif self._victim_memory(victim.pid) != self._victim_held:
            yield "G6", "the memory of another process was changed"
        elif resource.prlimit(victim.pid, resource.RLIMIT_CPU) != self._victim_limits:
            yield "G6", "the limits of another process were changed"
        else:
            return
        victim.kill()
        victim.wait()
        self._victim = self._start_victim()

    def _home(self) -> dict[str, tuple[object, ...]]:
        device = os.lstat(self.home).st_dev
        seen: dict[str, tuple[object, ...]] = {}
        waiting = [str(self.home)]
        while waiting:
            path = waiting.pop()
            info = os.lstat(path)
            content: object = ""
            if stat.S_ISDIR(info.st_mode):
                if info.st_dev == device and not path.endswith("/.pyenv"):
                    with contextlib.suppress(OSError):
                        waiting += [os.path.join(path, name) for name in os.listdir(path)]
            elif stat.S_ISLNK(info.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                with contextlib.suppress(OSError):
                    content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
                with contextlib.suppress(OSError):
                    content = (content, os.listxattr(path))
            is_folder = stat.S_ISDIR(info.st_mode)
            seen[path] = (
                info.st_mode,
                info.st_uid,
                0 if is_folder else info.st_nlink,
                0 if is_folder else info.st_mtime_ns,
                content,
            )
        return seen

    def _home_changed(self) -> Iterator[Broken]:
        now = self._home()
        if now == self._home_before:
            return
        different = sorted(
            path for path in now.keys() | self._home_before if now.get(path) != self._home_before.get(path)
        )
        yield (
            "G4",
            f"changed in the home folder: {', '.join(os.path.relpath(p, self.home) for p in different[:3])}",
        )
        for path in different:
            _remove(path)
        os.chmod(self.home, 0o755)
        self._plant_files()
        self.close()
        for descriptor in (*self._inherited, self._fifo):
            os.close(descriptor)
        self._inherited = self._open_inheritable()
        self._listen()
        self._victim = self._start_victim()
        self._home_before = self._home()
        self._folders_before = self._entries()

    def _entries(self) -> set[str]:
        return {os.path.join(top, name) for top in _OPEN_FOLDERS for name in os.listdir(top)}

    def _files(self) -> Iterator[Broken]:
        """Look for new names in folders open to everybody. What the sandbox keeps there may stay, if the attack's
        mark is not in it."""
        for path in sorted(self._entries() - self._folders_before):
            own = os.path.basename(path).startswith("codegrove")
            if own and not _holds(path, self.mark, depth=3):
                continue
            yield "G9", f"left behind: {path[:80].replace(self.mark, 'MARK')!r}"
            _remove(path)

    def _kernel_objects(self) -> Iterator[Broken]:
        now = _system_v()
        if now != self._system_v_before:
            yield "G9", "System V objects are left"
            subprocess.run(["ipcrm", "--all"], check=False, capture_output=True)
            self._system_v_before = _system_v()


def _bound(family: int, kind: int, address: tuple[str, int] | str) -> socket.socket:
    made = socket.socket(family, kind)
    made.bind(address)
    if kind == socket.SOCK_STREAM:
        made.listen(50)
    made.setblocking(False)
    return made


def _system_v() -> list[int]:
    return [len(Path("/proc/sysvipc", name).read_text().splitlines()) for name in ("shm", "sem", "msg")]


def _holds(path: str, mark: str, depth: int) -> bool:
    if mark in path:
        return True
    if depth == 0 or os.path.islink(path) or not os.path.isdir(path):
        return False
    try:
        return any(_holds(os.path.join(path, name), mark, depth - 1) for name in os.listdir(path))
    except OSError:
        return False


def _remove(path: str) -> None:
    """Delete, also what resists."""
    with contextlib.suppress(OSError):
        os.unlink(path)
        return
    libc = ctypes.CDLL(None)
    for _ in range(2):
        subprocess.run(["chmod", "-R", "u+rwx", path], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", path], check=False, capture_output=True)
        if not os.path.lexists(path):
            return
        libc.umount2(path.encode(), 2)
