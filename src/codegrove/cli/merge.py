"""``codegrove merge``: shards of an evaluation put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app

if TYPE_CHECKING:
    from codegrove.evaluation.attempts import Attempt


@app.command()
def merge(
    out: Annotated[Path, typer.Argument(help="Directory to make for the whole evaluation.")],
    directories: Annotated[
        list[Path],
        typer.Argument(
            help="The parts, each what an eval --shard was given as --out. Of the same attempt the last counts."
        ),
    ],
    runs: Annotated[
        bool, typer.Option("--runs/--no-runs", help="Copy the recorded runs as well, or only their results.")
    ] = True,
) -> None:
    """Put the parts of an evaluation that eval --shard made into one directory.

    What is missing is listed; the eval command without --shard makes it, with the new directory as --out.
    """
    from codegrove.evaluation.merging import merge as put_together

    done = put_together(out, directories, runs=runs)
    print(f"{out}: {len(done.evaluation.results)} attempts, {len(done.missing)} missing")
    if done.identical:
        print(f"codegrove: {done.identical} attempts were in several directories, alike", file=sys.stderr)
    _say("were different in several directories, and the last one counts", done.replaced)
    _say("are missing", done.missing)


def _say(what: str, attempts: Sequence[Attempt]) -> None:
    if not attempts:
        return
    some = "; ".join(f"{a.recipe} {a.problem} seed {a.seed}" for a in attempts[:5])
    more = f"; and {len(attempts) - 5} more" if len(attempts) > 5 else ""
    print(f"codegrove: {len(attempts)} attempts {what}: {some}{more}", file=sys.stderr)
