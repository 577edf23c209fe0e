"""Interpreters that wait for runs, and the threads that talk to them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.assignment import Interrupted
from codegrove.tools.sandbox.containment import Containment, Level, containment
from codegrove.tools.sandbox.counts import Counts
from codegrove.tools.sandbox.environment import site_folders
from codegrove.tools.sandbox.fresh import FreshInterpreter
from codegrove.tools.sandbox.interpreter import Interpreter, can_fork
from codegrove.tools.sandbox.rules import Rules, RunEnd
from codegrove.tools.sandbox.runs import Meeting, Run

_Result = TypeVar("_Result")
_Interpreter = Interpreter | FreshInterpreter


class Ticket:
    """Lets the waiting side end the runs it waits for, whatever stage they have reached."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interpreters: list[_Interpreter] = []
        self._cancelled = False

    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Kill the run, or keep it from starting."""
        with self._lock:
            self._cancelled = True
            for interpreter in self._interpreters:
                interpreter.interrupt()

    def hold(self, interpreter: _Interpreter) -> None:
        """Say that an interpreter runs for this ticket."""
        with self._lock:
            self._interpreters.append(interpreter)

    def release(self, interpreter: _Interpreter) -> None:
        """Say that it does no more."""
        with self._lock:
            self._interpreters.remove(interpreter)


class Pool:
    """At most `workers` interpreters and threads. Blocking code only, so that any event loop can wait for it.

    Args:
        fork: whether runs are forked; None for yes where that is possible.
    """

    def __init__(
        self,
        python: str,
        workers: int,
        *,
        site_packages: bool,
        warm: bool,
        level: Level = "basic",
        fork: bool | None = None,
    ) -> None:
        self.python = python
        self.level: Level = level
        self._workers = workers
        self._warm = warm
        self.forks = can_fork() if fork is None else fork
        self._site_folders: list[str] | None = None if site_packages else []
        self._lock = threading.Lock()
        self._idle: list[_Interpreter] = []
        self._busy: set[_Interpreter] = set()
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

    def executor(self, ticket: Ticket, counts: Counts | None = None) -> Executor:
        """Return what a judgement runs its jobs with, and where programs count the lines they execute."""
        return Executor(self, ticket, counts)

    def start_ahead(self) -> None:
        """Start as many interpreters as there are workers. They become ready while others do something else.

        Raises:
            SandboxError: if one cannot be started, or the pool is closed.
        """
        for _ in range(self._workers if self._warm else 0):
            with self._lock:
                self._require_open()
                if len(self._idle) + len(self._busy) >= self._workers:
                    return
                self._idle.append(self._new())

    def layers(self) -> tuple[str, ...]:
        """Return what an interpreter that is free said about its walls, in words; nothing if there is none."""
        with self._lock:
            return tuple(self._idle[-1].layers()) if self._idle else ()

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

    def run_once(self, ticket: Ticket, run: Run, extra: Sequence[int] = ()) -> RunEnd:
        """Do a job on an interpreter that is free, or on a new one.

        Args:
            extra: descriptors for the process. They are closed here in any case.

        Raises:
            Interrupted: if the ticket was cancelled or the pool closed.
            SandboxError: if no interpreter can be started.
        """
        try:
            job = json.dumps(run.job | {"site_packages": self._folders()}).encode()
            interpreter = self._take()
        except BaseException:
            for descriptor in extra:
                os.close(descriptor)
            raise
        ticket.hold(interpreter)
        run.is_on(interpreter)
        try:
            end = interpreter.run(
                job,
                stdin=run.stdin,
                rules=run.rules,
                on_record=run.on_record,
                cancelled=lambda: ticket.cancelled() or run.stopped(),
                extra=extra,
                on_output=run.on_output,
                when_ready=run.begin,
            )
        finally:
            run.is_on(None)
            ticket.release(interpreter)
            self._give_back(interpreter)
        if ticket.cancelled():
            raise Interrupted("the run was cancelled")
        if self._closed:
            raise Interrupted("the sandbox was closed")
        return end

    def _take(self) -> _Interpreter:
        with self._lock:
            self._require_open()
            while self._idle:
                interpreter = self._idle.pop()
                if interpreter.is_alive():
                    break
                interpreter.close()
            else:
                interpreter = self._new()
            self._busy.add(interpreter)
            return interpreter

    def _new(self) -> _Interpreter:
        kind = Interpreter if self.forks else FreshInterpreter
        return kind(self.python, self._containment())

    def _give_back(self, interpreter: _Interpreter) -> None:
        with self._lock:
            self._busy.discard(interpreter)
            room = len(self._idle) < 2 * self._workers  # sessions may have needed many more
            if self._warm and room and not self._closed and interpreter.is_alive():
                self._idle.append(interpreter)
                return
        interpreter.close()

    def _require_open(self) -> None:
        if self._closed:
            raise SandboxError("the sandbox is closed")

    def _containment(self) -> Containment:
        return containment(self.level, tuple(self._folders()))

    def _folders(self) -> list[str]:
        if self._site_folders is None:
            self._site_folders = site_folders(self.python)
        return self._site_folders


class Executor:
    """Runs the jobs of one judgement."""

    def __init__(self, pool: Pool, ticket: Ticket, counts: Counts | None = None) -> None:
        self._pool, self._ticket, self._counts = pool, ticket, counts

    def __call__(
        self, job: dict[str, Any], stdin: bytes | None, rules: Rules, on_record: Callable[[bytes], bool]
    ) -> RunEnd:
        """Run one job."""
        run = Run(job, rules, on_record, stdin)
        end = self._pool.run_once(self._ticket, run, self._shared(run))
        if not end.started or end.untouched:  # it died while it was waiting; another one has no excuse
            end = self._pool.run_once(self._ticket, run, self._shared(run))
        return self._require_started(end)

    def pair(self, candidate: Run, tests: Run, grace_seconds: float) -> tuple[RunEnd, RunEnd]:
        """Run two jobs at once that are connected by pipes, each on an interpreter of its own.

        Args:
            grace_seconds: how long the candidate may take to end after the tests have.
        """
        ends = self._pair_once(candidate, tests, grace_seconds)
        if not all(end.started for end in ends):
            candidate.allow_again()
            ends = self._pair_once(candidate, tests, grace_seconds)
        return self._require_started(ends[0]), self._require_started(ends[1])

    def _pair_once(self, candidate: Run, tests: Run, grace_seconds: float) -> tuple[RunEnd, RunEnd]:
        meeting = candidate.meeting = tests.meeting = Meeting()
        found: Future[RunEnd] = Future()

        def run_candidate() -> None:
            try:
                found.set_result(self._pool.run_once(self._ticket, candidate, of_candidate))
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                found.set_exception(error)
            finally:
                meeting.call_off()

        unused: list[int] = []
        try:
            unused += os.pipe()
            unused += os.pipe()
            calls_read, calls_write, answers_read, answers_write = unused
            unused += self._shared(candidate)
            of_candidate = (calls_read, answers_write, *unused[4:])
            thread = threading.Thread(target=run_candidate, name="codegrove-candidate")
            thread.start()
        except BaseException:
            for descriptor in unused:
                os.close(descriptor)
            raise
        try:
            tests_end = self._pool.run_once(self._ticket, tests, (answers_read, calls_write))
            thread.join(grace_seconds)
        finally:
            meeting.call_off()
            candidate.stop()
            thread.join()
        return found.result(), tests_end

    def _shared(self, run: Run) -> tuple[int, ...]:
        """Return the descriptor that a run counts its lines in, if it does."""
        if self._counts is None or not run.job["coverage"]:
            return ()
        return (self._counts.begin(),)

    def _require_started(self, end: RunEnd) -> RunEnd:
        if not end.started:
            raise SandboxError(f"the interpreter {self._pool.python!r} runs nothing: {end.problem}")
        return end
