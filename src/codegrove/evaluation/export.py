"""An evaluation's answers in the formats of official graders, so that these can check ours."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from codegrove.errors import EvaluationError, UsageError, did_you_mean
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.results import EvalResult
from codegrove.parsing import parse_python
from codegrove.store import atomic
from codegrove.store.coding import to_json
from codegrove.store.outputs import require_file_name

ExportFormat = Literal["human-eval", "evalplus", "livecodebench", "swe-bench"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

_HUMANEVAL = ("HumanEval", "HumanEval+", "HumanEval+ (HumanEval layout)")
_MBPP_PLUS = ("MBPP+", "MBPP+ (MBPP layout)")
_OWN = "codegrove"
FITTING: dict[ExportFormat, tuple[str, ...]] = {
    "human-eval": _HUMANEVAL,
    "evalplus": (*_HUMANEVAL, *_MBPP_PLUS, "BigCodeBench (complete)", "BigCodeBench (instruct)", _OWN),
    "livecodebench": ("LiveCodeBench",),
}
"""Benchmarks whose answers a format can hold, and whose graders take it. BigCodeBench's reads the fields of
evalplus; for codegrove's own problems there is only `codegrove grade`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was written."""

    out: Path
    attempts: Path
    """One line for each exported answer, in the same order: recipe, seed, models, cost, our hidden verdict."""
    answers: int
    without_program: int
    """Attempts that ended without a program; exported as an empty answer."""
    notes: tuple[str, ...] = ()


def export(
    evaluation: Evaluation,
    to: str,
    out: str | Path,
    *,
    recipe: str | None = None,
    seed: int | None = None,
) -> Export:
    """Write the answers of one recipe for an official grader.

    Programs are written as they are. In human-eval's format they stand behind the problem's prompt and a line
    break, where a whole program works as well: its definitions come later and count.

    Args:
        evaluation: with a row for every attempt.
        to: ``human-eval``, ``evalplus``, ``livecodebench`` or ``swe-bench``. Several seeds are several samples;
            SWE-bench takes one prediction only.
        out: file to write; a second one beside it, ``<out>.attempts.jsonl``, says where each answer comes from.
        recipe: which one; None where there is only one.
        seed: only this one; None for all.

    Raises:
        UsageError: if the benchmark does not fit the format, or attempts are missing.
        EvaluationError: if a file cannot be written.
    """
    if to not in FORMATS:
        raise UsageError(f"there is no export format {to!r}{did_you_mean(to, FORMATS)}")
    target = require_file_name(Path(out))
    rows = _chosen(evaluation, recipe, seed)
    write, notes = _FORMATS[to](evaluation, rows)
    side = target.with_name(f"{target.name}.attempts.jsonl")
    _write(target, write)
    _write(side, (to_json(_origin(row)) + "\n" for row in rows))
    return Export(
        out=target,
        attempts=side,
        answers=len(rows),
        without_program=sum(row.program is None for row in rows),
        notes=tuple(notes),
    )


_Written = tuple[Iterator[str], list[str]]


def _human_eval(evaluation: Evaluation, rows: Sequence[EvalResult]) -> _Written:
    _check_fits(evaluation, "human-eval")
    late = sum(_has_future_import(row.program or "") for row in rows)
    notes = []
    if late:
        notes.append(
            f"{late} programs begin with an import from __future__, which cannot stand behind a prompt: in this"
            " format they fail; --to evalplus takes whole programs"
        )
    return (
        to_json({"task_id": row.problem, "completion": f"\n{row.program or ''}"}) + "\n" for row in rows
    ), notes


def _evalplus(evaluation: Evaluation, rows: Sequence[EvalResult]) -> _Written:
    _check_fits(evaluation, "evalplus")
    return (to_json({"task_id": row.problem, "solution": row.program or ""}) + "\n" for row in rows), []


