"""HumanEval format, on problems of our own and on the real file where it is at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from codegrove.errors import TaskError
from codegrove.problems import load_problems
from codegrove.problems.humaneval import HumanEvalRow
from codegrove.task import Origin
from tests.problems.judging import HUMANEVAL, passes

PROMPT = '''import math

def half(x):
    """half(4) == 2"""
    return x // 2

def area(sides):
    """Area of a rectangle.

    >>> area([2, 3])
    6
    >>> area([1, 1])
    2
    """
'''
ROW = {
    "task_id": "Own/3",
    "prompt": PROMPT,
    "entry_point": "area",
    "canonical_solution": "    return sides[0] * sides[1]\n",
    "test": "def check(candidate):\n    assert candidate([1, 1]) == 1\n    assert candidate([5, 2]) == 10\n",
}


def row(**changes: Any) -> HumanEvalRow:
    return HumanEvalRow.model_validate({**ROW, **changes})


def test_a_row_becomes_a_problem() -> None:
    loaded = row().load("here")
    problem = loaded.problem
    assert (problem.id, problem.task.entry_point, problem.source) == ("Own/3", "area", "humaneval")
    assert problem.task.statement == problem.task.stub == PROMPT
    assert problem.reference == PROMPT + "    return sides[0] * sides[1]\n"
    assert [t.describe("area") for t in problem.task.tests] == ["area([2, 3]) == 6"]
    assert loaded.forms == ("doctest",)


def test_for_grading_nobody_looks_for_examples() -> None:
    graded, whole = row().graded("here"), row().load("here").problem
    assert graded.task.tests == ()
    assert replace(graded, task=replace(graded.task, tests=whole.task.tests)) == whole
    with pytest.raises(TaskError, match="found none"):
        row(test="x = 1").graded("here")


def test_an_example_that_the_hidden_tests_contradict_is_dropped_and_said_so() -> None:
    assert row().load("here").dropped == ("area([1, 1]) == 2: contradicted by the hidden tests",)


def test_the_hidden_test_is_the_official_program() -> None:
    (hidden,) = row().load("here").problem.hidden
    assert hidden.origin is Origin.HIDDEN
    assert hidden.describe("area").endswith("\ncheck(area)")
    assert passes(PROMPT + ROW["canonical_solution"], hidden, "area")
    assert not passes(PROMPT + "    return 6\n", hidden, "area")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("prompt", "def other(): pass", "file, line 1, field 'prompt': expected Python that defines 'area'"),
        ("prompt", "Write area.", "file, line 1, field 'prompt': expected Python that defines 'area'"),
        (
            "canonical_solution",
            "    return (",
            "field 'canonical_solution': expected a body that completes the prompt",
        ),
        (
            "test",
            "assert (",
            "field 'test': expected Python that defines check(candidate); it does not parse",
        ),
        (
            "test",
            "assert area([1]) == 1",
            "field 'test': expected a definition of check(candidate); found none",
        ),
    ],
)
def test_python_that_is_not_what_the_format_says(field: str, value: str, message: str) -> None:
    with pytest.raises(TaskError) as error:
        row(**{field: value}).load("file, line 1")
    assert message in str(error.value)


def test_a_problem_without_a_solution_has_no_reference() -> None:
    assert row(canonical_solution="").load("here").problem.reference == ""


real = pytest.mark.skipif(not HUMANEVAL.exists(), reason=f"the HumanEval file is not at {HUMANEVAL}")


@real
def test_real_examples_are_all_right() -> None:
    problems = load_problems(HUMANEVAL)
    assert len(problems) == 164
    wrong = [
        (problem.id, test.describe(problem.task.entry_point))
        for problem in problems
        for test in problem.task.tests
        if not passes(problem.reference, test, problem.task.entry_point or "")
    ]
    assert wrong == []
    assert problems.report.with_visible >= 154
    assert problems.report.visible >= 430


@real
def test_real_problems_that_share_a_name_or_define_a_helper_first() -> None:
    problems = load_problems(HUMANEVAL)
    assert problems.by_id("10").task.entry_point == "make_palindrome"
    assert [t.describe("x") for t in problems.by_id(10).task.tests] == [
        "x('') == ''",
        "x('cat') == 'catac'",
        "x('cata') == 'catac'",
    ]
    assert (
        problems.by_id("HumanEval/53").task.entry_point
        == problems.by_id("HumanEval/85").task.entry_point
        == "add"
    )
