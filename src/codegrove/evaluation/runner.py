"""Runs an evaluation: recipes x problems x seeds, each attempt a recorded run, hidden tests at its end."""

from __future__ import annotations

import asyncio
import contextlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from loguru import logger

from codegrove.account import Sweep
from codegrove.budget import Budget
from codegrove.errors import BrokenOff, UsageError
from codegrove.evaluation.attempts import Attempt, plan
from codegrove.evaluation.continuing import check_same, spent
from codegrove.evaluation.directory import Evaluation, ResultWriter, load_evaluation
from codegrove.evaluation.engines import Conditions, Engine, LeftOpen, LocalEngine, check_name
from codegrove.evaluation.fitness import check_fit
from codegrove.evaluation.results import Arm, EvalHeader, EvalResult, limits
from codegrove.graphs.assemble import Assembly, assemble
from codegrove.graphs.end import INTERRUPTED, End
from codegrove.graphs.recipe.loader import load_recipe
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.session import Session
from codegrove.problems import ProblemSet

_SWEPT = ("calls", "tokens", "dollars", "executions", "seconds")
"""What all attempts together can be limited in."""
_TICK = 10.0
"""Seconds between two notes of the running time; what a session that is killed loses of it at most."""


class Watcher(Protocol):
    """Follows an evaluation, for a display. Called from its event loop; must not block.

    What it raises is logged and changes nothing else.
    """

    def planned(self, total: int, done: Sequence[EvalResult]) -> None:
        """So many attempts are to be made; these are there already."""

    def started(self, attempt: Attempt, session: Session | None) -> None:
        """A session works on an attempt; None where it is not in this process."""

    def finished(self, attempt: Attempt, result: EvalResult) -> None:
        """An attempt was made and graded."""

    def left_open(self, attempt: Attempt, reason: str) -> None:
        """An attempt could not be brought to its end; the next session of the evaluation goes on with it."""


@dataclass(frozen=True, kw_only=True)
class EvalSettings:
    """What to evaluate, and how."""

    problems: ProblemSet
    recipes: Sequence[str | Path | Recipe]
    ids: Sequence[str] | None = None
    """Which problems; None for all."""
    seeds: Sequence[int] = (0,)
    shard: tuple[int, int] | None = None
    """Which part of the problems, counted from 1, and of how many."""
    budget: Budget | None = None
    """Limits of one attempt; those it leaves open are the recipe's."""
    sweep: Budget | None = None
    """Limits of all attempts together."""
    jobs: int = 2
    """Attempts made at the same time."""
    engine: str = "local"
    """Where they are made: ``local``, in this process, or ``ray``, see `codegrove.evaluation.ray_engine`."""
    source: tuple[str, str | None] | None = None
    """Name and format by which the problems can be loaded again; None for problems made in Python."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of every run, see `codegrove.graphs.assemble.RunSettings`: `model`, `workers` ..."""
    level: str | None = None
    """Sandbox level of searches and grading; None for the best of this machine."""


