from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import RecipeError
from codegrove.graphs.recipe import Recipe
from codegrove.graphs.recipe.overrides import read_overrides
from codegrove.graphs.recipe.yaml_positions import parse_yaml
from tests.graphs.recipe.doubles import DEMO, DemoSettings, load

CONTENT = parse_yaml(DEMO, "demo.yaml").plain()
assert isinstance(CONTENT, dict)
WORDS = st.text("abcdefgh_", min_size=1, max_size=8).filter(
    lambda word: word not in ("extends", "true", "false", "null")
)


def changed(*overrides: str) -> Recipe:
    return load(CONTENT, overrides)  # type: ignore[arg-type]


def settings(recipe: Recipe) -> DemoSettings:
    assert isinstance(recipe.policy, DemoSettings)
    return recipe.policy


def test_values_are_yaml_scalars() -> None:
    recipe = changed("policy.c=2", "policy.depth=null", "policy.score=true", "budget.calls=", "seed=7")
    assert settings(recipe) == DemoSettings(width=4, c=2.0)
    assert (recipe.budget.calls, recipe.seed) == (None, 7)


@pytest.mark.parametrize(
    "spec",
    ["sim:", "openai:gpt-4o", "http://localhost:80/v1", "sim:pass_rate=0.5,seed=1", "a #b", "&x", "*x", "!t"],
)
def test_model_names_need_no_quotes(spec: str) -> None:
    recipe = changed(f"models.coder={spec}")
    assert recipe.model_for("write") == spec
    assert recipe.model_for("think") == "sim:"


def test_lists_and_mappings_may_be_given_as_yaml() -> None:
    recipe = changed('policy.labels=[a, "1", "\\n"]', "agents.write.sampling={top_p: 0.9}", "about='true'")
    assert settings(recipe).labels == ("a", "1", "\n")
    assert recipe.agents["write"].sampling.top_p == 0.9
    assert recipe.agents["write"].sampling.temperature == 0.5, "mappings are merged"
    assert recipe.about == "true"


def test_later_ones_win() -> None:
    assert settings(changed("policy.width=2", "policy.width=5")).width == 5


def test_a_mapping_may_be_nested_or_dotted() -> None:
    nested: dict[str, object] = {"policy": {"c": 2.5}, "models.coder": "x:y"}
    recipe = load(CONTENT, nested)  # type: ignore[arg-type]
    assert settings(recipe) == DemoSettings(width=4, c=2.5)
    assert recipe.model_for("write") == "x:y"


