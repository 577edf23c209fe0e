"""The two calls most users need: `solve` a task, or `build_graph` to run a recipe inside LangGraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegrove.budget import Budget
from codegrove.graphs.assemble import Assembly, Problems, assemble
from codegrove.graphs.portal import run_sync
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.session import Observer, RunContext, Session
from codegrove.graphs.solution import Solution
from codegrove.graphs.state import SearchInput
from codegrove.models.port import Price
from codegrove.problem import Problem
from codegrove.store import prepare_directory, save_run
from codegrove.task import Task
from codegrove.tools.sandbox.port import Sandbox

if TYPE_CHECKING:
    from langgraph.types import Checkpointer

    from codegrove.graphs.build import RecipeGraph


def solve(task: Task | Problem, recipe: Recipe | str | Path = "loop", **settings: Any) -> Solution:
    """Solve one task and return the best program found; see `asolve` for all settings.

    Works in scripts and in notebooks alike; from inside a coroutine await `asolve` instead.
    """
    return run_sync(asolve(task, recipe, **settings))


async def asolve(
    task: Task | Problem,
    recipe: Recipe | str | Path = "loop",
    *,
    model: Any = None,
    models: Mapping[str, Any] | None = None,
    problems: Problems | None = None,
    overrides: Sequence[str] | Mapping[str, Any] = (),
    budget: Budget | None = None,
    workers: int | None = None,
    seed: int | None = None,
    sandbox: Sandbox | None = None,
    price: Price | None = None,
    observers: Sequence[Observer] = (),
    out: str | Path | None = None,
) -> Solution:
    """Solve one task and return the best program found.

    Used-up budgets, failing models and crashing programs are no exceptions: the solution says how the run ended
    and holds the best program so far.

    Args:
        task: what to solve. Of a `Problem` only its task is shown to the search.
        recipe: a recipe, the name of a shipped one, or the path of a YAML file.
        model: one model for all roles: a specification such as ``openai:gpt-4o``, a langchain chat model, or a
            list or function of scripted answers. By default what the recipe names: the simulated programmer.
        models: models for single actions or roles; they win over `model`.
        problems: problems the simulated programmer knows; the given one, or the bundled ones, by default.
        overrides: changes to the recipe, as ``["policy.c=1.4"]`` or ``{"policy.c": 1.4}``.
        budget: limits; those it leaves open are the recipe's.
        workers: branches worked on at the same time; with 1 a run with a seed is reproducible.
        seed: start of all randomness.
        sandbox: where programs are run; by default a fresh pool for this run.
        price: what `model` costs in dollars per million tokens, where it does not know it itself.
        observers: watch the run, see `codegrove.graphs.session.Observer`.
        out: directory to save the run to; it must be new or empty.

    Raises:
        UsageError: on input that cannot be used (`TaskError`, `RecipeError`, `ModelSpecError`), before any
            model is called.
    """
    if isinstance(task, Problem):
        problems = [task] if problems is None else problems
        task = task.task
    assembly = assemble(
        recipe,
        model=model,
        models=models,
        problems=problems,
        overrides=overrides,
        budget=budget,
        workers=workers,
        seed=seed,
        sandbox=sandbox,
        price=price,
        observers=observers,
    )
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
    model: Any = None,
    models: Mapping[str, Any] | None = None,
    problems: Problems | None = None,
    overrides: Sequence[str] | Mapping[str, Any] = (),
    budget: Budget | None = None,
    workers: int | None = None,
    seed: int | None = None,
    sandbox: Sandbox | None = None,
    price: Price | None = None,
    observers: Sequence[Observer] = (),
    checkpointer: Checkpointer = None,
    name: str | None = None,
) -> RecipeGraph:
    """Compile a recipe into a LangGraph graph from ``{"task": Task}`` to ``{"solution": Solution}``.

    The graph works with `invoke`, `ainvoke`, `stream` and `astream`, and as a node of a larger graph whose
    state has the fields `task` and `solution`. Arguments are those of `asolve`, and:

    Args:
        checkpointer: LangGraph checkpointer for the small worker states.
        name: name of the graph; the recipe's by default.
    """
    from codegrove.graphs.build import build_graph as build  # LangGraph takes a second to import

    assembly = assemble(
        recipe,
        model=model,
        models=models,
        problems=problems,
        overrides=overrides,
        budget=budget,
        workers=workers,
        seed=seed,
        sandbox=sandbox,
        price=price,
        observers=observers,
    )
    return build(assembly, checkpointer=checkpointer, name=name)
