"""The typed states that steps share. They stay small: current texts and ids, never the tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from codegrove.approval import Decision
from codegrove.errors import TaskError
from codegrove.graphs.solution import Solution
from codegrove.outcome import Outcome
from codegrove.search.policy import Expansion
from codegrove.task import Task, Test
from codegrove.verdict import Verdict

_TASK = TypeAdapter(Task)


def read_task(value: object) -> Task:
    """Return a task as it is, or made from plain data as JSON has it.

    Raises:
        TaskError: if the data make no task.
    """
    if isinstance(value, Task):
        return value
    try:
        return _TASK.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(["task", *(str(part) for part in first["loc"])])
        raise TaskError(
            f"{where}: {first['msg']}; expected a task such as"
            ' {"id": "double", "statement": "Return twice x.", "entry_point": "double",'
            ' "tests": [{"args": "(2,)", "expected": "4"}]}'
        ) from None


def merge_by_key(left: Mapping[int, str], right: Mapping[int, str]) -> dict[int, str]:
    """Combine what several workers wrote. Writing the same entry twice changes nothing."""
    return {**left, **right}


@dataclass(kw_only=True)
class BranchState:
    """What the roles of one worker share while they work on one branch.

    The same state serves graphs that users wire by hand: then `expansion` stays None, and each role reads what
    it needs from the other fields.
    """

    task: Task
    run: str = ""
    """Which session this belongs to."""
    worker: int = 0
    expansion: Expansion | None = None
    """What the controller asked for; None outside a search."""
    role: str = ""
    """The role that carries the expansion out; empty when the controller found nothing more to do."""
    plan: str = ""
    program: str = ""
    tests: tuple[Test, ...] = ()
    """Tests that were written along the way."""
    verdict: Verdict | None = None
    review: str = ""
    outcome: Outcome | None = None
    """What the latest step brought."""
    decisions: tuple[Decision, ...] = ()
    """What humans have said to the outcome's proposals so far, where the recipe wants plans approved."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further prompt variables by name, for roles with prompts of your own."""
    calls: int = 0
    """Role calls so far in a hand-wired graph; keeps a repeated question from being the same sample again."""
    ended: Annotated[Mapping[int, str], merge_by_key] = field(default_factory=dict)
    """Why each worker stopped, by worker number."""


@dataclass(kw_only=True)
class WorkerResult:
    """What a worker hands back to the graph around it."""

    ended: Annotated[Mapping[int, str], merge_by_key] = field(default_factory=dict)


@dataclass(kw_only=True)
class SearchState:
    """State of a compiled recipe: a task goes in, a solution comes out."""

    task: Task
    run: str = ""
    ended: Annotated[Mapping[int, str], merge_by_key] = field(default_factory=dict)
    decision: Decision | None = None
    """What a human said about the answer, where the recipe wants the solution approved."""
    solution: Solution | None = None


@dataclass(kw_only=True)
class SearchInput:
    """What a compiled recipe takes."""

    task: Task


@dataclass(kw_only=True)
class SearchOutput:
    """What a compiled recipe gives."""

    solution: Solution | None = None
