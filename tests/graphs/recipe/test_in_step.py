"""Call budgets and temperatures that fit what a policy asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegrove import Budget, solve
from codegrove.errors import RecipeError
from codegrove.graphs.recipe import load_recipe
from codegrove.models.scripted import ScriptedModel
from codegrove.search.registry import make_policy
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.conformance.machine import TASK, Answers

WARM = {"agents.write.sampling.temperature": 0.8}


@pytest.mark.parametrize(
    ("recipe", "overrides", "calls"),
    [
        ("codet", {}, 60),
        ("codet", {"policy.programs": 100, "policy.test_answers": 100}, 300),
        ("codet", {"policy.programs": 5}, 60),
        ("direct", {"policy.programs": 10, **WARM}, 30),
        ("uct", {"policy.expansions": 200}, 313),
        ("uct", {"policy.c": 0.5}, 50),
        ("grove", {"policy.expansions": 48}, 76),
        ("loop", {"policy.repairs": 11}, 40),
        ("mapcoder", {"policy.plans": 6}, 98),
        ("codetree", {"policy.max_programs": 40}, 159),
        ("rethinkmcts", {"policy.rollouts": 32}, 239),
        ("codet", {"policy.programs": 100, "budget.calls": 60}, 60),
        ("codet", {"policy.programs": 100, "budget": {"calls": None}}, None),
    ],
)
def test_the_call_budget_grows_with_what_the_policy_asks_for(
    recipe: str, overrides: dict[str, object], calls: int | None
) -> None:
    assert load_recipe(recipe, overrides).budget.calls == calls


@pytest.mark.parametrize(
    "recipe", ["direct", "loop", "grove", "mapcoder", "codetree", "rethinkmcts", "codet", "uct"]
)
def test_shipped_budgets_have_room_for_the_whole_method(recipe: str) -> None:
    loaded = load_recipe(recipe)
    calls = loaded.budget.calls
    assert calls is not None
    assert calls >= make_policy(loaded.policy).calls  # type: ignore[attr-defined]


def test_a_child_that_asks_for_more_grows_as_well_unless_it_sets_a_budget(tmp_path: Path) -> None:
    text = "version: 1\nname: mine\nextends: uct\npolicy: {expansions: 64}\n"
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "short.yaml").write_text(text + "budget: {calls: 20}\n", encoding="utf-8")
    assert load_recipe(tmp_path / "mine.yaml").budget.calls == 100
    assert load_recipe(tmp_path / "mine.yaml", {"policy.expansions": 128}).budget.calls == 200
    assert load_recipe(tmp_path / "short.yaml").budget.calls == 20
    assert load_recipe(tmp_path / "short.yaml", {"policy.expansions": 128}).budget.calls == 20, (
        "short on purpose"
    )


def test_a_recipe_that_was_loaded_grows_from_what_it_has_come_to() -> None:
    once = load_recipe("uct", {"policy.expansions": 64})
    assert load_recipe(once).budget.calls == 100
    assert load_recipe(once, {"policy.expansions": 128}).budget.calls == 200


def test_the_limit_of_a_run_still_holds() -> None:
    solution = solve(
        TASK,
        "uct",
        model=ScriptedModel(Answers()),
        sandbox=ScriptedSandbox(lambda program, tests: 0.0),
        overrides={"policy.expansions": 200},
        budget=Budget(calls=7),
    )
    assert solution.spend.calls == 7


@pytest.mark.parametrize(
    ("recipe", "overrides", "agent"),
    [
        ("direct", {"policy.programs": 2}, "write"),
        ("codet", {"agents.write_tests.sampling.temperature": 0}, "write_tests"),
        ("uct", {"agents.debug.sampling.temperature": 0}, "debug"),
        ("grove", {"agents.plan.sampling.temperature": 0}, "plan"),
    ],
)
def test_equal_questions_at_temperature_0_are_refused(
    recipe: str, overrides: dict[str, object], agent: str
) -> None:
    with pytest.raises(
        RecipeError, match=rf"agents\.{agent}\.sampling\.temperature: .*the answers are equal"
    ):
        load_recipe(recipe, overrides)


def test_one_question_may_have_temperature_0() -> None:
    assert load_recipe("uct", {"policy.width": 1, "agents.debug.sampling.temperature": 0})
    cold = {"agents.write.sampling.temperature": 0, "agents.write_tests.sampling.temperature": 0}
    assert load_recipe("codet", {"policy.programs": 1, "policy.test_answers": 1, **cold})
