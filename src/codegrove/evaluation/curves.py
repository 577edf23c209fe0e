"""Budget curves: the share of problems solved against what was spent.

A point says: of all attempts, these had spent at most x when their run ended, and the answer they returned passes
the hidden tests. Spend is that of the whole run, with everything it did after it had found the answer. A run that
is not solved never counts, however little it spent. What a method would do under a smaller limit, which it may
plan for, is another question: give it that limit and evaluate.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from codegrove.evaluation.arms import Method
from codegrove.evaluation.resampling import Bootstrap
from codegrove.evaluation.results import EvalResult

AXES: dict[str, Callable[[EvalResult], int]] = {
    "calls": lambda result: result.calls,
    "tokens": lambda result: result.tokens,
}
BAND_REPLICATES = 1000
"""Bootstrap draws for a band at most; the picture does not change with more."""
POINTS = 32
"""Points of a curve at most; between them it may rise, and is drawn late rather than early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One method on one axis. A step function: it holds each share until the next point."""

    label: str
    axis: str
    """``calls`` or ``tokens``."""
    spent: tuple[int, ...]
    solved: tuple[float, ...]
    """Mean over problems of the share of attempts solved at no more than this spend."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    """Bounds of a pointwise interval: bootstrap over problems."""
    end: int
    """The largest spend of any attempt, solved or not; the curve is flat from its last point to here."""


def curves(methods: Sequence[Method], bootstrap: Bootstrap) -> list[Curve]:
    """Return the curves of methods that have the same problems, on every axis."""
    columns: list[list[float | None]] = []
    grids: list[tuple[Method, str, list[int], int]] = []
    for axis, spend in AXES.items():
        for method in methods:
            spent = sorted({spend(result) for result in method.results if result.correct})
            grid = [0, *_thinned([value for value in spent if value])]
            end = max(spend(result) for result in method.results)
            grids.append((method, axis, grid, end))
            rows = []
            for attempts in method.attempts.values():
                solved = sorted(spend(result) for result in attempts if result.correct)
                rows.append([bisect_right(solved, value) / len(attempts) for value in grid])
            columns += [list(column) for column in zip(*rows, strict=True)]
    replicates = min(bootstrap.replicates, BAND_REPLICATES)
    intervals = iter(replace(bootstrap, replicates=replicates).intervals(columns))
    shares = iter(columns)
    found = []
    for method, axis, grid, end in grids:
        means = [sum(value or 0.0 for value in next(shares)) / len(method.attempts) for _ in grid]
        bounds = [interval for _ in grid if (interval := next(intervals)) is not None]
        found.append(
            Curve(
                label=method.label,
                axis=axis,
                spent=tuple(grid),
                solved=tuple(means),
                low=tuple(bound.low for bound in bounds),
                high=tuple(bound.high for bound in bounds),
                end=end,
            )
        )
    return found


def _thinned(values: Sequence[int]) -> list[int]:
    """Return at most so many values that a curve can hold, always with the last."""
    if len(values) < POINTS:
        return list(values)
    step = len(values) / (POINTS - 1)
    return [values[min(len(values) - 1, round((index + 1) * step) - 1)] for index in range(POINTS - 1)]
