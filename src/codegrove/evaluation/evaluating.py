"""The call that evaluates recipes from Python: `evaluate`, and `aevaluate` for coroutines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from codegrove.budget import Budget
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.runner import EvalSettings, Evaluator
from codegrove.graphs.portal import run_sync
from codegrove.graphs.recipe.schema import Recipe
from codegrove.models.port import Price
from codegrove.problems import ProblemSet, lasting_source, load_problems

Recipes = Recipe | str | Path | Sequence[Recipe | str | Path]
"""One recipe or several: recipes, names of shipped ones, or paths of YAML files."""


class EvaluationSettings(TypedDict, total=False):
    """How to evaluate. Everything may be left out."""

    ids: Sequence[str] | None
    """Which problems; all by default."""
    seeds: Sequence[int]
    """One attempt at each problem for each; only 0 by default."""
    budget: Budget | None
    """Limits of one attempt; those it leaves open are the recipe's. Methods are only ranked at equal limits."""
    sweep: Budget | None
    """Limits of all attempts together, over all calls with the same `out`; seconds are those in which such a call
    was at work."""
    jobs: int
    """Attempts made at the same time; 2 by default."""
    engine: str
    """``local`` (default), or ``ray``: on the machines of a Ray cluster."""
    model: Any
    """One model for all roles, as for `codegrove.solve`."""
    models: Mapping[str, Any]
    """Models for single actions or roles, or ``default``; they win over `model`."""
    price: Price | None
    """What `model` costs in dollars per million tokens, where it does not know it itself."""
    workers: int | None
    """Branches that each attempt works on at the same time, the recipe's by default."""
    level: str | None
    """Sandbox level of searches and grading; the best of this machine by default."""


_OF_RUNS = ("model", "models", "price", "workers")


def evaluate(
    problems: ProblemSet | str | Path,
    recipes: Recipes,
    *,
    out: str | Path,
    **settings: Unpack[EvaluationSettings],
) -> Evaluation:
    """Evaluate recipes on problems, and return what was found; see `aevaluate`.

    Works in scripts and in notebooks alike; from inside a coroutine await `aevaluate` instead.
    """
    return run_sync(aevaluate(problems, recipes, out=out, **settings))


async def aevaluate(
    problems: ProblemSet | str | Path,
    recipes: Recipes,
    *,
    out: str | Path,
    **settings: Unpack[EvaluationSettings],
) -> Evaluation:
    """Let every recipe attempt every problem once for each seed, and run the hidden tests on the final answers.

    Hidden tests are run after an attempt has ended, by another process. An attempt that could not be brought to
    its end (no model in reach, `sweep` used up) has no row in the result; the same call goes on with it.

    Args:
        problems: what to solve: what `codegrove.load_problems` returned, or what it is given.
        recipes: whom to compare. All need names of their own.
        out: directory of the evaluation. One that holds the same evaluation continues it: attempts on record are
            not made again; problems, recipes and seeds may be added. Another benchmark, budget, model or recipe
            text is refused.
        settings: see `EvaluationSettings`.

    Returns:
        Everything on record in `out`. `codegrove.compare` takes it.

    Raises:
        UsageError: on input that cannot be used, before any model is called.
        BrokenOff: if it cannot go on, e.g. because the disk is full; what was made is on record.
        TypeError: for a setting that there is not.
    """
    unknown = sorted(set(settings) - set(EvaluationSettings.__annotations__))
    if unknown:
        raise TypeError(
            f"evaluate() has no setting {unknown[0]!r}; there are: {', '.join(EvaluationSettings.__annotations__)}"
        )
    given: dict[str, Any] = dict(settings)
    run_settings = {name: given.pop(name) for name in _OF_RUNS if name in given}
    loaded = problems if isinstance(problems, ProblemSet) else load_problems(problems)
    source = None if isinstance(problems, ProblemSet) else (lasting_source(problems), None)
    several = [recipes] if isinstance(recipes, Recipe | str | Path) else list(recipes)
    evaluator = Evaluator(
        EvalSettings(problems=loaded, recipes=several, source=source, settings=run_settings, **given),
        Path(out),
    )
    return await evaluator.run()