@dataclass
class Evaluator:
    """One session of an evaluation. Attempts that are on record are not made again."""

    settings: EvalSettings
    out: Path
    watchers: Sequence[Watcher] = ()
    stopped: End | None = field(default=None, init=False)
    """Why it ends before all attempts are made; None as long as it does not."""
    _engine: Engine | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        given = self.settings
        if given.jobs < 1:
            raise UsageError(f"jobs={given.jobs}: expected 1 or more")
        check_name(given.engine)
        for name in {} if given.sweep is None else limits(given.sweep):
            if name not in _SWEPT:
                raise UsageError(
                    f"sweep: it is not on record how much of {name} attempts took, so a limit of it would not hold"
                    f" for the next session; limit {', '.join(_SWEPT)}"
                )
        self._recipes: dict[str, Recipe] = {}
        for recipe in given.recipes:
            loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
            if loaded.name in self._recipes:
                raise UsageError(f"two recipes are called {loaded.name!r}; give one of them another name")
            self._recipes[loaded.name] = loaded
        wanted = given.ids if given.ids is not None else given.problems.ids
        self._ids = tuple(given.problems.by_id(problem).id for problem in wanted)
        self._plan = plan(tuple(self._recipes), self._ids, tuple(given.seeds), given.shard)
        # Reads every problem: a file that is broken is refused whole, and now.
        self._report = given.problems.report
        assemblies = [self._assembly(recipe) for recipe in self._recipes.values()]
        check_fit(assemblies, map(given.problems.by_id, self._ids))
        self._arms = {assembly.recipe.name: self._arm(assembly) for assembly in assemblies}

    @property
    def stop_reason(self) -> str | None:
        """`stopped` in words."""
        return None if self.stopped is None else self.stopped.reason

    def stop(self, why: End = INTERRUPTED) -> None:
        """End the evaluation: runs in flight end with the best so far and can go on later."""
        self.stopped = self.stopped or why
        if self._engine is not None:
            self._engine.stop(self.stopped)

    async def run(self) -> Evaluation:
        """Make all attempts that are not on record, and return the evaluation as it stands.

        Raises:
            UsageError: on settings that cannot be used; before any model is called.
            BrokenOff: if it cannot go on; attempts that are made are on record, and the same call goes on.
        """
        given, arms = self.settings, self._arms
        sweep = Sweep(given.sweep or Budget())
        engine = self._engine = self._new_engine(arms, sweep)
        try:
            with ResultWriter(self.out, self._header()) as writer:
                check_same(writer, self._header(), arms)
                writer.widen(self._header())
                done = {Attempt(row.recipe, row.problem, row.seed): row for row in writer.results}
                waiting = [attempt for attempt in self._plan if attempt not in done]
                past = spent(writer.results, [self.out / attempt.folder for attempt in waiting])
                past.seconds = writer.seconds
                sweep.restore(past)
                self._tell("planned", len(self._plan), [done[a] for a in self._plan if a in done])
                if waiting:
                    try:
                        await engine.open()
                        await self._make(waiting, engine, sweep, writer)
                    except BaseException:
                        with contextlib.suppress(BrokenOff):  # what went wrong first is what matters
                            writer.note_seconds(sweep.seconds)
                        raise
                    writer.note_seconds(sweep.seconds)
        finally:
            await engine.aclose()
        return load_evaluation(self.out)

    async def _make(self, waiting: list[Attempt], engine: Engine, sweep: Sweep, writer: ResultWriter) -> None:
        left = iter(waiting)

        async def work() -> None:
            for attempt in left:
                if self.stopped is not None:
                    return
                made = await engine.make(attempt, self.settings.problems.by_id(attempt.problem))
                if isinstance(made, LeftOpen):
                    self._tell("left_open", attempt, made.reason)
                    over = sweep.exhausted()
                    if over is not None:
                        self.stop(End.over(over))
                    continue
                writer.append(made)
                self._tell("finished", attempt, made)

        async def keep_time() -> None:
            while True:
                writer.note_seconds(sweep.seconds)
                await asyncio.sleep(_TICK)

        try:
            async with asyncio.TaskGroup() as group:
                clock = group.create_task(keep_time())
                workers = [group.create_task(work()) for _ in range(min(self.settings.jobs, len(waiting)))]
                await asyncio.wait(workers)
                clock.cancel()
        except ExceptionGroup as failed:
            # The first one ended the others; a caller wants its message.
            raise failed.exceptions[0] from None

    def _new_engine(self, arms: Mapping[str, Arm], sweep: Sweep) -> Engine:
        given = self.settings
        conditions = Conditions(
            out=self.out.absolute(),
            recipes=self._recipes,
            arms=arms,
            budget=given.budget,
            source=given.source,
            settings=given.settings,
            level=given.level,
        )

        def started(attempt: Attempt, session: Session | None) -> None:
            self._tell("started", attempt, session)

        if given.engine == "local":
            return LocalEngine(conditions, given.jobs, sweep, started)
        from codegrove.evaluation.ray_engine import RayEngine  # only where it was asked for

        return RayEngine(conditions, given.jobs, sweep, started)

    def _tell(self, event: str, *details: object) -> None:
        for watcher in self.watchers:
            try:
                getattr(watcher, event)(*details)
            except Exception:  # noqa: BLE001  may be a stranger's; attempts that are paid for must not end by it
                logger.opt(exception=True).warning("a watcher of the evaluation failed")

    def _assembly(self, recipe: Recipe) -> Assembly:
        """Put a recipe together as for an attempt at any of the problems; what is wrong with it shows here."""
        given = self.settings
        return assemble(
            recipe, **{"problems": given.problems.by_id, **given.settings, "budget": given.budget}
        )

    def _arm(self, assembly: Assembly) -> Arm:
        """Describe a method under this evaluation's conditions."""
        recipe = assembly.recipe
        return Arm(
            recipe=recipe.name,
            recipe_fingerprint=recipe.fingerprint,
            models={action: model.spec for action, model in assembly.models.items()},
            simulated=assembly.simulated,
            benchmark=self._report.source,
            benchmark_fingerprint=self.settings.problems.fingerprint,
            budget=limits(assembly.budget),
        )

    def _header(self) -> EvalHeader:
        given = self.settings
        obtained = ", ".join(f"{form}: {count}" for form, count in self._report.forms.items())
        return EvalHeader(
            codegrove=version("codegrove"),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            benchmark=self._report.source,
            benchmark_fingerprint=given.problems.fingerprint,
            benchmark_format=self._report.format,
            problems=self._ids,
            recipes=tuple(self._recipes),
            seeds=tuple(given.seeds),
            budget={} if given.budget is None else limits(given.budget),
            sweep_budget={} if given.sweep is None else limits(given.sweep),
            shard=given.shard,
            notes={
                "python": platform.python_version(),
                "visible tests": obtained or "none",
                "visible tests that are hidden as well": str(self._report.shared),
            },
        )
