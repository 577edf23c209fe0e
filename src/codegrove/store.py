"""What a finished run leaves on disk."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from codegrove.errors import UsageError
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.solution import Solution
from codegrove.search import drawing
from codegrove.search.search import Event, event_to_json
from codegrove.task import Task

FORMAT = 1
"""Version of the files written here."""


def prepare_directory(directory: Path) -> Path:
    """Create the directory of a run and prove that it can be written, before anything is paid for.

    Raises:
        UsageError: if it cannot be created or written, or already holds something.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError(f"{directory} is not empty; name a new directory for this run")
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"cannot write to {directory}: {reason}; name a directory you may write to"
        ) from None
    return directory


def save_run(
    directory: Path,
    solution: Solution,
    events: Sequence[Event],
    recipe: Recipe,
    task: Task,
    seed: int,
) -> None:
    """Write the run: solution.py, tree.svg, run.json, events.jsonl, recipe.yaml and task.json.

    Every file is complete or absent. Replaying the events on the recipe, task and seed gives the same tree.
    """
    if solution.program is not None:
        _write(directory / "solution.py", solution.program.rstrip("\n") + "\n")
    if solution.tree is not None:
        _write(directory / "tree.svg", drawing.svg(solution.tree, answer=solution.node) + "\n")
    _write(directory / "recipe.yaml", recipe.to_yaml())
    _write(directory / "task.json", _json(TypeAdapter(Task).dump_python(task, mode="json")))
    lines = [json.dumps(event_to_json(event), ensure_ascii=False) for event in events]
    _write(directory / "events.jsonl", "".join(line + "\n" for line in lines))
    _write(directory / "run.json", _json({**summary(solution), "format": FORMAT, "seed": seed}))


def summary(solution: Solution) -> dict[str, Any]:
    """Return a solution as JSON-ready data, without its tree."""
    verdict = solution.verdict
    return {
        "task": solution.task_id,
        "recipe": solution.recipe,
        "result": solution.result.value,
        "reason": solution.reason,
        "simulated": solution.simulated,
        "program": solution.program,
        "node": solution.node,
        "path": [node.id for node in solution.tree.path(solution.node)]
        if solution.tree is not None and solution.node is not None
        else [],
        "verdict": None
        if verdict is None
        else {
            "status": verdict.status.value,
            "passed": verdict.passed_count,
            "tests": len(verdict.results),
            "sandbox": verdict.level,
        },
        "spend": {**asdict(solution.spend), "tokens": solution.spend.tokens},
        "nodes": len(solution.tree) if solution.tree is not None else None,
        "codegrove": version("codegrove"),
    }


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file so that no reader ever sees half of it."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    os.replace(temporary, path)
