"""What a judgement has found out so far: results, costs and limits, and the verdict they make."""

from __future__ import annotations

from collections.abc import Sequence

from codegrove.tools.sandbox.assignment import Assignment
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.ends import Explanation, explain
from codegrove.tools.sandbox.fairness import starved
from codegrove.tools.sandbox.grading import Prepared
from codegrove.tools.sandbox.port import BlockTrace
from codegrove.tools.sandbox.rules import RunEnd
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict, overall

MOST_STREAM = 4000
"""Characters kept of a verdict's stdout and of its stderr."""


class Tally:
    """Collects what the processes of one judgement said and cost."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.results: dict[int, TestResult] = {}
        """By the place of the test."""
        self.undecided: set[int] = set()
        """Places of tests whose claims cannot be judged on plain values. They have no result until run again."""
        self.notes: list[str] = []
        self.trace = BlockTrace()
        self.proven = True
        """See `Judgement.proven`."""
        self.disorder = False
        """Whether a process that runs tests sent something that is no report of it."""
        self.status: Status | None = None
        """Set when it is not the results that decide."""
        self.limit = ""
        self.seconds = 0.0
        self._error: ErrorInfo | None = None
        self._starved = False
        self._cpu_seconds = 0.0
        self._memory_bytes = 0
        self._stdout: list[bytes] = []
        self._stderr: list[bytes] = []

    @property
    def over(self) -> bool:
        """Whether nothing that could still be run would be looked at."""
        if self.status is not None or self.limit == "wall":
            return True
        good = (Status.PASSED, Status.UNJUDGED)
        return self.assignment.fail_fast and any(r.status not in good for r in self.results.values())

    @property
    def starved(self) -> bool:
        """Whether time ran out, and the program may not have had its share of the processor before."""
        if self.limit == "cpu" or not self._starved:
            return False
        statuses = {result.status for result in self.results.values()}
        return Status.TIMED_OUT in statuses or self.status is Status.TIMED_OUT or self.limit == "wall"

    def account(self, *ends: RunEnd) -> None:
        """Add up what processes took that ran at the same time, and by turns."""
        seconds, cpu_seconds = max(end.seconds for end in ends), sum(end.cpu_seconds for end in ends)
        known = [end.held_up for end in ends if end.held_up is not None]
        held_up = sum(known) if len(known) == len(ends) else None
        self._starved |= starved(seconds, cpu_seconds, held_up, self.assignment.limits)
        self.seconds += seconds
        self._cpu_seconds += cpu_seconds
        self._memory_bytes = max(self._memory_bytes, *(end.memory_bytes for end in ends))
        self._stdout += [end.stdout for end in ends]
        self._stderr += [end.stderr for end in ends]

    def keep(self, index: int, result: TestResult) -> None:
        """Take the result of a test."""
        self.results[index] = result
        self._note_memory(result.error)

    def forget(self, tests: Sequence[Prepared]) -> None:
        """Drop the results of these tests."""
        for test in tests:
            self.results.pop(test.index, None)
            self.undecided.discard(test.index)

    def accuse(self, tests: Sequence[Prepared], why: str) -> None:
        """Take back what was passed in the program's own process."""
        error = ErrorInfo(type="Tampering", message=why)
        for test in tests:
            if (result := self.results.get(test.index)) is not None and result.passed:
                self.results[test.index] = TestResult(status=Status.CRASHED, error=error)

    def give_up(self, status: Status, error: ErrorInfo) -> None:
        """Note that no test can have a result of its own any more."""
        self.status, self._error = status, error
        self._note_memory(error)

    def explain(self, end: RunEnd, *, closed: bool = False) -> tuple[Status, ErrorInfo]:
        """Say why a process ended before it had answered, and note the limit it hit; as `ends.explain`."""
        return self.note(explain(end, self.assignment.limits, closed=closed))

    def note(self, explanation: Explanation) -> tuple[Status, ErrorInfo]:
        """Note the limit of an explanation; return the rest of it."""
        if explanation.limit:
            self.limit = explanation.limit
        if explanation.limit == "wall":
            self._error = explanation.error
        return explanation.status, explanation.error

    def verdict(self) -> Verdict:
        """Put together what is known."""
        results = tuple(self._result(index) for index in range(len(self.assignment.tests)))
        status = self.status
        if not results and status is None:
            status = Status.UNJUDGED
            self.notes.append("no tests")
        return Verdict(
            status=status or overall(result.status for result in results),
            results=results,
            error=self._error,
            stdout=_stream(self._stdout),
            stderr=_stream(self._stderr),
            seconds=self.seconds,
            cpu_seconds=self._cpu_seconds,
            memory_mb=self._memory_bytes / (1 << 20),
            limit=self.limit,
            note="; ".join(self.notes),
        )

    def _result(self, index: int) -> TestResult:
        found = self.results.get(index)
        if found is not None:
            return found
        if self.status is not None:
            return TestResult(status=self.status, error=self._error)
        if self.limit == "wall":
            return TestResult(status=Status.TIMED_OUT, error=self._error)
        return TestResult(status=Status.UNJUDGED)

    def _note_memory(self, error: ErrorInfo | None) -> None:
        if error is not None and error.type == "MemoryError" and not self.limit:
            self.limit = "memory"


def _stream(parts: list[bytes]) -> str:
    return clip(b"".join(parts).decode("utf-8", "replace"), MOST_STREAM)
