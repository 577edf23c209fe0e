"""``codegrove solve``: from a task on the command line to a program on stdout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app
from codegrove.cli.exit_codes import OF_RUNS
from codegrove.cli.running import run_to_end, show_finished
from codegrove.errors import TaskError, UsageError
from codegrove.languages import PYTHON

if TYPE_CHECKING:
    from codegrove.models.port import Price
    from codegrove.problem import Problem
    from codegrove.task import Task


@app.command(epilog=OF_RUNS)
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
    language: Annotated[
        str,
        typer.Option(
            "--language",
            "-l",
            help="Language of the program: python, cpp, javascript, bash, or a YAML file. All but Python are"
            " judged on stdin cases.",
        ),
    ] = "python",
    problem: Annotated[
        str | None,
        typer.Option(
            help="'bundled', a benchmark's file, or hf:OWNER/NAME. Needs --id; see codegrove problems."
        ),
    ] = None,
    id: Annotated[str | None, typer.Option("--id", help="Which problem of the benchmark.")] = None,
    format: Annotated[
        str | None, typer.Option(help="Format of --problem, where it cannot be told by the fields.")
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Name of a recipe, or a YAML file.")] = "loop",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="sim: | scripted:FILE | openai:NAME | openai:NAME@URL | ollama:NAME | anthropic:NAME | ...",
        ),
    ] = None,
    max_calls: Annotated[int | None, typer.Option(min=0, help="Limit: model calls.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=0, help="Limit: input plus output tokens.")] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Limit: dollars; the price of the model must be known.")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(help="What --model costs: dollars per million input and output tokens, e.g. 0.15,0.6."),
    ] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Limit: seconds.")] = None,
    max_executions: Annotated[int | None, typer.Option(min=0, help="Limit: programs executed.")] = None,
    max_nodes: Annotated[int | None, typer.Option(min=0, help="Limit: nodes of the tree.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Branches worked on at the same time.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Where all randomness starts.")] = None,
    sandbox: Annotated[
        str | None,
        typer.Option(
            help="Where programs are run: a level, container[:IMAGE], docker[:IMAGE], podman[:IMAGE]."
        ),
    ] = None,
    require_sandbox: Annotated[
        str | None,
        typer.Option(
            help="Refuse to run below this sandbox level: isolated, restricted, limited or basic; or remote."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory to record the run in; the same one again continues it."),
    ] = None,
    reuse: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another run's directory: its answers and verdicts are taken where they fit. Repeatable."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change the recipe, e.g. --set policy.c=1.4. Repeatable."),
    ] = None,
    approve_all: Annotated[
        bool, typer.Option("--approve-all", help="Accept all that the recipe wants approved, without asking.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON instead of the program.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only how it ended.")] = False,
) -> None:
    """Solve one task: the program goes to stdout, progress and verdict to stderr.

    With --out the run is recorded while it goes on; the same command continues it after it was broken off.
    """
    from codegrove.budget import Budget
    from codegrove.cli.approving import require_terminal, with_approver
    from codegrove.graphs.assemble import assemble
    from codegrove.problems import lasting_source

    task, problems = _read_task(source, tests, entry_point, problem, id, language, format)
    assembly = assemble(
        recipe,
        model=model,
        problems=problems,
        overrides=set_ or (),
        budget=Budget(
            calls=max_calls,
            tokens=max_tokens,
            dollars=max_cost,
            seconds=max_seconds,
            executions=max_executions,
            nodes=max_nodes,
        ),
        workers=workers,
        seed=seed,
        price=_read_price(price),
        sandbox=sandbox,
        require_sandbox=require_sandbox,
    )
    assembly = with_approver(assembly, everything=approve_all)
    require_terminal(assembly)
    if out is None:
        if reuse:
            raise UsageError("--reuse needs --out: what is taken from other runs is recorded")
        run_to_end(assembly, assembly.open_session(task), quiet=quiet, as_json=as_json)
    from codegrove.runs.directory import RunDirectory

    origin = None if problem is None or id is None else (lasting_source(problem), id, format)
    with RunDirectory(out, assembly, task, problem=origin, reuse=reuse or ()) as directory:
        if directory.solution is not None:
            show_finished(directory.path, directory.solution, quiet=quiet, as_json=as_json)
        run_to_end(assembly, directory.session, directory, quiet=quiet, as_json=as_json)


def _read_price(text: str | None) -> Price | None:
    from codegrove.models.port import Price

    if text is None:
        return None
    try:
        given, written = (float(part) for part in text.split(","))
        return Price(given, written)
    except (ValueError, UsageError):
        raise UsageError(
            f"--price {text}: expected two numbers of 0 or more, dollars per million input and output tokens, "
            "e.g. 0.15,0.6"
        ) from None


def _read_task(
    source: str | None,
    tests: Path | None,
    entry_point: str | None,
    problem: str | None,
    problem_id: str | None,
    language: str,
    format: str | None,
) -> tuple[Task, list[Problem] | None]:
    from codegrove.problems import load_problems, load_task

    if problem is not None:
        if source is not None or tests is not None:
            raise UsageError(
                "give either a task file (with --tests where needed) or --problem with --id, not both"
            )
        if problem_id is None:
            raise UsageError(f"--problem {problem} holds many problems; say which one with --id")
        if language != PYTHON:
            raise UsageError(
                f"--language {language} needs a statement of your own; problem files are in Python"
            )
        found = load_problems(problem, format=format).by_id(problem_id)
        return found.task, [found]
    if problem_id is not None or format is not None:
        given = f"--id {problem_id}" if problem_id is not None else f"--format {format}"
        raise UsageError(f"{given} needs --problem FILE (or --problem bundled)")
    if source is None:
        raise TaskError(
            "no task given; name a Python file or a statement, or try: "
            "codegrove solve --problem bundled --id merge-shifts -r grove"
        )
    task = load_task(source, tests=tests, entry_point=entry_point, stdin=sys.stdin, language=language)
    return task, None