def test_overrides_change_a_recipe_made_before() -> None:
    first = changed()
    second = load(first, ["policy.width=1"])
    assert settings(second) == DemoSettings(width=1)
    assert load(second, {"policy.width": 4}) == first


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("policy.widht=3", "--set policy.widht=3: unknown key 'widht' in policy; did you mean 'width'?"),
        ("polcy.width=3", "--set polcy.width=3: unknown key 'polcy'; did you mean 'policy'?"),
        ("policy.width=a", "--set policy.width=a: policy.width: expected a whole number, found 'a'"),
        ("policy.width=0", "--set policy.width=0: policy.width: expected 1 or more, found 0"),
        ("policy.width=10", "--set policy.width=10: policy.width: expected 9 or less, found 10"),
        ("policy.width=", "--set policy.width=: policy.width: expected a whole number, found nothing"),
        ("policy.c=0", "--set policy.c=0: policy.c: expected more than 0.0, found 0"),
        (
            "policy.kind=dmo",
            "--set policy.kind=dmo: policy.kind: no policy is called 'dmo'; did you mean 'demo'?",
        ),
        ("policy=3", "--set policy=3: policy: expected a mapping, found 3"),
        ("seed.x=3", "--set seed.x=3: seed: expected a whole number, found a mapping"),
        ("seed", "--set seed: expected PATH=VALUE, e.g. policy.width=3"),
        ("=3", "--set =3: '' is no path; expected keys joined by dots, e.g. policy.width"),
        ("a..b=3", "--set a..b=3: 'a..b' is no path; expected keys joined by dots, e.g. policy.width"),
        ("seed=[1", "--set seed=[1: cannot read '[1' as YAML; check quotes and brackets"),
        ("extends=loop", "--set extends=loop: 'extends' cannot be overridden; load the other recipe instead"),
        (
            "agents.wirte.prompt=demo/short",
            "--set agents.wirte.prompt=demo/short: agents.wirte: policy 'demo' has no such action (as it is set);"
            " did you mean 'write'?",
        ),
        (
            "agents.write.prompt=demo/shrt",
            "--set agents.write.prompt=demo/shrt: agents.write.prompt: no prompt 'demo/shrt';"
            " did you mean 'demo/short'?",
        ),
        (
            "models.codr=x",
            "--set models.codr=x: models.codr: no role, action or agent uses it; did you mean 'coder'?",
        ),
        (
            "budget.role_calls.critc=1",
            "--set budget.role_calls.critc=1: budget.role_calls.critc: expected 'planner', 'coder', 'tester',"
            " 'debugger' or 'critic', found 'critc'; did you mean 'critic'?",
        ),
        ("about=\ud800", "--set about=\\ud800: contains '\\ud800', which is not a character"),
    ],
)
def test_errors_name_the_option(override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        changed(override)
    assert str(caught.value) == message


def test_errors_name_the_path_of_a_mapping() -> None:
    with pytest.raises(
        RecipeError, match=r"^override policy: policy.width: expected a whole number, found '3'$"
    ):
        load(CONTENT, {"policy": {"width": "3"}})  # type: ignore[arg-type]


def test_every_bad_override_is_reported() -> None:
    with pytest.raises(RecipeError) as caught:
        changed("policy.width=a", "policy.widht=3", "workers=0")
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "--set policy.width=a",
        "--set policy.widht=3",
        "--set workers=0",
    ]


def test_agents_that_an_override_makes_idle_are_left_out() -> None:
    assert set(changed("policy.score=false").agents) == {"think", "write"}
    assert set(changed("policy.kind=other").agents) == {"write"}


def test_models_of_idle_agents_go_with_them() -> None:
    options = [
        "models.rate=a",
        "models.mine=b",
        "agents.rate.model=mine",
        "prices.mine={input: 1, output: 1}",
    ]
    recipe = changed(*options)
    assert set(recipe.models) == {"default", "rate", "mine"}
    smaller = load(recipe, ["policy.score=false"])
    assert (set(smaller.models), smaller.prices) == ({"default"}, {})
    assert load(smaller) == smaller


def test_a_replaced_model_loses_its_price() -> None:
    content = {**CONTENT, "prices": {"default": {"input": 1, "output": 2}}}  # type: ignore[dict-item]
    assert load(content).price_for("write") is not None
    assert load(content, ["models.default=x:y"]).price_for("write") is None
    again = load(content, ["models.default=x:y", "prices.default={input: 3, output: 4}"]).price_for("write")
    assert again is not None
    assert (again.input, again.output) == (3, 4)


@given(st.lists(WORDS, min_size=1, max_size=5), st.integers() | st.booleans() | st.none() | WORDS)
def test_a_path_becomes_nested_mappings(path: list[str], value: object) -> None:
    written = json.dumps(value) if not isinstance(value, str) else value
    (layer,) = read_overrides([f"{'.'.join(path)}={written}"])
    found: object = layer.plain()
    for step in path:
        assert isinstance(found, dict)
        assert list(found) == [step]
        found = found[step]
    assert found == value


@given(
    width=st.integers(-2, 12),
    c=st.floats(-1, 1e6, allow_nan=False),
    workers=st.integers(-1, 2000),
)
def test_an_override_is_taken_exactly_or_refused(width: int, c: float, workers: int) -> None:
    good = 1 <= width <= 9 and c > 0 and 1 <= workers <= 1024
    options = [f"policy.width={width}", f"policy.c={c!r}", f"workers={workers}"]
    if not good:
        with pytest.raises(RecipeError):
            changed(*options)
        return
    recipe = changed(*options)
    assert settings(recipe) == DemoSettings(width=width, c=c)
    assert recipe.workers == workers
