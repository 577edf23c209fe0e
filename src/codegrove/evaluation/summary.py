"""What one method came to: solve rates with intervals, the gap between visible and hidden tests, and its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from codegrove.evaluation.arms import Method
from codegrove.evaluation.resampling import Bootstrap
from codegrove.evaluation.results import EvalResult
from codegrove.evaluation.statistics import Interval, pass_at_k, pass_n_at_k, wilson
from codegrove.graphs.solution import SIMULATED

SIMULATION = f"Simulation: {SIMULATED}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of problems with its confidence interval."""

    value: float
    low: float
    high: float
    method: str
    """How the interval was made: ``wilson`` or ``bootstrap``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Visible against hidden tests, over attempts that have both and whose answer was judged."""

    attempts: int
    visible: float
    """Share whose answer passes every visible test."""
    hidden: float
    """Share whose answer passes every hidden test."""
    misled: float | None
    """Of those that pass the visible tests, the share that fails the hidden ones; None where none pass."""

    @property
    def value(self) -> float:
        """Visible minus hidden share."""
        return self.visible - self.hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an attempt used of one resource."""

    mean: float
    median: float
    total: float


COSTS: dict[str, Callable[[EvalResult], float | None]] = {
    "calls": lambda result: result.calls,
    "input_tokens": lambda result: result.input_tokens,
    "output_tokens": lambda result: result.output_tokens,
    "tokens": lambda result: result.tokens,
    "dollars": lambda result: result.dollars,
    "executions": lambda result: result.executions,
    "seconds": lambda result: result.seconds,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One row of a comparison."""

    label: str
    recipe: str
    models: Mapping[str, str]
    simulated: bool
    benchmark: str
    budget: Mapping[str, float]
    problems: int
    attempts: int
    """Of all problems together."""
    solved: int
    """Attempts whose answer passes the hidden tests."""
    unjudged: int
    """Attempts with an answer that could not be judged: neither right nor wrong."""
    ungraded: int
    """Attempts with an answer on which hidden tests were not run."""
    pass_1: Rate
    """Mean over problems of the share of right attempts; whatever nobody judged counts as not right."""
    pass_1_judged: Rate | None
    """The same over judged attempts only; None where all were judged, or none."""
    pass_k: Mapping[int, Rate | None]
    """pass@k by k; None where a problem has fewer than k attempts."""
    choose_k: Mapping[int, Rate | None]
    """pass 1@k by k: one answer chosen by the visible tests out of k attempts."""
    gap: Gap | None
    """None where no attempt has both verdicts."""
    costs: Mapping[str, Cost | None]
    """By resource; None where any attempt's is unknown (dollars only), which is never 0."""


def summaries(methods: Sequence[Method], ks: Sequence[int], bootstrap: Bootstrap) -> list[Summary]:
    """Summarise methods that have the same problems; all intervals see the same draws of problems."""
    more = [k for k in ks if k > 1]
    columns: list[list[float | None]] = []
    for method in methods:
        attempts = list(method.attempts.values())
        columns.append([_right(own) / len(own) for own in attempts])
        columns.append([judged_rate(own) for own in attempts])
        columns += [column for k in more for column in _columns_at(attempts, k)]
    intervals = bootstrap.intervals(columns)
    rates = [
        _rate(column, interval, bootstrap.confidence)
        for column, interval in zip(columns, intervals, strict=True)
    ]
    width = 2 + 2 * len(more)
    return [
        _summary(method, rates[index * width : (index + 1) * width], more)
        for index, method in enumerate(methods)
    ]


def judged_rate(attempts: Sequence[EvalResult]) -> float | None:
    """Return the share of right attempts among the judged ones; None where nobody judged any."""
    judged = [attempt.correct for attempt in attempts if attempt.correct is not None]
    return fmean(judged) if judged else None


def _summary(method: Method, rates: Sequence[Rate | None], ks: Sequence[int]) -> Summary:
    results = method.results
    unknown = [result for result in results if result.correct is None]
    ungraded = sum(result.hidden is None for result in unknown)
    first = rates[0]
    assert first is not None  # every attempt counts for it
    return Summary(
        label=method.label,
        recipe=method.arm.recipe,
        models=dict(method.arm.models),
        simulated=method.arm.simulated,
        benchmark=method.arm.benchmark,
        budget=dict(method.arm.budget),
        problems=len(method.attempts),
        attempts=len(results),
        solved=_right(results),
        unjudged=len(unknown) - ungraded,
        ungraded=ungraded,
        pass_1=first,
        pass_1_judged=rates[1] if unknown else None,
        pass_k=dict(zip(ks, rates[2::2], strict=True)),
        choose_k=dict(zip(ks, rates[3::2], strict=True)),
        gap=_gap(results),
        costs={name: _cost([value(result) for result in results]) for name, value in COSTS.items()},
    )


def _right(attempts: Sequence[EvalResult]) -> int:
    return sum(attempt.correct is True for attempt in attempts)


def _columns_at(problems: Sequence[Sequence[EvalResult]], k: int) -> list[list[float | None]]:
    """Return pass@k and pass 1@k of every problem; nothing at all where one has too few attempts."""
    if min(map(len, problems)) < k:
        return [[None] * len(problems)] * 2
    flags = [[(own.result == "solved", own.correct is True) for own in attempts] for attempts in problems]
    return [
        [pass_at_k(len(own), sum(right for _, right in own), k) for own in flags],
        [pass_n_at_k(own, 1, k) for own in flags],
    ]


def _rate(column: Sequence[float | None], interval: Interval | None, confidence: float) -> Rate | None:
    values = [value for value in column if value is not None]
    if interval is None:
        return None
    value = fmean(values)
    if set(values) <= {0.0, 1.0}:
        # One trial a problem, or attempts that all agree; where nothing varies, a bootstrap has no width.
        interval = wilson(sum(map(bool, values)), len(values), confidence)
    return Rate(value=value, low=interval.low, high=interval.high, method=interval.method)


def _gap(results: Sequence[EvalResult]) -> Gap | None:
    both = [result for result in results if result.visible_total and result.correct is not None]
    if not both:
        return None
    seen = [result for result in both if result.result == "solved"]
    return Gap(
        attempts=len(both),
        visible=len(seen) / len(both),
        hidden=_right(both) / len(both),
        misled=1 - _right(seen) / len(seen) if seen else None,
    )


def _cost(values: Sequence[float | None]) -> Cost | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return Cost(mean=fmean(known), median=median(known), total=sum(known))
