"""Runs without forks: each has an interpreter of its own, started for it. What there is on Windows.

It offers what `Interpreter` offers, at level ``basic`` only, and takes as long as Python takes to start. It works
wherever Python can start programs.
"""

from __future__ import annotations

import math
import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.child_fresh import READY
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.containment import Containment
from codegrove.tools.sandbox.fresh_process import End, FreshProcess, Source, new_job, program_of
from codegrove.tools.sandbox.job import Job, Usage
from codegrove.tools.sandbox.record_lines import RecordLines, completes_step
from codegrove.tools.sandbox.rules import GRACE_SECONDS, LONGEST_WAIT, START_SECONDS, Rules, RunEnd, Stopped
from codegrove.tools.sandbox.scratch import remove_tree

_KILLED = -9
"""Exit code of a process that was killed from here, whatever the system calls that."""

ONLY_BASIC = (
    "runs cannot be forked here, and without that there is level 'basic', for Python programs: no other level, no"
    " sessions, no coverage, no other language; Linux and macOS have them, and on Windows WSL 2"
)


class FreshInterpreter:
    """Starts an interpreter for each run. Not thread-safe, except `interrupt` and `abort`.

    Args:
        python: the program to start.
        containment: must ask for level ``basic``.
        make_job: makes what holds the processes of a run together.

    Raises:
        SandboxError: for any other level.
    """

    def __init__(
        self, python: str, containment: Containment, *, make_job: Callable[[], Job] = new_job
    ) -> None:
        if containment.level != "basic" or containment.stages:
            raise SandboxError(f"it needs forked processes, and runs cannot be forked here ({sys.platform})")
        self._python = program_of(python)
        self._make_job = make_job
        self._lock = threading.Lock()
        self._running: FreshProcess | None = None
        self._layers: list[str] = []
        self._closed = False

    def run(
        self,
        job: bytes,
        *,
        stdin: bytes | None,
        rules: Rules,
        on_record: Callable[[bytes], bool],
        cancelled: Callable[[], bool],
        extra: Sequence[int] = (),
        on_output: Callable[[str, bytes], bool] | None = None,
        when_ready: Callable[[], bool] = lambda: True,
    ) -> RunEnd:
        """Start a process, hand it the job and wait until it has ended, see `Interpreter.run`.

        Raises:
            SandboxError: if it cannot be started or held; for a session, always.
        """
        scratch = ""
        try:
            if on_output is not None:
                raise SandboxError(ONLY_BASIC)
            scratch = tempfile.mkdtemp(prefix="codegrove-")
            process = FreshProcess(self._python, scratch, stdin, extra, self._make_job())
        except OSError as error:
            remove_tree(scratch)
            raise SandboxError(f"cannot start {self._python!r} for a run: {error}") from error
        finally:
            for descriptor in extra:
                os.close(descriptor)
        self._layers = process.job.layers
        talk = _Talk(process, job, rules, on_record, cancelled, when_ready)
        with self._lock:
            self._running = process
        try:
            talk.hold()
        except BaseException:
            process.kill()
            raise
        finally:
            with self._lock:
                self._running = None
            process.close()
            remove_tree(scratch)
        return talk.end()

    def interrupt(self) -> None:
        """Kill the run that is going on, if any. Callable from any thread."""
        with self._lock:
            if self._running is not None:
                self._running.kill()

    def abort(self) -> None:
        """End it for good. Callable from any thread."""
        self._closed = True
        self.interrupt()

    def is_alive(self) -> bool:
        """Whether another run can be tried."""
        return not self._closed

    def close(self) -> None:
        """Kill what runs. Safe to call twice."""
        self.abort()

    def layers(self) -> list[str]:
        """Return what holds runs, in words; nothing before the first run."""
        return self._layers


