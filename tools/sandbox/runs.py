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
