"""Two methods on the same problems: is their difference more than chance?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from codegrove.evaluation.arms import Method
from codegrove.evaluation.resampling import Bootstrap
from codegrove.evaluation.statistics import detectable_difference, holm, mcnemar, sign_flips
from codegrove.evaluation.summary import judged_rate

LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A paired comparison over the problems on which both methods have a judged attempt."""

    a: str
    b: str
    problems: int
    both: int | None
    """Problems solved by both; this and the next three are None with several attempts a problem."""
    only_a: int | None
    only_b: int | None
    neither: int | None
    difference: float
    """Mean over problems of a's share of right attempts minus b's."""
    low: float
    high: float
    """Paired bootstrap interval of the difference."""
    test: str
    """``McNemar, exact`` or, with several attempts a problem, ``sign flips``."""
    p: float
    p_adjusted: float
    """Holm's, over all pairs of the comparison."""
    detectable: float | None
    """Difference that this many problems show with a power of 80 %; None where they are too few for any."""

    @property
    def significant(self) -> bool:
        """Whether the adjusted p is below 0.05."""
        return self.p_adjusted < LEVEL


def compare_pairs(groups: Sequence[Sequence[Method]], bootstrap: Bootstrap) -> list[Pair]:
    """Compare every two methods of each group, whose methods have the same problems."""
    found = []
    for methods in groups:
        rates = {method.label: [judged_rate(own) for own in method.attempts.values()] for method in methods}
        single = {m.label: all(len(own) == 1 for own in m.attempts.values()) for m in methods}
        names = list(combinations(rates, 2))
        columns = [_differences(rates[a], rates[b]) for a, b in names]
        intervals = bootstrap.intervals(columns)
        for (a, b), column, interval in zip(names, columns, intervals, strict=True):
            if interval is None:
                continue  # no problem on which both were judged
            values = [value for value in column if value is not None]
            wins, losses = sum(value > 0 for value in values), sum(value < 0 for value in values)
            once = single[a] and single[b]
            both = sum(x == y == 1 for x, y in zip(rates[a], rates[b], strict=True))
            p = (
                mcnemar(wins, losses)
                if once
                else sign_flips(values, random.Random(f"{bootstrap.seed}/{a}/{b}"))
            )
            found.append(
                Pair(
                    a=a,
                    b=b,
                    problems=len(values),
                    both=both if once else None,
                    only_a=wins if once else None,
                    only_b=losses if once else None,
                    neither=len(values) - both - wins - losses if once else None,
                    difference=sum(values) / len(values),
                    low=interval.low,
                    high=interval.high,
                    test="McNemar, exact" if once else "sign flips",
                    p=p,
                    p_adjusted=p,
                    detectable=detectable_difference(len(values), (wins + losses) / len(values))
                    if once
                    else None,
                )
            )
    adjusted = holm([pair.p for pair in found])
    return [replace(pair, p_adjusted=p) for pair, p in zip(found, adjusted, strict=True)]


def _differences(a: Sequence[float | None], b: Sequence[float | None]) -> list[float | None]:
    return [None if x is None or y is None else x - y for x, y in zip(a, b, strict=True)]
