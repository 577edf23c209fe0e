"""``codegrove export``: an evaluation's answers for official graders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from codegrove.cli import app


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Evaluation directory: what eval was given as --out.")],
    to: Annotated[str, typer.Option(help="human-eval, evalplus, livecodebench or swe-bench.")],
    out: Annotated[
        Path,
        typer.Option(
            help="File to write. FILE.attempts.jsonl beside it says of each answer which recipe and seed gave it."
        ),
    ],
    recipe: Annotated[
        str | None, typer.Option("--recipe", "-r", help="Whose answers, where there are several recipes.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Only the answers of this seed; by default those of every seed, as several samples."
        ),
    ] = None,
) -> None:
    """Write an evaluation's answers in the format of an official grader, so that it can check the verdicts."""
    from codegrove.evaluation.directory import load_evaluation
    from codegrove.evaluation.export import export as write

    evaluation = load_evaluation(directory)
    done = write(evaluation, to, out, recipe=recipe, seed=seed)
    empty = f", {done.without_program} of them empty: no program" if done.without_program else ""
    print(f"{done.out}: {done.answers} answers{empty}")
    for note in (*evaluation.notes, *done.notes):
        print(f"codegrove: {note}", file=sys.stderr)
