"""What a level really holds on this machine, found out by trying: a program attempts what the level forbids."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from codegrove.errors import SandboxError
from codegrove.task import CallTest
from codegrove.tools.sandbox.assignment import Assignment
from codegrove.tools.sandbox.containment import GUARANTEES, Level
from codegrove.tools.sandbox.judgement import Judgement
from codegrove.tools.sandbox.pool import Pool, Ticket
from codegrove.tools.sandbox.port import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Something the program tried."""

    guarantee: str
    name: str
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of a level on this machine."""

    level: Level
    available: bool
    reason: str = ""
    """Why it is not available."""
    layers: tuple[str, ...] = ()
    """Mechanisms in use, in words."""
    attempts: tuple[Attempt, ...] = ()

    @property
    def guarantees(self) -> tuple[str, ...]:
        """What holds for every run."""
        return GUARANTEES[self.level] if self.available else ()


_STRICT: tuple[Level, ...] = ("isolated", "restricted")
_WALLED: tuple[Level, ...] = (*_STRICT, "limited")
_LIMITS_MEMORY: tuple[Level, ...] = (*_STRICT, "basic") if sys.platform in ("linux", "win32") else _STRICT
"""Elsewhere memory is looked at now and then, which does not refuse anything."""

_ATTEMPTS: tuple[tuple[str, str, tuple[Level, ...]], ...] = (
    ("G4", "read", _WALLED),
    ("G4", "list", _WALLED),
    ("G4", "write", _WALLED),
    ("G4", "rename", _WALLED),
    ("G4", "fill the scratch folder", ("isolated",)),
    ("G6", "connection", _WALLED),
    ("G6", "socket", _STRICT),
    ("G6", "unconnected pair of sockets", _STRICT),
    ("G6", "signal", _WALLED),
    ("G7", "fork", _WALLED),
    ("G7", "execute", _WALLED),
    ("G7", "new namespace", _STRICT),
    ("G7", "hold a privilege", _STRICT),
    ("G7", "gain a privilege", _STRICT),
    ("G8", "memory", _LIMITS_MEMORY),
    ("G10", "see other processes", ("isolated",)),
)
"""Guarantee, name in the program below, levels that must refuse it."""

_PROGRAM = """\
import os

def read(secret, pid):
    open(secret).read()

def list_(secret, pid):
    os.listdir(os.path.dirname(secret))

def write(secret, pid):
    open(os.path.join(os.path.dirname(secret), 'written'), 'w').close()

def rename(secret, pid):
    os.rename(secret, secret + '-renamed')

def fill(secret, pid):
    for number in range(20):
        open('part%d' % number, 'wb').write(bytes(1 << 20))

def socket(secret, pid):
    import socket
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()

def connect(secret, pid):
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b'x', ('127.0.0.1', 9))

def pair(secret, pid):
    import socket
    for one in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM):
        one.close()

def signal(secret, pid):
    if pid == os.getpid():  # in another namespace: the number is the same by chance
        raise OSError
    os.kill(pid, 0)

def fork(secret, pid):
    if os.fork() == 0:
        os._exit(0)

def execute(secret, pid):
    program = '/bin/true' if os.path.exists('/bin/true') else '/usr/bin/true'
    os.execv(program, ['true'])

def libc():
    import ctypes
    return ctypes.CDLL(None, use_errno=True)

def namespace(secret, pid):
    if libc().unshare(0x10000000):
        raise OSError

def hold(secret, pid):
    import ctypes, struct
    data = ctypes.create_string_buffer(24)
    libc().capget(struct.pack('Ii', 0x20080522, 0), data)
    if not any(data.raw):
        raise OSError

def gain(secret, pid):
    if libc().prctl(39, 0, 0, 0, 0) == 1:
        raise OSError

def memory(secret, pid):
    bytearray(1 << 30)

def see(secret, pid):
    if os.getpid() <= 2 and not os.path.exists('/proc/self'):
        raise OSError

ATTEMPTS = {
    'read': read, 'list': list_, 'write': write, 'rename': rename, 'fill the scratch folder': fill,
    'connection': connect, 'socket': socket, 'unconnected pair of sockets': pair, 'signal': signal,
    'fork': fork, 'execute': execute, 'new namespace': namespace, 'hold a privilege': hold,
    'gain a privilege': gain, 'memory': memory, 'see other processes': see,
}

def attempt(name, secret, pid):
    try:
        ATTEMPTS[name](secret, pid)
    except (OSError, MemoryError):
        return 'refused'
    return 'done'
"""

_LIMITS = Limits(wall_seconds=20.0, test_seconds=5.0, memory_mb=512, scratch_mb=8)


@functools.cache
def examine(level: Level, python: str, site_packages: bool = True, fork: bool | None = None) -> Finding:
    """Try a level on this machine: start it, and let a program attempt what it forbids.

    Takes about a tenth of a second, once per process. Blocks.
    """
    pool = Pool(python, 1, site_packages=site_packages, warm=True, level=level, fork=fork)
    try:
        with tempfile.TemporaryDirectory(prefix="codegrove-probe-") as folder:
            os.chmod(folder, 0o777)  # so that not these permissions keep the program out
            secret = Path(folder) / "secret"
            secret.write_text("secret")
            os.chmod(secret, 0o666)
            attempts = _attempt(level, pool, str(secret))
        layers = pool.layers()
    except (SandboxError, OSError) as error:
        return Finding(level=level, available=False, reason=str(error))
    finally:
        pool.close()
    open_doors = [attempt.name for attempt in attempts if not attempt.refused]
    if open_doors:
        reason = f"programs could do what it forbids: {', '.join(open_doors)}"
        return Finding(level=level, available=False, reason=reason, layers=layers, attempts=attempts)
    return Finding(level=level, available=True, layers=layers, attempts=attempts)


def _attempt(level: Level, pool: Pool, secret: str) -> tuple[Attempt, ...]:
    wanted = [(guarantee, name) for guarantee, name, levels in _ATTEMPTS if level in levels]
    tests = [CallTest(args=repr((name, secret, os.getpid())), expected="'refused'") for _, name in wanted]
    must_fail = CallTest(args=repr(("no such attempt", secret, os.getpid())), expected="'refused'")
    work = Assignment(program=_PROGRAM, tests=[*tests, must_fail], entry_point="attempt", limits=_LIMITS)
    verdict = Judgement(work, pool.executor(Ticket())).run()
    if verdict.results[-1].passed:
        raise SandboxError("a program that fails was judged right")
    return tuple(
        Attempt(guarantee=guarantee, name=name, refused=result.passed)
        for (guarantee, name), result in zip(wanted, verdict.results, strict=False)
    )
