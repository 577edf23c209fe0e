"""Interpreters that wait for runs, and the threads that talk to them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.interpreter import Interpreter, Rules, RunEnd, site_folders
from codegrove.tools.sandbox.judgement import Execute, Interrupted

_Result = TypeVar("_Result")


class Ticket:
    """Lets the waiting side end the run it waits for, whatever stage that has reached."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interpreter: Interpreter | None = None
        self._cancelled = False

    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Kill the run, or keep it from starting."""
        with self._lock:
            self._cancelled = True
            if self._interpreter is not None:
                self._interpreter.interrupt()

    def hold(self, interpreter: Interpreter | None) -> None:
        """Say which interpreter runs for this ticket."""
        with self._lock:
            self._interpreter = interpreter


class Pool:
    """At most `workers` interpreters and threads. Blocking code only, so that any event loop can wait for it."""

    def __init__(self, python: str, workers: int, *, site_packages: bool, warm: bool) -> None:
        self.python = python
        self._workers = workers
        self._warm = warm
        self._site_folders: list[str] | None = None if site_packages else []
        self._lock = threading.Lock()
        self._idle: list[Interpreter] = []
        self._busy: set[Interpreter] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._closed = False
        self._owner = os.getpid()

    def submit(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Call something in a thread of the pool.

        Raises:
            SandboxError: if the pool is closed.
        """
        with self._lock:
            self._require_open()
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="codegrove-sandbox")
            return self._threads.submit(work)

    def executor(self, ticket: Ticket) -> Execute:
        """Return the function that a judgement runs its jobs with."""

        def execute(
            job: dict[str, Any], stdin: bytes | None, rules: Rules, on_record: Callable[[bytes], bool]
        ) -> RunEnd:
            text = json.dumps(job | {"site_packages": self._folders()}).encode()
            end = self._run_once(ticket, text, stdin, rules, on_record)
            if (
                not end.started
            ):  # an interpreter may have died while it was waiting; a fresh one has no excuse
                end = self._run_once(ticket, text, stdin, rules, on_record)
            if not end.started:
                raise SandboxError(f"the interpreter {self.python!r} runs nothing: {end.problem}")
            return end

        return execute

    def close(self, *, wait: bool = True) -> None:
        """Kill everything. Runs that are going on end with `Interrupted`.

        Args:
            wait: until the threads have noticed.
        """
        if os.getpid() != self._owner:
            return  # a forked copy of the user's process: the interpreters are not its own
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for interpreter in self._busy:
                interpreter.abort()
            threads = self._threads
        for interpreter in idle:
            interpreter.close()
        if threads is not None:
            threads.shutdown(wait=wait)

    def _run_once(
        self,
        ticket: Ticket,
        job: bytes,
        stdin: bytes | None,
        rules: Rules,
        on_record: Callable[[bytes], bool],
    ) -> RunEnd:
        interpreter = self._take()
        ticket.hold(interpreter)
        try:
            end = interpreter.run(
                job, stdin=stdin, rules=rules, on_record=on_record, cancelled=ticket.cancelled
            )
        finally:
            ticket.hold(None)
            self._give_back(interpreter)
        if ticket.cancelled():
            raise Interrupted("the run was cancelled")
        if self._closed:
            raise Interrupted("the sandbox was closed")
        return end

    def _take(self) -> Interpreter:
        with self._lock:
            self._require_open()
            while self._idle:
                interpreter = self._idle.pop()
                if interpreter.is_alive():
                    break
                interpreter.close()
            else:
                interpreter = Interpreter(self.python)
            self._busy.add(interpreter)
            return interpreter

    def _give_back(self, interpreter: Interpreter) -> None:
        with self._lock:
            self._busy.discard(interpreter)
            if self._warm and not self._closed and interpreter.is_alive():
                self._idle.append(interpreter)
                return
        interpreter.close()

    def _require_open(self) -> None:
        if self._closed:
            raise SandboxError("the sandbox is closed")

    def _folders(self) -> list[str]:
        if self._site_folders is None:
            self._site_folders = site_folders(self.python)
        return self._site_folders
