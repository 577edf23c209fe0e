"""Which lines of a program its tests execute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from codegrove.parsing import parse_python
from codegrove.task import Test
from codegrove.tools.line_counts import executable_lines
from codegrove.tools.sandbox.port import Limits
from codegrove.verdict import ErrorInfo, TestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCoverage:
    """One test: what became of it, and the lines it executed, loading the program included."""

    __test__ = False  # not a test class, whatever its name suggests to pytest

    result: TestResult
    hits: Mapping[int, int] = field(default_factory=dict)
    """How many times statements of a line were begun, for lines that were executed. A test that was killed or left
    early has what it executed until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which lines of a program a list of tests executes. Lines count from 1.

    The numbers come from the program's own process: a program that means to can falsify its own.
    """

    executable: tuple[int, ...] = ()
    """Lines on which a statement begins that does something, see `codegrove.tools.line_counts`."""
    tests: tuple[TestCoverage, ...] = ()
    """In the order of the tests that were asked for."""
    error: ErrorInfo | None = None
    """Why nothing was measured: the text is no program, or too long."""

    @property
    def hits(self) -> dict[int, int]:
        """Times that statements of a line were begun in all tests, for lines that were executed."""
        total: Counter[int] = Counter()
        for test in self.tests:
            total.update(test.hits)
        return dict(sorted(total.items()))

    @property
    def executed(self) -> tuple[int, ...]:
        """Lines that at least one test executed."""
        return tuple(self.hits)

    @property
    def missed(self) -> tuple[int, ...]:
        """Executable lines that no test executed."""
        executed = self.hits
        return tuple(line for line in self.executable if line not in executed)

    @property
    def ratio(self) -> float:
        """Executed share of the executable lines, 0 to 1; 1 for a program that has none."""
        return 1.0 - len(self.missed) / len(self.executable) if self.executable else 1.0


@runtime_checkable
class CoverageSandbox(Protocol):
    """A sandbox that measures coverage. Not every one does."""

    async def coverage(
        self,
        program: str,
        tests: Sequence[Test],
        *,
        entry_point: str | None = None,
        limits: Limits | None = None,
    ) -> Coverage:
        """Run every test in a process of its own and count the lines it executes.

        Args:
            limits: of each test's run; None for the sandbox's own.
        """
        ...


def lines_to_count(program: str, longest: int) -> tuple[int, ...] | ErrorInfo:
    """Return the executable lines of a program, or why there is no telling.

    Args:
        longest: characters; parsing more takes time and memory that are not limited here.
    """
    if len(program) > longest:
        message = f"a program of {len(program)} characters; coverage is measured up to {longest}"
        return ErrorInfo(type="TooLong", message=message)
    try:
        return executable_lines(parse_python(program))
    except SyntaxError as error:
        return ErrorInfo(type="SyntaxError", message=error.msg, line=error.lineno)
