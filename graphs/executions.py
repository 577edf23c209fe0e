"""Programs that a run has judged and traced: each is executed once, charged to the account and written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from loguru import logger

from codegrove.account import Account
from codegrove.candidate import Candidate
from codegrove.errors import SandboxError
from codegrove.graphs.end import End
from codegrove.graphs.recording import Recorder
from codegrove.languages import PYTHON
from codegrove.task import Task, Test
from codegrove.tools.sandbox.port import BlockTrace, Limits, Sandbox
from codegrove.tools.self_test import why_distrust
from codegrove.verdict import Status, TestResult, Verdict


class Executions:
    """Lets the sandbox of one run work. Used from one event loop.

    Args:
        task: what the programs are for.
        sandbox: judges programs in the task's language.
        account: executions are charged to it.
        limits: of each execution; None for those of the sandbox.
        recorder: writes them down, and knows those of earlier sessions.
        stop: ends the run.
    """

    def __init__(
        self,
        task: Task,
        sandbox: Sandbox,
        account: Account,
        *,
        limits: Limits | None,
        recorder: Recorder | None,
        stop: Callable[[End], None],
    ) -> None:
        self.task, self.sandbox, self.account, self.limits = task, sandbox, account, limits
        self.reused: set[int] = set()
        """Expansions whose program had been judged before."""
        self._recorder, self._stop = recorder, stop
        self._known: dict[tuple[str, tuple[Test, ...]], tuple[str, asyncio.Task[Verdict] | Verdict]] = {}
        """Programs judged, or being judged, by content hash and tests: the text that was run, and the verdict."""
        self._others: dict[tuple[str, tuple[Test, ...]], Verdict] = {}
        """Verdicts on texts of which another, equal but for layout, was judged since."""
        self._traces: dict[tuple[str, Test], BlockTrace] = {}
        self._vetting: asyncio.Task[str] | str | None = None
        """The self-test of the sandbox, then what it came to."""

    async def execute(
        self, candidate: Candidate, tests: tuple[Test, ...], *, expansion: int | None = None
    ) -> Verdict:
        """Judge a program on tests; a program that was already judged on them is not run again.

        Args:
            candidate: the program.
            tests: what to judge it on.
            expansion: on whose behalf.

        Raises:
            BudgetExceeded: if executions are used up.
        """
        key = (candidate.key, tests)
        known = self._known.get(key) or self._recorded(candidate, tests)
        if known is not None and known[0] != candidate.program:
            known = self._other_text(candidate, tests) or known
        if known is not None:
            text, running = known
            verdict = running if isinstance(running, Verdict) else await asyncio.shield(running)
            # Equal but for layout and comments: what names lines holds for one text only.
            if not unusable(verdict) and (text == candidate.program or not _names_lines(verdict)):
                self._count_reuse(verdict, expansion)
                return verdict
            self._others[text, tests] = verdict
        self.account.open_execution()
        running = asyncio.ensure_future(self._judge(candidate, tests, expansion))
        self._known[key] = (candidate.program, running)
        verdict = await asyncio.shield(running)
        # A finished task would keep alive all that LangGraph put into its context: 8 KiB for each program.
        self._known[key] = (candidate.program, verdict)
        return verdict

    async def trace(
        self, program: str, tests: Sequence[Test], *, expansion: int | None = None
    ) -> tuple[Test, BlockTrace] | None:
        """Trace the first of the tests that gives a trace; None when none does.

        A run that raised or hit a limit counts as no trace: its blocks break off where nobody can say why. Every
        traced run is an execution; a program that was already traced on a test is not run again.

        Raises:
            BudgetExceeded: if executions are used up.
        """
        for test in tests:
            trace = self._traces.get((program, test))
            if trace is None and self._recorder is not None:
                trace = self._recorder.known_trace(program, test)
            if trace is None:
                self.account.open_execution()
                try:
                    if await self._why_distrust():
                        return None
                    trace = await self.sandbox.trace(
                        program, test, entry_point=self.task.entry_point, limits=self.limits
                    )
                except Exception:  # noqa: BLE001  a sandbox may be a stranger's; the search goes on without a trace
                    logger.opt(exception=True).warning("the sandbox failed to trace")
                    return None
                finally:
                    self.account.close_execution()
                if self._recorder is not None:
                    self._recorder.traced(program, test, trace, expansion=expansion)
            self._traces[program, test] = trace
            if trace.blocks and trace.error is None:
                return test, trace
        return None

    def cancel(self) -> None:
        """Judge nothing any more. Safe to call twice."""
        for _, running in self._known.values():
            if not isinstance(running, Verdict):
                running.cancel()
        if isinstance(self._vetting, asyncio.Task):
            self._vetting.cancel()

    async def _judge(self, candidate: Candidate, tests: tuple[Test, ...], expansion: int | None) -> Verdict:
        recorder, source = self._recorder, ""
        shared = None if recorder is None else recorder.shared_verdict(candidate, tests)
        try:
            if shared is not None and not unusable(shared[0]):
                verdict, source = shared
            else:
                if why := await self._why_distrust():
                    self._stop(End.error(f"the sandbox cannot be trusted: {why}"))
                    raise SandboxError(why)
                verdict = await self.sandbox.judge(
                    candidate.program, tests, entry_point=self.task.entry_point, limits=self.limits
                )
        except Exception as error:  # noqa: BLE001  a sandbox may be a stranger's; its failure judges nobody
            logger.opt(exception=True).warning("the sandbox failed")
            unjudged = (TestResult(status=Status.UNJUDGED),) * len(tests)
            note = f"the sandbox failed with {type(error).__name__}: {error}"
            verdict = Verdict(status=Status.UNJUDGED, results=unjudged, note=note)
        finally:
            self.account.close_execution()
        if recorder is not None:
            recorder.executed(candidate, tests, verdict, expansion=expansion, adopted=source)
        return verdict

    def _recorded(self, candidate: Candidate, tests: tuple[Test, ...]) -> tuple[str, Verdict] | None:
        """Look for a verdict that an earlier session of this run has recorded."""
        found = None if self._recorder is None else self._recorder.known_verdict(candidate, tests)
        if found is not None:
            self._known[candidate.key, tests] = found
        return found

    def _other_text(self, candidate: Candidate, tests: tuple[Test, ...]) -> tuple[str, Verdict] | None:
        """Look for the verdict on this very text, where one that is equal but for layout was judged since."""
        verdict = self._others.get((candidate.program, tests))
        if verdict is not None:
            return candidate.program, verdict
        found = None if self._recorder is None else self._recorder.known_verdict(candidate, tests)
        return found if found is not None and found[0] == candidate.program else None

    def _count_reuse(self, verdict: Verdict, expansion: int | None) -> None:
        if self._recorder is not None and self._recorder.unused(verdict, expansion):
            return  # an earlier session paid for it and ended before its result could be told
        self.account.count_reused()
        if expansion is not None:
            self.reused.add(expansion)

    async def _why_distrust(self) -> str:
        """Return why the sandbox must not be used, found out at the first use; nothing if there is no reason.

        What is asked are Python programs; sandboxes for other languages check themselves.
        """
        if self.task.language != PYTHON:
            return ""
        if self._vetting is None:
            self._vetting = asyncio.ensure_future(why_distrust(self.sandbox))
        if isinstance(self._vetting, asyncio.Task):
            # Only the answer is kept, as for verdicts: the task would keep the graph's whole loop alive.
            self._vetting = await asyncio.shield(self._vetting)
        return self._vetting


def unusable(verdict: Verdict) -> bool:
    """Whether a verdict says nothing because our sandbox could not judge."""
    return verdict.status is Status.UNJUDGED and bool(verdict.results)


def _names_lines(verdict: Verdict) -> bool:
    """Whether a verdict speaks of lines of the program's text."""
    errors = [verdict.error, *(result.error for result in verdict.results)]
    return any(error is not None and error.line is not None for error in errors)
