"""``codegrove problems``: what a benchmark file holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app
from codegrove.errors import UsageError

if TYPE_CHECKING:
    from codegrove.problems.problem_rows import VisibleAsserts


@app.command()
def problems(
    source: Annotated[
        str,
        typer.Argument(
            help="'bundled', a file or directory of a benchmark, or a Hugging Face id: hf:OWNER/NAME:CONFIG@SPLIT."
        ),
    ],
    format: Annotated[
        str | None, typer.Option(help="Format of the benchmark, where it cannot be told by the fields.")
    ] = None,
    visible_asserts: Annotated[
        str, typer.Option(help="MBPP: asserts of a problem that a search may see: 0, 1 or 3.")
    ] = "1",
    ids: Annotated[bool, typer.Option("--ids", help="List the ids of the problems instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Report what a benchmark holds: problems, visible and hidden tests, and where they come from."""
    from codegrove.problems import load_problems

    counts: dict[str, VisibleAsserts] = {"0": 0, "1": 1, "3": 3}
    if visible_asserts not in counts:
        raise UsageError(f"--visible-asserts {visible_asserts}: expected 0, 1 or 3")
    found = load_problems(source, format=format, visible_asserts=counts[visible_asserts])
    if ids:
        print(json.dumps(found.ids) if as_json else "\n".join(found.ids))
        return
    report = found.report
    if as_json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, title=f"{report.source}: {report.format}", title_justify="left")
    for name, value in report.rows():
        table.add_row(Text(name), Text(value))
    console = Console()
    console.print(table)
    for title, items in (
        ("skipped problems", report.skipped),
        ("examples that are no tests", report.dropped),
    ):
        if items:
            console.print(Text(f"{title}: {len(items)} (all of them with --json), e.g. {items[0]}"))
    for note in report.notes:
        console.print(Text(f"note: {note}"))
    console.print(Text(f"sha256 {report.sha256}"))
