"""The interpreter that runs are forked from, one at a time.

It is blind: the job goes through a pipe from the judge to the forked process, so that no program, input or
test of an earlier run can be found in the memory a later candidate inherits. Here, only descriptors, a folder
and limits are seen.

The first message on its unix socket says which walls to raise around every run, see `walls`. Then requests
arrive, one JSON object per line:

- ``{"prepare": {...}, "series": number}``, with a descriptor if the run has a standard input: fork a process, lock
  it and let it wait for its job. If another one waits for a job that never came, it takes the place of that one.
- ``{"kill": number}`` and ``{"look": number}`` while a run is going on: end it; count its processes now and then.

Answers are lines too: ``{"walls": [...]}`` once; ``{"ready": number, "series": number, "pid": pid}`` (0 where the
id means nothing outside) with the descriptors named in `OURS`; and ``{"ended": {...}}`` when every process of the
run is dead; before that ``{"refused": reason, "series": number}`` if the process could not be restricted and so
has run nothing. Where settings say so the next run is made ready with the same ones without another request. A
closed socket means that the judge is gone: everything is killed. If the walls cannot be raised, the reason goes to
stderr and the process ends.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from codegrove.tools.sandbox import child_run, linux, passing, rehearsal
from codegrove.tools.sandbox.isolated import Isolated
from codegrove.tools.sandbox.process_table import LONGEST_HOLD_UP_SECONDS
from codegrove.tools.sandbox.restricted import Restricted
from codegrove.tools.sandbox.walls import UNAVAILABLE, Limited, RunSettings, Walls

OURS = ("job", "result", "stdout", "stderr")
"""Descriptors that the judge gets with each run: a socket for the job, see `child_run.receive`, and pipes."""

_LOOK_EVERY = 0.05
"""Seconds between counts of a run's processes."""
_SWEEP_SECONDS = 2.0
_SWEEP_EVERY = 0.002
"""Seconds after which processes are looked for again, if none has ended before."""


