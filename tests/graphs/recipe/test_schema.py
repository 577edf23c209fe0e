from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from codegrove.budget import Budget
from codegrove.errors import RecipeError
from codegrove.graphs.recipe import (
    AgentSpec,
    BudgetSpec,
    LimitsSpec,
    PriceSpec,
    Recipe,
    SamplingSpec,
    load_recipe,
)
from codegrove.graphs.recipe.yaml_positions import parse_yaml
from codegrove.models.port import Sampling
from codegrove.tools.sandbox.port import Limits
from tests.graphs.recipe.doubles import DEMO, DemoSettings, load

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
AMOUNTS = st.none() | st.integers(0, 10**6)
SPECS = TEXTS.filter(bool)
SAMPLINGS = st.builds(
    SamplingSpec,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1, exclude_min=True),
    max_tokens=st.none() | st.integers(1, 9999),
    stop=st.lists(SPECS, max_size=2).map(tuple),
)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    roles = {"think": "planner", "write": "coder", "rate": "critic"}
    agents = {
        action: AgentSpec.model_validate(
            {
                "role": role,
                "prompt": f"demo/{action}",
                "sampling": draw(SAMPLINGS),
                "model": draw(st.sampled_from([None, "default", "mine"])),
                "unreadable": draw(st.sampled_from(["fail", "repair", "default"])),
            }
        )
        for action, role in roles.items()
    }
    models = {"default": draw(SPECS), "mine": draw(SPECS), "coder": draw(SPECS)}
    used = {agent.model for agent in agents.values()} | {"default", "coder"}
    return Recipe(
        version=1,
        name=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True)),
        about=draw(TEXTS),
        policy=DemoSettings(
            width=draw(st.integers(1, 9)),
            c=draw(st.floats(1e-300, 1e300)),
            labels=tuple(draw(st.lists(TEXTS, max_size=3))),
        ),
        agents=agents,
        models={name: spec for name, spec in models.items() if name in used},
        prices={"coder": PriceSpec(input=draw(st.floats(0, 99)), output=draw(st.floats(0, 99)))},
        budget=BudgetSpec(
            calls=draw(AMOUNTS), tokens=draw(AMOUNTS), role_calls={"critic": draw(st.integers(0, 9))}
        ),
        workers=draw(st.integers(1, 1024)),
        seed=draw(st.integers(0, 2**63 - 1)),
    )


@pytest.fixture(scope="module")
def demo() -> Recipe:
    content = parse_yaml(DEMO, "demo.yaml").plain()
    assert isinstance(content, dict)
    return load({**content})


@settings(max_examples=60)
@given(recipes())
def test_a_recipe_survives_yaml(recipe: Recipe) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "recipe.yaml")
        path.write_bytes(recipe.to_yaml().encode())
        again = load(path)
    assert again == recipe
    assert type(again.policy) is type(recipe.policy)
    assert again.fingerprint == recipe.fingerprint
    assert again.to_yaml() == recipe.to_yaml()
    assert load(recipe) == recipe


def test_the_fingerprint_sees_content_not_spelling(demo: Recipe) -> None:
    same = load(demo, ["name=x", "about=y", "policy.c=1.40", "workers=1"])
    assert same.fingerprint == demo.fingerprint
    changes = ["seed=1", "policy.c=1.5", "workers=2", "models.default=x", "budget.calls=61"]
    changes += ["agents.write.prompt=demo/short", "agents.write.unreadable=repair", "limits.memory_mb=9"]
    prints = [load(demo, [change]).fingerprint for change in changes]
    assert len({demo.fingerprint, *prints}) == len(changes) + 1


def test_the_fingerprint_is_the_same_in_every_process(demo: Recipe) -> None:
    assert demo.fingerprint == "25385abe534f5096"


def test_models_are_looked_up_from_the_narrowest_name(demo: Recipe) -> None:
    options = ["models.coder=a", "models.think=b", "models.strong=c", "agents.rate.model=strong"]
    recipe = load(demo, options)
    assert {action: recipe.model_for(action) for action in recipe.agents} == {
        "write": "a",
        "think": "b",
        "rate": "c",
    }
    assert load(demo, ["models.write=x", "models.coder=a"]).model_for("write") == "x"
    with pytest.raises(RecipeError, match=r"^recipe 'demo' has no agent for action 'run'$"):
        recipe.model_for("run")


def test_a_price_belongs_to_one_entry(demo: Recipe) -> None:
    recipe = load(demo, ["models.coder=a", "prices.default={input: 2.5, output: 10}"])
    assert recipe.price_for("write") is None, "unknown, not the price of another model"
    price = recipe.price_for("think")
    assert price is not None
    assert (price.input, price.output) == (2.5, 10)


def test_concurrency_names_roles_and_models(demo: Recipe) -> None:
    recipe = load(demo, {"concurrency": {"planner": 2, "openai:*": 8, "sim:": 1}})
    assert recipe.concurrency_of_roles == {"planner": 2}
    assert recipe.concurrency_of_models == {"openai:*": 8, "sim:": 1}
    assert recipe.fingerprint != demo.fingerprint
    with pytest.raises(
        RecipeError, match=r"concurrency.coder_: neither a role nor models.*did you mean 'coder'"
    ):
        load(demo, {"concurrency": {"coder_": 2}})
    with pytest.raises(RecipeError, match="concurrency.coder"):
        load(demo, {"concurrency": {"coder": 0}})


def test_a_recipe_is_frozen(demo: Recipe) -> None:
    with pytest.raises(ValidationError):
        demo.seed = 3


@pytest.mark.parametrize(
    ("spec", "record"), [(BudgetSpec, Budget), (LimitsSpec, Limits), (SamplingSpec, Sampling)]
)
def test_specs_say_the_same_as_the_records_they_become(
    spec: type[BudgetSpec | LimitsSpec | SamplingSpec], record: type[Budget | Limits | Sampling]
) -> None:
    kept = {"kept_characters"}  # what a verdict keeps of an output is the caller's business, not a recipe's
    assert set(spec.model_fields) == {field.name for field in fields(record)} - kept
    made, default = spec(), record()
    for name in spec.model_fields:
        assert getattr(made, name) == getattr(default, name), name


def test_specs_become_records() -> None:
    assert BudgetSpec(calls=3, role_calls={"critic": 1}).to_budget() == Budget(
        calls=3, role_calls={"critic": 1}
    )
    assert LimitsSpec(memory_mb=5).to_limits() == Limits(memory_mb=5)
    assert SamplingSpec(top_p=0.5, stop=("x",)).to_sampling() == Sampling(top_p=0.5, stop=("x",))


@pytest.mark.parametrize("number", [math.inf, math.nan])
@pytest.mark.parametrize("where", ["budget.seconds", "budget.dollars", "limits.wall_seconds"])
def test_limits_are_finite(where: str, number: float) -> None:
    with pytest.raises(RecipeError, match=rf"{where}: .*finite"):
        load_recipe("loop", overrides={where: number})


def test_prices_are_finite() -> None:
    with pytest.raises(ValidationError, match="finite"):
        PriceSpec(input=math.nan, output=1)
