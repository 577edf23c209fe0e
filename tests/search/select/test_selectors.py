"""Rankings, with the figures that the authors' classes give for CodeT."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.candidate import Candidate
from codegrove.search.select import (
    SELECTORS,
    CodeT,
    FirstPassing,
    Group,
    MostPassed,
    OutcomeMatrix,
    Selector,
    limited,
)
from codegrove.search.tree import ROOT, SearchTree
from codegrove.task import Task
from codegrove.verdict import ErrorInfo, Status, Verdict


def _once(names: str) -> dict[str, int]:
    return {name: 1 for name in names.split()}


def _bits(*rows: str) -> OutcomeMatrix:
    """Each row a string of 0 and 1."""
    names = [f"t{i}" for i in range(len(rows[0]))]
    passed = [{n for n, bit in zip(names, row, strict=True) if bit == "1"} for row in rows]
    return OutcomeMatrix.from_sets(passed, _once(" ".join(names)))


def _summary(groups: Sequence[Group]) -> list[tuple[tuple[int, ...], float]]:
    return [(group.members, round(group.score, 6)) for group in groups]


A = ("1110", "1110", "1101", "0001")
B = ("10000",) * 6 + ("11110",) * 2 + ("11111",)


def test_codet_check_1_groups_and_scores() -> None:
    passed = [{"t1", "t2", "t3"}, {"t1", "t2", "t3"}, {"t1", "t2", "t4"}, {"t4"}]
    matrix = OutcomeMatrix.from_sets(passed, _once("t1 t2 t3 t4"))
    assert _summary(CodeT(code_exponent=0.5).rank(matrix)) == [((0, 1), 4.242641), ((2,), 3.0), ((3,), 1.0)]


def test_codet_check_2_multiplicities_of_programs_and_tests() -> None:
    matrix = OutcomeMatrix.from_sets([{"t1"}, {"t1", "t2", "t3"}], {"t1": 2, "t2": 1, "t3": 1}, [4, 1])
    groups = CodeT(code_exponent=0.5).rank(matrix)
    assert _summary(groups) == [((0,), 4.0), ((4,), 4.0)]
    assert [group.size for group in groups] == [4, 1]


def test_codet_check_3_limit_removes_tests_and_with_them_programs() -> None:
    kept = limited([["t1", "t2", "t3"], ["t4", "t2", "t3"]], 1)
    assert kept == [["t1"], ["t4"]]
    counts = {name: 1 for text in kept for name in text}
    matrix = OutcomeMatrix.from_sets([{"t2", "t3"}, {"t4"}], counts)
    assert _summary(CodeT(code_exponent=0.5).rank(matrix)) == [((1,), 1.0)]


def test_codet_check_5_nothing_passes_gives_no_ranking() -> None:
    assert CodeT(code_exponent=0.5).rank(_bits("000", "000")) == []
    assert CodeT(code_exponent=0.5).rank(OutcomeMatrix.from_sets([set(), set()], {})) == []


@pytest.mark.parametrize(("exponent", "winner", "score"), [(0.5, 9, 4.0), (1.0, 0, 9.0)])
def test_codet_check_6_exponent_decides(exponent: float, winner: int, score: float) -> None:
    passed = [{"t1"}] * 9 + [{"t2", "t3", "t4", "t5"}]
    matrix = OutcomeMatrix.from_sets(passed, _once("t1 t2 t3 t4 t5"))
    groups = CodeT(code_exponent=exponent).rank(matrix)
    assert groups[0].members[0] == winner
    assert groups[0].score == pytest.approx(score)
    assert groups[1].score == pytest.approx({0.5: 3.0, 1.0: 4.0}[exponent])


def test_codet_on_the_reference_matrices() -> None:
    assert _summary(CodeT(code_exponent=0.5).rank(_bits(*A))) == [
        ((0, 1), 4.242641),
        ((2,), 3.0),
        ((3,), 1.0),
    ]
    expected = [((6, 7), 5.656854), ((8,), 5.0), ((0, 1, 2, 3, 4, 5), 2.44949)]
    assert _summary(CodeT(code_exponent=0.5).rank(_bits(*B))) == expected
    assert _summary(CodeT(code_exponent=0.5).rank(_bits("11", "01", "01", "01"))) == [
        ((0,), 2.0),
        ((1, 2, 3), 1.732051),
    ]


def test_most_passed_groups_by_number_of_tests() -> None:
    assert _summary(MostPassed().rank(_bits(*A))) == [((0, 1, 2), 3.0), ((3,), 1.0)]


def test_first_passing_takes_the_earliest_that_passes_all() -> None:
    groups = FirstPassing().rank(_bits("110", "111", "001", "111"))
    assert [group.members for group in groups] == [(1,), (3,), (0,), (2,)]


def test_first_passing_falls_back_to_most_passed_then_earliest() -> None:
    groups = FirstPassing().rank(_bits("000", "011", "110"))
    assert [group.members for group in groups] == [(1,), (2,), (0,)]


@pytest.mark.parametrize("name", ["first_passing", "most_passed"])
def test_a_program_that_cannot_be_run_comes_after_one_that_can(name: str) -> None:
    tree = SearchTree(Task(id="t", statement="Do it.", entry_point="f"))
    error = ErrorInfo(type="SyntaxError")
    tree.add(
        ROOT, "program", program=Candidate(program="def"), verdict=Verdict(status=Status.INVALID, error=error)
    )
    good = tree.add(
        ROOT, "program", program=Candidate(program="x = 1"), verdict=Verdict(status=Status.UNJUDGED)
    )
    groups = _selector(name).rank(OutcomeMatrix.from_tree(tree, []))
    assert groups[0].members[0] == good.id


_MATRICES = st.integers(1, 6).flatmap(
    lambda tests: st.lists(
        st.tuples(st.text("01", min_size=tests, max_size=tests), st.integers(1, 4)), min_size=1, max_size=8
    )
)


def _weighted(rows: Sequence[tuple[str, int]], columns: Sequence[int]) -> OutcomeMatrix:
    passed = [{f"t{c}" for c in columns if bits[c] == "1"} for bits, _ in rows]
    return OutcomeMatrix.from_sets(passed, {f"t{c}": c + 1 for c in columns}, [n for _, n in rows])


def _selector(name: str) -> Selector:
    return SELECTORS[name](**{"code_exponent": 0.5} if name == "codet" else {})


@given(_MATRICES)
def test_order_of_tests_changes_nothing(rows: list[tuple[str, int]]) -> None:
    columns = list(range(len(rows[0][0])))
    for name in SELECTORS:
        selector = _selector(name)
        assert selector.rank(_weighted(rows, columns)) == selector.rank(_weighted(rows, columns[::-1]))


@given(_MATRICES)
def test_every_program_is_ranked_at_most_once_with_its_multiplicity(rows: list[tuple[str, int]]) -> None:
    matrix = _weighted(rows, range(len(rows[0][0])))
    for name in SELECTORS:
        groups = _selector(name).rank(matrix)
        ranked = {m: c for g in groups for m, c in zip(g.members, g.counts, strict=True)}
        assert sum(len(group.members) for group in groups) == len(ranked)
        expected = {row.id: len(row.draws) for row in matrix.rows if row.passed or name != "codet"}
        assert ranked == expected
        assert [g.score for g in groups] == sorted((g.score for g in groups), reverse=True)


@given(_MATRICES)
def test_codet_scores_a_group_by_its_draws_and_their_tests(rows: list[tuple[str, int]]) -> None:
    for group in CodeT(code_exponent=1.0).rank(_weighted(rows, range(len(rows[0][0])))):
        first = 0
        sizes: dict[str, int] = {}
        bits_of: dict[int, str] = {}
        for bits, count in rows:
            sizes[bits] = sizes.get(bits, 0) + count
            bits_of[first] = bits
            first += count
        bits = bits_of[group.members[0]]
        assert group.score == sizes[bits] * sum(c + 1 for c, bit in enumerate(bits) if bit == "1")
        assert {bits_of[member] for member in group.members} == {bits}
