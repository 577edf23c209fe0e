"""Takes programs from a ranking, one group after the other."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from typing import Literal

from codegrove.search.select.ranking import Group, Tie

Refill = Literal["replace", "unused", "stop"]
"""What to do when there are fewer groups than picks.

``replace``: start again at the best group; a program may come again.
``unused``: start again at the best group, but leave out what was picked.
``stop``: one program per group at most.
"""


def pick(
    groups: Sequence[Group], n: int, *, tie: Tie = "merge", refill: Refill = "replace", rng: random.Random
) -> list[int]:
    """Return up to `n` members, one from each group in order.

    Args:
        groups: a ranking, best first; an empty one gives no picks.
        n: how many programs are wanted.
        tie: see `Tie`; with ``first`` no randomness is drawn and each visit takes a group's next member.
        refill: see `Refill`.
        rng: decides between the members of one group.
    """
    pools = merged(groups) if tie == "merge" else list(groups)
    picks: list[int] = []
    for turn in range(1 if refill == "stop" else n):
        before = len(picks)
        for pool in pools:
            left = [
                (member, count)
                for member, count in zip(pool.members, pool.counts, strict=True)
                if refill == "replace" or member not in picks
            ]
            if len(picks) < n and left:
                picks.append(_choose(left, tie, turn if refill == "replace" else 0, rng))
        if len(picks) in (before, n):
            break
    return picks


def _choose(members: Sequence[tuple[int, int]], tie: Tie, turn: int, rng: random.Random) -> int:
    if tie == "first":
        return members[turn % len(members)][0]
    return rng.choices([member for member, _ in members], weights=[count for _, count in members])[0]


def merged(groups: Sequence[Group]) -> list[Group]:
    """Join neighbours of equal score into one group.

    Scores count as equal within a relative 1e-9: ``sqrt(2) * 3`` and ``sqrt(18)`` are a tie, whatever the
    last bit says.
    """
    pools: list[Group] = []
    for group in groups:
        if pools and math.isclose(pools[-1].score, group.score, rel_tol=1e-9):
            last = pools.pop()
            group = Group(
                members=last.members + group.members, counts=last.counts + group.counts, score=last.score
            )
        pools.append(group)
    return pools


def expected_pass_at_k(groups: Sequence[Group], correct: Collection[int], k: int) -> float:
    """Return the chance that at least one of `k` picks (``merge``, ``replace``) is correct.

    ``1 - prod_g (wrong_g / size_g) ** draws_g`` over merged groups, as in CodeT's evaluation: groups take
    turns, and each draw is independent of the others.

    Args:
        groups: a ranking.
        correct: the members that are right.
        k: number of picks, at least 1.

    Raises:
        ValueError: on an empty ranking, where the caller must fall back, or k below 1.
    """
    pools = merged(groups)
    if not pools or k < 1:
        raise ValueError(f"expected a ranking and k >= 1; found {len(pools)} groups and k={k}")
    all_wrong = 1.0
    for position, pool in enumerate(pools):
        wrong = sum(c for m, c in zip(pool.members, pool.counts, strict=True) if m not in correct)
        draws = k // len(pools) + (position < k % len(pools))
        all_wrong *= (wrong / pool.size) ** draws
    return 1.0 - all_wrong
