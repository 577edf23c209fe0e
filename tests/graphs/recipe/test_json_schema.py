from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest
import yaml

from codegrove.graphs.recipe import list_recipes, load_recipe, recipe_json_schema
from tests.graphs.recipe.doubles import DEMO, POLICIES

FOLDER = resources.files("codegrove.graphs") / "recipes"
DEMO_SCHEMA = jsonschema.Draft202012Validator(recipe_json_schema(POLICIES))


def test_the_schema_is_valid_and_the_one_that_ships() -> None:
    schema = recipe_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    shipped = json.loads((FOLDER / "recipe.schema.json").read_text(encoding="utf-8"))
    assert shipped == schema, "run: python -P -m codegrove.graphs.recipe > graphs/recipes/recipe.schema.json"


@pytest.mark.parametrize("name", [info.name for info in list_recipes()])
def test_it_accepts_the_shipped_recipes(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    pointer = "# yaml-language-server: $schema="
    first = text.splitlines()[0]
    assert first.startswith(pointer)
    assert (FOLDER / first.removeprefix(pointer)).is_file()
    validator = jsonschema.Draft202012Validator(recipe_json_schema())
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width: 4", "widht: 4"),
        ("width: 4", "width: 10"),
        ("width: 4", "rounds: 2"),
        ("kind: demo", "kind: dem"),
        ("  kind: demo\n", ""),
        ("calls: 60", "calls: many"),
        ("budget:", "bugdet:"),
        ("    role: coder\n", ""),
        ("role: coder", "role: cook"),
        ("name: demo\n", ""),
        ("version: 1", "version: 2"),
    ],
)
def test_it_refuses_what_is_wrong(old: str, new: str) -> None:
    assert DEMO_SCHEMA.is_valid(yaml.safe_load(DEMO))
    assert not DEMO_SCHEMA.is_valid(yaml.safe_load(DEMO.replace(old, new, 1)))


def test_a_child_may_give_parts() -> None:
    head = {"version": 1, "name": "child"}
    parts = {"policy": {"width": 2}, "agents": {"write": {"unreadable": "repair"}}}
    assert DEMO_SCHEMA.is_valid({**head, "extends": "demo", **parts})
    assert not DEMO_SCHEMA.is_valid({**head, **parts})


def test_every_setting_is_described() -> None:
    schema = recipe_json_schema()
    objects = {"": schema, **schema["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, definition in objects.items()
        for key, value in definition.get("properties", {}).items()
        if "description" not in value and key != "kind"
    ]
    assert silent == []


def test_what_a_run_writes_is_accepted() -> None:
    validator = jsonschema.Draft202012Validator(recipe_json_schema())
    for info in list_recipes():
        validator.validate(yaml.safe_load(load_recipe(info.name).to_yaml()))
