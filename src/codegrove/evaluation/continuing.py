"""Going on with an evaluation that is on disk: whether it is the same one, and what it has cost so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from codegrove.budget import Spend
from codegrove.errors import UsageError
from codegrove.evaluation.arms import budget_text, models_text
from codegrove.evaluation.directory import ResultWriter
from codegrove.evaluation.results import Arm, EvalHeader, EvalResult
from codegrove.store import database
from codegrove.store.reader import read_spend


def check_same(writer: ResultWriter, header: EvalHeader, arms: Mapping[str, Arm]) -> None:
    """Refuse to continue another evaluation under the same name.

    Problems, recipes and seeds may be added, or be fewer: what is there stays. The limit of all attempts together
    may change.

    Args:
        writer: holds what is there.
        header: what is to be done now.
        arms: the methods to evaluate now, by recipe.

    Raises:
        UsageError: if it is another one; says in what, and what to do.
    """
    found = writer.header
    if found.benchmark_fingerprint != header.benchmark_fingerprint:
        raise _refusal(
            writer,
            "benchmark",
            _benchmark(found),
            _benchmark(header),
            "the same file, with the same content, format and visible asserts",
        )
    if found.shard != header.shard:
        raise _refusal(writer, "part of the problems", _part(found), _part(header), "the same --shard")
    shorter, longer = sorted((found.problems, header.problems), key=len)
    if found.shard is not None and longer[: len(shorter)] != shorter:
        # Every n-th problem is a shard's: another order would be another part.
        raise _refusal(
            writer,
            "order of problems, by which shards are dealt out",
            f"{len(found.problems)} problems from {found.problems[0]!r} on",
            f"{len(header.problems)} from {header.problems[0]!r} on",
            "the same ones first and new ones behind them",
        )
    if found.budget != header.budget:
        raise _refusal(
            writer,
            "limits of one attempt",
            budget_text(found.budget),
            budget_text(header.budget),
            "the same limits (--max-calls and the like)",
        )
    for row in writer.results:
        arm = arms.get(row.recipe)
        if arm is not None and arm.key != row.arm.key:
            raise _different_arm(writer, row.arm, arm)


def spent(rows: Iterable[EvalResult], open_runs: Iterable[Path]) -> Spend:
    """Return what all attempts on record have cost, and those that are not at their end.

    Args:
        rows: finished attempts.
        open_runs: run directories of the others; those that do not exist have cost nothing.
    """
    spend = Spend()
    for row in rows:
        spend.add(_spend_of(row))
    for run in open_runs:
        if not database.has_run(run):
            continue
        with database.reading(run) as connection:
            spend.add(read_spend(connection))
    return spend


def _spend_of(row: EvalResult) -> Spend:
    return Spend(
        calls=row.calls,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        dollars=row.dollars or 0.0,
        executions=row.executions,
    )


def _refusal(writer: ResultWriter, what: str, was: str, now: str, give: str) -> UsageError:
    return UsageError(
        f"{writer.path} holds an evaluation made with {was} as its {what}; this one has {now};"
        f" to go on with it give {give}, else name a new directory"
    )


def _different_arm(writer: ResultWriter, found: Arm, given: Arm) -> UsageError:
    """Say in what two methods of one name differ."""
    method = f"for recipe {found.recipe!r}"
    if found.models != given.models:
        was, now = models_text(found.models), models_text(given.models)
        return _refusal(writer, f"model {method}", was, now, "the same model")
    if found.budget != given.budget:
        was, now = budget_text(found.budget), budget_text(given.budget)
        return _refusal(writer, f"limits {method}", was, now, "the same limits")
    was, now = (f"version {arm.recipe_fingerprint[:6]}" for arm in (found, given))
    give = "the recipe as it was, or give the changed one another name"
    return _refusal(writer, f"recipe text {method}", was, now, give)


def _benchmark(header: EvalHeader) -> str:
    return f"{header.benchmark} (content {header.benchmark_fingerprint[:8]})"


def _part(header: EvalHeader) -> str:
    return "all of them" if header.shard is None else f"part {header.shard[0]} of {header.shard[1]}"
