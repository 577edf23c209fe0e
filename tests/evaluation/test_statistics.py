"""Estimators against values worked out by hand, by enumeration, or by other published tables."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegrove.errors import UsageError
from codegrove.evaluation.resampling import Bootstrap
from codegrove.evaluation.statistics import (
    detectable_difference,
    holm,
    mcnemar,
    pass_at_k,
    pass_n_at_k,
    sign_flips,
    wilson,
)

Attempts = list[tuple[bool, bool]]
FLAGS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=7)


@pytest.mark.parametrize(
    ("n", "c", "k", "value"),
    [
        (10, 3, 1, 0.3),
        (10, 3, 2, 0.533333),
        (10, 3, 5, 0.916667),
        (10, 3, 8, 1),
        (200, 1, 100, 0.5),
        (4, 1, 2, 0.5),
        (5, 0, 1, 0),
        (1, 1, 1, 1),
    ],
)
def test_pass_at_k(n: int, c: int, k: int, value: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(value, abs=1e-6)


@given(n=st.integers(1, 60), data=st.data())
def test_pass_at_k_is_the_ratio_of_binomials(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_at_k(n, c, k) == pytest.approx(1 - math.comb(n - c, k) / math.comb(n, k))


@pytest.mark.parametrize(("n", "c", "k"), [(5, 6, 1), (5, -1, 1), (5, 1, 6), (5, 1, 0), (0, 0, 1)])
def test_nothing_is_extrapolated(n: int, c: int, k: int) -> None:
    with pytest.raises(UsageError, match="expected 0 <= right"):
        pass_at_k(n, c, k)


def flags(*groups: tuple[int, int, int]) -> Attempts:
    """Attempts from groups of (public, private, how many)."""
    return [(bool(public), bool(private)) for public, private, count in groups for _ in range(count)]


ONE = flags((1, 1, 1), (1, 0, 1), (0, 0, 2))
TWO = flags((1, 1, 2), (1, 0, 1), (0, 0, 3))
MISLEADING = flags((1, 0, 3), (0, 1, 2), (1, 1, 1), (0, 0, 4))


@pytest.mark.parametrize(
    ("attempts", "n", "k", "value"),
    [
        (ONE, 1, 1, "1/4"),
        (ONE, 1, 2, "5/12"),
        (ONE, 2, 2, "1/2"),
        (ONE, 1, 3, "1/2"),
        (ONE, 2, 3, "3/4"),
        (ONE, 2, 4, "1"),
        (TWO, 1, 1, "1/3"),
        (TWO, 1, 3, "19/30"),
        (TWO, 2, 3, "4/5"),
        (TWO, 1, 6, "2/3"),
        (MISLEADING, 1, 1, "3/10"),
        (MISLEADING, 1, 3, "19/72"),
        (MISLEADING, 1, 5, "127/504"),
        (MISLEADING, 1, 10, "1/4"),
        (MISLEADING, 3, 10, "3/4"),
        (MISLEADING, 3, 5, "1763/2520"),
    ],
)
def test_pass_n_at_k(attempts: Attempts, n: int, k: int, value: str) -> None:
    assert pass_n_at_k(attempts, n, k) == pytest.approx(float(Fraction(value)))


@settings(max_examples=40)
@given(attempts=FLAGS, data=st.data())
def test_pass_n_at_k_is_the_mean_over_all_draws(attempts: Attempts, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(attempts)))
    n = data.draw(st.integers(1, k))
    values = []
    for draw in itertools.combinations(attempts, k):
        first = [right for seen, right in draw if seen]
        rest = [right for seen, right in draw if not seen]
        a = min(n, len(first))
        picks = itertools.product(itertools.combinations(first, a), itertools.combinations(rest, n - a))
        chosen = [any(one + other) for one, other in picks]
        values.append(sum(chosen) / len(chosen))
    assert pass_n_at_k(attempts, n, k) == pytest.approx(sum(values) / len(values))


@given(attempts=FLAGS)
def test_submitting_everything_is_pass_at_k(attempts: Attempts) -> None:
    right = sum(good for _, good in attempts)
    for k in range(1, len(attempts) + 1):
        assert pass_n_at_k(attempts, k, k) == pytest.approx(pass_at_k(len(attempts), right, k))


def test_more_submissions_than_draws_are_refused() -> None:
    with pytest.raises(UsageError, match="pass 3@2 of 4 attempts"):
        pass_n_at_k(ONE, 3, 2)


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson(passed: int, total: int, low: float, high: float) -> None:
    found = wilson(passed, total)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@given(total=st.integers(0, 500), data=st.data())
def test_wilson_holds_the_share_and_is_symmetric(total: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, total))
    found, mirrored = wilson(passed, total), wilson(total - passed, total)
    assert 0 <= found.low <= (passed / total if total else 0.5) <= found.high <= 1
    assert found.low == pytest.approx(1 - mirrored.high)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [(0, 0, 1), (1, 0, 1), (0, 5, 0.0625), (6, 0, 0.03125), (1, 9, 22 / 1024), (8, 2, 112 / 1024), (7, 7, 1)],
)
def test_mcnemar(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p)
    assert mcnemar(only_b, only_a) == mcnemar(only_a, only_b)


def test_mcnemar_does_not_overflow() -> None:
    assert 0 < mcnemar(2000, 2200) < 0.01


@pytest.mark.parametrize(("only_a", "only_b"), [(9, 1), (12, 8), (3, 3), (0, 0)])
def test_sign_flips_estimate_mcnemar(only_a: int, only_b: int) -> None:
    differences = [1.0] * only_a + [-1.0] * only_b + [0.0] * 20
    assert sign_flips(differences, random.Random(1)) == pytest.approx(mcnemar(only_a, only_b), abs=0.02)


def test_sign_flips_are_the_share_of_all_sign_patterns() -> None:
    differences = [0.25, -0.5, 0.75, 0.75, 0.25, -0.25, 1.0]
    far = [
        abs(sum(sign * d for sign, d in zip(signs, differences, strict=True))) >= abs(sum(differences)) - 1e-9
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    assert sign_flips(differences, random.Random(3)) == pytest.approx(sum(far) / len(far), abs=0.02)


def all_sign_patterns(differences: list[Fraction]) -> float:
    """The exact p, from every arrangement of signs."""
    sums: dict[Fraction, int] = {Fraction(): 1}
    for difference in differences:
        more: dict[Fraction, int] = {}
        for total, count in sums.items():
            for new in (total + difference, total - difference):
                more[new] = more.get(new, 0) + count
        sums = more
    observed = abs(sum(differences, start=Fraction()))
    far = sum(count for total, count in sums.items() if abs(total) >= observed)
    return far / sum(sums.values())


THIRD = Fraction(1, 3)


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([THIRD] * 4, 0.125),
        ([THIRD] * 6, 0.03125),
        ([THIRD] * 10 + [-THIRD] * 2, 158 / 4096),
        ([Fraction(1, 7)] * 5, 0.0625),
        ([THIRD, Fraction(2, 3), Fraction(-1, 7), Fraction(3, 7), Fraction(11, 21)], 0.125),
        ([THIRD, -THIRD], 1),
        ([Fraction()] * 3, 1),
        ([], 1),
    ],
)
def test_arrangements_that_tie_with_what_was_observed_count(differences: list[Fraction], p: float) -> None:
    assert all_sign_patterns(differences) == pytest.approx(p)
    observed = [float(difference) for difference in differences]
    assert sign_flips(observed, random.Random(7)) == pytest.approx(p, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(
    attempts=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    right=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=9),
)
def test_sign_flips_of_any_numbers_of_attempts(
    attempts: tuple[int, int], right: list[tuple[float, float]]
) -> None:
    n, m = attempts
    counts = [(round(a * n), round(b * m)) for a, b in right]
    exact = [Fraction(a, n) - Fraction(b, m) for a, b in counts]
    observed = [a / n - b / m for a, b in counts]
    found = sign_flips(observed, random.Random(7), flips=4000)
    assert found == pytest.approx(all_sign_patterns(exact), abs=0.05)


def test_holm() -> None:
    # The worked example of four hypotheses: 0.005 * 4, 0.01 * 3, 0.03 * 2, and the last held up by the third.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_keeps_the_order_and_never_helps(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(p <= q <= 1 for p, q in zip(values, adjusted, strict=True))
    pairs = sorted(zip(values, adjusted, strict=True))
    assert [q for _, q in pairs] == sorted(adjusted)
    assert min(adjusted) == pytest.approx(min(1, min(values) * len(values)))


def test_the_detectable_difference() -> None:
    assert detectable_difference(164, 0.1) == pytest.approx(0.068, abs=0.002)
    assert detectable_difference(10, 0.1) is None
    assert detectable_difference(100, 0) is None


def binomial_quantile(n: int, p: float, share: float) -> int:
    """Smallest count whose cumulative chance reaches the share."""
    total = 0.0
    for count in range(n + 1):
        total += math.comb(n, count) * p**count * (1 - p) ** (n - count)
        if total >= share:
            return count
    return n


@pytest.mark.parametrize(("passed", "total"), [(30, 100), (80, 164), (5, 50)])
def test_the_bootstrap_of_a_share_is_binomial(passed: int, total: int) -> None:
    column = [1.0] * passed + [0.0] * (total - passed)
    found = Bootstrap(replicates=8000, seed=5).intervals([column])[0]
    assert found is not None
    for bound, share in ((found.low, 0.025), (found.high, 0.975)):
        assert abs(bound * total - binomial_quantile(total, passed / total, share)) <= 1


def test_problems_that_do_not_count_are_left_out() -> None:
    counted = [1.0, 0.0, 1.0, 1.0] * 20
    (whole,) = Bootstrap(replicates=3000).intervals([counted])
    with_gaps, nothing = Bootstrap(replicates=3000).intervals([counted + [None] * 40, [None] * 120])
    assert whole is not None and with_gaps is not None and nothing is None
    assert with_gaps.low == pytest.approx(whole.low, abs=0.03)
    assert with_gaps.high == pytest.approx(whole.high, abs=0.03)


COLUMNS = st.integers(1, 12).flatmap(
    lambda rows: st.lists(
        st.lists(st.none() | st.floats(-1, 1), min_size=rows, max_size=rows), min_size=1, max_size=4
    )
)


@settings(max_examples=50)
@given(columns=COLUMNS)
def test_lanes_do_not_touch_each_other(columns: list[list[float | None]]) -> None:
    drawn = Bootstrap(replicates=60)
    together = drawn.intervals(columns)
    assert together == [drawn.intervals([column])[0] for column in columns]
    for column, found in zip(columns, together, strict=True):
        values = [value for value in column if value is not None]
        assert (found is None) == (not values)
        if found is not None:
            assert min(values) - 1e-6 <= found.low <= found.high <= max(values) + 1e-6


def test_a_bound_of_zero_is_no_negative_zero() -> None:
    (found,) = Bootstrap().intervals([[0, 0, 1 / 3]])
    assert found is not None
    assert f"{100 * found.low:.1f}" == "0.0"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replicates": 0}, "replicates=0: expected 1 or more"),
        ({"confidence": 0.0}, "confidence=0.0: expected a share between 0 and 1"),
        ({"confidence": 95}, "confidence=95: expected a share between 0 and 1"),
        ({"confidence": math.nan}, "confidence=nan: expected a share"),
    ],
)
def test_a_bootstrap_without_draws_or_level_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Bootstrap(**settings)


def test_intervals_repeat_for_a_seed_and_vary_with_it() -> None:
    column = [random.Random(number).random() for number in range(40)]
    assert Bootstrap(seed=1).intervals([column]) == Bootstrap(seed=1).intervals([column])
    assert Bootstrap(seed=1).intervals([column]) != Bootstrap(seed=2).intervals([column])
    assert Bootstrap().intervals([]) == []
    assert Bootstrap().intervals([[]]) == [None]
