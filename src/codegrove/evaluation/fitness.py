"""Whether methods can attempt the problems of an evaluation at all: asked before any model is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from codegrove.errors import UsageError
from codegrove.graphs.assemble import Assembly, recipes_without_tests
from codegrove.problem import Problem

_SHOWN = 5
"""Ids listed before "and N more"."""


@dataclass(slots=True)
class _Refused:
    """Problems that a method cannot attempt."""

    ids: list[str] = field(default_factory=list)
    why: str = ""
    """Of the first."""


def check_fit(methods: Sequence[Assembly], problems: Iterable[Problem]) -> None:
    """Refuse methods that would fail at the start of an attempt.

    Args:
        methods: who attempts.
        problems: all that they are to attempt; read one after the other, and none is kept.

    Raises:
        UsageError: if one cannot attempt all; says how many and which, why, and how to leave them out.
    """
    for method in methods:
        if method.recipe.approve and method.approver is None:
            raise UsageError(
                f"recipe {method.recipe.name!r} wants approval ({', '.join(method.recipe.approve)}), and an"
                " evaluation has nobody to ask; take 'approve' out of the recipe"
            )
    count, found = 0, [_Refused() for _ in methods]
    for problem in problems:
        count += 1
        for method, refused in zip(methods, found, strict=True):
            try:
                method.check_task(problem.task)
            except UsageError as error:
                refused.ids.append(problem.id)
                refused.why = refused.why or _why(method, problem, error)
    for method, refused in zip(methods, found, strict=True):
        if refused.ids:
            more = f" and {len(refused.ids) - _SHOWN} more" if len(refused.ids) > _SHOWN else ""
            raise UsageError(
                f"recipe {method.recipe.name!r} cannot attempt {len(refused.ids)} of {count} problems"
                f" ({', '.join(refused.ids[:_SHOWN])}{more}): {refused.why}"
            )


def _why(method: Assembly, problem: Problem, error: UsageError) -> str:
    if method.recipe.needs_tests == "visible" and not problem.task.tests:
        return (
            "it steers by visible tests, and they have none; leave them out by naming the others (--id, in Python"
            " ids=[problem.id for problem in problems if problem.task.tests]), or take a recipe that does without:"
            f" {recipes_without_tests()}"
        )
    return f"{error}; leave them out by naming the others (--id, in Python ids=)"
