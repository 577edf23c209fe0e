"""The backend for this machine: every run is a process of its own behind the walls of its level.

What holds on every level: the verdict is made in this process from plain data (for call and stdin tests), the
environment is made from an allow-list, wall time is kept from outside, processes are killed with their run, the
scratch folder is deleted. What the strict levels add is described in `walls` and proven by `examination`.

On level ``basic`` a candidate can read and write what the user can, use the network and signal the user's other
processes. Memory and processor time are limited per process, not per run (macOS ignores the limit on memory);
processes are counted on Linux only, every 50 milliseconds; what detaches from its process group is found on Linux
only; root can lift the limits of its own processes. Where processes cannot be forked a job object holds them, see
`fresh`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from codegrove.errors import SandboxError
from codegrove.parsing import parse_python
from codegrove.task import Test
from codegrove.tools.sandbox.assignment import Assignment, Interrupted
from codegrove.tools.sandbox.containment import GUARANTEES, Level
from codegrove.tools.sandbox.counts import Counts
from codegrove.tools.sandbox.coverage import Coverage, TestCoverage, lines_to_count
from codegrove.tools.sandbox.fairness import judge_fairly
from codegrove.tools.sandbox.fresh import ONLY_BASIC
from codegrove.tools.sandbox.judgement import Judgement
from codegrove.tools.sandbox.known_programs import Known, first_use
from codegrove.tools.sandbox.native import Languages, NativeSandbox
from codegrove.tools.sandbox.packages import about_missing_package
from codegrove.tools.sandbox.pool import Pool, Ticket
from codegrove.tools.sandbox.port import BlockTrace, Limits
from codegrove.tools.sandbox.session_port import SessionLimits
from codegrove.tools.sandbox.sessions import ProcessSession
from codegrove.tools.sandbox.syntax import LONGEST_PARSED
from codegrove.tools.sandbox.turns import OF_THIS_PROCESS, Turns
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict

_Result = TypeVar("_Result")


class ProcessSandbox:
    """Runs candidates in processes of the user, several at a time.

    Before its first verdict it judges a few programs whose verdict is known, once per process, level, interpreter
    and choice of packages. If it misjudges one, nothing is judged any more, and verdicts say so.

    Usable from any thread and any event loop, also from several at once. Nothing is started before the first
    run. Interpreters are started once and forked for each run; they never see a job themselves, so nothing of
    one run is in the memory of the next.

    Args:
        limits: limits of runs that are given none.
        workers: runs at a time; None for the number of processors. More than those do not run side by side, see
            `Turns`.
        python: interpreter that runs the candidates, 3.11 or newer.
        site_packages: whether candidates can import the third-party packages of that interpreter.
        warm: keep started interpreters for the next run, at most one per worker. Without, every verdict costs
            the start of an interpreter.
        level: ``isolated``, ``restricted``, ``limited`` or ``basic``. Where it is not available nothing runs, and
            verdicts say so; `make_sandbox` finds out first, and finds the best one.
        fork: whether runs are forked; None for yes where that is possible. Without, each run starts an interpreter
            of its own, which takes longer, and there is level ``basic`` for Python programs only.
        turns: whose turn it is; by default all sandboxes of this process share the machine's processors.
    """

    exempt_from_self_test = True
    """It tests itself."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        workers: int | None = None,
        python: str = sys.executable,
        site_packages: bool = True,
        warm: bool = True,
        level: Level = "basic",
        fork: bool | None = None,
        turns: Turns = OF_THIS_PROCESS,
    ) -> None:
        if workers is not None and workers < 1:
            raise SandboxError(f"workers={workers}: expected 1 or more")
        self.limits = limits or Limits()
        self.workers = workers or os.cpu_count() or 1
        self._turns = turns
        self._site_packages = site_packages
        self._first_use = first_use(level, python, site_packages, fork)
        self._pool = Pool(
            python, self.workers, site_packages=site_packages, warm=warm, level=level, fork=fork
        )
        self._sessions: weakref.WeakSet[ProcessSession] = weakref.WeakSet()
        weakref.finalize(self, self._pool.close, wait=False)
        self._languages = Languages(
            lambda language: NativeSandbox(
                language, self.limits, python=python, workers=self.workers, warm=warm, level=level
            )
        )

    @property
    def level(self) -> str:
        """The level that was asked for. Where it is not available, nothing runs."""
        return self._pool.level

    @property
    def guarantees(self) -> tuple[str, ...]:
        """What holds for every run of this level, see `GUARANTEES`.

        Verdicts on call and stdin tests add G1, no pass without an answer that was compared here, and G3, no
        expected value within reach of the candidate. Those on tests that ran in the program's process have G14
        instead: they say so, and tests that must fail were mixed in.
        """
        return GUARANTEES[self._pool.level]

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
        work = Assignment(
            program=program,
            tests=tuple(tests),
            entry_point=entry_point,
            limits=limits or self.limits,
            fail_fast=fail_fast,
        )
        refused, proven, together = self._refused(work), True, False
        if refused is not None:
            verdict = refused
        else:
            try:
                verdict, judgement = await self._in_thread(lambda ticket: self._judge(work, ticket))
                proven, together = judgement.proven, judgement.together
            except (SandboxError, OSError, Interrupted) as error:
                verdict = _same_for_all(work, Status.UNJUDGED, note=f"the sandbox failed: {error}")
        guarantees = self.guarantees
        if proven:
            guarantees = ("G1", *guarantees) if self.level == "basic" else ("G1", "G3", *guarantees)
        if together:
            guarantees = (*guarantees, "G14")
        missing = about_missing_package(verdict, self._pool.python, self._site_packages)
        note = "; ".join(filter(None, (verdict.note, missing)))
        return replace(verdict, level=self.level, guarantees=guarantees, note=note)

    async def get_ready(self) -> None:
        """Do now what the first verdict would wait for. What fails is left for the first verdict to report."""

        def start(ticket: Ticket) -> None:
            self._pool.start_ahead()
            self._require_trust(ticket)

        with contextlib.suppress(SandboxError, OSError, Interrupted):
            await self._in_thread(start)

    async def trace(
        self, program: str, test: Test, *, entry_point: str | None = None, limits: Limits | None = None
    ) -> BlockTrace:
        """Run one test and record the basic blocks it executes, see `codegrove.tools.block_trace`.

        An assertion of the test that fails is no error of the trace; an exception inside the program is.
        Everything that ends the run early leaves the blocks recorded so far where they could be saved.
        """
        work = Assignment(
            program=program,
            tests=(test,),
            entry_point=entry_point,
            limits=limits or self.limits,
            trace=True,
        )
        refused = self._refused(work)
        if refused is not None:
            return BlockTrace(error=refused.error)

        def record(ticket: Ticket) -> tuple[BlockTrace, Verdict]:
            self._require_trust(ticket)
            judgement = Judgement(work, self._pool.executor(ticket))
            with self._turns.shared(ticket.cancelled):
                verdict = judgement.run()
            return judgement.trace, verdict

        try:
            trace, verdict = await self._in_thread(record)
        except (SandboxError, OSError, Interrupted) as error:
            return BlockTrace(error=ErrorInfo(type="SandboxError", message=str(error)))
        result = verdict.results[0]
        wrong_answer = result.status is Status.FAILED and (result.error is None or not result.error.trace)
        return replace(trace, error=None if wrong_answer else result.error)

    async def coverage(
        self,
        program: str,
        tests: Sequence[Test],
        *,
        entry_point: str | None = None,
        limits: Limits | None = None,
    ) -> Coverage:
        """Run every test in a process of its own and count the lines it executes, see `Coverage`.

        The tests are judged on the way, by the same judge; the counting program is slower than the program.
        Limits are those of each test's run. Cancelling kills the runs.
        """
        if not self._pool.forks:
            return Coverage(error=ErrorInfo(type="SandboxError", message=ONLY_BASIC))
        chosen = limits or self.limits
        refused = self._refused(Assignment(program=program, tests=(), entry_point=entry_point, limits=chosen))
        if refused is not None:
            return Coverage(error=refused.error)
        lines = lines_to_count(program, LONGEST_PARSED)
        if isinstance(lines, ErrorInfo):
            return Coverage(error=lines)

        async def measure(test: Test) -> TestCoverage:
            work = Assignment(
                program=program,
                tests=(test,),
                entry_point=entry_point,
                limits=chosen,
                coverage=max(lines, default=0),
            )

            def count(ticket: Ticket) -> TestCoverage:
                self._require_trust(ticket)
                with Counts(work.coverage) as counts:
                    executor = self._pool.executor(ticket, counts)
                    verdict, _ = judge_fairly(
                        lambda: Judgement(work, executor), self._turns, ticket.cancelled
                    )
                    return TestCoverage(result=verdict.results[0], hits=counts.read(lines))

            try:
                return await self._in_thread(count)
            except (SandboxError, OSError, Interrupted) as error:
                broken = ErrorInfo(type="SandboxError", message=str(error))
                return TestCoverage(result=TestResult(status=Status.UNJUDGED, error=broken))

        return Coverage(executable=lines, tests=tuple(await asyncio.gather(*map(measure, tests))))

    def session(self, limits: SessionLimits | None = None, *, setup: str = "") -> ProcessSession:
        """Return an interpreter session, see `SessionSandbox.session`. It takes no worker of the sandbox.

        Raises:
            SandboxError: where runs cannot be forked.
        """
        if not self._pool.forks:
            raise SandboxError(ONLY_BASIC)
        chosen = limits or SessionLimits.like(self.limits)
        session = ProcessSession(self._pool, chosen, setup, lambda: self._require_trust(Ticket()))
        self._sessions.add(session)
        return session

    async def aclose(self) -> None:
        """Kill what is running and end all sessions and interpreters. Safe to call twice."""
        for session in list(self._sessions):
            await session.aclose()
        await asyncio.to_thread(self._pool.close)
        await asyncio.to_thread(self._languages.close)

    def for_language(self, language: str) -> NativeSandbox:
        """Return a sandbox of the same level, limits and workers for another language; see `ManyLanguages`.

        It is closed together with this one. This one itself judges Python.

        Raises:
            SandboxError: where runs cannot be forked.
        """
        if not self._pool.forks:
            raise SandboxError(ONLY_BASIC)
        return self._languages.get(language)

    def _judge(self, work: Assignment, ticket: Ticket) -> tuple[Verdict, Judgement]:
        self._require_trust(ticket)
        return self._judge_fairly(work, ticket)

    def _require_trust(self, ticket: Ticket) -> None:
        def judge(known: Known) -> Verdict:
            work = Assignment(
                program=known.program,
                tests=(known.test,),
                entry_point=known.entry_point,
                limits=known.limits,
            )
            return self._judge_fairly(work, ticket)[0]

        self._first_use.require(judge)

    def _judge_fairly(self, work: Assignment, ticket: Ticket) -> tuple[Verdict, Judgement]:
        return judge_fairly(
            lambda: Judgement(work, self._pool.executor(ticket)), self._turns, ticket.cancelled
        )

    def _refused(self, work: Assignment) -> Verdict | None:
        """Return the verdict on a text that is no program for the interpreter in use."""
        if self._pool.python != sys.executable:
            return None  # its grammar may differ; it finds out itself
        if len(work.program) > LONGEST_PARSED:
            return None  # parsing takes time and memory that are not limited here; the run finds out
        try:
            parse_python(work.program)
        except SyntaxError as error:
            line = error.lineno
            trace = ((line, "<module>"),) if line else ()
            info = ErrorInfo(type="SyntaxError", message=error.msg, line=line, trace=trace)
            return _same_for_all(work, Status.INVALID, error=info)
        return None

    async def _in_thread(self, work: Callable[[Ticket], _Result]) -> _Result:
        ticket = Ticket()
        future = self._pool.submit(lambda: work(ticket))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            ticket.cancel()
            raise


def _same_for_all(
    work: Assignment, status: Status, *, error: ErrorInfo | None = None, note: str = ""
) -> Verdict:
    results = tuple(TestResult(status=status, error=error) for _ in work.tests)
    return Verdict(status=status, results=results, error=error, note=note)
