"""The two calls most users need: `solve` a task, or `build_graph` to run a recipe inside LangGraph."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from loguru import logger

from codegrove.budget import Budget
from codegrove.display import Screen, Shown, open_screen
from codegrove.errors import UsageError
from codegrove.graphs.assemble import Assembly, RunSettings, assemble
from codegrove.graphs.end import End, Ended
from codegrove.graphs.portal import run_sync
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.session import RunContext, Session
from codegrove.graphs.solution import Solution
from codegrove.graphs.state import SearchInput
from codegrove.problem import Problem
from codegrove.runs.directory import RunDirectory
from codegrove.runs.reopening import Changes, reopen
from codegrove.task import Task

if TYPE_CHECKING:
    from langgraph.types import Checkpointer

    from codegrove.graphs.build import RecipeGraph


def solve(
    task: Task | Problem,
    recipe: Recipe | str | Path = "loop",
    *,
    out: str | Path | None = None,
    reuse: Sequence[str | Path] = (),
    progress: bool = False,
    **settings: Unpack[RunSettings],
) -> Solution:
    """Solve one task and return the best program found; see `asolve`.

    Works in scripts and in notebooks alike; from inside a coroutine await `asolve` instead.
    """
    return run_sync(_solve(task, recipe, out, reuse, _screen(progress), settings))


async def asolve(
    task: Task | Problem,
    recipe: Recipe | str | Path = "loop",
    *,
    out: str | Path | None = None,
    reuse: Sequence[str | Path] = (),
    progress: bool = False,
    **settings: Unpack[RunSettings],
) -> Solution:
    """Solve one task and return the best program found.

    Used-up budgets, failing models and crashing programs are no exceptions: the solution says how the run ended
    and holds the best program so far.

    Args:
        task: what to solve. Of a `Problem` only its task is shown to the search; the simulated programmer knows
            the problem itself.
        recipe: a recipe, the name of a shipped one, or the path of a YAML file.
        out: directory that records the run while it goes on. One that holds the same run continues it: nothing
            that was paid for is paid for again. A finished run is returned as it ended.
        reuse: directories of other runs whose answers and verdicts are taken where they fit, instead of new ones.
            Needs `out`.
        progress: whether to show the search while it runs: one output that is kept up to date in a notebook, one
            picture in a terminal, else a line for each outcome. The latter two go to standard error.
        settings: `model`, `models`, `price`, `problems`, `overrides`, `budget`, `workers`, `seed`, `sandbox`,
            `observers` and `approver`, see `codegrove.graphs.assemble.RunSettings`.

    Raises:
        UsageError: on input that cannot be used (`TaskError`, `RecipeError`, `ModelSpecError`, `RunError`),
            before any model is called.
    """
    return await _solve(task, recipe, out, reuse, _screen(progress), settings)


async def _solve(
    task: Task | Problem,
    recipe: Recipe | str | Path,
    out: str | Path | None,
    reuse: Sequence[str | Path],
    screen: Screen | None,
    settings: RunSettings,
) -> Solution:
    if isinstance(task, Problem):
        settings.setdefault("problems", [task])
        task = task.task
    assembly = assemble(recipe, **settings)
    if out is not None:
        with RunDirectory(out, assembly, task, reuse=reuse) as directory:
            return await run_in(directory, assembly, screen=screen)
    if reuse:
        raise UsageError("reuse needs out: what is taken from other runs is recorded; name a directory")
    session = assembly.open_session(task)
    try:
        with _shown(screen, session, assembly) as display:
            solution = await run_session(assembly, session)
    finally:
        await session.aclose()
    if display is not None:
        display.finish(solution, None)
    return solution


def _screen(progress: bool) -> Screen | None:
    return open_screen() if progress else None


def _shown(
    screen: Screen | None, session: Session, assembly: Assembly
) -> AbstractContextManager[Shown | None]:
    return nullcontext() if screen is None else screen.show(session, assembly)


def resume(
    directory: str | Path,
    *,
    budget: Budget | None = None,
    extend: Budget | None = None,
    reuse: Sequence[str | Path] = (),
    progress: bool = False,
    **changes: Unpack[Changes],
) -> Solution:
    """Continue a run, with a larger budget if wanted; see `aresume`."""
    return run_sync(_resume(directory, budget, extend, reuse, _screen(progress), changes))


async def aresume(
    directory: str | Path,
    *,
    budget: Budget | None = None,
    extend: Budget | None = None,
    reuse: Sequence[str | Path] = (),
    progress: bool = False,
    **changes: Unpack[Changes],
) -> Solution:
    """Continue a run that broke off or used up its budget, and return its solution.

    A run whose search is done is returned as it ended.

    Args:
        directory: what `solve` was given as `out`.
        budget: limits of the whole run, what is spent already included; those it leaves open are as they were.
        extend: what to add to the limits that there were (to what is spent, where there was none). Its
            `answer_tokens` replaces what there was.
        reuse: directories of other runs, see `asolve`, besides those the run was given before.
        progress: whether to show the search while it runs, see `asolve`.
        changes: `model`, `models`, `problems`, `workers`, `sandbox`, `require_sandbox`, `observers`, `approver`:
            needed where the run was made with objects that have no name, such as a chat model of your own.

    Raises:
        RunError: if there is no run, it is damaged, in use, or its models cannot be made again.
    """
    return await _resume(directory, budget, extend, reuse, _screen(progress), changes)


async def _resume(
    directory: str | Path,
    budget: Budget | None,
    extend: Budget | None,
    reuse: Sequence[str | Path],
    screen: Screen | None,
    changes: Changes,
) -> Solution:
    assembly, record = reopen(directory, budget=budget, extend=extend, **changes)
    with RunDirectory(directory, assembly, record.task, reuse=reuse) as opened:
        return await run_in(opened, assembly, screen=screen)


async def run_in(
    directory: RunDirectory, assembly: Assembly, *, report: bool = True, screen: Screen | None = None
) -> Solution:
    """Run what is open in a run directory to its end, and write down how it ended, with a report if wanted.

    Args:
        directory: the run.
        assembly: what it is made of.
        report: whether to write the report as well.
        screen: where to show the run while it goes on.
    """
    if directory.solution is not None:
        if screen is not None:
            screen.show_finished(directory.solution)
        return directory.solution
    session = directory.session
    try:
        with _shown(screen, session, assembly) as display:
            solution = await run_session(assembly, session)
    finally:
        await session.aclose()
    solution = conclude(directory, solution, report=report)
    if display is not None:
        display.finish(solution, directory.path)
    return solution


def conclude(directory: RunDirectory, solution: Solution, *, report: bool = True) -> Solution:
    """Write down how a run ended, and its report if wanted.

    Returns:
        The solution; where it could not be written its reason says so, because what was paid for must not be lost
        by an exception.
    """
    from codegrove.report import run_report, write_report  # only runs that are recorded need it
    from codegrove.runs.run import Run

    try:
        directory.finish(solution)
        if report:
            write_report(directory.path / "report.html", run_report(Run.open(directory.path)))
    except Exception as error:  # noqa: BLE001  a policy may be a stranger's, and with it what the tree holds
        expected = isinstance(error, UsageError)
        what = (
            f"{error}"
            if expected
            else f"how the run ended cannot be written whole: {type(error).__name__}: {error}"
        )
        logger.opt(exception=not expected).error("{}", what)
        if solution.ended is not Ended.ERROR:
            end = End.error(what)
            return replace(solution, reason=end.reason, ended=end.kind, resource="")
    return solution


async def run_session(assembly: Assembly, session: Session) -> Solution:
    """Run an open session to its end and return the solution. The caller closes the session."""
    from codegrove.graphs.build import build_graph as build  # LangGraph takes a second to import

    result = await build(assembly).ainvoke(SearchInput(task=session.task), context=RunContext(session))
    solution: Solution = result["solution"]
    return solution


def build_graph(
    recipe: Recipe | str | Path,
    *,
    checkpointer: Checkpointer = None,
    name: str | None = None,
    **settings: Unpack[RunSettings],
) -> RecipeGraph:
    """Compile a recipe into a LangGraph graph from ``{"task": Task}`` to ``{"solution": Solution}``.

    The graph works with `invoke`, `ainvoke`, `stream` and `astream`, and as a node of a larger graph whose
    state has the fields `task` and `solution`.

    Args:
        recipe: a recipe, the name of a shipped one, or the path of a YAML file.
        checkpointer: LangGraph checkpointer for the small worker states; make it with
            ``serde=codegrove.graphs.checkpoint_serde()``. With one, a recipe that wants approval interrupts the
            graph where there is no `approver`.
        name: name of the graph; the recipe's by default.
        settings: as for `asolve`.
    """
    from codegrove.graphs.build import build_graph as build  # LangGraph takes a second to import

    return build(assemble(recipe, **settings), checkpointer=checkpointer, name=name)
