"""What running a program on tests showed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

UNUSABLE_TEST = "UnusableTest"
"""`ErrorInfo.type` of a test that no program can be judged on, e.g. because it does not parse."""


class Status(StrEnum):
    """Outcome of one test, or of a program over all its tests."""

    PASSED = "passed"
    FAILED = "failed"
    """It answered, and the answer is wrong."""
    CRASHED = "crashed"
    """It raised, exited or was killed by its own doing."""
    TIMED_OUT = "timed_out"
    INVALID = "invalid"
    """It is no program: does not parse, or does not define the entry point."""
    UNJUDGED = "unjudged"
    """We could not tell: no tests, or our own machinery failed. Never counts as wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """An exception of the candidate, as plain clipped text."""

    type: str
    message: str = ""
    line: int | None = None
    """Line in the candidate's program (first line is 1) of the innermost frame that belongs to it."""
    trace: tuple[tuple[int, str], ...] = ()
    """Frames inside the candidate, outermost first: line number and function name."""

    def __str__(self) -> str:
        where = f" (line {self.line})" if self.line else ""
        return f"{self.type}: {self.message}{where}" if self.message else f"{self.type}{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """Outcome of one test. Results stand in the order of the tests that were asked for."""

    __test__ = False  # not a test class, whatever its name suggests to pytest

    status: Status
    output: str = ""
    """The obtained value (as Python text) or standard output, clipped."""
    error: ErrorInfo | None = None
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether this test passed."""
        return self.status is Status.PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Outcome of one program on a list of tests."""

    status: Status
    results: tuple[TestResult, ...] = ()
    error: ErrorInfo | None = None
    """What ended the whole program: a syntax error, a crash at import, a limit. None when tests ran."""
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    """Wall time of the whole run."""
    cpu_seconds: float = 0.0
    memory_mb: float = 0.0
    """Peak resident memory of the run, in MiB; 0 where the platform cannot tell."""
    limit: str = ""
    """Which limit ended the run: ``wall``, ``cpu``, ``memory``, ``output``, ``processes``, or empty."""
    level: str = ""
    """Sandbox level that judged, e.g. ``basic``."""
    guarantees: tuple[str, ...] = ()
    """Guarantees that were actively enforced, see docs/sandbox.md."""
    note: str = ""
    """Anything a reader of the verdict must know, e.g. why it could not be judged."""
    retried: str = ""
    """That a first run had run out of time on a busy machine, and whether the second one, alone, said the same.
    Everything in this verdict is of the second run. Empty: there was one run."""

    @property
    def passed_count(self) -> int:
        """How many tests passed."""
        return sum(result.passed for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether every test passed (and there was at least one)."""
        return self.status is Status.PASSED


_WORST_FIRST = (Status.INVALID, Status.TIMED_OUT, Status.CRASHED, Status.FAILED)


def overall(statuses: Iterable[Status]) -> Status:
    """Combine the statuses of all tests into the program's status.

    All passed gives PASSED. A wrong result decides over one that could not be judged. No tests, or only
    passed and unjudged ones, gives UNJUDGED.
    """
    seen = list(statuses)
    for status in _WORST_FIRST:
        if status in seen:
            return status
    return Status.PASSED if seen and Status.UNJUDGED not in seen else Status.UNJUDGED
