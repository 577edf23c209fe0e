"""Level ``remote``: runs happen somewhere else, the verdict is made here.

Whatever the executor does, the judge of this side compares, and expected values of call and stdin tests stay
with it. Text of tests that need more than calls goes to a second run, which never executes the program; messages
between the two are handed on here. What else holds is what the executor states.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from codegrove.errors import SandboxError
from codegrove.task import Test
from codegrove.tools.sandbox.assignment import Assignment, Interrupted
from codegrove.tools.sandbox.judgement import Judgement
from codegrove.tools.sandbox.port import BlockTrace, Limits
from codegrove.tools.sandbox.remote.conversation import Conversation, Pair, Patience
from codegrove.tools.sandbox.remote.executor import Executor
from codegrove.tools.sandbox.rules import Rules, RunEnd
from codegrove.tools.sandbox.runs import Run
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict

_Result = TypeVar("_Result")

REMOTE = "remote"
"""The level."""
OWN_GUARANTEES = ("G2", "G12", "G13")
"""What the judge keeps for every run, wherever that is. G1 depends on the kind of test."""
STATABLE = ("G3", "G4", "G5", "G6", "G7", "G8", "G9", "G10", "G11")
"""What an executor can state."""


class RemoteSandbox:
    """Judges programs on an executor, several at a time. Usable from any thread and any event loop.

    A failure of the executor is an unjudged verdict whose note has its message; nothing is tried again by itself.

    Args:
        executor: where programs are run. Closed together with the sandbox.
        limits: limits of runs that are given none.
        workers: judgements at a time; None for the number of processors.
        patience: how long the executor may take for what is its own work.
    """

    def __init__(
        self,
        executor: Executor,
        limits: Limits | None = None,
        *,
        workers: int | None = None,
        patience: Patience | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise SandboxError(f"workers={workers}: expected 1 or more")
        unknown = [name for name in executor.guarantees if name not in STATABLE]
        if unknown:
            raise SandboxError(
                f"{executor.name} states {', '.join(unknown)}: an executor can state {', '.join(STATABLE)}"
            )
        self.limits = limits or Limits()
        self.workers = workers or os.cpu_count() or 1
        self.executor = executor
        self._bench = _Bench(executor, self.workers, patience or Patience())
        weakref.finalize(self, self._bench.close, wait=False)

    @property
    def level(self) -> str:
        """Always ``remote``."""
        return REMOTE

    @property
    def guarantees(self) -> tuple[str, ...]:
        """What holds for every run: what the judge keeps, and what the executor states besides.

        Verdicts add G1, no pass without an answer that was compared here, and leave G3 out, expected values out of
        the program's reach, where a test had to run together with the program.
        """
        return tuple(sorted({*OWN_GUARANTEES, *self.executor.guarantees}, key=lambda name: int(name[1:])))

    async def judge(
        self,
        program: str,
        tests: Sequence[Test],
        *,
        entry_point: str | None = None,
        limits: Limits | None = None,
        fail_fast: bool = False,
    ) -> Verdict:
        """Run the program on the tests and judge it, see `Sandbox.judge`. Cancelling kills the run."""
        work = self._assignment(program, tests, entry_point, limits, fail_fast=fail_fast)

        def judge(calls: _Calls) -> tuple[Verdict, bool]:
            judgement = Judgement(work, calls)
            return judgement.run(), judgement.proven

        proven = True
        try:
            verdict, proven = await self._in_thread(work.limits, judge)
        except (SandboxError, OSError, Interrupted) as error:
            unjudged = tuple(TestResult(status=Status.UNJUDGED) for _ in work.tests)
            note = f"the sandbox failed: {error}"
            verdict = Verdict(status=Status.UNJUDGED, results=unjudged, note=note)
        kept = self.guarantees if proven else tuple(name for name in self.guarantees if name != "G3")
        return replace(verdict, level=REMOTE, guarantees=("G1", *kept) if proven else kept)

    async def trace(
        self, program: str, test: Test, *, entry_point: str | None = None, limits: Limits | None = None
    ) -> BlockTrace:
        """Run one test and record the basic blocks it executes, see `Sandbox.trace`."""
        work = self._assignment(program, [test], entry_point, limits, trace=True)

        def record(calls: _Calls) -> tuple[BlockTrace, Verdict]:
            judgement = Judgement(work, calls)
            verdict = judgement.run()
            return judgement.trace, verdict

        try:
            trace, verdict = await self._in_thread(work.limits, record)
        except (SandboxError, OSError, Interrupted) as error:
            return BlockTrace(error=ErrorInfo(type="SandboxError", message=str(error)))
        result = verdict.results[0]
        wrong_answer = result.status is Status.FAILED and (result.error is None or not result.error.trace)
        return replace(trace, error=None if wrong_answer else result.error)

    async def aclose(self) -> None:
        """Kill what is running and close the executor. Safe to call twice."""
        await asyncio.to_thread(self._bench.close)

    def _assignment(
        self,
        program: str,
        tests: Sequence[Test],
        entry_point: str | None,
        limits: Limits | None,
        *,
        fail_fast: bool = False,
        trace: bool = False,
    ) -> Assignment:
        return Assignment(
            program=program,
            tests=tuple(tests),
            entry_point=entry_point,
            limits=limits or self.limits,
            fail_fast=fail_fast,
            trace=trace,
            split=self.executor.relays,
        )

    async def _in_thread(self, limits: Limits, work: Callable[[_Calls], _Result]) -> _Result:
        calls = _Calls(self._bench, limits)
        future = self._bench.submit(lambda: work(calls))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            calls.cancel()
            raise


class _Bench:
    """Threads that wait for runs, and the executor."""

    def __init__(self, executor: Executor, workers: int, patience: Patience) -> None:
        self.executor, self.patience = executor, patience
        self.closed = False
        self.under_way: set[_Calls] = set()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="codegrove-remote")
        self._owner = os.getpid()

    def submit(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Call something in a thread.

        Raises:
            SandboxError: if the sandbox is closed.
        """
        if self.closed:
            raise SandboxError("the sandbox is closed")
        return self._threads.submit(work)

    def close(self, *, wait: bool = True) -> None:
        """End all runs and the executor."""
        if os.getpid() != self._owner:
            return  # a forked copy of the user's process: the runs are not its own
        self.closed = True
        for calls in list(self.under_way):
            calls.cancel()
        self.executor.close()
        self._threads.shutdown(wait=wait)


