"""One run on an executor: hands the job over, takes what comes back, keeps the clock.

Whatever an executor does, `Conversation.hold` returns or raises in time: its methods are called in threads that
are left behind if they do not come back.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.port import Limits
from codegrove.tools.sandbox.record_lines import MOST_BYTES, RecordLines
from codegrove.tools.sandbox.remote.executor import Executor, RemoteProcess
from codegrove.tools.sandbox.remote.frames import FrameError, FrameReader, FrameWriter
from codegrove.tools.sandbox.remote.harness import harness
from codegrove.tools.sandbox.rules import RunEnd, Stopped
from codegrove.tools.sandbox.runs import Run

_MOST_WAITING = 2 * MOST_BYTES
"""Bytes on their way to the other run of a pair."""
_LATE_SECONDS = 0.5
"""What the supervisor's word that time is up may take to arrive before the executor has to kill."""
_MOST_PROBLEM = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What an executor gets time for. None of it counts against a program."""

    start_seconds: float = 60.0
    """From the request for a process until it has begun the run."""
    stop_seconds: float = 1.0
    """From the request to stop until the run has stopped by itself; then it is killed."""
    kill_seconds: float = 10.0
    """From then on, until nothing is left. After that the executor has failed."""


_Kind = Literal["data", "end", "failed", "killed", "wake"]


class Pair:
    """Connects two conversations: hands on what either run says to the other, and lets both begin together, so
    that neither has to wait for the start of the other one on its own time."""

    def __init__(self) -> None:
        self.both_ready = threading.Event()
        self._members: list[Conversation] = []
        self._ready: set[int] = set()
        self._lock = threading.Lock()

    def join(self, member: Conversation) -> None:
        """Add one of the two."""
        self._members.append(member)

    def is_ready(self, member: Conversation) -> None:
        """Say that the process of one of them waits for its job."""
        with self._lock:
            self._ready.add(id(member))
            if len(self._ready) == 2:
                self.both_ready.set()

    def other(self, member: Conversation) -> Conversation:
        """Return the other one."""
        return next(one for one in self._members if one is not member)


class Conversation:
    """Runs one job once.

    Args:
        executor: where it is run.
        run: the job and its rules.
        limits: what the executor has to keep for the run as a whole.
        patience: see there.
        pair: for a run that is one of two, what connects it with the other one.
    """

    def __init__(
        self,
        executor: Executor,
        run: Run,
        limits: Limits,
        patience: Patience,
        pair: Pair | None = None,
    ) -> None:
        self.executor, self.run, self.limits, self.patience = executor, run, limits, patience
        self.pair = pair
        self._events: queue.Queue[tuple[_Kind, Any]] = queue.Queue(maxsize=32)
        self._outgoing: queue.SimpleQueue[tuple[str, bytes] | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._process: RemoteProcess | None = None
        self._abandoned = False
        self._left = threading.Event()
        self._reader = FrameReader()
        self._records = RecordLines()
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._ended: dict[str, Any] | None = None
        self._problem = ""
        self._raised: SandboxError | None = None
        self._stopped: Stopped = ""
        self._began: float | None = None
        self._seconds = 0.0
        self._stop_asked = self._kill_asked = self._kill_done = self._stream_over = False
        self._deadline = time.monotonic() + patience.start_seconds
        if not executor.relays:
            self._deadline += run.rules.wall_seconds + _LATE_SECONDS

    # -- from other threads ----------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """End the run, or keep it from starting."""
        threading.Thread(target=self._put, args=("wake",), daemon=True).start()  # the caller shall not wait

    def relay(self, data: bytes | None) -> bool:
        """Hand on what the other run of a pair says; None that it says no more. False if too much is waiting."""
        if self._left.is_set():
            return True
        with self._lock:
            self._waiting += len(data or b"")
            if self._waiting > _MOST_WAITING:
                return False
        self._outgoing.put(("closed", b"") if data is None else ("peer", data))
        return True

    # -- the run ---------------------------------------------------------------------------------------------

    def hold(self) -> RunEnd:
        """Do the job and return how it ended.

        Raises:
            SandboxError: if the executor failed, with what it said.
        """
        threading.Thread(target=self._talk, name="codegrove-remote", daemon=True).start()
        try:
            while not (self._stream_over and (self._kill_done or not self._kill_asked)):
                try:
                    kind, value = self._events.get(timeout=max(0.0, self._deadline - time.monotonic()))
                except queue.Empty:
                    self._run_out_of_time()
                else:
                    self._take(kind, value)
        except BaseException:
            self._kill()
            raise
        finally:
            self._left.set()
            self._outgoing.put(None)
            if self.pair is not None:
                self.pair.both_ready.set()
                self.pair.other(self).relay(None)
        return self._end()

    def _take(self, kind: _Kind, value: Any) -> None:
        match kind:
            case "data" if not self._problem:
                try:
                    for frame_kind, content in self._reader.feed(value):
                        self._hear(frame_kind, content)
                except (FrameError, ValueError, TypeError, KeyError, RecursionError) as error:
                    self._fail(f"it delivered what is no report of a run: {error}")
            case "end":
                self._stream_over = True
                if not self._kill_asked and (self._ended is None or self._reader.rest()):
                    self._fail(f"its process ended before the run was over ({value})")
            case "failed":
                self._stream_over = True
                if not self._kill_asked:
                    self._fail(value)
            case "killed":
                self._kill_done = True
                if value:
                    self._fail(f"it could not end a run: {value}")
            case "wake":
                self._ask_to_stop()

    def _hear(self, kind: str, content: bytes) -> None:
        if self._problem:
            return
        if self._ended is not None:
            raise FrameError(f"it goes on after its end ({kind})")
        if kind == "ready":
            if self.pair is not None:
                self.pair.is_ready(self)
            return
        if kind == "started" and self._began is None:
            self._began = time.monotonic()
            if self.executor.relays and not self._stop_asked and not self._kill_asked:
                self._deadline = self._began + max(0.0, self.run.rules.wall_seconds) + _LATE_SECONDS
        elif self._began is None:
            raise FrameError(f"{kind!r} before it has started")
        elif kind == "record":
            self._take_records(content)
        elif kind in self._output:
            self._take_output(kind, content)
        elif kind in ("peer", "closed"):
            if self.pair is not None and not self.pair.other(self).relay(content if kind == "peer" else None):
                self._stopped = self._stopped or "records"
                self._ask_to_stop()
        elif kind == "ended":
            self._ended = _checked_end(json.loads(content))
            self._seconds = max(
                time.monotonic() - self._began,
                min(self._ended["seconds"], max(0.0, self.run.rules.wall_seconds)),
            )
            self._deadline = time.monotonic() + self.patience.kill_seconds
        else:
            raise FrameError(f"an unknown kind of line: {clip(kind, 50)!r}")

    def _take_records(self, data: bytes) -> None:
        if self._stopped:
            return  # decided already
        self._records.feed(data)
        while (line := self._records.next()) is not None:
            try:
                wanted = self.run.on_record(line)
            except SandboxError as error:
                self._raised, wanted = error, False
            if not wanted:
                self._stopped = "records"
                return self._ask_to_stop()
        if self._records.too_much:
            self._stopped = "output"
            self._ask_to_stop()
        return None

    def _take_output(self, name: str, data: bytes) -> None:
        room = self.run.rules.output_bytes - sum(map(len, self._output.values()))
        self._output[name] += data[: max(room, 0)]
        if len(data) > room and not self._stopped:
            self._stopped = "output"
            self._ask_to_stop()

    # -- ending ----------------------------------------------------------------------------------------------

    def _ask_to_stop(self) -> None:
        if self._stop_asked or self._kill_asked or self._ended is not None:
            return
        if self._began is None or not self.executor.relays:
            return self._kill()
        self._stop_asked = True
        self._outgoing.put(("stop", b""))
        self._deadline = time.monotonic() + self.patience.stop_seconds
        return None

    def _kill(self) -> None:
        if self._kill_asked:
            return
        self._kill_asked = True
        self._deadline = time.monotonic() + self.patience.kill_seconds
        with self._lock:
            process = self._process
            self._abandoned = process is None
        if process is None:  # still starting: `_talk` ends it as soon as it is there
            self._stream_over = self._kill_done = True
            return
        threading.Thread(target=self._kill_process, args=(process,), daemon=True).start()

    def _kill_process(self, process: RemoteProcess) -> None:
        problem = ""
        try:
            process.kill()
        except Exception as error:  # noqa: BLE001 - a stranger's code
            problem = _words(error)
        self._put("killed", problem)

    def _run_out_of_time(self) -> None:
        if self._kill_asked:
            self._fail(f"it did not end a run within {self.patience.kill_seconds:g} seconds")
            self._stream_over = self._kill_done = True
        elif self._ended is not None:
            self._fail("its process did not end after the run")
        elif self._began is None:
            self._fail(f"it began no run within {self.patience.start_seconds:g} seconds")
        elif not self._stop_asked:
            self._stopped = self._stopped or "wall"
        self._kill()

    def _fail(self, problem: str) -> None:
        """Note what is wrong with the executor, the first thing first, and see to it that nothing is left."""
        self._problem = self._problem or clip(problem, _MOST_PROBLEM)
        self._kill()

    def _end(self) -> RunEnd:
        if self._raised is not None:
            raise self._raised
        if self._problem:
            raise SandboxError(f"{self.executor.name}: {self._problem}")
        ended = self._ended or {"stopped": "", "exit": None, "cpu": 0.0, "rss": 0}
        if self._began is not None and self._ended is None:
            self._seconds = time.monotonic() - self._began
        return RunEnd(
            stopped=self._stopped or ended["stopped"],
            started=self._began is not None,
            exit_code=ended["exit"],
            cpu_seconds=ended["cpu"],
            memory_bytes=ended["rss"],
            seconds=self._seconds,
            stdout=bytes(self._output["stdout"]),
            stderr=bytes(self._output["stderr"]),
        )

    # -- threads that call the executor ----------------------------------------------------------------------

    def _talk(self) -> None:
        """Start the process and read from it. Everything the executor raises ends up in the verdict's note."""
        process: RemoteProcess | None = None
        try:
            process = self.executor.start(harness(), self.limits)
            with self._lock:
                self._process = process
                abandoned = self._abandoned
            if abandoned:
                process.kill()
                process.close()
                return
            if self.executor.relays:
                threading.Thread(target=self._feed, args=(process,), daemon=True).start()
            else:
                process.send(self._job(FrameWriter(), all_at_once=True))
            while data := process.receive():
                self._put("data", data)
            self._put("end", process.close())
        except Exception as error:  # noqa: BLE001 - a stranger's code
            self._put("failed", _words(error))
            if process is not None:
                with contextlib.suppress(Exception):  # the first problem is the one to tell
                    process.close()

    def _feed(self, process: RemoteProcess) -> None:
        writer = FrameWriter()
        try:
            if self.pair is not None:
                self.pair.both_ready.wait()
                if self._left.is_set():
                    return
            process.send(self._job(writer, all_at_once=False))
            while (item := self._outgoing.get()) is not None:
                kind, data = item
                process.send(writer.frames(kind, data))
                with self._lock:
                    self._waiting -= len(data)
        except Exception:  # noqa: BLE001 - it does not listen any more; how it ended is seen where it is read
            return

    def _job(self, writer: FrameWriter, *, all_at_once: bool) -> bytes:
        rules = self.run.rules
        kept = {
            "wall_seconds": max(0.0, rules.wall_seconds),
            "step_seconds": rules.step_seconds,
            "output_bytes": rules.output_bytes,
            "all_at_once": all_at_once,
        }
        job = json.dumps(self.run.job | {"site_packages": []}).encode()
        parts = (
            ("rules", json.dumps(kept).encode()),
            ("stdin", self.run.stdin or b""),
            ("job", job),
            ("go", b""),
        )
        return b"".join(writer.frames(kind, data) for kind, data in parts)

    def _put(self, kind: _Kind, value: Any = None) -> None:
        while not self._left.is_set():
            try:
                return self._events.put((kind, value), timeout=0.2)
            except queue.Full:
                continue
        return None


def _checked_end(fields: Any) -> dict[str, Any]:
    """Read how a supervisor says that its run ended. Nothing in it decides about a pass.

    Raises:
        ValueError, KeyError, TypeError: for anything else.
    """
    stopped, code = fields["stopped"], fields["exit"]
    if stopped not in ("", "wall", "step", "output") or not (code is None or type(code) is int):
        raise ValueError("an end that makes no sense")
    numbers = {name: float(fields[name]) for name in ("cpu", "seconds", "rss")}
    if not all(0 <= number < 1e15 for number in numbers.values()):
        raise ValueError("an end with impossible numbers")
    return {"stopped": stopped, "exit": code, **numbers, "rss": int(numbers["rss"])}


def _words(error: BaseException) -> str:
    text = str(error) if isinstance(error, SandboxError) else f"{type(error).__name__}: {error}"
    return clip(text or type(error).__name__, _MOST_PROBLEM)
