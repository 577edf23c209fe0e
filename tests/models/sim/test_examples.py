"""Written tests: from what is known of a problem, and wrong as often as the setting says."""

from __future__ import annotations

import ast
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.models.sim.examples import Example, examples, spoilt
from codegrove.problem import Problem
from tests.models.sim.material import (
    BARE,
    CLIMB,
    ECHO,
    MODE,
    ONE_LINE,
    PROBLEMS,
    TILL,
    block,
    programmer,
    request,
    study,
)

LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.just(0j)
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
        | st.sets(st.integers() | st.text(max_size=3), max_size=3)
    ),
    max_leaves=6,
)


def test_examples_come_from_calls_asserts_and_standard_input() -> None:
    assert [item.line("climb") for item in examples(CLIMB)[:3]] == [
        "assert climb([1, 2]) == 1",
        "assert climb([]) == 0",
        "assert climb([3, 4, 5, 1, 2]) == 2",
    ]
    assert [(item.given, item.expected) for item in examples(MODE)] == [
        ("[1, 2, 2]", "2"),
        ("[3, 3, 1, 1]", "1"),
        ("[4]", "4"),
        ("[2, 2, 1]", "2"),
        ("[5, 5, 6]", "5"),
        ("[0, 0, 3, 3, 3]", "3"),
    ]
    assert examples(ONE_LINE)[1].line("fraction") == "assert abs(fraction(1.25) - 0.25) <= 1e-06"
    assert examples(TILL)[0] == Example(given="3\n5\n20\n30\n", expected="50\n2\n")
    assert examples(BARE) == ()


@given(value=LITERALS, seed=st.integers(0, 1000))
def test_a_spoilt_value_is_another_literal(value: Any, seed: int) -> None:
    example = Example(given="1", expected=repr(value))
    wrong = spoilt(example, random.Random(seed), stdio=False)
    assert ast.literal_eval(wrong.expected) != value
    assert wrong.given == "1"


@given(text=st.text("ab 01\n", max_size=12), seed=st.integers(0, 1000))
def test_a_spoilt_output_is_another_output(text: str, seed: int) -> None:
    def counted(output: str) -> list[str]:
        return "\n".join(line.rstrip() for line in output.split("\n")).rstrip("\n").split("\n")

    wrong = spoilt(Example(given="", expected=text), random.Random(seed), stdio=True)
    assert counted(wrong.expected) != counted(text)


def written(problem: Problem, draw: int, wrong: float, **variables: int) -> list[str]:
    answer = (
        programmer(wrong_tests=wrong)
        .reply(request(problem, "tests", role="tester", draw=draw, **variables))
        .text
    )
    if problem.task.entry_point is None:
        items = json.loads(block(answer))
        assert all(set(item) == {"input", "output"} for item in items)
        return [f"{item['input']}=>{item['output']}" for item in items]
    tree = ast.parse(block(answer))
    assert all(isinstance(node, ast.Assert) for node in tree.body)
    return [ast.unparse(node) for node in tree.body]


@pytest.mark.parametrize("wrong", [0.0, 0.15, 0.6, 1.0])
def test_tests_are_wrong_as_often_as_the_setting_says(wrong: float) -> None:
    right = {
        problem.id: {
            ast.unparse(ast.parse(item.line(problem.task.entry_point)))
            if problem.task.entry_point
            else f"{item.given}=>{item.expected}"
            for item in study(problem).examples
        }
        for problem in PROBLEMS
    }
    texts = [(p, t) for p in PROBLEMS if p is not BARE for draw in range(25) for t in written(p, draw, wrong)]
    share = sum(text not in right[problem.id] for problem, text in texts) / len(texts)
    assert abs(share - wrong) <= 0.06


def test_as_many_as_wanted_and_there_are() -> None:
    assert [len(written(CLIMB, 0, 0.0, width=width)) for width in (1, 4, 30)] == [1, 4, 10]
    assert len(written(CLIMB, 0, 0.0)) == 5
    assert len(written(ECHO, 0, 0.0, width=5)) == 1
    assert written(BARE, 0, 0.0) == ["assert callable(same)"]
    assert len(set(written(CLIMB, 0, 0.0, width=10))) == 10
