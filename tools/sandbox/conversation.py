"""One run as the judge sees it: the job goes in, records and output come out, the limits are kept."""

from __future__ import annotations

import json
import math
import os
import select
import socket
import time
from collections.abc import Callable, Sequence

from codegrove.tools.sandbox.record_lines import MOST_BYTES, RecordLines, completes_step
from codegrove.tools.sandbox.rules import GRACE_SECONDS, LONGEST_WAIT, Rules, Stopped

_QUICK_SECONDS = 0.004
"""What a run writes is read when this has passed or the run has ended: most runs are over before, and waking up
for each of their records would cost more than judging it."""

_FIRST_LOOK = 0.03
"""Seconds after which the interpreter begins to count processes."""

_CHUNK = 1 << 16
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR if hasattr(select, "POLLIN") else 0


class Ready:
    """A process that waits for its job, and the descriptors that lead to it."""

    def __init__(self, number: int, series: int, pid: int, descriptors: Sequence[int]) -> None:
        self.number, self.series, self.pid = number, series, pid
        self.job, self.result, self.stdout, self.stderr = descriptors

    def close(self) -> None:
        """Let go of it."""
        for descriptor in (self.job, self.result, self.stdout, self.stderr):
            if descriptor >= 0:
                os.close(descriptor)


class Control:
    """The socket of an interpreter: lines of JSON there, answers back.

    Args:
        connection: becomes the property of this object.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._text = b""
        self._descriptors: list[int] = []

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._connection.fileno()

    def tell(self, message: dict[str, object], descriptors: Sequence[int] = ()) -> bool:
        """Send a message; False when nobody listens."""
        try:
            socket.send_fds(self._connection, [json.dumps(message).encode() + b"\n"], list(descriptors))
        except OSError:
            return False
        return True

    def hear(self) -> list[dict[str, object]] | None:
        """Wait for answers; None when the other side is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._connection, _CHUNK, 4, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            )
        except OSError:
            return None
        if not hasattr(socket, "MSG_CMSG_CLOEXEC"):
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)
        self._descriptors += descriptors
        if not data:
            return None
        *lines, self._text = (self._text + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def take_descriptors(self) -> list[int]:
        """Return the descriptors that came with the last answer that has some."""
        taken, self._descriptors = self._descriptors[:4], self._descriptors[4:]
        return taken

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []


class Conversation:
    """One run: feeds the job in, reads records and output, keeps the limits.

    Args:
        ready: the process that is going to do the job. Its descriptors are closed at the end.
        control: leads to the interpreter that watches it.
        rules: what is kept from outside.
        on_record: see `Interpreter.run`.
        on_output: see `Interpreter.run`.
        interrupt: asks that interpreter to kill the run.
        abort: kills that interpreter.
    """

    def __init__(
        self,
        ready: Ready,
        control: Control,
        rules: Rules,
        on_record: Callable[[bytes], bool],
        on_output: Callable[[str, bytes], bool] | None = None,
        *,
        interrupt: Callable[[], None],
        abort: Callable[[], None],
    ) -> None:
        self.ready, self.control, self.rules, self.on_record = ready, control, rules, on_record
        self.on_output, self.interrupt, self.abort = on_output, interrupt, abort
        self.job = memoryview(b"")
        self.began = time.monotonic()
        self.deadline = self.began + rules.wall_seconds
        self.step_deadline = self.began + rules.step_seconds
        self.next_event = self.began + _QUICK_SECONDS
        self.reading = False
        self.looking = False
        self.stopped: Stopped = ""
        self.gone = False
        self.refused = ""
        self.kill_deadline: float | None = None
        self.ended: dict[str, object] | None = None
        self.about_next: list[dict[str, object]] = []
        """Answers that are not about this run."""
        self.heard = False
        """Whether there was any record."""
        self.records = RecordLines()
        self.output = {"stdout": bytearray(), "stderr": bytearray()}
        self.names = {ready.result: "result", ready.stdout: "stdout", ready.stderr: "stderr"}
        self.poll = select.poll()
        self.poll.register(control.fileno(), _READABLE)

    def send(self, job: bytes, extra: Sequence[int]) -> None:
        """Send the job, or as much of it as fits; the rest follows in `hold`."""
        header = len(job).to_bytes(8, "big")
        try:
            if extra:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, os.dup(self.ready.job)) as channel:
                    sent = socket.send_fds(channel, [header, job], list(extra))
            else:
                sent = os.writev(self.ready.job, [header, job])
        except BlockingIOError:
            sent = 0
        except OSError:  # the process is gone already; how it ended is reported elsewhere
            sent = len(header) + len(job)
        self.job = memoryview(header + job)[sent:] if sent < len(header) + len(job) else self.job
        if self.job:
            self.poll.register(self.ready.job, select.POLLOUT)
            self._begin_to_read()

    def hold(self) -> None:
        """Go on until everything is dead, or the interpreter is lost."""
        while self.ended is None and not self.gone:
            self._step()
        self._drain()

    def _step(self) -> None:
        for descriptor, _ in self.poll.poll(math.ceil(self._time_left() * 1000)):
            if descriptor == self.control.fileno():
                self._hear()
            elif descriptor == self.ready.job:
                self._feed()
            elif descriptor in self.names:  # else it was read to its end on behalf of another one
                self._read(descriptor)
        now = time.monotonic()
        if self.kill_deadline is not None:
            if now >= self.kill_deadline and self.ended is None:
                self._give_up()  # somebody stopped it
        elif now >= self.deadline:
            self._kill_unless_answered("wall")
        elif now >= self.step_deadline:
            self._kill_unless_answered("step")
        elif now >= self.next_event and self.ended is None:
            self._go_on_slowly()

    def _time_left(self) -> float:
        if self.kill_deadline is not None:
            until = self.kill_deadline
        else:
            until = min(self.deadline, self.step_deadline, self.next_event)
        return min(max(0.0, until - time.monotonic()), LONGEST_WAIT)

    def _go_on_slowly(self) -> None:
        """It is no quick run: read what it writes as it comes, and have its processes counted."""
        if not self.reading:
            self._begin_to_read()
            self.next_event = self.began + _FIRST_LOOK
        elif not self.looking:
            self.looking = True
            self.control.tell({"look": self.ready.number})
            self.next_event = math.inf

    def _begin_to_read(self) -> None:
        self.reading = True
        for descriptor in self.names:
            self.poll.register(descriptor, _READABLE)

    def _kill(self, why: Stopped) -> None:
        if self.kill_deadline is None and self.ended is None:
            self.stopped = why
            self.kill_deadline = time.monotonic() + GRACE_SECONDS
            self.interrupt()

    def _kill_unless_answered(self, why: Stopped) -> None:
        """Look at the records that are there already, then kill if that is still due."""
        self._read_rest("result")
        if why != "step" or time.monotonic() >= self.step_deadline:
            self._kill(why)

    def _give_up(self) -> None:
        """The interpreter does not answer. Its owner kills what it started."""
        self.abort()
        self.gone = True

    def _hear(self) -> None:
        answers = self.control.hear()
        if answers is None:
            self.gone = True
            return
        for answer in answers:
            ended = answer.get("ended")
            if isinstance(ended, dict) and ended["number"] == self.ready.number:
                self.ended = ended
                limit = ended["limit"]
                if not self.stopped and (limit == "processes" or limit == "disk" or limit == "memory"):
                    self.stopped = limit
            elif "refused" in answer and self.ended is None:
                self.refused = str(answer["refused"])
            else:
                self.about_next.append(answer)

    def _feed(self) -> None:
        try:
            self.job = self.job[os.write(self.ready.job, self.job[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:  # as in `send`
            self.job = self.job[:0]
        if not self.job:
            self.poll.unregister(self.ready.job)

    def _read(self, descriptor: int) -> bool:
        """Read what is there; False at the end, or when nothing is there."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        name = self.names[descriptor]
        if not data:
            del self.names[descriptor]
            if self.reading:
                self.poll.unregister(descriptor)
            return False
        if name == "result":
            self._take_records(data)
            return True
        if self.on_output is not None:
            if not self.on_output(name, data):
                self._kill("output")
            return True
        room = self.rules.output_bytes - sum(map(len, self.output.values()))
        self.output[name] += data[: max(room, 0)]
        if len(data) > room:
            self._kill_unless_answered("output")
            self.stopped = self.stopped or "output"
        return True

    def _take_records(self, data: bytes) -> None:
        if self.stopped not in ("", "processes", "disk", "memory"):
            return  # decided already
        self.records.feed(data)
        while (line := self.records.next()) is not None:
            self.heard = True
            if self.on_output is not None:
                self._read_rest("stdout")
                self._read_rest("stderr")
            arrived = time.monotonic()
            if not self.on_record(line):
                self._kill("records")
                self.stopped = "records"
                return
            now = time.monotonic()  # judging is not its time
            if completes_step(line):
                self.step_deadline = now + self.rules.step_seconds
            else:
                self.step_deadline += now - arrived
        if self.records.too_much:
            self._kill("output")

    def _drain(self) -> None:
        """Read what the pipes still hold. Everybody is dead, so this comes to an end."""
        for name in ("result", "stdout", "stderr"):
            self._read_rest(name)

    def _read_rest(self, name: str) -> None:
        for descriptor in [item for item, known in self.names.items() if known == name]:
            rest = MOST_BYTES
            while rest > 0 and self._read(descriptor):
                rest -= _CHUNK
