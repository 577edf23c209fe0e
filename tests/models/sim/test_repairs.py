"""Repairs: what the prompt shows decides how often they succeed."""

from __future__ import annotations

import random
from typing import Any

import pytest

from codegrove.models.port import Message
from codegrove.models.sim.reading import Evidence, evidence_in, program_in, read
from tests.models.sim.material import (
    CLIMB,
    MODE,
    SHOWN,
    TESTED,
    block,
    mended,
    passes,
    programmer,
    request,
    study,
)

CALM: dict[str, Any] = {"regression": 0.0, "rethink": 0.0}


def repaired_share(feedback: str, advice: str = "", **skill: Any) -> float:
    """Return how often one repair of a program with one defect leads to the reference."""
    model = programmer(**{**CALM, **skill})
    done = 0
    for problem in TESTED:
        known = study(problem)
        for seed in range(30):
            program = known.mutant(random.Random(seed), 1)
            if known.compare(program).kind == "near":
                done += (
                    mended(model, problem, program, seed, feedback=feedback, reflection=advice) == known.text
                )
    return done / (30 * len(TESTED))


def test_a_shown_failure_is_repaired_far_more_often_than_a_hidden_one() -> None:
    shown, told, blind = (repaired_share(text) for text in (SHOWN, "Failed:\nclimb([1, 2]) == 1", ""))
    assert abs(shown - 0.55) <= 0.12
    assert abs(blind - 0.08) <= 0.08
    assert blind + 0.1 < told < shown - 0.1


def test_the_settings_decide_how_often() -> None:
    assert repaired_share(SHOWN, repair=1.0) > 0.95
    assert repaired_share(SHOWN, repair=0.0, blind_repair=1.0) == 0.0
    assert repaired_share("", blind_repair=1.0) > 0.95


def test_several_repairs_reach_the_reference() -> None:
    model = programmer(repair=1.0, regression=0.0)
    for problem in TESTED:
        known = study(problem)
        for seed in range(10):
            program = known.mutant(random.Random(seed), 3)
            for step in range(8):
                program = mended(model, problem, program, step, feedback=SHOWN)
            assert passes(problem, program)


def test_a_reflection_that_names_the_defect_helps_and_a_false_one_harms() -> None:
    known = study(CLIMB)
    program = known.text.replace("run += 1", "run += 2").replace("best = 0", "best = 1")
    right = "The line `run += 2` is wrong."
    wrong = "The line `return best` is wrong."

    def outcomes(advice: str) -> list[str]:
        model = programmer(**CALM, repair=0.5)
        return [mended(model, CLIMB, program, draw, feedback=SHOWN, reflection=advice) for draw in range(120)]

    named = outcomes(right)
    assert sum("run += 1" in text for text in named) >= 0.6 * len(named)
    assert all("best = 1" in text for text in named), "the named defect is mended, not another one"
    misled, alone = (sum(text != program for text in outcomes(advice)) for advice in (wrong, "Be careful."))
    assert misled + 15 < alone < sum(text != program for text in named)


def test_a_wrong_algorithm_is_given_up_only_by_rethinking() -> None:
    wrong = CLIMB.wrong[0]
    never = programmer(repair=1.0, regression=0.0, rethink=0.0)
    assert all(mended(never, CLIMB, wrong, draw, feedback=SHOWN) == wrong for draw in range(20))
    always = programmer(rethink=1.0, easy=1.0)
    assert all(mended(always, CLIMB, wrong, draw, feedback=SHOWN) == study(CLIMB).text for draw in range(20))
    some = programmer(rethink=0.3, easy=1.0, regression=0.0)
    share = [mended(some, CLIMB, wrong, draw, feedback=SHOWN) != wrong for draw in range(100)]
    assert 0.15 <= sum(share) / len(share) <= 0.45


def test_regressions_come_as_often_as_the_setting_says() -> None:
    known = study(CLIMB)
    for chance in (0.0, 0.5, 1.0):
        model = programmer(regression=chance)
        changed = [
            mended(model, CLIMB, known.text, draw, feedback=SHOWN) != known.text for draw in range(100)
        ]
        assert abs(sum(changed) / 100 - chance) <= 0.13


def test_a_program_that_does_not_parse_is_made_to_parse_and_keeps_its_other_defect() -> None:
    model = programmer(repair=1.0)
    program = study(CLIMB).text.replace("run += 1", "run += 2").replace("len(heights)):", "len(heights))")
    mended_text = mended(model, CLIMB, program, feedback="Failed: SyntaxError: expected ':'")
    compile(mended_text, "program", "exec")
    assert "run += 2" in mended_text


def test_without_a_program_a_repair_is_a_draft() -> None:
    assert (
        block(programmer(easy=1.0).reply(request(CLIMB, "code", role="debugger")).text) == study(CLIMB).text
    )


def test_plan_and_code_glued_together_are_taken_apart() -> None:
    model = programmer(repair=1.0)
    known = study(MODE)
    program = known.text.replace("max(", "min(", 1)
    for previous in (
        f"1. Count the values.\n2. Take the largest.\n\n{program}",
        f"Plan first.\n\n```python\n{program}```\n",
    ):
        asked = request(
            MODE, "code", role="debugger", action="debug", previous=previous, report="Failed: x\nobtained 2"
        )
        answer = model.reply(asked).text
        assert block(answer) == known.text
        assert answer.index("1. ") < answer.index("```"), "the reply brings its plan along"


def test_the_chat_itself_is_read_when_variables_are_missing() -> None:
    program = study(CLIMB).text.replace("run += 1", "run += 2")
    messages = (
        Message("user", "Solve it."),
        Message("assistant", f"```python\n{program}```"),
        Message("user", SHOWN),
        Message("assistant", "The line `run += 2` is wrong."),
        Message("user", "Now write the corrected program."),
    )
    situation = read(request(CLIMB, "code", role="debugger", messages=messages))
    assert situation.program.strip() == program.strip()
    assert situation.evidence is Evidence.SHOWN
    assert situation.advice == "The line `run += 2` is wrong."


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("", Evidence.NONE),
        ("All 3 tests passed.", Evidence.NONE),
        ("Passed tests:\nf(1) == 2\nFailed tests: none", Evidence.NONE),
        ("3 tests passed, 0 failed", Evidence.NONE),
        ("no failing tests", Evidence.NONE),
        ("Passed:\nf(1) == 2\nFailed:\nf(2) == 3", Evidence.FAILED),
        ("Failed: f(2) == 3, but it returned 4", Evidence.SHOWN),
        ("Failing test: f(2) == 3\nobtained: 4", Evidence.SHOWN),
        ("f(2) == 3 raised ZeroDivisionError: division by zero", Evidence.SHOWN),
        ("f(2) == 3 timed out after 5 s", Evidence.SHOWN),
        ("input:\n3\nexpected output:\n4\nobtained output:\n5", Evidence.SHOWN),
    ],
)
def test_what_feedback_shows(text: str, evidence: Evidence) -> None:
    assert evidence_in(text) is evidence


def test_programs_in_text() -> None:
    assert program_in("no code here.") == ""
    assert program_in("Words.\n~~~\nx = 1\n~~~\nMore.\n```py\ny = 2\n```\n") == "y = 2\n"
    assert program_in("Words first.\n1. step\nimport os\nprint(os)") == "import os\nprint(os)"
