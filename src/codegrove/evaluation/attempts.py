"""What an evaluation has to do: recipes x problems x seeds, or one shard of that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from codegrove.errors import UsageError
from codegrove.evaluation.results import fingerprint


@dataclass(frozen=True, slots=True)
class Attempt:
    """One recipe on one problem with one seed."""

    recipe: str
    problem: str
    seed: int

    @property
    def folder(self) -> str:
        """Where its run is recorded, relative to the evaluation directory. Different attempts never share one."""
        return str(PurePosixPath("runs", self.recipe, f"{_file_name(self.problem)}-s{self.seed}"))


def plan(
    recipes: Sequence[str],
    problems: Sequence[str],
    seeds: Sequence[int],
    shard: tuple[int, int] | None = None,
) -> list[Attempt]:
    """Return the attempts in the order they are made.

    Problem after problem, so that an evaluation that ends early has tried all recipes on the same problems.

    Args:
        recipes: names of the recipes.
        problems: ids of all problems.
        seeds: one attempt for each.
        shard: which part of the problems, counted from 1, and of how many: every n-th problem goes together.

    Raises:
        UsageError: if there is nothing to do, or the shard does not exist.
    """
    for what, found in (("recipes", recipes), ("problems", problems), ("seeds", seeds)):
        if not found:
            raise UsageError(f"no {what} to evaluate")
        if len(set(found)) < len(found):
            twice = next(item for item in found if list(found).count(item) > 1)
            raise UsageError(f"{what}: {twice!r} is named twice")
    if shard is not None:
        number, of = shard
        if not 1 <= number <= of:
            raise UsageError(f"shard {number}/{of}: expected a number from 1 to {of}")
        problems = problems[number - 1 :: of]
    return [Attempt(recipe, problem, seed) for problem in problems for seed in seeds for recipe in recipes]


def _file_name(problem: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", problem).strip("-.")[:60]
    # Ids that differ in other characters only must not meet.
    return name if name == problem else f"{name}-{fingerprint(problem)[:8]}"
