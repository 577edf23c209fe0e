"""``codegrove solve``: from a task on the command line to a program on stdout."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app
from codegrove.cli.exit_codes import ERROR, INTERRUPTED, SOLVED, UNSOLVED
from codegrove.errors import CodegroveError, TaskError, UsageError

if TYPE_CHECKING:
    from codegrove.cli.live import Display
    from codegrove.graphs.assemble import Assembly
    from codegrove.graphs.session import Session
    from codegrove.graphs.solution import Solution
    from codegrove.models.port import Price
    from codegrove.problem import Problem
    from codegrove.task import Task


@app.command()
def solve(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A Python file with a stub and doctests or asserts; or a statement (.md, .txt, or - for stdin)."
        ),
    ] = None,
    tests: Annotated[
        Path | None,
        typer.Option(help="Tests for a statement: asserts, a pytest file, or stdin cases in JSON."),
    ] = None,
    entry_point: Annotated[
        str | None, typer.Option(help="Name of the function to write, where it cannot be told.")
    ] = None,
    problem: Annotated[
        str | None,
        typer.Option(help="'bundled', or a .jsonl file in HumanEval or MBPP format. Needs --id."),
    ] = None,
    id: Annotated[str | None, typer.Option("--id", help="Which problem of the file.")] = None,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Name of a recipe, or a YAML file.")] = "loop",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="sim: | scripted:FILE | openai:NAME | openai:NAME@URL | ollama:NAME | anthropic:NAME | ...",
        ),
    ] = None,
    max_calls: Annotated[int | None, typer.Option(min=0, help="Model calls.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=0, help="Input plus output tokens.")] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Dollars; the model's price must be known.")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(help="What --model costs: dollars per million input and output tokens, e.g. 0.15,0.6."),
    ] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Elapsed time.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Branches worked on at the same time.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Start of all randomness.")] = None,
    require_sandbox: Annotated[
        str | None,
        typer.Option(help="Refuse to run below this sandbox level: isolated, restricted or basic."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="New directory to save the run to.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change the recipe, e.g. --set policy.c=1.4. Repeatable."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON instead of the program.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only how it ended.")] = False,
) -> None:
    """Solve one task: the program goes to stdout, progress and verdict to stderr."""
    from codegrove.budget import Budget
    from codegrove.cli.live import make_display
    from codegrove.graphs.assemble import assemble
    from codegrove.store import prepare_directory, save_run, summary

    task, problems = _read_task(source, tests, entry_point, problem, id)
    assembly = assemble(
        recipe,
        model=model,
        problems=problems,
        overrides=set_ or (),
        budget=Budget(calls=max_calls, tokens=max_tokens, dollars=max_cost, seconds=max_seconds),
        workers=workers,
        seed=seed,
        price=_read_price(price),
        require_sandbox=require_sandbox,
    )
    session = assembly.open_session(task)
    directory = prepare_directory(out) if out is not None else None
    display = make_display(session, assembly, quiet=quiet)
    try:
        with display:
            solution = asyncio.run(_run(assembly, session, display))
    except KeyboardInterrupt:
        print("codegrove: aborted; what was in flight is lost, and nothing was saved", file=sys.stderr)
        if directory is not None:
            directory.rmdir()
        raise typer.Exit(INTERRUPTED) from None
    unsaved = None
    if directory is not None:
        try:
            save_run(directory, solution, session.search.events, assembly.recipe, task, assembly.seed)
        except OSError as error:  # the program was paid for: show it first, then say what went wrong
            unsaved, directory = f"cannot write to {directory}: {error.strerror or error}", None
    display.finish(solution, directory)
    if as_json:
        print(json.dumps(summary(solution), ensure_ascii=False, indent=2))
    elif solution.program is not None:
        print(solution.program.rstrip("\n"))
    if unsaved is not None:
        raise CodegroveError(f"the run is over but could not be saved: {unsaved}")
    raise typer.Exit(_exit_code(solution))


async def _run(assembly: Assembly, session: Session, display: Display) -> Solution:
    """Run the search; the first Ctrl-C ends it with the best result so far, the second ends it at once."""
    from codegrove.api import run_session

    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    assert running is not None

    def interrupt() -> None:
        if session.stop_reason is None:
            session.stop("interrupted")
            display.interrupted()
        else:
            running.cancel()

    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, interrupt)
            handled.append(number)
        except NotImplementedError:  # event loops on Windows
            break
    try:
        return await run_session(assembly, session)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
        await session.aclose()


def _read_price(text: str | None) -> Price | None:
    from codegrove.models.port import Price

    if text is None:
        return None
    try:
        given, written = (float(part) for part in text.split(","))
        if given < 0 or written < 0:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"--price {text}: expected two numbers of 0 or more, dollars per million input and output tokens, "
            "e.g. 0.15,0.6"
        ) from None
    return Price(given, written)


def _read_task(
    source: str | None,
    tests: Path | None,
    entry_point: str | None,
    problem: str | None,
    problem_id: str | None,
) -> tuple[Task, list[Problem] | None]:
    from codegrove.problems import load_problems, load_task

    if problem is not None:
        if source is not None or tests is not None:
            raise UsageError(
                "give either a task file (with --tests where needed) or --problem with --id, not both"
            )
        if problem_id is None:
            raise UsageError(f"--problem {problem} holds many problems; say which one with --id")
        found = load_problems(problem).by_id(problem_id)
        return found.task, [found]
    if problem_id is not None:
        raise UsageError(f"--id {problem_id} needs --problem FILE (or --problem bundled)")
    if source is None:
        raise TaskError(
            "no task given; name a Python file or a statement, or try: "
            "codegrove solve --problem bundled --id merge-shifts -r grove"
        )
    return load_task(source, tests=tests, entry_point=entry_point, stdin=sys.stdin), None


def _exit_code(solution: Solution) -> int:
    if solution.solved:
        return SOLVED
    return ERROR if solution.reason.startswith(("model:", "error:")) else UNSOLVED
