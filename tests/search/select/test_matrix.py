from __future__ import annotations

from codegrove.candidate import Candidate
from codegrove.search.select import OutcomeMatrix
from codegrove.search.tree import ROOT, SearchTree
from codegrove.task import AssertTest, Origin, Task, Test
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict, overall

P, F, C, T, U = Status.PASSED, Status.FAILED, Status.CRASHED, Status.TIMED_OUT, Status.UNJUDGED


def _test(name: str) -> Test:
    return AssertTest(code=f"assert {name}", origin=Origin.GENERATED)


T1, T2, T3 = _test("t1"), _test("t2"), _test("t3")


def _tree() -> SearchTree:
    return SearchTree(Task(id="t", statement="Do it.", entry_point="f"))


def _verdict(*statuses: Status) -> Verdict:
    return Verdict(status=overall(statuses), results=tuple(TestResult(status=s) for s in statuses))


def _add(tree: SearchTree, program: str, tests: tuple[Test, ...], verdict: Verdict | None) -> int:
    return tree.add(ROOT, "program", program=Candidate(program=program), tests=tests, verdict=verdict).id


def test_equal_syntax_trees_are_one_row_with_all_draws() -> None:
    tree = _tree()
    one = _add(tree, "x = 1", (T1,), _verdict(P))
    other = _add(tree, "x = 2", (T1,), _verdict(F))
    again = _add(tree, "x  =  1  # same", (T1,), _verdict(P))
    matrix = OutcomeMatrix.from_tree(tree, [T1])
    assert [row.draws for row in matrix.rows] == [(one, again), (other,)]
    assert [row.id for row in matrix.rows] == [one, other]
    assert [row.passed for row in matrix.rows] == [1, 0]


def test_repeated_tests_become_counts_in_first_seen_order() -> None:
    matrix = OutcomeMatrix.from_tree(_tree(), [T2, T1, T2, T3, T2])
    assert matrix.tests == (T2, T1, T3)
    assert matrix.test_counts == (3, 1, 1)
    assert matrix.weight(0b101) == 4


def test_columns_are_found_by_test_not_by_position() -> None:
    tree = _tree()
    _add(tree, "x = 1", (T3, T1, T2), _verdict(P, F, P))
    matrix = OutcomeMatrix.from_tree(tree, [T1, T2])
    assert [r.status for r in matrix.rows[0].results] == [F, P]
    assert matrix.rows[0].passed == 0b10


def test_what_was_never_run_is_unjudged_and_not_passed() -> None:
    tree = _tree()
    _add(tree, "x = 1", (T1,), _verdict(P))
    _add(tree, "x = 2", (), None)
    matrix = OutcomeMatrix.from_tree(tree, [T1, T2])
    assert [[r.status for r in row.results] for row in matrix.rows] == [[P, U], [U, U]]
    assert [row.passed_count for row in matrix.rows] == [1, 0]


def test_one_judged_twin_is_enough() -> None:
    tree = _tree()
    _add(tree, "x = 1", (T1, T2), _verdict(U, F))
    _add(tree, "x = 1", (T1, T2), _verdict(P, U))
    (row,) = OutcomeMatrix.from_tree(tree, [T1, T2]).rows
    assert [r.status for r in row.results] == [P, F]


def test_a_program_that_does_not_load_fails_everything() -> None:
    tree = _tree()
    error = ErrorInfo(type="SyntaxError", message="invalid syntax", line=1)
    _add(tree, "def", (T1, T2), Verdict(status=Status.INVALID, error=error))
    (row,) = OutcomeMatrix.from_tree(tree, [T1, T2]).rows
    assert [r.status for r in row.results] == [Status.INVALID, Status.INVALID]
    assert not row.loaded


def test_a_test_that_hangs_costs_only_itself() -> None:
    tree = _tree()
    _add(tree, "x = 1", (T1, T2, T3), _verdict(P, T, P))
    (row,) = OutcomeMatrix.from_tree(tree, [T1, T2, T3]).rows
    assert row.passed == 0b101


def test_output_keys_compare_answers_by_text_and_errors_by_class() -> None:
    tree = _tree()
    results = (
        TestResult(status=F, output="1"),
        TestResult(status=P, output="1"),
        TestResult(status=C, error=ErrorInfo(type="KeyError", message="a")),
        TestResult(status=C, output="1", error=ErrorInfo(type="KeyError", message="b")),
        TestResult(status=C, error=ErrorInfo(type="ValueError")),
        TestResult(status=T),
    )
    tests = tuple(_test(f"k{i}") for i in range(6))
    _add(tree, "x = 1", tests, Verdict(status=C, results=results))
    (row,) = OutcomeMatrix.from_tree(tree, tests).rows
    keys = [row.output_key(i) for i in range(6)]
    assert keys[0] == keys[1] and keys[2] == keys[3]
    assert len(set(keys)) == 4


def test_sets_number_the_draws_through() -> None:
    matrix = OutcomeMatrix.from_sets([{"a"}, {"b", "unknown"}], {"a": 2, "b": 1}, [2, 1])
    assert [row.draws for row in matrix.rows] == [(0, 1), (2,)]
    assert [row.passed for row in matrix.rows] == [0b01, 0b10]
    assert matrix.test_counts == (2, 1)
