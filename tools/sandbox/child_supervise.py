"""The interpreter that runs are forked from, one at a time.

It is blind: the job goes through a pipe from the judge to the forked process, so that no program, input or
test of an earlier run can be found in the memory a later candidate inherits. Here, only descriptors, a folder
and limits are seen.

Requests arrive on a unix socket, one JSON object per line: ``{"run": {...}}`` together with the descriptors
named in `DESCRIPTORS`, or ``{"kill": true}`` while a run is going on. Answers are lines too: ``{"started":
pid}`` and, when every process of the run is dead, ``{"ended": {...}}``. A closed socket means that the judge
is gone: everything is killed.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from codegrove.tools.sandbox import child_run

DESCRIPTORS = ("job", "result", "stdin", "stdout", "stderr")
"""Descriptors sent with a run, in this order. They become the property of the forked process."""

PRELOADED = (
    *("abc", "ast", "bisect", "collections", "copy", "dataclasses", "datetime", "enum", "functools", "heapq"),
    *("itertools", "linecache", "math", "operator", "random", "re", "string", "threading", "typing"),
)
"""Imported once, so that programs need not wait for them. Their names stay unbound in programs."""

_FIRST_LOOK = 0.03
_LOOK_EVERY = 0.05
"""Seconds between counts of a run's processes."""
_SWEEP_SECONDS = 2.0


def serve(control_fd: int) -> None:
    """Fork one run after another until the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in PRELOADED:
        importlib.import_module(name)
    _adopt_orphans()
    _limit_processes_of_user()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, _ignore)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    control = _Control(socket.socket(fileno=control_fd))
    gc.collect()
    gc.freeze()
    while (request := control.next()) is not None:
        if "run" not in request:
            continue  # a kill that came too late
        _run(request["run"], control.take_descriptors(), control, wake_read, wake_write)


def _ignore(number: int, frame: object) -> None:
    pass


class _Control:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._text = b""
        self._descriptors: list[int] = []

    def next(self) -> dict[str, Any] | None:
        """Wait for a request; None when the judge is gone."""
        while b"\n" not in self._text:
            try:
                data, descriptors, _, _ = socket.recv_fds(self.connection, 65536, len(DESCRIPTORS))
            except OSError:
                return None
            if not data:
                return None
            self._text += data
            self._descriptors += descriptors
        line, _, self._text = self._text.partition(b"\n")
        request: dict[str, Any] = json.loads(line)
        return request

    def take_descriptors(self) -> list[int]:
        taken, self._descriptors = self._descriptors, []
        return taken

    def send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # a judge that is gone is noticed at the next request
            self.connection.sendall(json.dumps(message).encode() + b"\n")


def _run(
    settings: dict[str, Any], descriptors: list[int], control: _Control, wake_read: int, wake_write: int
) -> None:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            control.connection.close()
            os.close(wake_read)
            os.close(wake_write)
            _die_with(parent)
            child_run.run(*descriptors, scratch=settings["scratch"])
        finally:
            os._exit(70)
    for descriptor in descriptors:
        os.close(descriptor)
    control.send({"started": pid})
    control.send({"ended": _Watch(pid, settings["processes"]).until_all_dead(control, wake_read)})


class _Watch:
    """Watches one run: reaps, counts and finally kills its processes."""

    def __init__(self, pid: int, most_processes: int) -> None:
        self.pid = pid
        self.most_processes = most_processes
        self.exit_code: int | None = None
        self.cpu_seconds = 0.0
        self.peak_rss = 0
        self.limit = ""
        self.judge_is_gone = False

    def until_all_dead(self, control: _Control, wake_read: int) -> dict[str, Any]:
        next_look = time.monotonic() + _FIRST_LOOK
        while self._reap() and self.exit_code is None:
            timeout = max(0.0, next_look - time.monotonic())
            ready, _, _ = select.select([control.connection.fileno(), wake_read], [], [], timeout)
            if wake_read in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_read, 4096)
            if control.connection.fileno() in ready:
                self.judge_is_gone = control.next() is None
                self._kill_group()
                break
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + _LOOK_EVERY
                if _tasks_below(os.getpid()) > self.most_processes:
                    self.limit = "processes"
                    self._kill_group()
                    break
        clean = self._sweep()
        if self.judge_is_gone:
            os._exit(0)
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "exit": self.exit_code,
            "cpu": self.cpu_seconds,
            "rss": self.peak_rss * unit,
            "limit": self.limit,
            "clean": clean,
        }

    def _reap(self) -> bool:
        """Collect what has ended; False when no child is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self.cpu_seconds += usage.ru_utime + usage.ru_stime
            self.peak_rss = max(self.peak_rss, usage.ru_maxrss)
            if pid == self.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _sweep(self) -> bool:
        """Kill until nothing is left: a killed process hands its children to this one, which kills them next."""
        self._kill_group()
        deadline = time.monotonic() + _SWEEP_SECONDS
        while self._reap():
            unseen = [self.pid] if self.exit_code is None else []  # without a process table
            for pid in _children(os.getpid()) or unseen:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.0005)
        return True


def _children(pid: int) -> list[int]:
    """Return the direct children of a process; nothing where the platform has no process table to read."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def _tasks_below(pid: int) -> int:
    """Count the processes and threads that descend from a process."""
    total, waiting = 0, _children(pid)
    while waiting:
        child = waiting.pop()
        with contextlib.suppress(OSError):
            total += len(os.listdir(f"/proc/{child}/task"))
        waiting += _children(child)
    return total


_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    """Ask Linux for something; elsewhere, and in C libraries without it, the run goes on without."""
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)


def _load_libc() -> Any:
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # missing in some small builds of Python

        return ctypes.CDLL(None, use_errno=True)
    except (ImportError, OSError):
        return None


_libc = _load_libc()


def _adopt_orphans() -> None:
    """Become the parent of processes that detach from their run, so that they can be killed."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _die_with(parent: int) -> None:
    """Be killed when the interpreter that forked this process is, also if that has just happened."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(70)


_ROOM_FOR_OTHERS = 1024


def _limit_processes_of_user() -> None:
    """A last barrier against fork bombs. The kernel counts all processes of the user and none of root's, so
    this is far above the limit of a run, which is kept by counting."""
    if os.getuid() == 0:
        return
    mine = 0
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with contextlib.suppress(OSError):
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == os.getuid():
                mine += len(os.listdir(f"/proc/{name}/task"))
    if mine:
        child_run.lower_limit("NPROC", mine + _ROOM_FOR_OTHERS)
