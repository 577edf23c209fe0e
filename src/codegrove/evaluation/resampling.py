"""The bootstrap over problems: Efron 1979, "Bootstrap methods: another look at the jackknife", Ann. Stat. 7.

Problems are drawn with replacement, each with all its attempts (a cluster bootstrap). Attempts are not drawn again
inside a problem: the spread between problems' means already holds theirs, and it would be counted twice. Intervals
are percentile intervals.
"""

from __future__ import annotations

import random
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from codegrove.errors import UsageError
from codegrove.evaluation.statistics import CONFIDENCE, Interval

REPLICATES = 2000
_LANE = "I"
_MOST = 2**32 - 1
"""Largest sum a lane holds. The value 1 becomes this divided by the number of problems, so that a mean is rounded
by less than problems / 2e9."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """How intervals are drawn. Equal settings give equal intervals.

    Raises:
        UsageError: if there are no replicates, or the confidence is not between 0 and 1.
    """

    replicates: int = REPLICATES
    seed: int = 0
    confidence: float = CONFIDENCE
    """Of all intervals of a comparison, also those that need no draws."""

    def __post_init__(self) -> None:
        if self.replicates < 1:
            raise UsageError(f"bootstrap replicates={self.replicates!r}: expected 1 or more")
        if not 0 < self.confidence < 1:
            raise UsageError(
                f"bootstrap confidence={self.confidence!r}: expected a share between 0 and 1, such as 0.95"
            )

    @property
    def level(self) -> str:
        """The confidence as a reader sees it."""
        return f"{100 * self.confidence:.6g} %"

    def intervals(self, columns: Sequence[Sequence[float | None]]) -> list[Interval | None]:
        """Return the interval of each column's mean. All columns see the same draws of problems.

        Args:
            columns: for each quantity its value for every problem, in [-1, 1]; None where the problem does not
                count for it. All of one length.

        Returns:
            For each column its interval; None where nothing counts.
        """
        if not columns or not columns[0]:
            return [None] * len(columns)
        one = _MOST // len(columns[0])
        partial = [index for index, column in enumerate(columns) if None in column]
        lanes: list[Sequence[int]] = [
            [0 if value is None else round((value + 1) / 2 * one) for value in column] for column in columns
        ]
        lanes += [[int(value is not None) for value in columns[index]] for index in partial]
        sums = self._sums(lanes)
        counts = {index: sums[len(columns) + position] for position, index in enumerate(partial)}
        found: list[Interval | None] = []
        for index, column in enumerate(columns):
            if index in counts:
                means = [
                    total / count for total, count in zip(sums[index], counts[index], strict=True) if count
                ]
            else:
                means = [total / len(column) for total in sums[index]]
            means.sort()
            found.append(
                self._percentiles(means, one) if any(value is not None for value in column) else None
            )
        return found

    def _sums(self, lanes: Sequence[Sequence[int]]) -> list[array[int]]:
        """Return for each lane its sum in every replicate.

        All lanes of a problem are packed side by side into one large integer, so that one addition adds them
        all: a loop over the lanes would take minutes, and no package is needed.
        """
        width = len(lanes) * array(_LANE).itemsize
        packed = [
            int.from_bytes(array(_LANE, row).tobytes(), sys.byteorder) for row in zip(*lanes, strict=True)
        ]
        rng = random.Random(self.seed)
        drawn: array[int] = array(_LANE)
        for _ in range(self.replicates):
            total = sum(rng.choices(packed, k=len(packed)))
            drawn.frombytes(total.to_bytes(width, sys.byteorder))
        return [drawn[lane :: len(lanes)] for lane in range(len(lanes))]

    def _percentiles(self, means: Sequence[float], one: int) -> Interval:
        tail = (1 - self.confidence) / 2
        low, high = (2 * _quantile(means, share) / one - 1 for share in (tail, 1 - tail))
        # 0 is not a whole number of steps from -1, and would come back as -0.0.
        return Interval(round(low, 6) + 0.0, round(high, 6) + 0.0, "bootstrap")


def _quantile(ordered: Sequence[float], share: float) -> float:
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
