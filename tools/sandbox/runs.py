"""One job on its way to an interpreter, and the way to end it early."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from codegrove.tools.sandbox.rules import Rules


class Stoppable(Protocol):
    """What does jobs, see `Interpreter`."""

    def interrupt(self) -> None:
        """Kill the run that is going on, if any."""
        ...

    def abort(self) -> None:
        """End it for good."""
        ...


class Meeting:
    """Lets two runs begin together, so that neither waits for the start of the other one on its own time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._here = 0
        self._off = False

    def arrive(self) -> bool:
        """Wait until both processes are ready for their jobs; False if it was called off before."""
        with self._changed:
            self._here += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._here == 2 or self._off)
            return self._here == 2

    def call_off(self) -> None:
        """Say that one of them is not going to be ready. Without effect if both were."""
        with self._changed:
            self._off = True
            self._changed.notify_all()


class Run:
    """A job with what is needed to run it once.

    Args:
        job: what `child_run.run` reads.
        rules: limits that are kept from outside.
        on_record: gets each line of the report; False ends the run.
        stdin: content of its standard input; None for none.
        on_output: see `Interpreter.run`.
    """

    def __init__(
        self,
        job: dict[str, Any],
        rules: Rules,
        on_record: Callable[[bytes], bool],
        stdin: bytes | None = None,
        on_output: Callable[[str, bytes], bool] | None = None,
    ) -> None:
        self.job, self.rules, self.on_record, self.stdin = job, rules, on_record, stdin
        self.on_output = on_output
        self._lock = threading.Lock()
        self._interpreter: Stoppable | None = None
        self._stopped = False
        self.meeting: Meeting | None = None
        """For a run that is one of two: where it meets the other one."""

    def begin(self) -> bool:
        """Say that a process is ready for the job; return whether it is to have it, once that is known."""
        return self.meeting is None or self.meeting.arrive()

    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def stop(self) -> None:
        """Kill the run, or keep it from starting. Callable from any thread."""
        with self._lock:
            self._stopped = True
            if self._interpreter is not None:
                self._interpreter.interrupt()

    def abort(self) -> None:
        """Kill the interpreter as well: it did not answer to `stop`. Callable from any thread."""
        with self._lock:
            if self._interpreter is not None:
                self._interpreter.abort()

    def allow_again(self) -> None:
        """Take a `stop` back."""
        self._stopped = False

    def is_on(self, interpreter: Stoppable | None) -> None:
        """Say which interpreter does the job at present."""
        with self._lock:
            self._interpreter = interpreter
