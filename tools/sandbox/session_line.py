"""The process of one session, seen from the judge: hands it cells, takes their records, kills it.

Blocking code in threads of its own, so that a session needs no event loop to keep its limits, and takes no place
of a judgement: any number of sessions leaves all workers to the runs.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.assignment import Interrupted
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.pool import Pool, Ticket
from codegrove.tools.sandbox.records import read_error
from codegrove.tools.sandbox.rules import GRACE_SECONDS, START_SECONDS, Rules, RunEnd
from codegrove.tools.sandbox.runs import Run
from codegrove.tools.sandbox.session_port import CellResult, CellStatus, SessionLimits
from codegrove.tools.sandbox.session_records import CellRecord, explain, read_cell
from codegrove.tools.sandbox.values import DecodeError, load_json
from codegrove.verdict import ErrorInfo

INTERRUPT_SECONDS = 1.0
"""After a cell's time is over: how long it may take to react to its interrupt before the session is killed."""
_SLACK_SECONDS = 0.25
"""How much later than its limit a record may come and still be in time: the way here takes some."""
_MOST_STREAM = 4000
"""Characters kept of a cell's stdout and of its stderr."""
_BESIDE_THE_VALUE = 100_000
"""Bytes of a record besides its value."""
_CELL = "a cell took too long"
"""Why a session was ended here."""


@dataclass(slots=True)
class _Exchange:
    """One cell on its way."""

    number: int
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    began: float = 0.0
    seconds: float = 0.0
    """From handing over to the record."""
    record: CellRecord | None = None


