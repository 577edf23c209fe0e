"""The recipes of the package, with the real policies and prompts."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

import pytest

from codegrove.graphs.recipe import list_recipes, load_recipe
from codegrove.search.registry import make_policy

NAMES = [info.name for info in list_recipes()]


def test_the_recipes_that_ship() -> None:
    assert NAMES == ["codet", "codetree", "direct", "grove", "loop", "mapcoder", "rethinkmcts", "uct"]
    assert all(info.about.endswith(".") and "\n" not in info.about for info in list_recipes())


@pytest.mark.parametrize("name", NAMES)
def test_each_is_valid_and_complete(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert {recipe.model_for(action) for action in recipe.agents} == {"sim:"}
    assert make_policy(recipe.policy).actions.keys() >= recipe.agents.keys()
    assert recipe.workers == 1
    assert load_recipe(recipe) == recipe


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("mapcoder", {"plans": 3, "repairs": 5}),
        ("codetree", {"variant": "agent", "width": 10, "max_depth": 3, "max_programs": 20}),
        ("rethinkmcts", {"rollouts": 16, "width": 3, "c": 4.0, "base": 10.0, "gamma": 0.9, "thinks": 2}),
        ("codet", {"select": "codet", "tests_per_answer": 5, "code_exponent": None}),
    ],
)
def test_published_defaults(name: str, published: dict[str, Any]) -> None:
    recipe = load_recipe(name)
    settings = recipe.policy.model_dump()
    assert settings | published | {"mode": "paper"} == settings
    assert recipe.paper is not None
    sampling = {agent.sampling.temperature for agent in recipe.agents.values()}
    assert sampling == ({0.8} if name == "codet" else {0.0})
    assert load_recipe(name, ["policy.mode=repo"]).policy == recipe.policy.model_copy(update={"mode": "repo"})


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("direct", 1),
        ("loop", 7),
        ("mapcoder", 25),
        ("codetree", 61),
        ("rethinkmcts", 97),
        ("codet", 40),
        ("uct", 32),
    ],
)
def test_the_budget_leaves_room_for_the_method(name: str, most: int) -> None:
    calls = load_recipe(name).budget.calls
    assert calls is not None
    assert most < calls <= 3 * most


def test_settings_that_switch_agents_off_can_be_overridden() -> None:
    assert "debug" not in load_recipe("mapcoder", ["policy.repairs=0"]).agents
    assert set(load_recipe("loop", {"policy": {"plan": False, "write_tests": 0}}).agents) == {
        "write",
        "debug",
    }
    assert not {"score", "verify"} & set(load_recipe("codetree", ["policy.variant=dfs"]).agents)


def test_loading_is_fast() -> None:
    load_recipe("codetree")
    times = []
    for _ in range(15):
        start = time.perf_counter()
        load_recipe("codetree", ["policy.width=3"])
        times.append(time.perf_counter() - start)
    assert statistics.median(times) < 0.015


def test_recipes_need_no_langgraph() -> None:
    code = (
        "import sys; from codegrove.graphs.recipe import load_recipe; load_recipe('codetree');"
        "print([name for name in sys.modules if name.split('.')[0] == 'langgraph'])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
