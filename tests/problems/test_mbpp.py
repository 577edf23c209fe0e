"""MBPP format, full and sanitized, on problems of our own."""

from __future__ import annotations

from typing import Any

import pytest

from codegrove.errors import TaskError
from codegrove.problems.mbpp import FullRow, SanitizedRow, notes
from codegrove.task import AssertTest, CallTest, Origin
from tests.problems.judging import passes

FULL = {
    "task_id": 7,
    "text": "Write a function that doubles.",
    "code": "def helper(x):\r\n\treturn x\r\ndef double(x):\r\n\treturn helper(2 * x)\r\n",
    "test_list": ["assert double(2) == 4", "assert double([1]) == [1, 1]", "assert len(double('ab')) == 4"],
    "test_setup_code": "",
    "challenge_test_list": [],
}
SANITIZED = {
    "source_file": "x.ipynb",
    "task_id": 8,
    "prompt": "Write a function for the root.",
    "code": "import math\ndef root(x):\n    return math.sqrt(x)",
    "test_imports": ["import math"],
    "test_list": ["assert math.isclose(root(4), 2)", "assert root(9) == 3"],
}


def full(**changes: Any) -> FullRow:
    return FullRow.model_validate({**FULL, **changes})


def test_the_first_assert_is_visible_and_all_are_hidden() -> None:
    problem = full().load("here").problem
    assert (problem.id, problem.task.entry_point, problem.source) == ("MBPP/7", "double", "mbpp")
    assert problem.task.tests == (CallTest(args="(2,)", expected="4"),)
    assert [t.describe("double") for t in problem.hidden] == FULL["test_list"]
    assert {t.origin for t in problem.hidden} == {Origin.HIDDEN}
    assert all(passes(problem.reference, t, "double") for t in problem.hidden)
    assert not passes("def double(x):\n    return 4", problem.hidden[1], "double")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_number_of_visible_asserts_is_chosen_and_noted(count: int) -> None:
    assert len(full().load("here", count).problem.task.tests) == count  # type: ignore[arg-type]
    assert notes(count)[0].startswith(f"{count} of the asserts shown")  # type: ignore[arg-type]
    assert ("hidden tests are all asserts" in notes(count)[0]) is (count > 0)  # type: ignore[arg-type]


def test_line_ends_are_made_uniform() -> None:
    assert "\r" not in full().load("here").problem.reference


def test_setup_code_stands_in_front_of_every_assert() -> None:
    setup = "class Pair:\r\n    def __init__(self, a):\r\n        self.a = a"
    row = full(test_setup_code=setup, test_list=["assert double(Pair(2).a) == 4"])
    problem = row.load("here").problem
    assert problem.task.entry_point == "double"
    for test in (*problem.task.tests, *problem.hidden):
        assert isinstance(test, AssertTest) and test.code.startswith("class Pair:\n")
        assert passes(problem.reference, test, "double")


def test_imports_of_the_sanitized_set_stand_in_front_of_every_assert() -> None:
    problem = SanitizedRow.model_validate(SANITIZED).load("here", 3).problem
    assert (problem.id, problem.source) == ("MBPP-sanitized/8", "mbpp-sanitized")
    assert problem.task.entry_point == "root"
    without_import = "def root(x):\n    return x ** 0.5"
    assert all(passes(without_import, t, "root") for t in (*problem.task.tests, *problem.hidden))


@pytest.mark.parametrize(
    ("code", "tests", "entry_point"),
    [
        ("def g(x): pass\ndef f(x): pass", ["assert set(f(1)) == set(f(2))"], "f"),
        ("def g(x): pass\ndef f(x): pass", ["assert f(g(1)) == 2", "assert f(2) == 2"], "f"),
        ("def g(x): pass\ndef f(x): pass", ["assert g(f(1)) == 2", "assert f(2) == 2"], "f"),
        ("def sum(x): pass", ["assert sum([1]) == 1"], "sum"),
        ("class Pair: pass\ndef f(x): pass", ["assert f([Pair()]) == 1"], "f"),
        ("def test_it(x): pass", ["assert test_it(1) == True"], "test_it"),
    ],
)
def test_the_entry_point_is_the_function_that_all_asserts_are_about(
    code: str, tests: list[str], entry_point: str
) -> None:
    assert full(code=code, test_list=tests).load("here").problem.task.entry_point == entry_point


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code": "def f(:"}, "file, line 2, field 'code': expected Python; it does not parse"),
        ({"test_list": ["assert ("]}, "file, line 2, field 'test_list.0': expected Python"),
        (
            {"test_list": ["assert other(1)"]},
            "expected asserts that call a function defined in 'code' (double, helper)",
        ),
        ({"code": "x = 1"}, "expected asserts that call a function defined in 'code' (none there)"),
    ],
)
def test_broken_python_names_the_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError) as error:
        full(**changes).load("file, line 2")
    assert message in str(error.value)
