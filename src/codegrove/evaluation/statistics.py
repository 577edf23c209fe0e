"""Estimators and tests for pass rates. Plain Python, no files, no randomness but what is passed in.

A problem is the unit of chance everywhere: attempts at the same problem are not independent of each other.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from statistics import NormalDist

from codegrove.errors import UsageError

CONFIDENCE = 0.95
FLIPS = 10_000
FINEST = 10**6
"""Largest denominator that a difference of two shares is taken to have."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float
    method: str
    """``wilson`` or ``bootstrap`` (percentile, over problems)."""


@cache
def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that at least one of k attempts is right, drawn without replacement from n with c right.

    1 - C(n-c, k) / C(n, k), computed as 1 - prod_{i=n-c+1..n} (1 - k/i): Chen et al. 2021, "Evaluating Large
    Language Models Trained on Code" (arXiv 2107.03374), equation 1 and figure 3. Unbiased, unlike 1 - (1 - c/n)^k.

    Raises:
        UsageError: unless 0 <= c <= n and 1 <= k <= n. Nothing is extrapolated beyond the attempts there are.
    """
    _check(n, c, k)
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))


def pass_n_at_k(attempts: Sequence[tuple[bool, bool]], n: int, k: int) -> float:
    """Return the chance that one of n submissions is right, chosen from k attempts by the visible tests.

    The measure is that of Li et al. 2022, "Competition-Level Code Generation with AlphaCode" (n@k). Selector:
    those that pass the visible tests first, ties uniformly at random (AlphaCode's own also clusters, which has no
    closed form). k are drawn from all attempts without replacement; with P passing, C1 of them right, and Q
    others, C0 of them right, the sum over i passing attempts in the draw is

        sum_i C(P,i) C(Q,k-i) / C(P+Q,k) * (1 - C(P-C1,a)/C(P,a) * C(Q-C0,b)/C(Q,b)),
        a = min(i, n), b = min(n - a, k - i).

    Unlike pass@k it can fall when k grows: misleading visible tests select wrong programs.

    Args:
        attempts: for each whether it passes the visible tests, and whether it is right.
        n: submissions, at most k.
        k: attempts drawn.

    Raises:
        UsageError: unless 1 <= n <= k <= number of attempts.
    """
    if not 1 <= n <= k <= len(attempts):
        raise UsageError(f"pass {n}@{k} of {len(attempts)} attempts: expected 1 <= n <= k <= attempts")
    counts = Counter(attempts)
    return _n_at_k(counts[True, False], counts[True, True], counts[False, False], counts[False, True], n, k)


@cache
def _n_at_k(seen_wrong: int, seen_right: int, other_wrong: int, other_right: int, n: int, k: int) -> float:
    seen, other = seen_wrong + seen_right, other_wrong + other_right
    total = 0.0
    for i in range(max(0, k - other), min(seen, k) + 1):
        a = min(i, n)
        b = min(n - a, k - i)
        weight = math.comb(seen, i) * math.comb(other, k - i) / math.comb(seen + other, k)
        none = (math.comb(seen_wrong, a) / math.comb(seen, a)) * (
            math.comb(other_wrong, b) / math.comb(other, b)
        )
        total += weight * (1.0 - none)
    return total


def wilson(passed: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a share, without continuity correction; [0, 1] for no trials.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22.
    """
    if not 0 <= passed <= total:
        raise UsageError(f"{passed} of {total} is no share")
    if not total:
        return Interval(0.0, 1.0, "wilson")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = passed / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # At 0 and at all the bound is the share itself; the formula misses it by rounding.
    low = 0.0 if passed == 0 else max(0.0, middle - half)
    return Interval(low, 1.0 if passed == total else min(1.0, middle + half), "wilson")


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the exact two-sided p of McNemar's test (Psychometrika 12, 1947); 1 without discordant problems.

    A binomial test with chance 1/2 on the problems that exactly one of two methods solved.
    """
    if only_a < 0 or only_b < 0:
        raise UsageError(f"counts cannot be negative: {only_a}, {only_b}")
    n, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(n, i) for i in range(fewer + 1))
    share: float = 2 * tail / 2**n
    return min(1.0, share)


def sign_flips(differences: Sequence[float], rng: random.Random, flips: int = FLIPS) -> float:
    """Return the two-sided p of a paired randomisation test of the mean: under the null hypothesis each problem's
    difference could as well have the other sign (Fisher 1935, "The Design of Experiments", section 21).

    Monte Carlo: (1 + flips at least as far from 0) / (1 + flips), after Phipson and Smyth 2010 (arXiv 1603.05766),
    so never 0. With differences of -1, 0 and 1 it estimates McNemar's exact p.

    Args:
        differences: of two shares of attempts, so fractions. Each is taken for the nearest one with a denominator
            of at most `FINEST`, which is the difference itself up to 1,000 attempts a problem.
        rng: source of the flips.
        flips: how many arrangements are drawn.
    """
    shares = [Fraction(difference).limit_denominator(FINEST) for difference in differences]
    # In whole numbers: in floating point, arrangements that tie with the observed one fall to either side of it.
    scale = math.lcm(*(share.denominator for share in shares))
    steps = [share.numerator * (scale // share.denominator) for share in shares]
    seen = abs(sum(steps))
    sizes = Counter(map(abs, steps))
    sizes.pop(0, None)
    if not sizes:
        return 1.0
    groups = list(sizes.items())
    # Among r differences of one size the number of positive ones is that of ones in r random bits.
    far = sum(
        abs(sum(size * (2 * rng.getrandbits(count).bit_count() - count) for size, count in groups)) >= seen
        for _ in range(flips)
    )
    return (1 + far) / (1 + flips)


def holm(values: Sequence[float]) -> list[float]:
    """Return p values adjusted for being several: Holm 1979, "A simple sequentially rejective multiple test
    procedure", Scand. J. Stat. 6. Below 0.05 each, the chance of any false alarm among all is at most 5 %."""
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = highest
    return adjusted


def detectable_difference(problems: int, discordant: float, power: float = 0.8) -> float | None:
    """Return the smallest difference of two solve rates that a two-sided 5 % McNemar test finds with this power.

    Normal approximation (Connor 1987, "Sample size for testing differences in proportions for the paired-sample
    design", Biometrics 43): sqrt(problems) * d = z_0.975 sqrt(p) + z_power sqrt(p - d^2), p the discordant share.

    Returns:
        The difference as a share; None where not even all discordant problems on one side would do.
    """
    if not problems or not 0 < discordant <= 1:
        return None
    alpha, beta = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2), NormalDist().inv_cdf(power)
    low, high = 0.0, discordant

    def lacks(difference: float) -> bool:
        spread = beta * math.sqrt(max(0.0, discordant - difference * difference))
        return math.sqrt(problems) * difference < alpha * math.sqrt(discordant) + spread

    if lacks(high):
        return None
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if lacks(middle) else (low, middle)
    return high


def _check(n: int, c: int, k: int) -> None:
    if not (0 <= c <= n and 1 <= k <= n):
        raise UsageError(
            f"pass@{k} of {c} right among {n} attempts: expected 0 <= right <= attempts and 1 <= k <= attempts"
        )
