"""The two calls most users need: `solve` a task, or `build_graph` to run a recipe inside LangGraph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from codegrove.graphs.assemble import Assembly, RunSettings, assemble
from codegrove.graphs.portal import run_sync
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.session import RunContext, Session
from codegrove.graphs.solution import Solution
from codegrove.graphs.state import SearchInput
from codegrove.problem import Problem
from codegrove.store import prepare_directory, save_run
from codegrove.task import Task

if TYPE_CHECKING:
    from langgraph.types import Checkpointer

    from codegrove.graphs.build import RecipeGraph


def solve(
    task: Task | Problem,
    recipe: Recipe | str | Path = "loop",
    *,
    out: str | Path | None = None,
    **settings: Unpack[RunSettings],
) -> Solution:
    """Solve one task and return the best program found; see `asolve`.

    Works in scripts and in notebooks alike; from inside a coroutine await `asolve` instead.
    """
    return run_sync(asolve(task, recipe, out=out, **settings))


async def asolve(
    task: Task | Problem,
    recipe: Recipe | str | Path = "loop",
    *,
    out: str | Path | None = None,
    **settings: Unpack[RunSettings],
) -> Solution:
    """Solve one task and return the best program found.

    Used-up budgets, failing models and crashing programs are no exceptions: the solution says how the run ended
    and holds the best program so far.

    Args:
        task: what to solve. Of a `Problem` only its task is shown to the search; the simulated programmer knows
            the problem itself.
        recipe: a recipe, the name of a shipped one, or the path of a YAML file.
        out: directory to save the run to; it must be new or empty.
        settings: `model`, `models`, `price`, `problems`, `overrides`, `budget`, `workers`, `seed`, `sandbox` and
            `observers`, see `codegrove.graphs.assemble.RunSettings`.

    Raises:
        UsageError: on input that cannot be used (`TaskError`, `RecipeError`, `ModelSpecError`), before any
            model is called.
    """
    if isinstance(task, Problem):
        settings.setdefault("problems", [task])
        task = task.task
    assembly = assemble(recipe, **settings)
    session = assembly.open_session(task)
    try:
        directory = None if out is None else prepare_directory(Path(out))
        solution = await run_session(assembly, session)
    finally:
        await session.aclose()
    if directory is not None:
        save_run(directory, solution, session.search.events, assembly.recipe, task, assembly.seed)
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
        checkpointer: LangGraph checkpointer for the small worker states.
        name: name of the graph; the recipe's by default.
        settings: as for `asolve`.
    """
    from codegrove.graphs.build import build_graph as build  # LangGraph takes a second to import

    return build(assemble(recipe, **settings), checkpointer=checkpointer, name=name)
