"""Judging programs in other languages than Python."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar, runtime_checkable

from codegrove.errors import LanguageError, SandboxError
from codegrove.languages import PYTHON, Language, load_language, wording
from codegrove.task import StdioTest, Test
from codegrove.tools.sandbox.assignment import Assignment, Interrupted
from codegrove.tools.sandbox.containment import GUARANTEES, Level
from codegrove.tools.sandbox.fairness import judge_fairly
from codegrove.tools.sandbox.native_pool import NativePool
from codegrove.tools.sandbox.native_run import NativeJudgement
from codegrove.tools.sandbox.pool import Ticket
from codegrove.tools.sandbox.port import BlockTrace, Limits, Sandbox
from codegrove.tools.sandbox.toolchain import find_toolchain
from codegrove.tools.sandbox.turns import OF_THIS_PROCESS
from codegrove.verdict import Status, TestResult, Verdict

_Result = TypeVar("_Result")

_CHECK_LIMITS = Limits(wall_seconds=60.0, test_seconds=10.0)


@runtime_checkable
class ManyLanguages(Protocol):
    """What a sandbox offers that judges other languages as well. One that does not judges Python only."""

    def for_language(self, language: str) -> Sandbox:
        """Return a sandbox like this one that judges programs in a language; closed together with this one.

        Raises:
            LanguageError: if there is no such language.
            SandboxError: if this machine lacks what the language takes.
        """
        ...


def sandbox_for(sandbox: Sandbox, language: str) -> Sandbox:
    """Return the sandbox that judges programs in a language: this one for Python, one made by it for another.

    Raises:
        LanguageError: if there is no such language, or the sandbox judges Python only.
        SandboxError: if this machine lacks what the language takes.
    """
    if language == PYTHON:
        return sandbox
    if isinstance(sandbox, ManyLanguages):
        return sandbox.for_language(language)
    raise LanguageError(
        f"a task asks for {wording(language).title}, but the sandbox passed in judges Python only: a"
        f" {type(sandbox).__name__} has no method 'for_language'"
    )


class NativeSandbox:
    """Judges programs in one language on stdin/stdout tests, on one level. Made by `ProcessSandbox.for_language`.

    Before its first verdict it judges the language's own check program: where that does not pass, the toolchain
    does not work behind the walls, and every verdict is ``unjudged`` with the reason.

    Raises:
        SandboxError: if the toolchain is not installed.
    """

    exempt_from_self_test = True
    """It tests itself, with a program in its language."""

    def __init__(
        self, language: Language, limits: Limits, *, python: str, workers: int, warm: bool, level: Level
    ) -> None:
        self.language = language
        self.limits = limits
        self.toolchain = find_toolchain(language)
        self._pool = NativePool(python, workers, self.toolchain, warm=warm, level=level)
        self._lock = threading.Lock()
        self._problem: str | None = None
        """Why nothing can be judged; empty: the check has passed."""
        weakref.finalize(self, self._pool.close, wait=False)

    @property
    def level(self) -> str:
        """The level that was asked for. Where it is not available, nothing runs."""
        return self._pool.level

    @property
    def guarantees(self) -> tuple[str, ...]:
        """What holds for every run of this level; verdicts add G1 and G3, see `ProcessSandbox.guarantees`."""
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
        """Compile the program and run it on the tests, see `Sandbox.judge`. Cancelling kills the run.

        Tests of other kinds than stdio are ``unjudged``.
        """
        work = Assignment(
            program=program,
            tests=tuple(tests),
            entry_point=entry_point,
            limits=limits or self.limits,
            fail_fast=fail_fast,
        )
        try:
            verdict = await self._in_thread(lambda ticket: self._judge(work, ticket))
        except (SandboxError, OSError, Interrupted) as error:
            verdict = _unjudged(work, f"the sandbox failed: {error}")
        proven = ("G1",) if self.level == "basic" else ("G1", "G3")
        return replace(verdict, level=self.level, guarantees=(*proven, *self.guarantees))

    async def trace(
        self, program: str, test: Test, *, entry_point: str | None = None, limits: Limits | None = None
    ) -> BlockTrace:
        """Return no trace: blocks are recorded of Python programs only."""
        return BlockTrace()

    async def problem(self) -> str:
        """Return why nothing in this language can be judged here; empty if it can."""
        try:
            return await self._in_thread(self._checked)
        except (SandboxError, OSError, Interrupted) as error:
            return str(error)

    async def aclose(self) -> None:
        """Kill what is running and end all interpreters. Safe to call twice."""
        await asyncio.to_thread(self._pool.close)

    def close(self) -> None:
        """Do the same, blocking."""
        self._pool.close()

    def _judge(self, work: Assignment, ticket: Ticket) -> Verdict:
        problem = self._checked(ticket)
        if problem:
            return _unjudged(work, problem)
        return self._run(work, ticket)

    def _run(self, work: Assignment, ticket: Ticket) -> Verdict:
        def start() -> NativeJudgement:
            return NativeJudgement(
                work,
                self.toolchain,
                lambda run, handed_over: self._pool.execute(ticket, run, handed_over),
                one_program=self._pool.level != "basic",
            )

        return judge_fairly(start, OF_THIS_PROCESS, ticket.cancelled)[0]

    def _checked(self, ticket: Ticket) -> str:
        """Judge the language's check program, once; return why it did not pass."""
        with self._lock:
            if self._problem is None:
                check = self.language.check
                work = Assignment(
                    program=check.program,
                    tests=(StdioTest(stdin=check.stdin, expected=check.expected),),
                    entry_point=None,
                    limits=_CHECK_LIMITS,
                )
                try:
                    verdict = self._run(work, ticket)
                except SandboxError as error:
                    self._problem = self._does_not_work(str(error))
                else:
                    result = verdict.results[0]
                    said = verdict.error or result.error or verdict.note or f"output {result.output!r}"
                    problem = "" if verdict.passed else self._does_not_work(f"{result.status}, {said}")
                    if verdict.status is Status.TIMED_OUT:  # the machine may be busy just now
                        return problem
                    self._problem = problem
            return self._problem

    def _does_not_work(self, why: str) -> str:
        return (
            f"{self.language.title} cannot be judged at level {self.level!r} here: its check program, which is"
            f" right, does not pass ({why})"
        )

    async def _in_thread(self, work: Callable[[Ticket], _Result]) -> _Result:
        ticket = Ticket()
        future = self._pool.submit(lambda: work(ticket))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            ticket.cancel()
            raise


def _unjudged(work: Assignment, note: str) -> Verdict:
    results = tuple(TestResult(status=Status.UNJUDGED) for _ in work.tests)
    return Verdict(status=Status.UNJUDGED, results=results, note=note)


class Languages:
    """The sandboxes that one sandbox has made for other languages."""

    def __init__(self, make: Callable[[Language], NativeSandbox]) -> None:
        self._make = make
        self._made: dict[Language, NativeSandbox] = {}
        self._lock = threading.Lock()
        self._closed = False

    def get(self, language: str) -> NativeSandbox:
        """Return the one for a language; see `ManyLanguages.for_language` for what it raises."""
        description = load_language(language)
        with self._lock:
            found = self._made.get(description)
            if found is None:
                if self._closed:
                    raise SandboxError("the sandbox is closed")
                found = self._made[description] = self._make(description)
            return found

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            self._closed = True
            for each in self._made.values():
                each.close()
