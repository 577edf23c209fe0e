"""Drafts: how often they are right, and what plans and thoughts do to that."""

from __future__ import annotations

from typing import Any

import pytest

from codegrove.models.sim import sim_settings
from codegrove.models.sim.dice import roll
from codegrove.models.sim.drafting import guided_chance
from codegrove.models.sim.planning import plan_text
from codegrove.models.sim.reading import read
from codegrove.models.sim.skill import SimSkill
from tests.models.sim.material import (
    CLIMB,
    ECHO,
    MODE,
    TESTED,
    TILL,
    bounded,
    drafted,
    passes,
    programmer,
    request,
    study,
)

DRAWS = 60


@pytest.mark.parametrize("chance", [0.0, 0.35, 0.8, 1.0])
def test_single_draws_pass_as_often_as_the_setting_says(chance: float) -> None:
    model = programmer(**sim_settings(f"sim:pass_rate={chance}").skill.model_dump())
    results = [passes(problem, drafted(model, problem, draw)) for problem in TESTED for draw in range(DRAWS)]
    assert abs(sum(results) / len(results) - chance) <= 0.12


def test_the_level_decides_which_chance_counts() -> None:
    model = programmer(easy=1.0, medium=0.0, hard=0.0)
    right = {problem.id: study(problem).text for problem in (CLIMB, TILL)}
    assert all(drafted(model, CLIMB, draw) == right["climb"] for draw in range(20))
    assert not any(drafted(model, TILL, draw) == right["till"] for draw in range(20))


def chance_of(variables: dict[str, str], **skill: Any) -> float:
    chance, _ = guided_chance(
        study(CLIMB), SimSkill(easy=0.5, **skill), read(request(CLIMB, "code", **variables))
    )
    return chance


def plan_of(right: bool, draw: int = 0) -> str:
    asked = request(CLIMB, "text", role="planner", action="plan", draw=draw)
    return plan_text(study(CLIMB), SimSkill(plan=float(right)), roll(asked, 0))


def test_a_right_plan_helps_a_wrong_one_harms_and_a_foreign_one_does_neither() -> None:
    assert chance_of({"plan": plan_of(True)}) == pytest.approx(0.7)
    assert chance_of({"plan": plan_of(False)}) == pytest.approx(0.3)
    assert chance_of({"plan": "Use dynamic programming over all prefixes."}) == 0.5
    assert chance_of({"plan": plan_of(True)}, plan_effect=0.0) == 0.5
    assert chance_of({"plan": plan_of(False)}, plan_effect=1.0) == 0.0


def test_thoughts_help_more_the_more_of_them_are_right() -> None:
    steps = study(CLIMB).steps
    chances = [
        chance_of(
            {"thoughts": "\n".join(f"{n}. Next: {s[:1].lower()}{s[1:]}." for n, s in enumerate(steps[:k], 1))}
        )
        for k in range(6)
    ]
    assert chances[:5] == sorted(set(chances[:5])) and chances[4] == chances[5] == pytest.approx(0.7)
    wrong = study(CLIMB).misconceptions[0].changed[0]
    assert chance_of({"thoughts": f"1. Then: {wrong[:1].lower()}{wrong[1:]}"}) == pytest.approx(0.3)
    assert chance_of({"thoughts": "1. Think hard."}) == 0.5


def test_wrong_drafts_follow_a_wrong_plan_half_of_the_time() -> None:
    model = programmer(easy=0.0, broken=0.0)
    known = study(CLIMB)
    plan, source = next((p, m) for draw in range(20) if (m := known.misled_by(p := plan_of(False, draw))))
    followed = [drafted(model, CLIMB, draw, plan=plan) == source.program for draw in range(80)]
    assert 0.35 <= sum(followed) / len(followed) <= 0.8


def test_wrong_algorithms_appear_as_often_as_the_setting_says() -> None:
    for chance in (0.0, 0.4, 1.0):
        model = programmer(easy=0.0, wrong_algorithm=chance)
        wrong = study(CLIMB).wrong_texts
        share = sum(drafted(model, CLIMB, draw) in wrong for draw in range(100)) / 100
        assert abs(share - chance) <= 0.12


def test_broken_drafts_do_not_parse_never_end_or_crash() -> None:
    model = programmer(medium=0.0, broken=1.0)
    seen: set[str] = set()
    for draw in range(40):
        program = drafted(model, MODE, draw)
        try:
            code = compile(program, "program", "exec")
        except SyntaxError:
            seen.add("syntax")
            continue
        space: dict[str, object] = {}
        exec(code, space)
        try:
            with bounded(2000):
                exec("mode([1, 2, 2])", space)
        except IndexError:
            seen.add("crash")
        except BaseException as stop:  # noqa: BLE001 - the runner's own limit
            assert type(stop).__name__ == "_TooLong" or isinstance(stop, Exception)
            seen.add("endless" if not isinstance(stop, Exception) else "other")
    assert {"syntax", "crash", "endless"} <= seen


def test_broken_zero_means_none_and_defects_limits_their_number() -> None:
    model = programmer(medium=0.0, broken=0.0, defects=1)
    known = study(MODE)
    comparisons = [known.compare(drafted(model, MODE, draw)) for draw in range(60)]
    assert {comparison.kind for comparison in comparisons} == {"near"}
    one = [len(comparison.differences) for comparison in comparisons]
    many_model = programmer(medium=0.0, broken=0.0, defects=6)
    many = [len(known.compare(drafted(many_model, MODE, draw)).differences) for draw in range(60)]
    assert sum(many) > 1.3 * sum(one)


def test_whole_programs_can_be_spoilt_too() -> None:
    model = programmer(medium=0.0, broken=0.0)
    assert sum(passes(ECHO, drafted(model, ECHO, draw)) for draw in range(40)) <= 8