def serve(control_fd: int) -> None:
    """Raise the walls that the first message asks for, then fork runs until the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o022)
    control = _Control(_socket.socket(fileno=control_fd))
    setup = control.next()
    if setup is None:
        return
    try:
        walls = _raise_walls(setup)
        walls.add_stages(setup["stages"])
    except OSError as error:
        print(f"level {setup['level']!r} is not available here: {error}", file=sys.stderr, flush=True)
        os._exit(UNAVAILABLE)
    child_run.make_ready()
    if walls.id_of_runs:
        child_run.use_thread_id(walls.id_of_runs)
    rehearsal.rehearse()
    _limit_processes_of_user()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, _ignore)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    control.send({"walls": walls.layers})
    _take_low_numbers()
    del setup
    gc.collect()
    gc.freeze()
    linux.give_memory_back()  # every page takes its time in every fork
    request = control.next()
    while request is not None:
        if "prepare" not in request:
            request = control.next()  # that one came too late
            continue
        settings = RunSettings(**request["prepare"])
        title = {"ready": _new_number(), "series": request["series"]}
        instead = _run(title, settings, control, walls, wake_read)
        if instead is None and not settings.ahead:
            instead = control.next()
            if instead is None:
                return
        request = instead or request


def _new_number() -> int:
    """Return a number for a run, which it can find. Counted ones would tell it how many ran before."""
    return int.from_bytes(os.urandom(6), "big")


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
    def __init__(self, connection: _socket.socket) -> None:
        self.connection = connection
        self._text = b""
        self._descriptors: list[int] = []

    def next(self) -> dict[str, Any] | None:
        """Wait for a request; None when the judge is gone."""
        while b"\n" not in self._text:
            try:
                data, descriptors = passing.receive(self.connection, 65536, 1)
            except OSError:
                return None
            if not data:
                return None
            self._text += data
            self._descriptors += descriptors
        line, _, self._text = self._text.partition(b"\n")
        request: dict[str, Any] = json.loads(line)
        return request

    def all_there(self) -> Iterator[dict[str, Any] | None]:
        """Wait for a request, and return it and those that came with it."""
        yield self.next()
        while b"\n" in self._text:
            yield self.next()

    def take_stdin(self) -> int:
        """Return the descriptor that came with a request, or of nothing to read."""
        return self._descriptors.pop() if self._descriptors else os.open(os.devnull, os.O_RDONLY)

    def send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        with contextlib.suppress(OSError):  # a judge that is gone is noticed at the next request
            passing.send(self.connection, json.dumps(message).encode() + b"\n", descriptors)


def _run(
    title: dict[str, int], settings: RunSettings, control: _Control, walls: Walls, wake_read: int
) -> dict[str, Any] | None:
    """Prepare a run and watch it to its end. Return the request that took its place before it had a job."""
    stdin = control.take_stdin()
    job, channel = _socket.socketpair()
    result, result_write = os.pipe()
    out, out_write = os.pipe()
    err, err_write = os.pipe()
    child_run.use_scratch(walls.scratch(settings))
    for descriptor in (ours := (job.fileno(), result, out, err)):
        os.set_blocking(descriptor, False)
    if walls.level == "isolated":  # its id means nothing out there, so the judge need not wait for it
        control.send(title | {"pid": 0}, ours)
    parent = os.getpid()
    try:
        pid = walls.fork(settings, stdin)
    except OSError as error:
        control.send({"refused": str(error), "series": title["series"]})
        os._exit(UNAVAILABLE)
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            _signal.signal(
                _SIGCHLD, _signal.SIG_DFL
            )  # the functions of `signal` do the same, but touch more memory
            _signal.signal(_SIGINT, _signal.default_int_handler)
            os.setsid()
            if not walls.id_of_runs:
                child_run.use_thread_id(os.getpid())
            try:
                walls.lock(settings, parent)
            except OSError as error:
                control.send({"refused": str(error), "series": title["series"]})
                os._exit(UNAVAILABLE)
            child_run.run(channel, _keep_only(channel.fileno(), stdin, out_write, err_write, result_write))
        finally:
            os._exit(70)
    if walls.level != "isolated":
        control.send(title | {"pid": pid}, ours)
    job.close()
    channel.close()
    for descriptor in (stdin, result, result_write, out, out_write, err, err_write):
        os.close(descriptor)
    watch = _Watch(title["ready"], pid, settings, walls)
    end = watch.until_all_dead(control, wake_read)
    if watch.instead is None:
        control.send({"ended": end})
    return watch.instead


_SIGCHLD, _SIGINT = int(signal.SIGCHLD), int(signal.SIGINT)
_RESULT = 10
_LOWEST = 12
_LAST_DESCRIPTOR = 1 << 20 if sys.platform == "linux" else 10_240
"""Elsewhere each number costs a system call, and no process may have more by default."""


def _take_low_numbers() -> None:
    """Use up the low numbers of descriptors, so that none of a run is in the way of another, see `_keep_only`."""
    while os.open(os.devnull, os.O_RDONLY) < _LOWEST:
        pass


def _keep_only(channel: int, stdin: int, stdout: int, stderr: int, result: int) -> int:
    """Move descriptors to their places and close all others but the channel; return the place of the result."""
    for place, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, place)
    os.dup2(result, _RESULT, False)
    os.closerange(3, _RESULT)
    os.closerange(_RESULT + 1, channel)
    os.closerange(channel + 1, _LAST_DESCRIPTOR)
    return _RESULT


class _Watch:
    """Watches one run: reaps, counts and finally kills its processes."""

    def __init__(self, number: int, pid: int, settings: RunSettings, walls: Walls) -> None:
        self.number = number
        self.pid = pid
        self.settings = settings
        self.walls = walls
        self.exit_code: int | None = None
        self.cpu_seconds = 0.0
        self.peak_rss = 0
        self.wanted = 0.0
        self.times_held_up = self.waits_for_disk = 0
        self.limit = ""
        self.judge_is_gone = False
        self.next_look: float | None = None
        self.instead: dict[str, Any] | None = None

    def until_all_dead(self, control: _Control, wake_read: int) -> dict[str, Any]:
        while self._reap() and self.exit_code is None:
            timeout = None if self.next_look is None else max(0.0, self.next_look - time.monotonic())
            ready, _, _ = select.select([control.connection.fileno(), wake_read], [], [], timeout)
            if wake_read in ready:
                _empty(wake_read)
            if control.connection.fileno() in ready and any(
                [self._is_over(it) for it in control.all_there()]
            ):
                break
            if self.next_look is not None and time.monotonic() >= self.next_look:
                self.next_look = time.monotonic() + _LOOK_EVERY
                self.limit = self._limit_passed()
                if self.limit:
                    break
        clean = self._sweep(wake_read)
        if self.judge_is_gone:
            os._exit(0)
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "number": self.number,
            "exit": self.exit_code,
            "cpu": self.cpu_seconds,
            "rss": self.peak_rss * unit,
            "held_up": self._held_up(),
            "limit": self.limit,
            "clean": clean,
        }

    def _held_up(self) -> float:
        """Return `RunEnd.held_up`."""
        by_disk = self.waits_for_disk * LONGEST_HOLD_UP_SECONDS
        if (
            self.wanted
        ):  # how often can be chosen by the run: a thread may give way to its neighbour all the time
            return max(0.0, self.wanted - self.cpu_seconds) + by_disk
        return self.times_held_up * LONGEST_HOLD_UP_SECONDS + by_disk

    def _is_over(self, request: dict[str, Any] | None) -> bool:
        """Follow a request; return whether the run must end."""
        if request is None:
            self.judge_is_gone = True
            return True
        if "prepare" in request:
            self.instead = request
            return True
        if request.get("look") == self.number:
            self.next_look = time.monotonic()
        return request.get("kill") == self.number  # else it came too late

    def _limit_passed(self) -> str:
        if self.walls.tasks() > self.settings.processes:
            return "processes"
        if self.walls.overfull(self.settings):
            return "disk"
        if self.walls.too_large(self.settings):
            return "memory"
        return ""

    def _reap(self) -> bool:
        """Collect what has ended; False when no child is left."""
        while True:
            if self.next_look is not None and self.exit_code is None:  # it takes its time
                self.wanted = max(self.wanted, self.walls.table.longest_wanted_below())
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
            self.times_held_up += usage.ru_nivcsw
            self.waits_for_disk += usage.ru_majflt + usage.ru_inblock
            if pid == self.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def _sweep(self, wake_read: int) -> bool:
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
            if select.select([wake_read], [], [], _SWEEP_EVERY)[0]:
                _empty(wake_read)
        return True


def _empty(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(descriptor, 4096)


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
