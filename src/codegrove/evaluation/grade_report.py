"""What grading a file of samples came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegrove.evaluation.statistics import pass_at_k
from codegrove.verdict import Status, Verdict


@dataclass(frozen=True, slots=True)
class Tally:
    """The samples of one problem."""

    correct: int = 0
    wrong: int = 0
    unjudged: int = 0
    """Nobody knows; counted neither as correct nor as wrong."""

    @property
    def judged(self) -> int:
        """Samples whose outcome is known."""
        return self.correct + self.wrong

    def plus(self, verdict: Verdict) -> Tally:
        """Return this tally with one sample more."""
        if verdict.status is Status.UNJUDGED:
            return Tally(self.correct, self.wrong, self.unjudged + 1)
        return Tally(self.correct + verdict.passed, self.wrong + (not verdict.passed), self.unjudged)


@dataclass(frozen=True, kw_only=True)
class GradeReport:
    """What came of a file of samples."""

    samples: str
    """Name of the file."""
    benchmark: str
    benchmark_fingerprint: str
    level: str
    """Sandbox level that judged."""
    tallies: dict[str, Tally]
    """By problem, in the benchmark's order; those with samples only."""
    missing: tuple[str, ...]
    """Problems without a sample. They are in no rate."""
    unknown: tuple[str, ...]
    """Places and ids of samples for problems that the benchmark does not have. They are in no rate."""
    repeated: int
    """Samples whose text stands in the file before, for the same problem. They count like all others."""
    results: Path | None
    """Where the rows are."""

    @property
    def total(self) -> Tally:
        """All samples together."""
        return Tally(
            sum(tally.correct for tally in self.tallies.values()),
            sum(tally.wrong for tally in self.tallies.values()),
            sum(tally.unjudged for tally in self.tallies.values()),
        )

    @property
    def fewest(self) -> int:
        """Judged samples of the problem that has the fewest, among those that have any."""
        return min((tally.judged for tally in self.tallies.values() if tally.judged), default=0)

    @property
    def rated(self) -> int:
        """Problems that rates are about: those with a judged sample."""
        return sum(tally.judged > 0 for tally in self.tallies.values())

    def pass_at_k(self, k: int) -> float | None:
        """Return the unbiased estimate of pass@k, the mean over problems with judged samples.

        None where any of them has fewer than k: nothing is extrapolated.
        """
        if not 1 <= k <= self.fewest:
            return None
        chances = [
            pass_at_k(tally.judged, tally.correct, k) for tally in self.tallies.values() if tally.judged
        ]
        return sum(chances) / len(chances)

    def as_dict(self, ks: Sequence[int] = (1,)) -> dict[str, Any]:
        """Return the report as data for JSON."""
        total = self.total
        return {
            "samples": self.samples,
            "benchmark": self.benchmark,
            "benchmark_fingerprint": self.benchmark_fingerprint,
            "level": self.level,
            "correct": total.correct,
            "wrong": total.wrong,
            "unjudged": total.unjudged,
            "problems": self.rated,
            "missing": list(self.missing),
            "unknown": list(self.unknown),
            "repeated": self.repeated,
            **{f"pass@{k}": self.pass_at_k(k) for k in ks},
        }
