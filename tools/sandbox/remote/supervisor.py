"""What an executor starts: supervises one run, wherever that is, and speaks through its two standard streams.

The run itself is a fresh interpreter with an environment of its own, so that neither environment nor memory of
this process, which may hold somebody's secrets, is passed on. It does what `child_run` does everywhere, and
has no job yet while it waits: both may be started long before they are needed.

In come frames ``rules`` (JSON, see `Rules`), ``stdin`` and ``job`` in parts, ``go``; later ``peer`` and ``closed``
for a run that is one of a pair, and ``stop``. Out go ``ready``, ``started``, ``record``, ``stdout``, ``stderr``,
``peer`` and ``closed`` in the order they happen, and ``ended`` (JSON) as the last one. The end of the input means
that the judge is gone, unless it said beforehand that it sends everything at once.

Loaded by `loader` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from codegrove.tools.sandbox import linux
from codegrove.tools.sandbox.process_table import ProcessTable
from codegrove.tools.sandbox.record_lines import MOST_BYTES, RecordLines, completes_step
from codegrove.tools.sandbox.remote.frames import CHUNK, FrameError, FrameReader, FrameWriter
from codegrove.tools.sandbox.remote.worker import FIRST_DESCRIPTOR, PIPES, WORKER

_SWEEP_SECONDS = 1.0


class Supervisor:
    """One run, from the start of its interpreter to its last process.

    Args:
        texts: the shipped modules.
        environment: what the run finds in its environment, except its home and temporary folder.
    """

    def __init__(self, texts: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self.texts, self.environment = texts, environment
        self.reader, self.writer = FrameReader(), FrameWriter()
        kind = getattr(selectors, "PollSelector", selectors.SelectSelector)  # epoll takes no files as input
        self.selector: selectors.BaseSelector = kind()
        self.table = ProcessTable.of_this_process()
        self.scratch = tempfile.mkdtemp(prefix="codegrove-")
        self.stdin, stdin_path = tempfile.mkstemp(prefix="codegrove-")
        self.stdin_read = os.open(stdin_path, os.O_RDONLY)
        os.unlink(stdin_path)
        self.rules: dict[str, Any] = {}
        self.job = bytearray()
        self.calls = bytearray()
        self.calls_over = False
        self.ends: dict[str, int] = {}
        self.pid = 0
        self.exit_code: int | None = None
        self.cpu_seconds, self.memory_bytes = 0.0, 0
        self.running = False
        self.began = self.step_deadline = 0.0
        self.stopped = ""
        self.printed = 0
        self.records = RecordLines()

    def go(self) -> None:
        """Do the one job. Returns when every process of the run that can be found is dead."""
        wake_read, wake_write = os.pipe()
        for descriptor in (wake_read, wake_write):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        if linux.available:
            with contextlib.suppress(OSError):
                linux.adopt_orphans()
            with contextlib.suppress(OSError):
                linux.hiding_memory()()
        try:
            self._start_worker()
            self._say("ready", json.dumps({"python": sys.version.split()[0]}).encode())
            self.selector.register(0, selectors.EVENT_READ, "input")
            self.selector.register(wake_read, selectors.EVENT_READ, "wake")
            while self.exit_code is None and not self.stopped:
                self._step(wake_read)
            self._finish()
        finally:
            self._kill_all()
            shutil.rmtree(self.scratch, ignore_errors=True)

    # -- starting --------------------------------------------------------------------------------------------

    def _start_worker(self) -> None:
        texts_read, texts_write = os.pipe()
        theirs = {}
        for name in PIPES:
            if name == "stdin":
                theirs[name] = self.stdin_read
                continue
            read, write = os.pipe()
            incoming = name in ("job", "calls")
            theirs[name], self.ends[name] = (read, write) if incoming else (write, read)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._become_worker([theirs[name] for name in PIPES], texts_read)
            finally:
                os._exit(70)
        for descriptor in (texts_read, *theirs.values()):
            os.close(descriptor)
        with os.fdopen(texts_write, "wb") as file:
            file.write(json.dumps(self.texts).encode())
        for name, descriptor in self.ends.items():
            os.set_blocking(descriptor, False)
            if name not in ("job", "calls"):
                self.selector.register(descriptor, selectors.EVENT_READ, name)

    def _become_worker(self, descriptors: list[int], texts: int) -> None:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        above = FIRST_DESCRIPTOR + len(descriptors)
        moved = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, above + 1) for one in (*descriptors, texts)]
        for source, target in zip(moved, range(FIRST_DESCRIPTOR, above + 1), strict=True):
            os.dup2(source, target, inheritable=True)
        nothing = os.open(os.devnull, os.O_RDWR)
        for target in (0, 1):
            os.dup2(nothing, target, inheritable=True)
        command = [sys.executable, "-s", "-P", "-S", "-B", "-c", WORKER, str(above), self.scratch]
        needed = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # some builds of Python do not start without
        kept = {name: os.environ[name] for name in needed if name in os.environ}
        os.execve(sys.executable, command, {**self.environment, **kept})

    # -- running ---------------------------------------------------------------------------------------------

    def _step(self, wake: int) -> None:
        for key, events in self.selector.select(self._time_left()):
            if key.data == "wake":
                with contextlib.suppress(BlockingIOError):
                    os.read(wake, 4096)
            elif key.data == "input":
                self._hear()
            elif events & selectors.EVENT_WRITE:
                self._write(key.data)
            elif key.fd in self.selector.get_map():
                self._read(key.fd, key.data)
        self._reap()
        if not self.running or self.stopped:
            return
        now = time.monotonic()
        if now >= self.began + self.rules["wall_seconds"]:
            self.stopped = "wall"
        elif now >= self.step_deadline:
            self._read_rest("result")
            if now >= self.step_deadline:
                self.stopped = self.stopped or "step"

    def _time_left(self) -> float | None:
        if not self.running:
            return None
        until: float = min(self.began + self.rules["wall_seconds"], self.step_deadline)
        return max(0.0, until - time.monotonic())

    def _hear(self) -> None:
        data = os.read(0, CHUNK)
        if not data:
            self.selector.unregister(0)
            if not self.rules.get("all_at_once") or not self.running:
                self.stopped = "gone"  # nobody listens any more
            return
        try:
            for kind, content in self.reader.feed(data):
                self._obey(kind, content)
        except (FrameError, ValueError, KeyError, TypeError) as error:
            print(f"cannot read what the judge says: {error}", file=sys.stderr)
            self.stopped = "gone"

    def _obey(self, kind: str, content: bytes) -> None:
        if kind == "rules":
            self.rules = json.loads(content)
        elif kind == "stdin":
            os.write(self.stdin, content)
        elif kind == "job":
            self.job += content
        elif kind == "go":
            self.running = True
            self.began = time.monotonic()
            self.step_deadline = self.began + self.rules["step_seconds"]
            self._say("started")
            self._write("job")
        elif kind == "peer":
            self.calls += content
            self._write("calls")
        elif kind == "closed":
            self.calls_over = True
            self._write("calls")
        elif kind == "stop":
            self.stopped = "asked"

    def _write(self, name: str) -> None:
        """Hand on as much as the pipe takes; the rest when there is room."""
        if name not in self.ends:
            return
        descriptor, content = self.ends[name], self.job if name == "job" else self.calls
        try:
            while content:
                del content[: os.write(descriptor, content[:CHUNK])]
        except BlockingIOError:
            if descriptor not in self.selector.get_map():
                self.selector.register(descriptor, selectors.EVENT_WRITE, name)
            return
        except OSError:  # it does not read any more; how it ended is noticed elsewhere
            content.clear()
        if descriptor in self.selector.get_map():
            self.selector.unregister(descriptor)
        if name == "job" or self.calls_over:
            os.close(self.ends.pop(name))

    def _read(self, descriptor: int, name: str) -> bool:
        """Pass on what is there; False at the end, or when nothing is there."""
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.selector.unregister(descriptor)
            if name == "answers":
                self._say("closed")
            return False
        if name == "answers":
            self._say("peer", data)
        elif name == "result":
            self._pass_on_records(data)
        else:
            room = self.rules.get("output_bytes", 0) - self.printed
            self.printed += len(data)
            if room > 0:
                self._say(name, data[:room])
            if len(data) > room:
                self.stopped = self.stopped or "output"
        return True

    def _pass_on_records(self, data: bytes) -> None:
        self._say("record", data)
        self.records.feed(data)
        while (line := self.records.next()) is not None:
            if completes_step(line):
                self.step_deadline = time.monotonic() + self.rules["step_seconds"]
        if self.records.too_much:
            self.stopped = self.stopped or "output"

    def _read_rest(self, name: str) -> None:
        for key in [key for key in self.selector.get_map().values() if key.data == name]:
            rest = 2 * MOST_BYTES
            while rest > 0 and key.fd in self.selector.get_map() and self._read(key.fd, name):
                rest -= CHUNK

    # -- ending ----------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        self._kill_all()
        if not self.running:
            if self.exit_code is not None:
                print(f"the interpreter for runs ended with code {self.exit_code}", file=sys.stderr)
            return
        for name in ("result", "answers", "stdout", "stderr"):  # everybody is dead: this comes to an end
            self._read_rest(name)
        ended = {
            "stopped": "" if self.stopped in ("asked", "gone") else self.stopped,
            "exit": self.exit_code,
            "cpu": self.cpu_seconds,
            "rss": self.memory_bytes,
            "seconds": time.monotonic() - self.began,
        }
        self._say("ended", json.dumps(ended).encode())

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
            self.memory_bytes = max(
                self.memory_bytes, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            )
            if pid == self.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def _kill_all(self) -> None:
        """Kill until nothing is left that can be found; orphans become children of this process on Linux."""
        deadline = time.monotonic() + _SWEEP_SECONDS
        if self.pid and self.exit_code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        while self._reap() and time.monotonic() < deadline:
            for pid in {*self.table.children(), *([self.pid] if self.exit_code is None else [])}:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.001)

    def _say(self, kind: str, content: bytes = b"") -> None:
        rest = memoryview(self.writer.frames(kind, content))
        try:
            while rest:
                rest = rest[os.write(1, rest) :]
        except OSError:
            self.stopped = "gone"


def main(texts: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Supervise one run; called by the text that the executor starts."""
    Supervisor(texts, environment).go()
