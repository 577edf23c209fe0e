"""``codegrove compare``: evaluations side by side."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app
from codegrove.cli.options import read_ks
from codegrove.errors import UsageError
from codegrove.store.atomic import write_text

if TYPE_CHECKING:
    from codegrove.evaluation.comparison import Comparison


class Format(StrEnum):
    """What a comparison is written as."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


@app.command()
def compare(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", help="One evaluation directory or more: what eval was given as --out."
        ),
    ],
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="By default what the ending of --out says (.csv, .json, .html, .txt), else a table.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write instead of standard output.")
    ] = None,
    k: Annotated[
        str,
        typer.Option(
            "--k",
            help="For which k to give pass@k (one of k attempts is right) and pass 1@k (the one chosen is).",
        ),
    ] = "1,5,10",
) -> None:
    """Compare methods: solve rates with intervals, paired tests, cost, and curves of solved against spent.

    Methods that had other problems or other limits are shown side by side and not ranked.
    """
    from codegrove.evaluation.comparison import compare as compare_evaluations
    from codegrove.store.outputs import require_file_name

    wanted = form or _format_of(out)
    if out is not None:
        require_file_name(out)
    comparison = compare_evaluations(*directories, ks=read_ks(k))
    if out is None and wanted is Format.TABLE:
        from rich.console import Console

        from codegrove.evaluation.tables import show, width_for

        show(comparison, Console(width=width_for(sys.stdout), highlight=False))
        return
    text = _text(comparison, wanted).rstrip("\n") + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    try:
        write_text(out, text)
    except OSError as error:
        raise UsageError(
            f"cannot write {out}: {error.strerror or error}; name a file in a directory you may write to"
        ) from None
    print(out)


def _text(comparison: Comparison, form: Format) -> str:
    if form is Format.HTML:
        return comparison.to_html()
    if form is Format.JSON:
        return comparison.to_json()
    return comparison.to_csv() if form is Format.CSV else str(comparison)


_ENDINGS = {
    ".csv": Format.CSV,
    ".json": Format.JSON,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".txt": Format.TABLE,
}


def _format_of(out: Path | None) -> Format:
    if out is None:
        return Format.TABLE
    found = _ENDINGS.get(out.suffix.lower())
    if found is None:
        raise UsageError(
            f"--out {out}: {out.suffix or 'no ending'} names no format; the endings are {', '.join(_ENDINGS)}, or"
            f" say which with --format ({', '.join(Format)})"
        )
    return found
