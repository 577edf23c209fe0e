"""Going on with an evaluation that is on disk: whether it is the same one, and what it has cost so far."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from codegrove.budget import Spend
from codegrove.errors import UsageError
from codegrove.evaluation.directory import ResultWriter
from codegrove.evaluation.results import Arm, EvalHeader, EvalResult
from codegrove.store import database
from codegrove.store.reader import read_spend

_COMPARED = ("recipe_fingerprint", "benchmark_fingerprint", "models", "budget")


def check_same(writer: ResultWriter, header: EvalHeader, arms: Mapping[str, Arm]) -> None:
    """Refuse to continue another evaluation under the same name; recipes, seeds and limits may be added.

    Args:
        writer: holds what is there.
        header: what is to be done now.
        arms: the methods to evaluate now, by recipe.

    Raises:
        UsageError: if it is another one; says in what.
    """
    for what in ("benchmark_fingerprint", "problems", "budget", "shard"):
        if getattr(writer.header, what) != getattr(header, what):
            raise UsageError(
                f"{writer.path} holds an evaluation with another {what.replace('_', ' ')};"
                " name a new directory, or give what it was made with"
            )
    for row in writer.results:
        arm = arms.get(row.recipe)
        if arm is not None and arm.key != row.arm.key:
            raise UsageError(
                f"{writer.path} holds attempts of recipe {row.recipe!r} with {_difference(row.arm, arm)};"
                " name a new directory, or give what they were made with"
            )


def spent(rows: Iterable[EvalResult], open_runs: Iterable[Path]) -> Spend:
    """Return what all attempts on record have cost, and those that are not at their end.

    Args:
        rows: finished attempts.
        open_runs: run directories of the others; those that do not exist have cost nothing.
    """
    spend = Spend()
    for row in rows:
        _add(spend, row, row.dollars or 0.0)
    for run in open_runs:
        if not database.has_run(run):
            continue
        with contextlib.closing(database.open_for_reading(run)) as connection:
            try:
                past = read_spend(connection)
            except sqlite3.Error as error:
                raise database.damaged(run, error) from None
        _add(spend, past, past.dollars)
    return spend


def _add(spend: Spend, cost: EvalResult | Spend, dollars: float) -> None:
    spend.calls += cost.calls
    spend.input_tokens += cost.input_tokens
    spend.output_tokens += cost.output_tokens
    spend.dollars += dollars
    spend.executions += cost.executions


def _difference(found: Arm, given: Arm) -> str:
    """Say in what two methods of one name differ."""
    models = (sorted(set(arm.models.values())) for arm in (found, given))
    there, here = (", ".join(names) or "no models" for names in models)
    if there != here:
        return f"models {there}, and was given {here}"
    what = next(name for name in _COMPARED if getattr(found, name) != getattr(given, name))
    return f"another {what.replace('_', ' ')}"
