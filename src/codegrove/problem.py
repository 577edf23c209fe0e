"""A benchmark problem: a task plus what the search must never see."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegrove.errors import TaskError
from codegrove.task import Origin, Task, Test


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenInputs:
    """Hidden calls for which a benchmark states no value: its reference decides what is right.

    `codegrove.tools.hidden_tests` runs the reference in the sandbox and turns them into tests.
    """

    calls: tuple[str, ...]
    """Arguments of each call: Python tuple literals such as ``"([1, 2], 3)"``."""
    tolerance: float = 0.0
    """Absolute tolerance for floats in the value."""
    float_tolerance: float = 0.0
    """The same where `tolerance` is 0 and the value is a float, or a sequence of nothing but floats."""
    relative: float = 0.0
    """Fraction of the expected number that is added to a tolerance above 0."""
    claim: str = ""
    """What must hold instead of equality: a Python expression over ``result``, ``arguments`` (a tuple),
    ``expected`` (the reference's value) and ``returned`` (whether the reference returned more than None)."""


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
    inputs: HiddenInputs | None = field(default=None, repr=False)
    """Further hidden tests, see `HiddenInputs`."""
    preamble: str = field(default="", repr=False)
    """Imports that the benchmark's own grader puts in front of every program."""
    packages: tuple[str, ...] = ()
    """Third-party modules that its programs or tests import."""
    test_seconds: float | None = None
    """The benchmark's time limit for one test; None where it has none."""
    memory_mb: int | None = None
    """The benchmark's memory limit in MiB; None where it has none."""
    date: str = ""
    """When the problem was published (``YYYY-MM-DD``); empty where the benchmark does not say."""

    def __post_init__(self) -> None:
        for test in self.hidden:
            if test.origin is not Origin.HIDDEN:
                raise TaskError(f"problem {self.task.id!r}: a hidden test is marked {test.origin.value!r}")

    @property
    def hidden_count(self) -> int:
        """How many hidden tests there are, those included whose value the reference decides."""
        return len(self.hidden) + (len(self.inputs.calls) if self.inputs else 0)

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id
