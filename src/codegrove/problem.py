"""A benchmark problem: a task plus what the search must never see."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegrove.errors import TaskError
from codegrove.task import Origin, Task, Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A `Task` with its hidden tests and, where known, a reference solution.

    Hidden tests, reference and wrong variants are kept out of `repr`, so that a log line cannot leak them.
    """

    task: Task
    hidden: tuple[Test, ...] = field(default=(), repr=False)
    reference: str = field(default="", repr=False)
    """A whole program that is right; empty when the benchmark has none."""
    wrong: tuple[str, ...] = field(default=(), repr=False)
    """Whole programs with a plausible wrong algorithm (used by the simulated programmer)."""
    level: str = ""
    """Difficulty as the benchmark names it."""
    source: str = ""
    """Where the problem comes from, e.g. ``bundled`` or ``humaneval``."""

    def __post_init__(self) -> None:
        for test in self.hidden:
            if test.origin is not Origin.HIDDEN:
                raise TaskError(f"problem {self.task.id!r}: a hidden test is marked {test.origin.value!r}")

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id
