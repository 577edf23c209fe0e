"""Runs a session in front of a user: signals, display, result, exit code."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from codegrove.cli.exit_codes import ERROR, INTERRUPTED, SOLVED, UNSOLVED
from codegrove.cli.interrupts import on_interrupt

if TYPE_CHECKING:
    from codegrove.display.terminal import Display
    from codegrove.graphs.assemble import Assembly
    from codegrove.graphs.session import Session
    from codegrove.graphs.solution import Solution
    from codegrove.runs.directory import RunDirectory


def run_to_end(
    assembly: Assembly,
    session: Session,
    directory: RunDirectory | None = None,
    *,
    quiet: bool,
    as_json: bool,
) -> NoReturn:
    """Run a session, print its result and exit."""
    from codegrove.api import conclude
    from codegrove.cli.approving import Prompt
    from codegrove.display.terminal import make_display

    display = make_display(session, assembly, quiet=quiet)
    if isinstance(assembly.approver, Prompt):
        assembly.approver.alone = display.paused
    try:
        with display:
            solution = asyncio.run(_run(assembly, session, display))
    except KeyboardInterrupt:
        print(f"codegrove: aborted; {_what_is_left(directory)}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if directory is not None:
        solution = conclude(directory, solution)
    display.finish(solution, None if directory is None else directory.path)
    if directory is not None and _may_go_on(solution):
        print(f"to go on: codegrove resume {directory.path}{_more(solution)}", file=sys.stderr)
    _print(solution, as_json=as_json)
    raise typer.Exit(exit_code(solution))


def show_finished(path: Path, solution: Solution, *, quiet: bool, as_json: bool) -> NoReturn:
    """Print the result of a run that was finished before, and exit."""
    from rich.console import Console

    from codegrove.display.terminal import print_result

    if not quiet:
        print(f"the run in {path} is finished; nothing was run", file=sys.stderr)
    print_result(Console(stderr=True, highlight=False), solution, path, tree_rows=0)
    _print(solution, as_json=as_json)
    raise typer.Exit(exit_code(solution))


def exit_code(solution: Solution) -> int:
    """Return the exit code that tells how a run ended."""
    if solution.solved:
        return SOLVED
    from codegrove.graphs.end import Ended

    return ERROR if solution.ended in (Ended.MODEL, Ended.ERROR) else UNSOLVED


async def _run(assembly: Assembly, session: Session, display: Display) -> Solution:
    """Run the search; the first Ctrl-C ends it with the best result so far, the second ends it at once."""
    from codegrove.api import run_session
    from codegrove.graphs.end import INTERRUPTED as INTERRUPTED_BY_USER

    running = asyncio.current_task()
    assert running is not None

    signals = itertools.count(1)

    def interrupt() -> None:
        # Counted, and not asked of the session: it may be ending for a reason of its own, and what is in flight
        # then is paid for.
        if next(signals) == 1:
            session.stop(INTERRUPTED_BY_USER)
            display.interrupted()
        else:
            running.cancel()

    try:
        with on_interrupt(interrupt):
            return await run_session(assembly, session)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        await session.aclose()


def _what_is_left(directory: RunDirectory | None) -> str:
    if directory is None:
        return "what was in flight is lost, and nothing was saved"
    return f"only calls in flight are lost; to go on: codegrove resume {directory.path}"


def _may_go_on(solution: Solution) -> bool:
    from codegrove.graphs.end import Ended

    return solution.ended not in (Ended.DONE, Ended.REJECTED)


def _more(solution: Solution) -> str:
    """Return the option that a run which used up its budget needs."""
    from codegrove.graphs.end import Ended
    from codegrove.runs.ending import OPTIONS

    given = OPTIONS.get(solution.resource) if solution.ended is Ended.BUDGET else None
    return "" if given is None else f" {given} +N"


def _print(solution: Solution, *, as_json: bool) -> None:
    from codegrove.runs.solution import summary

    if as_json:
        print(json.dumps(summary(solution), ensure_ascii=False, indent=2))
    elif solution.program is not None:
        print(solution.program.rstrip("\n"))