class _Talk:
    """One run as the judge sees it: the job goes in, records and output come out, the limits are kept."""

    def __init__(
        self,
        process: FreshProcess,
        job: bytes,
        rules: Rules,
        on_record: Callable[[bytes], bool],
        cancelled: Callable[[], bool],
        when_ready: Callable[[], bool],
    ) -> None:
        self.process, self.job, self.rules = process, job, rules
        self.on_record, self.cancelled, self.when_ready = on_record, cancelled, when_ready
        self.began: float | None = None
        self.seconds = 0.0
        self.deadline = time.monotonic() + START_SECONDS
        self.step_deadline = math.inf
        self.stopped: Stopped = ""
        self.exit_code: int | None = None
        self.usage = Usage()
        self.open: set[Source] = {"result", "stdout", "stderr"}
        self.records = RecordLines()
        self.output = {"stdout": bytearray(), "stderr": bytearray()}

    def hold(self) -> None:
        """Go on until everything is dead and read."""
        while self.open or self.exit_code is None:
            now = time.monotonic()
            if now >= self.deadline and not self._run_out_of_time():
                break
            left = max(0.0, min(self.deadline, self.step_deadline) - now)
            try:
                source, what = self.process.events.get(timeout=min(left, LONGEST_WAIT))
            except queue.Empty:  # so all records that are there have been looked at
                if time.monotonic() >= self.step_deadline:
                    self._kill("step")
                continue
            if isinstance(what, End):
                self.exit_code = _KILLED if self.process.killed else what.exit_code
                self.usage = what.usage
                self._wait_no_longer_than(GRACE_SECONDS)
            elif not what:
                self.open.discard(source)
            elif source == "result":
                self._take_records(what)
            else:
                self._take_output(source, what)
        if self.began is not None:
            self.seconds = time.monotonic() - self.began

    def end(self) -> RunEnd:
        """Say how it ended."""
        lost = self.began is None and (self.stopped == "lost" or not self.process.killed)
        if self.usage.cpu_used_up and not self.stopped:
            self.stopped = "cpu"
        return RunEnd(
            stopped="lost" if lost else self.stopped,
            started=not lost,
            exit_code=self.exit_code,
            cpu_seconds=self.usage.cpu_seconds,
            memory_bytes=self.usage.memory_bytes,
            seconds=self.seconds,
            stdout=bytes(self.output["stdout"]),
            stderr=bytes(self.output["stderr"]),
            problem=self._problem() if lost else "",
            held_up=self.usage.held_up,
        )

    def _begin(self) -> None:
        """The process waits for its job: bind it, and let it have it."""
        rules = self.rules
        if not self.when_ready() or self.cancelled():
            return self.process.kill()
        most = rules.processes if rules.children else 1
        try:
            self.process.job.limit(
                memory_mb=rules.memory_mb, processes=most, cpu_seconds=math.ceil(rules.wall_seconds) + 1
            )
        except OSError as error:
            self.process.kill()
            raise SandboxError(f"a run could not be contained: {error}") from error
        self.began = time.monotonic()
        self.deadline, self.step_deadline = self.began + rules.wall_seconds, self.began + rules.step_seconds
        return self.process.send(self.job)

    def _run_out_of_time(self) -> bool:
        """Follow the deadline; False if it was the last one."""
        if self.exit_code is not None or self.process.killed:
            return False  # somebody holds a pipe open, or cannot be killed
        if self.began is None:
            self.output["stderr"] += b"it did not start in time"
        self._kill("wall" if self.began is not None else "lost")
        return True

    def _kill(self, why: Stopped) -> None:
        self.stopped = self.stopped or why
        self._wait_no_longer_than(GRACE_SECONDS)
        self.process.kill()

    def _wait_no_longer_than(self, seconds: float) -> None:
        self.deadline, self.step_deadline = time.monotonic() + seconds, math.inf

    def _take_records(self, data: bytes) -> None:
        if self.stopped:
            return None  # decided already
        self.records.feed(data)
        while not self.stopped and (line := self.records.next()) is not None:
            arrived = time.monotonic()
            if self.began is None:
                if line + b"\n" != READY:
                    return self._kill("lost")
                self._begin()
            elif not self.on_record(line):
                return self._kill("records")
            elif self.exit_code is None and not self.process.killed:
                now = time.monotonic()  # judging is not its time
                if completes_step(line):
                    self.step_deadline = now + self.rules.step_seconds
                else:
                    self.step_deadline += now - arrived
        if self.records.too_much and not self.stopped:
            self._kill("output")
        return None

    def _take_output(self, source: Source, data: bytes) -> None:
        room = self.rules.output_bytes - sum(map(len, self.output.values()))
        self.output[source] += data[: max(room, 0)]
        if len(data) > room and not self.stopped:
            self._kill("output")

    def _problem(self) -> str:
        text = self.output["stderr"].decode("utf-8", "replace").strip()
        return f"exit code {self.exit_code}" + (f": {clip(text, 300)}" if text else "")
