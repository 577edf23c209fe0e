"""``codegrove eval``: recipes x problems x seeds, under one budget for each attempt and one for all."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codegrove.cli import app
from codegrove.cli.exit_codes import ERROR, INTERRUPTED, OF_EVAL
from codegrove.cli.interrupts import on_interrupt
from codegrove.errors import UsageError

if TYPE_CHECKING:
    from codegrove.cli.eval_display import EvalDisplay
    from codegrove.evaluation.directory import Evaluation
    from codegrove.evaluation.runner import Evaluator


@app.command("eval", epilog=OF_EVAL)
def evaluate(
    source: Annotated[
        str, typer.Argument(help="'bundled', a benchmark file or directory, or hf:OWNER/NAME.")
    ],
    recipe: Annotated[
        list[str], typer.Option("--recipe", "-r", help="Name of a recipe, or a YAML file. Repeatable.")
    ],
    out: Annotated[
        Path,
        typer.Option(help="Directory of the evaluation; the same one again continues it, or adds to it."),
    ],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Model for all roles, named as for codegrove solve.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Attempts at each problem: with 3, seeds 0, 1 and 2.")
    ] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many problems, the first ones.")] = None,
    id: Annotated[list[str] | None, typer.Option("--id", help="Only this problem. Repeatable.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of the file, where it cannot be told.")] = None,
    max_calls: Annotated[
        int | None,
        typer.Option(
            min=0, help="Limit of one attempt: model calls. Give it to compare recipes at equal budgets."
        ),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=0, help="Limit of one attempt: input plus output tokens.")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Limit of one attempt: dollars.")] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Limit of one attempt: seconds.")] = None,
    total_calls: Annotated[
        int | None, typer.Option(min=0, help="Limit of all attempts together: model calls.")
    ] = None,
    total_tokens: Annotated[
        int | None, typer.Option(min=0, help="Limit of all attempts together: tokens.")
    ] = None,
    total_cost: Annotated[
        float | None, typer.Option(min=0, help="Limit of all attempts together: dollars.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Attempts made at the same time.")] = 2,
    engine: Annotated[
        str, typer.Option(help="Where they are made: local, or ray for the cluster of RAY_ADDRESS.")
    ] = "local",
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Only part I of N of the problems, e.g. 1/4 on the first of four machines; codegrove merge puts"
            " the parts together.",
        ),
    ] = None,
    require_sandbox: Annotated[
        str | None,
        typer.Option(help="Refuse to run below this sandbox level: isolated, restricted, limited or basic."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only the result.")] = False,
) -> None:
    """Evaluate recipes on a benchmark; hidden tests are run once, on each final answer, by another process."""
    from codegrove.budget import Budget
    from codegrove.cli.eval_display import EvalDisplay
    from codegrove.evaluation.runner import EvalSettings, Evaluator
    from codegrove.graphs.end import Ended
    from codegrove.problems import lasting_source, load_problems

    if id and limit is not None:
        raise UsageError(f"--id and --limit {limit} both say which problems; give one of them")
    problems = load_problems(source, format=format)
    ids = list(id) if id else list(problems.ids[:limit])
    sweep = Budget(calls=total_calls, tokens=total_tokens, dollars=total_cost)
    evaluator = Evaluator(
        EvalSettings(
            problems=problems,
            recipes=recipe,
            ids=ids,
            seeds=range(seeds),
            shard=_read_shard(shard),
            budget=Budget(calls=max_calls, tokens=max_tokens, dollars=max_cost, seconds=max_seconds),
            sweep=None if sweep == Budget() else sweep,
            jobs=jobs,
            engine=engine,
            source=(lasting_source(source), format),
            settings={"model": model, "require_sandbox": require_sandbox},
        ),
        out,
    )
    display = EvalDisplay(quiet=quiet)
    evaluator.watchers = [display]
    try:
        with display:
            evaluation = asyncio.run(_run(evaluator, display))
    except KeyboardInterrupt:
        print("codegrove: aborted; the same command goes on", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    display.summarise(evaluation)
    if evaluator.stopped is not None:
        print(f"codegrove: stopped: {evaluator.stopped.reason}; the same command goes on", file=sys.stderr)
        raise typer.Exit(INTERRUPTED if evaluator.stopped.kind is Ended.INTERRUPTED else ERROR)
    if display.open_attempts:
        raise typer.Exit(ERROR)


async def _run(evaluator: Evaluator, display: EvalDisplay) -> Evaluation:
    running = asyncio.current_task()
    assert running is not None

    def interrupt() -> None:
        if evaluator.stopped is None:
            evaluator.stop()
            display.interrupted()
        else:
            running.cancel()

    try:
        with on_interrupt(interrupt):
            return await evaluator.run()
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _read_shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if found is None:
        raise UsageError(f"--shard {text}: expected a part and how many there are, e.g. 1/4")
    return int(found[1]), int(found[2])
