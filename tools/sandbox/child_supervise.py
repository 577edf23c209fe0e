"""The interpreter that runs are forked from, one at a time.

It is blind: the job goes through a pipe from the judge to the forked process, so that no program, input or
test of an earlier run can be found in the memory a later candidate inherits. Here, only descriptors, a folder
and limits are seen.

The first message on its unix socket says which walls to raise around every run, see `walls`. Then requests
arrive, one JSON object per line: ``{"run": {...}}`` together with the descriptors named in `DESCRIPTORS`, or
``{"kill": true}`` while a run is going on. Answers are lines too: ``{"walls": [...]}`` once, ``{"started": pid}``
(0 where the id means nothing outside) and, when every process of the run is dead, ``{"ended": {...}}``; before
that ``{"refused": reason}`` if the process could not be restricted and so has run nothing. A closed socket means
that the judge is gone: everything is killed. If the walls cannot be raised, the reason goes to stderr and the
process ends.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
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
from codegrove.tools.sandbox.walls import UNAVAILABLE, Isolated, Limited, Restricted, RunSettings, Walls

DESCRIPTORS = ("job", "result", "stdin", "stdout", "stderr")
"""Descriptors sent with a run, in this order. They become the property of the forked process."""
MOST_DESCRIPTORS = len(DESCRIPTORS) + 2
"""A run that talks to another one brings two more: to read from and to write to, see `child_run.run`."""

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
    """Raise the walls that the first message asks for, then fork runs until the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o022)
    for name in PRELOADED:
        importlib.import_module(name)
    control = _Control(socket.socket(fileno=control_fd))
    setup = control.next()
    if setup is None:
        return
    try:
        walls = _raise_walls(setup)
        walls.add_stages(setup["stages"])
    except OSError as error:
        print(f"level {setup['level']!r} is not available here: {error}", file=sys.stderr, flush=True)
        os._exit(UNAVAILABLE)
    _limit_processes_of_user()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, _ignore)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    control.send({"walls": walls.layers})
    sys.argv = sys.orig_argv = []
    del setup
    gc.collect()
    gc.freeze()
    while (request := control.next()) is not None:
        if "run" not in request:
            continue  # a kill that came too late
        settings = RunSettings(**request["run"])
        _run(settings, control.take_descriptors(), control, walls, wake_read, wake_write)


def _raise_walls(setup: dict[str, Any]) -> Walls:
    match setup["level"]:
        case "isolated":
            return Isolated(setup["readable"], setup["hidden"])
        case "restricted":
            return Restricted(setup["readable"], setup["hidden"], setup["scratch_parent"])
        case "limited":
            return Limited()
    return Walls()


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
                data, descriptors, _, _ = socket.recv_fds(self.connection, 65536, MOST_DESCRIPTORS)
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
    settings: RunSettings,
    descriptors: list[int],
    control: _Control,
    walls: Walls,
    wake_read: int,
    wake_write: int,
) -> None:
    parent = os.getpid()
    pid = walls.fork()
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            try:
                scratch = walls.lock(settings, parent, descriptors[DESCRIPTORS.index("stdin")])
            except OSError as error:
                control.send({"refused": str(error)})
                os._exit(UNAVAILABLE)
            control.connection.detach()
            child_run.run(*_keep_only(descriptors), scratch=scratch)
        finally:
            os._exit(70)
    for descriptor in descriptors:
        os.close(descriptor)
    control.send({"started": pid if walls.level != "isolated" else 0})  # an id that means nothing out there
    control.send({"ended": _Watch(pid, settings, walls).until_all_dead(control, wake_read)})


_FIRST_KEPT = 10
_LAST_DESCRIPTOR = 1 << 20 if sys.platform == "linux" else 10_240
"""Elsewhere each number costs a system call, and no process may have more by default."""


def _keep_only(descriptors: list[int]) -> list[int]:
    """Move descriptors to numbers that are the same in every run, and close all others."""
    above = _FIRST_KEPT + len(descriptors)
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, above) for descriptor in descriptors]
    kept = list(range(_FIRST_KEPT, above))
    for source, target in zip(moved, kept, strict=True):
        os.dup2(source, target, inheritable=False)
    os.closerange(3, _FIRST_KEPT)
    os.closerange(above, _LAST_DESCRIPTOR)
    return kept


class _Watch:
    """Watches one run: reaps, counts and finally kills its processes."""

    def __init__(self, pid: int, settings: RunSettings, walls: Walls) -> None:
        self.pid = pid
        self.settings = settings
        self.walls = walls
        self.exit_code: int | None = None
        self.cpu_seconds = 0.0
        self.peak_rss = 0
        self.held_up = 0
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
                self.walls.kill(self.pid)
                break
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + _LOOK_EVERY
                if self.walls.tasks() > self.settings.processes:
                    self.limit = "processes"
                elif self.walls.overfull(self.settings):
                    self.limit = "disk"
                elif self.walls.too_large(self.settings):
                    self.limit = "memory"
                if self.limit:
                    self.walls.kill(self.pid)
                    break
        clean = self._sweep()
        if self.judge_is_gone:
            os._exit(0)
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "exit": self.exit_code,
            "cpu": self.cpu_seconds,
            "rss": self.peak_rss * unit,
            "held_up": self.held_up,
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
            if self.walls.is_helper(pid):
                continue
            self.cpu_seconds += usage.ru_utime + usage.ru_stime
            self.peak_rss = max(self.peak_rss, usage.ru_maxrss)
            self.held_up += usage.ru_nivcsw + usage.ru_majflt + usage.ru_inblock
            if pid == self.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def _sweep(self) -> bool:
        """Kill until nothing is left: a killed process hands its children to this one, which kills them next."""
        self.walls.kill(self.pid)
        deadline = time.monotonic() + _SWEEP_SECONDS
        while self._reap():
            unseen = [self.pid] if self.exit_code is None else []  # without a process table
            for pid in self.walls.to_kill() or unseen:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.0005)
        return True


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
