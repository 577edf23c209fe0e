"""What `langgraph dev` finds. That it serves it: tests/server/trial.py (`make server`)."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from codegrove.graphs import served
from codegrove.graphs.recipe.files import packaged_recipes

CONFIG = json.loads((Path(__file__).resolve().parents[2] / "langgraph.json").read_text(encoding="utf-8"))


def test_every_recipe_is_served_by_its_name() -> None:
    names = sorted(packaged_recipes())
    assert CONFIG["graphs"] == {name: f"codegrove.graphs.served:{name.replace('-', '_')}" for name in names}


@pytest.mark.parametrize("name", sorted(packaged_recipes()))
async def test_its_factory_makes_one_graph_that_takes_plain_data(name: str) -> None:
    factory: Any = vars(served)[name.replace("-", "_")]
    assert not inspect.signature(factory).parameters
    graph = await factory()
    assert graph is await factory()
    assert graph.name == name
    assert set(graph.get_input_jsonschema()["$defs"]) >= {"Task", "CallTest"}
