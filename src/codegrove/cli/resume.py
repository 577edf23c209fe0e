"""``codegrove resume``, ``show`` and ``report``: run directories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app
from codegrove.cli.exit_codes import OF_RUNS
from codegrove.cli.running import run_to_end, show_finished
from codegrove.errors import UsageError

if TYPE_CHECKING:
    from codegrove.budget import Budget

_MORE = "+20 allows 20 more than before, 20 sets the limit of the whole run"


@app.command(epilog=OF_RUNS)
def resume(
    directory: Annotated[Path, typer.Argument(help="What solve was given as --out.")],
    max_calls: Annotated[
        str | None, typer.Option(help=f"Limit: model calls. {_MORE}.", metavar="[+]N")
    ] = None,
    max_tokens: Annotated[
        str | None, typer.Option(help="Limit: input plus output tokens, likewise.", metavar="[+]N")
    ] = None,
    max_cost: Annotated[str | None, typer.Option(help="Limit: dollars, likewise.", metavar="[+]N")] = None,
    max_seconds: Annotated[str | None, typer.Option(help="Limit: seconds, likewise.", metavar="[+]N")] = None,
    max_executions: Annotated[
        str | None, typer.Option(help="Limit: programs executed, likewise.", metavar="[+]N")
    ] = None,
    max_nodes: Annotated[
        str | None, typer.Option(help="Limit: nodes of the tree, likewise.", metavar="[+]N")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Branches worked on at the same time.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Needed only for a run whose model was an object in Python, which has no name.",
        ),
    ] = None,
    reuse: Annotated[
        list[Path] | None,
        typer.Option(help="Another run's directory, as for solve, besides those given before. Repeatable."),
    ] = None,
    approve_all: Annotated[
        bool, typer.Option("--approve-all", help="Accept all that the recipe wants approved, without asking.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON instead of the program.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only how it ended.")] = False,
) -> None:
    """Continue a run that broke off or used up its budget; nothing that was paid for is paid for again."""
    from codegrove.cli.approving import require_terminal, with_approver
    from codegrove.runs.directory import RunDirectory
    from codegrove.runs.reopening import reopen
    from codegrove.runs.run import Run

    limits, more = _read_limits(
        {
            "calls": max_calls,
            "tokens": max_tokens,
            "dollars": max_cost,
            "seconds": max_seconds,
            "executions": max_executions,
            "nodes": max_nodes,
        }
    )
    assembly, record = reopen(directory, budget=limits, extend=more, model=model, workers=workers)
    assembly = with_approver(assembly, everything=approve_all)
    try:
        require_terminal(assembly)  # before the directory is opened, which begins a session of the run
    except UsageError:
        if not Run.open(directory).finished:
            raise
    with RunDirectory(directory, assembly, record.task, reuse=reuse or ()) as opened:
        if opened.solution is not None:
            show_finished(opened.path, opened.solution, quiet=quiet, as_json=as_json)
        run_to_end(assembly, opened.session, opened, quiet=quiet, as_json=as_json)


@app.command()
def show(
    directory: Annotated[Path, typer.Argument(help="What solve was given as --out.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show a recorded run: how it ended, what it cost by role, and its tree. Changes nothing."""
    from codegrove.runs.run import Run
    from codegrove.runs.solution import summary
    from codegrove.search import drawing

    run = Run.open(directory)
    if as_json:
        print(json.dumps(summary(run.solution), ensure_ascii=False, indent=2))
        return
    print(run.solution.summary())
    for role, spend in sorted(run.spend_by_role().items()):
        print(f"  {role:<10} {spend.calls:>5} calls {spend.tokens:>9} tokens {spend.seconds:>9.1f} s")
    adopted = sum(bool(call.adopted) for call in run.calls)
    if adopted:
        print(f"  {adopted} of the calls were answered from the record")
    print(drawing.text(run.tree, answer=run.answer, most=60))


@app.command()
def report(
    directory: Annotated[Path, typer.Argument(help="What solve was given as --out.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; report.html in the directory by default."),
    ] = None,
) -> None:
    """Write the HTML report of a recorded run, also of one that broke off or is still at work.

    For a run of an evaluation it has the verdict of the hidden tests, which the search has not seen.
    """
    from codegrove.evaluation.hidden_grade import hidden_grade
    from codegrove.report import run_report, write_report
    from codegrove.runs.run import Run

    run = Run.open(directory)
    print(write_report(out or directory / "report.html", run_report(run, hidden=hidden_grade(run))))


def _read_limits(given: Mapping[str, str | None]) -> tuple[Budget, Budget]:
    """Return the limits that are set, and what is to be added to others."""
    from codegrove.budget import Budget
    from codegrove.runs.ending import OPTIONS

    limits: dict[str, float] = {}
    more: dict[str, float] = {}
    for name, text in given.items():
        if text is None:
            continue
        try:
            number = float(text) if name in ("dollars", "seconds") else int(text)
        except ValueError:
            raise UsageError(
                f"{OPTIONS[name]} {text}: expected a number such as 100, or +50 for 50 more"
            ) from None
        (more if text.lstrip().startswith("+") else limits)[name] = number
    return Budget(**limits), Budget(**more)  # type: ignore[arg-type]  # whole numbers where they must be
