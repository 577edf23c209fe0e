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
    programmer,
    request,
    study,
)

CALM: dict[str, Any] = {"regression": 0.0}


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
    assert abs(shown - 0.3) <= 0.1
    assert abs(blind - 0.05) <= 0.05
    assert blind + 0.05 < told < shown - 0.05


def test_the_settings_decide_how_often() -> None:
    assert repaired_share(SHOWN, repair_rate=1.0) > 0.95
    assert repaired_share(SHOWN, repair_rate=0.0, blind_repair=1.0) == 0.0
    assert repaired_share("", blind_repair=1.0) > 0.95


def test_one_repair_takes_back_all_defects() -> None:
    model = programmer(repair_rate=1.0)
    for problem in TESTED:
        known = study(problem)
        for seed in range(10):
            program = known.mutant(random.Random(seed), 3)
            assert mended(model, problem, program, feedback=SHOWN) == known.text


def test_a_failed_repair_takes_back_one_of_several_defects_and_never_the_last() -> None:
    model = programmer(**CALM, repair_rate=0.6)
    known = study(CLIMB)
    program = known.text.replace("run += 1", "run += 2").replace("best = 0", "best = 1")
    single = known.text.replace("run += 1", "run += 2")
    seen = [mended(model, CLIMB, program, draw, feedback=SHOWN) for draw in range(200)]
    failed = [text for text in seen if text != known.text]
    better = [text for text in failed if text != program]
    assert 0.45 <= len(better) / len(failed) <= 0.75
    assert {len(known.compare(text).differences) for text in better} == {1}
    assert {mended(model, CLIMB, single, draw, feedback=SHOWN) for draw in range(60)} == {single, known.text}


def test_a_reflection_that_names_the_defect_helps_and_a_false_one_harms() -> None:
    known = study(CLIMB)
    program = known.text.replace("run += 1", "run += 2").replace("best = 0", "best = 1")
    right = "The line `run += 2` is wrong."
    wrong = "The line `return best` is wrong."

    def outcomes(advice: str) -> list[str]:
        model = programmer(**CALM, repair_rate=0.5)
        return [mended(model, CLIMB, program, draw, feedback=SHOWN, reflection=advice) for draw in range(120)]

    named, alone, misled = (outcomes(advice) for advice in (right, "Be careful.", wrong))
    assert misled.count(known.text) + 15 < alone.count(known.text) < named.count(known.text) - 15
    better = {text for text in named if text not in (program, known.text)}
    assert better and all("run += 1" in text for text in better), "the named defect, not another one"


def test_a_wrong_algorithm_has_a_rate_of_its_own_if_wanted() -> None:
    wrong, text = CLIMB.wrong[0], study(CLIMB).text

    def share(feedback: str = SHOWN, **skill: Any) -> float:
        model = programmer(**CALM, **skill)
        return sum(mended(model, CLIMB, wrong, draw, feedback=feedback) == text for draw in range(100)) / 100

    assert share(repair_rate=1.0, rethink=0.0) == 0.0
    assert share(repair_rate=0.0, rethink=1.0) == 1.0
    assert 0.15 <= share(repair_rate=0.9, rethink=0.3) <= 0.45
    assert 0.75 <= share(repair_rate=0.9) <= 1.0, "as any other program unless it is set"
    assert share("", blind_repair=1.0, rethink=0.0) == 0.0


def test_regressions_come_as_often_as_the_setting_says() -> None:
    known = study(CLIMB)
    for chance in (0.0, 0.5, 1.0):
        model = programmer(regression=chance)
        changed = [
            mended(model, CLIMB, known.text, draw, feedback=SHOWN) != known.text for draw in range(100)
        ]
        assert abs(sum(changed) / 100 - chance) <= 0.13


def test_a_program_that_does_not_parse_is_first_made_to_parse_where_the_repair_fails() -> None:
    model = programmer(repair_rate=0.5, regression=0.0)
    known = study(CLIMB)
    unparsable = known.text.replace("len(heights)):", "len(heights))")
    program = unparsable.replace("run += 1", "run += 2")
    shown = "Failed: SyntaxError: expected ':'"
    seen = {mended(model, CLIMB, program, draw, feedback=shown) for draw in range(60)}
    assert seen == {program, known.text, known.text.replace("run += 1", "run += 2")}
    # With no other defect that would be all, and this repair has failed.
    seen = {mended(model, CLIMB, unparsable, draw, feedback=shown) for draw in range(60)}
    assert seen == {unparsable, known.text}


def test_without_a_program_a_repair_is_a_draft() -> None:
    assert (
        block(programmer(easy=1.0).reply(request(CLIMB, "code", role="debugger")).text) == study(CLIMB).text
    )


def test_plan_and_code_glued_together_are_taken_apart() -> None:
    model = programmer(repair_rate=1.0)
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
