"""Plans, strategies and thoughts: right and wrong ones, told apart again by their text alone."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from codegrove.models.sim.english import LONGEST, describe, technique
from codegrove.models.sim.known import Known
from codegrove.models.sim.trees import parse
from tests.models.sim.material import CLIMB, MODE, SHOWN, TESTED, TILL, block, programmer, request, study

EVERY_STATEMENT = """\
def f(a):
    with a as b:
        pass
    try:
        c: int = 1
    except ValueError:
        raise
    while a:
        a -= 1
        if a:
            continue
        break
    else:
        del a
    assert a
    for x in a:
        print(x)
    a.sort()
    b = {}
    c = a[-1]
    d = not a and b or c
    e = a // 2
    class K:
        y = 1
    return
"""


def plans(right: float, count: int = 12) -> list[tuple[Known, str]]:
    model = programmer(plan=right)
    return [
        (study(problem), model.reply(request(problem, "text", role="planner", action="plan", draw=draw)).text)
        for problem in TESTED
        for draw in range(count)
    ]


def test_the_steps_of_a_program_in_english() -> None:
    assert study(CLIMB).steps == (
        "Start best at 0",
        "Start run at 0",
        "Go through the numbers from 1 to len(heights), not included, one index at a time",
        "For each index, if heights[index] is greater than heights[index - 1]: add 1 to run",
        "For each index, if heights[index] is greater than heights[index - 1]: set best to max(best, run)",
        "For each index: otherwise start run at 0",
        "Return best",
    )
    assert study(MODE).steps[:2] == (
        "Write a helper counted(values)",
        "In counted: set table to Counter(values)",
    )
    assert study(TILL).steps[-1] == "Print dear"


def test_long_programs_are_cut_and_every_kind_of_statement_has_words() -> None:
    tree = parse(EVERY_STATEMENT)
    assert tree is not None
    steps = describe(tree.body, "f")
    assert len(steps) == LONGEST
    assert all(step and "\n" not in step for step in steps)


@pytest.mark.parametrize(
    ("program", "idea"),
    [
        ("def f(n):\n    return f(n - 1)\n", "recursion"),
        ("def f(n):\n    return sorted(n)\n", "sorting"),
        ("def f(n):\n    for a in n:\n        for b in n:\n            pass\n", "nested iteration"),
        ("def f(n):\n    t = {}\n", "counting with a hash table"),
        ("def f(n):\n    for a in n:\n        pass\n", "a single pass"),
        ("def f(n):\n    return n\n", "direct computation"),
    ],
)
def test_the_technique_of_a_program(program: str, idea: str) -> None:
    tree = parse(program)
    assert tree is not None
    assert technique(tree) == idea


def test_plans_are_recognised_by_their_text() -> None:
    assert {known.judge_plan(plan) for known, plan in plans(1.0)} == {True}
    assert {known.judge_plan(plan) for known, plan in plans(0.0)} == {False}
    assert all(known.judge_plan(plan.replace(". ", ") ")) is True for known, plan in plans(1.0, 2))
    known = study(CLIMB)
    assert known.judge_plan("Do something clever.\nReturn best") is None
    assert known.judge_plan("") is None


def test_plans_are_right_as_often_as_the_setting_says() -> None:
    told = Counter(known.judge_plan(plan) for known, plan in plans(0.55, 40))
    assert abs(told[True] / told.total() - 0.55) <= 0.1


def lines_of(text: str) -> list[str]:
    lines = text.splitlines()
    assert [line.split(". ")[0] for line in lines] == [str(n) for n in range(1, len(lines) + 1)]
    return [line.split(". ", 1)[1] for line in lines]


@pytest.mark.parametrize("width", [1, 3, 5, 9])
def test_strategies_are_distinct_lines_right_or_wrong(width: int) -> None:
    for right in (0.0, 1.0):
        model = programmer(plan=right)
        for problem in TESTED:
            answer = model.reply(
                request(problem, "numbered", role="planner", action="think", width=width)
            ).text
            lines = lines_of(answer)
            assert len(lines) == width
            assert {study(problem).judge_line(line) for line in lines} == {bool(right)}
            assert {study(problem).judge_plan(line) for line in lines} == {bool(right)}
            if width <= 5:
                assert len(set(lines)) == width


def thoughts_of(text: str) -> list[dict[str, Any]]:
    items = json.loads(block(text) if text.rstrip().endswith("```") else text)
    assert all(set(item) == {"thought", "reasonableness"} for item in items)
    return list(items)


@pytest.mark.parametrize("width", [1, 3, 7])
def test_thoughts_have_priors_that_sum_to_one(width: int) -> None:
    for problem in TESTED:
        for draw in range(5):
            answer = programmer().reply(request(problem, "thoughts_json", draw=draw, width=width)).text
            items = thoughts_of(answer)
            assert len(items) == width
            assert sum(round(100 * item["reasonableness"]) for item in items) == 100
            assert all(0 <= item["reasonableness"] <= 1 for item in items)


def prior_shares(judgement: float) -> tuple[float, float]:
    sums: dict[bool | None, list[float]] = {True: [], False: [], None: []}
    model = programmer(judgement=judgement)
    for problem in TESTED:
        for draw in range(20):
            for item in thoughts_of(model.reply(request(problem, "thoughts_json", draw=draw, width=3)).text):
                sums[study(problem).judge_line(item["thought"])].append(item["reasonableness"])
    return sum(sums[True]) / len(sums[True]), sum(sums[False]) / len(sums[False])


def test_priors_lean_towards_right_thoughts_as_far_as_judgement_goes() -> None:
    right, wrong = prior_shares(1.0)
    assert right > 1.5 * wrong
    guess_right, guess_wrong = prior_shares(0.0)
    assert abs(guess_right - guess_wrong) < 0.06


def test_thoughts_go_deeper_along_the_path() -> None:
    model = programmer(plan=1.0)
    steps = study(CLIMB).steps
    path: list[str] = []
    for depth in range(len(steps)):
        numbered = "\n".join(f"{n}. {thought}" for n, thought in enumerate(path, 1))
        items = thoughts_of(model.reply(request(CLIMB, "thoughts_json", thoughts=numbered, width=1)).text)
        path.append(items[0]["thought"])
        assert path[-1].rstrip(".").lower().endswith(steps[depth].lower())


def test_a_last_thought_is_replaced() -> None:
    wrong = study(CLIMB).misconceptions[0].changed[0]
    wrong = wrong[:1].lower() + wrong[1:]
    thoughts = f"1. Next: start best at 0.\n2. Then: {wrong}."
    good = programmer(plan=1.0)
    asked = request(CLIMB, "text", role="planner", action="rethink", thoughts=thoughts, feedback=SHOWN)
    assert good.reply(asked).text.endswith("start run at 0.")
    bad = programmer(plan=0.0, repair_rate=0.0).reply(asked).text
    assert study(CLIMB).judge_line(bad) is False
    assert study(CLIMB).judge_line(wrong) is False and wrong.lower() not in bad.lower()
