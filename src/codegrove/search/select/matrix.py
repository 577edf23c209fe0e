"""What every drawn program did on every test: the only thing a selection strategy looks at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from codegrove.search.tree import Node, SearchTree
from codegrove.task import Test
from codegrove.verdict import Status, TestResult, Verdict

_PASSED = TestResult(status=Status.PASSED)
_FAILED = TestResult(status=Status.FAILED)
_UNJUDGED = TestResult(status=Status.UNJUDGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One unique program and what it did."""

    draws: tuple[int, ...]
    """Ids of all nodes that hold this program, in the order they were told; never empty."""
    results: tuple[TestResult, ...]
    """One per test of the matrix; a test the program was not run on is ``unjudged``."""
    passed: int
    """The passed tests as a bit mask: bit `i` stands for test `i`."""
    loaded: bool = True
    """False when the program as a whole could not be run, e.g. because it does not parse."""

    @property
    def id(self) -> int:
        """The first node that held the program: stands for all its draws."""
        return self.draws[0]

    @property
    def passed_count(self) -> int:
        """How many different tests passed."""
        return self.passed.bit_count()

    def output_key(self, test: int) -> str:
        """Return what the program showed on a test, for comparison with what another program showed.

        Answers compare by their text. All errors of one class compare equal, and so do all time-outs.
        """
        result = self.results[test]
        if result.status in (Status.PASSED, Status.FAILED):
            return "=" + result.output
        return f"!{result.error.type}" if result.error else f"!{result.status.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeMatrix:
    """Unique programs (rows) by unique tests (columns), with how often each was drawn."""

    rows: tuple[Row, ...]
    """In the order in which the programs were first told."""
    test_counts: tuple[int, ...]
    """How often each test was written; 1 for a test that came with the task."""
    tests: tuple[Test, ...] = ()
    """The tests themselves; empty in a matrix that was made from plain sets."""

    @classmethod
    def from_tree(cls, tree: SearchTree, tests: Iterable[Test]) -> OutcomeMatrix:
        """Collect what the programs in a tree did on some tests.

        Programs are the same when their syntax trees are (`Candidate.key`). Where several nodes hold one
        program, the first result that could be judged counts.

        Args:
            tree: the programs with their verdicts.
            tests: the columns; repeats become multiplicities.
        """
        counts = Counter(tests)
        columns = {test: column for column, test in enumerate(counts)}
        same: dict[str, list[Node]] = {}
        for node in tree.programs():
            assert node.program is not None
            same.setdefault(node.program.key, []).append(node)
        rows = tuple(_row(nodes, columns) for nodes in same.values())
        return cls(rows=rows, test_counts=tuple(counts.values()), tests=tuple(counts))

    @classmethod
    def from_sets(
        cls,
        passed: Sequence[Collection[str]],
        tests: Mapping[str, int],
        program_counts: Sequence[int] | None = None,
    ) -> OutcomeMatrix:
        """Make a matrix from the names of the tests each program passes.

        Draws are numbered from 0 through all programs: with `program_counts` of 2 and 1, the first program
        has draws 0 and 1 and the second has draw 2.

        Args:
            passed: per unique program, the names of the tests it passes; names not in `tests` are left out.
            tests: how often each test was written, by its name.
            program_counts: how often each program was drawn; None for once each.
        """
        rows: list[Row] = []
        first = 0
        for names, count in zip(passed, program_counts or [1] * len(passed), strict=True):
            results = tuple(_PASSED if test in names else _FAILED for test in tests)
            rows.append(Row(draws=tuple(range(first, first + count)), results=results, passed=_mask(results)))
            first += count
        return cls(rows=tuple(rows), test_counts=tuple(tests.values()))

    def weight(self, passed: int) -> int:
        """Return how often the tests in a bit mask were written, all together."""
        return sum(count for column, count in enumerate(self.test_counts) if passed >> column & 1)


def _row(nodes: Sequence[Node], columns: Mapping[Test, int]) -> Row:
    results = [_UNJUDGED] * len(columns)
    for node in nodes:
        if node.verdict is None:
            continue
        for test, result in zip(node.tests, _filled(node.verdict, len(node.tests)), strict=True):
            column = columns.get(test)
            if column is not None and results[column].status is Status.UNJUDGED:
                results[column] = result
    return Row(
        draws=tuple(node.id for node in nodes),
        results=tuple(results),
        passed=_mask(results),
        loaded=all(node.verdict is None or node.verdict.error is None for node in nodes),
    )


def _filled(verdict: Verdict, count: int) -> Sequence[TestResult]:
    """Return `count` results; a verdict on a program that never ran may come without any."""
    missing = count - len(verdict.results)
    if missing <= 0:
        return verdict.results[:count]
    status = Status.UNJUDGED if verdict.status is Status.PASSED else verdict.status
    return (*verdict.results, *[replace(_UNJUDGED, status=status, error=verdict.error)] * missing)


def _mask(results: Sequence[TestResult]) -> int:
    return sum(1 << column for column, result in enumerate(results) if result.status is Status.PASSED)
