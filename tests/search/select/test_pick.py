from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.search.select import CodeT, Group, OutcomeMatrix, Refill, expected_pass_at_k, merged, pick


def _group(score: float, members: tuple[int, ...], counts: tuple[int, ...] | None = None) -> Group:
    return Group(members=members, counts=counts or (1,) * len(members), score=score)


def _multiplicity_example() -> list[Group]:
    matrix = OutcomeMatrix.from_sets([{"t1"}, {"t1", "t2", "t3"}], {"t1": 2, "t2": 1, "t3": 1}, [4, 1])
    return CodeT(code_exponent=0.5).rank(matrix)


def test_codet_check_1_one_draw_per_group() -> None:
    groups = [_group(4.2, (0, 1)), _group(3.0, (2,)), _group(1.0, (3,))]
    first, *rest = pick(groups, 3, rng=random.Random(0))
    assert first in (0, 1)
    assert rest == [2, 3]


@pytest.mark.parametrize(("k", "chance"), [(1, 0.2), (2, 0.36), (10, 0.892626)])
def test_codet_check_2_pass_at_k_of_a_merged_tie(k: int, chance: float) -> None:
    groups = _multiplicity_example()
    assert [group.size for group in merged(groups)] == [5]
    assert expected_pass_at_k(groups, {4}, k) == pytest.approx(chance, abs=1e-6)


@pytest.mark.parametrize(("k", "chance"), [(1, 0.5), (2, 0.75)])
def test_codet_check_4_draws_are_with_replacement(k: int, chance: float) -> None:
    assert expected_pass_at_k([_group(1.0, (0,)), _group(1.0, (1,))], {1}, k) == chance


def test_codet_check_5_no_ranking_gives_no_pick_and_no_figure() -> None:
    assert pick([], 3, rng=random.Random(0)) == []
    with pytest.raises(ValueError, match="expected a ranking"):
        expected_pass_at_k([], {1}, 1)


def test_pass_at_k_gives_the_best_groups_the_extra_draws() -> None:
    groups = [_group(3.0, (0, 1)), _group(2.0, (2, 3, 4))]
    assert expected_pass_at_k(groups, {1, 2}, 3) == pytest.approx(1 - (1 / 2) ** 2 * (2 / 3))


def test_picks_happen_as_often_as_the_formula_says() -> None:
    groups = [*_multiplicity_example(), _group(1.0, (9, 10))]
    rng = random.Random(1)
    for k in (1, 2, 3):
        hits = sum(bool({4, 10} & set(pick(groups, k, rng=rng))) for _ in range(4000))
        assert hits / 4000 == pytest.approx(expected_pass_at_k(groups, {4, 10}, k), abs=0.03)


def test_members_are_drawn_by_how_often_they_were_sampled() -> None:
    rng = random.Random(2)
    seen = Counter(pick(_multiplicity_example(), 1, rng=rng)[0] for _ in range(2000))
    assert seen[0] / 2000 == pytest.approx(0.8, abs=0.03)


def test_scores_that_differ_in_the_last_bit_are_a_tie() -> None:
    one, other = math.sqrt(2) * 3, math.sqrt(18)
    assert one != other
    assert len(merged([_group(one, (0, 1)), _group(other, (2,))])) == 1
    assert len(merged([_group(3.0, (0,)), _group(2.999, (1,))])) == 2


CLUSTERS = [_group(3.0, (0, 1, 2)), _group(2.0, (3, 4)), _group(1.0, (5,)), _group(1.0, (7,))]


@pytest.mark.parametrize(
    ("n", "refill", "expected"),
    [
        (4, "unused", [0, 3, 5, 7]),
        (10, "unused", [0, 3, 5, 7, 1, 4, 2]),
        (10, "stop", [0, 3, 5, 7]),
        (2, "stop", [0, 3]),
        (9, "replace", [0, 3, 5, 7, 1, 4, 5, 7, 2]),
        (0, "replace", []),
    ],
)
def test_first_takes_members_in_order_and_no_randomness(n: int, refill: Refill, expected: list[int]) -> None:
    rng = random.Random(0)
    before = rng.getstate()
    assert pick(CLUSTERS, n, tie="first", refill=refill, rng=rng) == expected
    assert rng.getstate() == before


_GROUPS = st.lists(
    st.tuples(st.sampled_from((1.0, 2.0)), st.integers(1, 3), st.integers(1, 3)), max_size=5
).map(
    lambda rows: [
        _group(score, tuple(range(10 * i, 10 * i + size)), (count,) * size)
        for i, (score, size, count) in enumerate(sorted(rows, reverse=True))
    ]
)


@given(_GROUPS, st.integers(0, 12), st.integers(0, 99))
def test_unused_never_repeats_and_stops_when_all_are_used(groups: list[Group], n: int, seed: int) -> None:
    members = [member for group in groups for member in group.members]
    picks = pick(groups, n, refill="unused", rng=random.Random(seed))
    assert len(picks) == len(set(picks)) == min(n, len(members))
    assert set(picks) <= set(members)


@given(_GROUPS, st.integers(0, 12), st.integers(0, 99))
def test_replace_takes_turns_until_there_are_enough(groups: list[Group], n: int, seed: int) -> None:
    picks = pick(groups, n, rng=random.Random(seed))
    pools = merged(groups)
    assert len(picks) == (n if groups else 0)
    assert all(chosen in pools[i % len(pools)].members for i, chosen in enumerate(picks))
    assert picks == pick(groups, n, rng=random.Random(seed))


@given(_GROUPS)
def test_merging_loses_no_member(groups: list[Group]) -> None:
    pools = merged(groups)
    assert [m for g in pools for m in g.members] == [m for g in groups for m in g.members]
    assert sum(g.size for g in pools) == sum(g.size for g in groups)
    assert len({g.score for g in pools}) == len(pools)