class _Calls:
    """Runs the jobs of one judgement, see `assignment.Execute`."""

    def __init__(self, bench: _Bench, limits: Limits) -> None:
        self._bench, self._limits = bench, limits
        self._lock = threading.Lock()
        self._conversations: set[Conversation] = set()
        self._cancelled = False

    def cancel(self) -> None:
        """End the runs, whatever stage they have reached."""
        with self._lock:
            self._cancelled = True
            for conversation in self._conversations:
                conversation.interrupt()

    def __call__(
        self, job: dict[str, Any], stdin: bytes | None, rules: Rules, on_record: Callable[[bytes], bool]
    ) -> RunEnd:
        """Run one job."""
        return self._hold(self._conversation(Run(job, rules, on_record, stdin)))

    def pair(self, candidate: Run, tests: Run, grace_seconds: float) -> tuple[RunEnd, RunEnd]:
        """Run two jobs at once and hand on what they say to each other.

        Args:
            grace_seconds: how long the candidate may take to end after the tests have.
        """
        connection = Pair()
        first, second = (self._conversation(run, connection) for run in (candidate, tests))
        connection.join(first)
        connection.join(second)
        found: Future[RunEnd] = Future()

        def run_candidate() -> None:
            try:
                found.set_result(self._hold(first))
            except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
                found.set_exception(error)

        thread = threading.Thread(target=run_candidate, name="codegrove-candidate", daemon=True)
        thread.start()
        try:
            tests_end = self._hold(second)
            thread.join(grace_seconds)
        finally:
            first.interrupt()
            thread.join()
        return found.result(), tests_end

    def _conversation(self, run: Run, pair: Pair | None = None) -> Conversation:
        return Conversation(self._bench.executor, run, self._limits, self._bench.patience, pair)

    def _hold(self, conversation: Conversation) -> RunEnd:
        with self._lock:
            self._conversations.add(conversation)
            self._bench.under_way.add(self)
        try:
            self._require_wanted()
            end = conversation.hold()
        finally:
            with self._lock:
                self._conversations.discard(conversation)
                if not self._conversations:
                    self._bench.under_way.discard(self)
            self._require_wanted()
        return end

    def _require_wanted(self) -> None:
        if self._bench.closed:
            raise Interrupted("the sandbox was closed")
        if self._cancelled:
            raise Interrupted("the run was cancelled")