def _livecodebench(evaluation: Evaluation, rows: Sequence[EvalResult]) -> _Written:
    _check_fits(evaluation, "livecodebench")
    programs: dict[str, list[str]] = {}
    for row in rows:
        programs.setdefault(row.problem, []).append(row.program or "")

    def lines() -> Iterator[str]:
        for number, (problem, code_list) in enumerate(programs.items()):
            entry = to_json({"question_id": problem, "code_list": code_list})
            yield ("[\n" if not number else ",\n") + entry
        yield "\n]\n"

    return lines(), []


def _swe_bench(evaluation: Evaluation, rows: Sequence[EvalResult]) -> _Written:
    if len({row.problem for row in rows}) < len(rows):
        raise UsageError(
            "SWE-bench takes one prediction for each instance; choose one of the seeds with --seed"
        )
    for row in rows:
        if row.program and not row.program.startswith(("diff --git ", "--- ")):
            raise UsageError(
                f"{evaluation.path}: SWE-bench takes patches of repositories, and the answer to {row.problem} is a"
                f" program; answers to {evaluation.header.benchmark_format or 'these problems'} do not fit"
            )
    return (
        to_json(
            {
                "instance_id": row.problem,
                "model_name_or_path": f"codegrove-{row.recipe}-{'+'.join(sorted(set(row.models.values())))}",
                "model_patch": row.program or "",
            }
        )
        + "\n"
        for row in rows
    ), []


_FORMATS: dict[str, Callable[[Evaluation, Sequence[EvalResult]], _Written]] = {
    "human-eval": _human_eval,
    "evalplus": _evalplus,
    "livecodebench": _livecodebench,
    "swe-bench": _swe_bench,
}


def _chosen(evaluation: Evaluation, recipe: str | None, seed: int | None) -> list[EvalResult]:
    """Return the rows of one recipe in the order of the problems and seeds."""
    header = evaluation.header
    there = list(dict.fromkeys(row.recipe for row in evaluation.results))
    if recipe is None:
        if len(there) > 1:
            raise UsageError(
                f"{evaluation.path} has several recipes; choose with --recipe: {', '.join(there)}"
            )
        recipe = there[0] if there else header.recipes[0]
    if recipe not in header.recipes:
        raise UsageError(f"{evaluation.path} has no recipe {recipe!r}{did_you_mean(recipe, header.recipes)}")
    if seed is not None and seed not in header.seeds:
        raise UsageError(f"{evaluation.path} has no seed {seed}; it has {', '.join(map(str, header.seeds))}")
    rows = {(row.problem, row.seed, row.sample): row for row in evaluation.results if row.recipe == recipe}
    seeds = header.seeds if seed is None else (seed,)
    wanted = list(itertools.product(header.problems, seeds, range(header.samples)))
    missing = [key for key in wanted if key not in rows]
    if missing:
        problem, number, _ = missing[0]
        raise UsageError(
            f"{evaluation.path}: {len(missing)} of {len(wanted)} attempts of {recipe} are not there, e.g."
            f" {problem} with seed {number}, and a grader would count them as wrong; finish them with eval, or"
            " merge the shards"
        )
    return [rows[key] for key in wanted]


def _check_fits(evaluation: Evaluation, to: ExportFormat) -> None:
    found = evaluation.header.benchmark_format
    if found in FITTING[to]:
        return
    others = [name for name, formats in FITTING.items() if found in formats]
    instead = f"use {' or '.join(others)}" if others else "no format of an official grader holds them"
    raise UsageError(
        f"{evaluation.path}: {to} takes answers to {', '.join(FITTING[to])}, and this evaluation is of"
        f" {found or 'a benchmark whose format is not on record'}; {instead}"
    )


def _has_future_import(program: str) -> bool:
    if "__future__" not in program:
        return False
    try:
        return any(
            getattr(statement, "module", None) == "__future__" for statement in parse_python(program).body
        )
    except SyntaxError:
        return False


def _origin(row: EvalResult) -> dict[str, Any]:
    kept = row.model_dump(exclude={"program"})
    return {**kept, "without_program": row.program is None}


def _write(path: Path, lines: Iterator[str]) -> None:
    try:
        with atomic.replacing(path) as new, new.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
    except OSError as error:
        raise EvaluationError(f"cannot write to {path}: {error.strerror or error}") from None
