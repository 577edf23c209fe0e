"""Engines: where the attempts of an evaluation are made. Another one is in `codegrove.evaluation.ray_engine`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from codegrove.account import Sweep
from codegrove.api import run_in
from codegrove.budget import Budget
from codegrove.errors import BrokenOff, UsageError, did_you_mean
from codegrove.evaluation.attempts import Attempt
from codegrove.evaluation.grading import Grader
from codegrove.evaluation.results import Arm, EvalResult
from codegrove.graphs.assemble import Assembly, assemble
from codegrove.graphs.end import End, Ended
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Solution
from codegrove.problem import Problem
from codegrove.runs.directory import RunDirectory
from codegrove.tools.sandbox.factory import check_level, make_sandbox

NAMES = ("local", "ray")

Started = Callable[[Attempt, Session | None], None]
"""Told when an attempt begins; the session is None where another process works on it."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What all attempts of an evaluation share. Goes to other machines as it is."""

    out: Path
    """Directory of the evaluation."""
    recipes: Mapping[str, Recipe]
    arms: Mapping[str, Arm]
    """What the rows say of each recipe."""
    budget: Budget | None
    source: tuple[str, str | None] | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    level: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """An attempt that could not be brought to its end."""

    reason: str


class Engine(Protocol):
    """Makes attempts, several at a time. Opened before the first one, closed after the last."""

    async def open(self) -> None:
        """Get ready.

        Raises:
            UsageError: if that is not possible here.
        """

    async def make(self, attempt: Attempt, problem: Problem) -> EvalResult | LeftOpen:
        """Make an attempt and have its answer graded. What earlier sessions of it have paid for is used.

        Raises:
            BrokenOff: if its run cannot be recorded, or no grading process be started.
        """

    def stop(self, why: End) -> None:
        """End what is being made: runs end with the best so far and can go on later."""

    async def aclose(self) -> None:
        """Let go of everything."""


def check_name(name: str) -> None:
    """Raise a `UsageError` unless there is an engine of this name."""
    if name not in NAMES:
        raise UsageError(f"there is no engine {name!r}{did_you_mean(name, NAMES)}")


class LocalEngine:
    """Makes attempts in this process.

    Args:
        conditions: what they share.
        jobs: attempts made at the same time.
        sweep: account of all attempts; a method may be given another one for a single attempt.
        started: told of every attempt that begins.

    Raises:
        UsageError: if there is no such sandbox level.
        SandboxError: if this machine does not have it, or not the one that a recipe demands.
    """

    def __init__(
        self,
        conditions: Conditions,
        jobs: int,
        sweep: Sweep,
        started: Started = lambda attempt, session: None,
    ) -> None:
        self._conditions = conditions
        self._sweep = sweep
        self._started = started
        self._running: set[Session] = set()
        self._sandbox = make_sandbox(conditions.level, workers=jobs)
        for recipe in conditions.recipes.values():
            demanded = conditions.settings.get("require_sandbox") or recipe.require_sandbox
            if demanded is not None:
                check_level(self._sandbox, demanded)
        self._grader = Grader(level=self._sandbox.level, workers=jobs)

    async def open(self) -> None:
        """Start the grading process."""
        await self._grader.__aenter__()

    async def make(
        self, attempt: Attempt, problem: Problem, sweep: Sweep | None = None
    ) -> EvalResult | LeftOpen:
        """Make an attempt, on the engine's account or another one."""
        assembly = self._assembly(attempt, problem, sweep or self._sweep)
        solution = await self._solution(attempt, problem, assembly)
        if not _is_final(solution):
            return LeftOpen(solution.reason)
        # The session is closed: only now does anybody run hidden tests, and not in this process.
        verdict = await self._grader.grade(problem, solution.program)
        return EvalResult.of(
            solution,
            self._conditions.arms[attempt.recipe],
            problem=attempt.problem,
            seed=attempt.seed,
            sandbox=self._sandbox.level,
            workers=assembly.workers,
            hidden=verdict,
        )

    def stop(self, why: End) -> None:
        """End the sessions at work."""
        for session in self._running:
            session.stop(why)

    async def aclose(self) -> None:
        """End the grading process and the sandbox."""
        try:
            await self._grader.__aexit__(None, None, None)
        finally:
            await self._sandbox.aclose()

    async def _solution(self, attempt: Attempt, problem: Problem, assembly: Assembly) -> Solution:
        source = self._conditions.source
        origin = None if source is None else (source[0], attempt.problem, source[1])
        folder = self._conditions.out / attempt.folder
        try:
            opened = RunDirectory(folder, assembly, problem.task, problem=origin)
        except UsageError as error:
            # What was asked for was found right at the start; a directory that fails now is nobody's mistake.
            raise BrokenOff(str(error)) from None
        with opened as directory:
            if directory.solution is not None:
                return directory.solution
            session = directory.session
            self._running.add(session)
            try:
                self._started(attempt, session)
                return await run_in(directory, assembly, report=False)
            finally:
                self._running.discard(session)

    def _assembly(self, attempt: Attempt, problem: Problem, sweep: Sweep) -> Assembly:
        given = self._conditions
        # The simulation knows the reference; whatever asks a language model is not even handed the problem.
        simulated = given.arms[attempt.recipe].simulated
        return assemble(
            given.recipes[attempt.recipe],
            **{
                **({"problems": [problem]} if simulated else {}),
                **given.settings,
                "budget": given.budget,
                "seed": attempt.seed,
                "sandbox": self._sandbox,
                "sweep": sweep,
            },
        )


def _is_final(solution: Solution) -> bool:
    """Whether a run came to an end that says something about its method: done, or its own budget used up."""
    return solution.ended in (Ended.DONE, Ended.BUDGET)