class Line:
    """A session's process.

    Args:
        pool: where its interpreter comes from, and who ends it when it is closed.
        limits: of the session.
    """

    def __init__(self, pool: Pool, limits: SessionLimits) -> None:
        self.limits = limits
        self.ended = threading.Event()
        """Set when every process of the session is dead."""
        self._pool = pool
        self._token = secrets.token_hex(16)
        self._changed = threading.Condition()
        self._begun = False
        self._ready = False
        self._exchange: _Exchange | None = None
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._written = 0
        self._over_output = False
        self._cells: int | None = None
        self._end: RunEnd | None = None
        self._problem: SandboxError | None = None
        self._why = ""
        self._kills: SimpleQueue[bool] = SimpleQueue()
        self._cells_begun = 0
        job = {
            "mode": "session",
            "token": self._token,
            "output_bytes": limits.output_bytes,
            "value_bytes": limits.value_bytes,
            "limits": {
                "AS": limits.memory_mb << 20,
                "CPU": limits.cpu_seconds,
                "FSIZE": limits.file_mb << 20,
                "NOFILE": 256,
                "CORE": 0,
            },
        }
        rules = Rules(
            wall_seconds=limits.wall_seconds,
            step_seconds=limits.wall_seconds,  # cells are timed here
            output_bytes=2 * limits.output_bytes,
            processes=limits.processes,
            scratch_mb=limits.scratch_mb,
            memory_mb=limits.memory_mb,
            children=limits.children,
        )
        self._run = Run(job, rules, self._on_record, on_output=self._on_output)

    # -- called by the session, from any thread --------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether it can take another cell."""
        with self._changed:
            return self._ready and not self._why and not self.ended.is_set()

    def start(self) -> Future[None]:
        """Start the process. The future raises `SandboxError` if that fails."""
        self._begun = True
        for work in (self._live, self._keep):
            threading.Thread(target=work, name="codegrove-session", daemon=True).start()
        return in_thread(self._wait_until_ready)

    def ask(self, message: Mapping[str, Any], number: int) -> Future[CellResult]:
        """Hand over a cell. One at a time."""
        return in_thread(lambda: self._ask(message, number))

    def end(self, why: str) -> None:
        """Kill the process, or keep it from starting. Does not wait, see `ended`.

        Takes no lock: it is called where the garbage collector happens to run, too.
        """
        self._why = self._why or why
        self._kills.put(True)

    def end_for_good(self, why: str) -> None:
        """Kill the process, if there is one, and wait until it is dead."""
        self.end(why)
        if self._begun:
            self.ended.wait(3 * GRACE_SECONDS)

    def _keep(self) -> None:
        """Wait for the order to kill, or the end."""
        if self._kills.get():
            self._run.stop()
            if not self.ended.wait(GRACE_SECONDS):
                self._run.abort()

    # -- the thread that holds the conversation --------------------------------------------------------------

    def _live(self) -> None:
        try:
            for _ in range(2):  # an interpreter may have died while it was waiting; a fresh one has no excuse
                read, write = os.pipe()
                os.set_blocking(write, False)
                with self._changed:
                    self._close_cells()
                    self._cells = write
                end = self._pool.run_once(Ticket(), self._run, (read,))
                if end.started or self._why:
                    break
            with self._changed:
                self._end = end
                if not end.started:
                    self._problem = SandboxError(f"a session could not be started: {end.problem}")
        except (SandboxError, Interrupted, OSError) as error:
            with self._changed:
                self._problem = self._problem or SandboxError(str(error))
        finally:
            with self._changed:
                self._close_cells()
                self.ended.set()
                self._changed.notify_all()
            self._kills.put(False)

    def _close_cells(self) -> None:
        if self._cells is not None:
            os.close(self._cells)
            self._cells = None

    def _on_record(self, line: bytes) -> bool:
        """Take a record; False for one that nobody asked for."""
        if len(line) > self.limits.value_bytes + _BESIDE_THE_VALUE:
            return False
        with self._changed:
            exchange = self._exchange
        try:
            fields = load_json(line)
            if not isinstance(fields, dict) or fields.get("token") != self._token:
                raise DecodeError("no record of this session")
            if fields["kind"] == "broken" and not self._ready:  # later it would be the cell that says so
                raise SandboxError(f"a session could not be prepared: {read_error(fields['error'])}")
            if fields["kind"] == "ready" and not self._ready:
                with self._changed:
                    self._ready = True
                    self._changed.notify_all()
                return True
            if exchange is None or exchange.record is not None or fields.get("key") != exchange.key:
                raise DecodeError("a record that nobody waits for")
            record = read_cell(fields)
        except (DecodeError, KeyError, TypeError, ValueError, OverflowError, IndexError):
            return False
        with self._changed:
            exchange.record = record
            exchange.seconds = time.monotonic() - exchange.began
            self._changed.notify_all()
        return True

    def _on_output(self, name: str, data: bytes) -> bool:
        with self._changed:
            self._written += len(data)
            room = self.limits.output_bytes - sum(map(len, self._output.values()))
            self._output[name] += data[: max(room, 0)]
            self._over_output = self._written > 2 * self.limits.output_bytes
            return not self._over_output

    # -- threads that wait for something ---------------------------------------------------------------------

    def _wait_until_ready(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self.ended.is_set(), START_SECONDS)
            ready = self._ready
        if not ready:
            self.end_for_good("it did not start")
            raise self._problem or SandboxError("a session could not be started: it did not answer")

    def _ask(self, message: Mapping[str, Any], number: int) -> CellResult:
        exchange = _Exchange(number=number)
        text = json.dumps(
            {**message, "number": number, "key": exchange.key, "seconds": self.limits.cell_seconds}
        )
        with self._changed:
            if self._why or self.ended.is_set():
                return self._not_run(number)
            exchange.began = time.monotonic()
            self._exchange = exchange
        deadline = exchange.began + self.limits.cell_seconds + INTERRUPT_SECONDS
        self._feed(text.encode() + b"\n", deadline)
        with self._changed:
            left = deadline - time.monotonic()
            self._changed.wait_for(lambda: exchange.record is not None or self.ended.is_set(), max(left, 0.0))
            late = exchange.record is None and not self.ended.is_set()
        if late:
            self.end_for_good(_CELL)
        with self._changed:
            self._exchange = None
            result = self._result(exchange)
            self._cells_begun += number > 0
            for taken in self._output.values():
                taken.clear()
            self._written = 0
        return result

    def _feed(self, text: bytes, deadline: float) -> None:
        """Write to the process as fast as it reads. One that does not is out of time like any other."""
        rest = memoryview(text)
        while rest and not self.ended.is_set() and time.monotonic() < deadline:
            with self._changed:
                descriptor = self._cells
                if descriptor is None:
                    return
                try:
                    rest = rest[os.write(descriptor, rest) :]
                    continue
                except BlockingIOError:
                    ready = select.poll()
                    ready.register(descriptor, select.POLLOUT)
                except OSError:
                    return  # it is gone, or has closed its end
            ready.poll(20)  # short: the descriptor is closed when the process ends

    # -- what became of a cell -------------------------------------------------------------------------------

    def _result(self, exchange: _Exchange) -> CellResult:
        record = exchange.record
        result = CellResult(
            status=CellStatus.KILLED,
            number=exchange.number,
            stdout=_text(self._output["stdout"]),
            stderr=_text(self._output["stderr"]),
            seconds=exchange.seconds or time.monotonic() - exchange.began,
            alive=False,
        )
        if record is None:
            status = CellStatus.TIMED_OUT if self._why == _CELL else CellStatus.KILLED
            limit, why = self._explain()
            return replace(result, status=status, limit=limit, error=why)
        status, error, limit = record.status, record.error, ""
        if error is not None and error.type == "MemoryError":
            limit = "memory"
        if record.cut or self._written > self.limits.output_bytes:
            limit = "output"
        if record.interrupted or exchange.seconds > self.limits.cell_seconds + _SLACK_SECONDS:
            message = f"no end within {self.limits.cell_seconds:g} seconds, interrupted"
            line, trace = (error.line, error.trace) if error else (None, ())
            error = ErrorInfo(type="TimeLimit", message=message, line=line, trace=trace)
            status, limit = CellStatus.TIMED_OUT, "cell"
        return replace(
            result,
            status=status,
            value=record.value,
            shown=record.shown,
            error=error,
            limit=limit,
            alive=not self._why and not self.ended.is_set(),
        )

    def _not_run(self, number: int) -> CellResult:
        limit, error = self._explain()
        count = self._cells_begun
        what = f"what {count} cell{'s' * (count != 1)} left is lost" if count else "no cell was run in it"
        why = ErrorInfo(type="SessionEnded", message=f"the session has ended ({error}); {what}")
        return CellResult(status=CellStatus.NOT_RUN, number=number, error=why, limit=limit, alive=False)

    def _explain(self) -> tuple[str, ErrorInfo]:
        """Say what ended the session: limit and error."""
        if self._why == _CELL:
            seconds = f"{self.limits.cell_seconds:g} seconds"
            message = f"no end within {seconds}, and it could not be interrupted"
            return "cell", ErrorInfo(type="TimeLimit", message=message)
        if self._why:
            return "", ErrorInfo(type="SessionEnded", message=self._why)
        if self._end is None:
            message = str(self._problem or "the process is gone")
            return "", ErrorInfo(type="SandboxError", message=message)
        return explain(self._end, self.limits)


def in_thread(work: Callable[[], Any]) -> Future[Any]:
    """Call something in a thread of its own; cancelling the future does not stop it."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()

    def call() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            future.set_exception(error)

    threading.Thread(target=call, name="codegrove-cell", daemon=True).start()
    return future


def _text(data: bytearray) -> str:
    return clip(data.decode("utf-8", "replace"), _MOST_STREAM)
