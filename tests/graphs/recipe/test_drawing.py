"""What a recipe shows of itself in a notebook."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from codegrove.graphs.recipe import Recipe, list_recipes, load_recipe
from codegrove.search.policy import ActionKind
from codegrove.search.registry import make_policy

SVG = "{http://www.w3.org/2000/svg}"


def words(recipe: Recipe) -> list[str]:
    picture = ElementTree.fromstring(recipe._repr_mimebundle_()["image/svg+xml"])
    assert not [node for node in picture.iter() if node.tag == f"{SVG}script" or "href" in node.attrib]
    return ["".join(node.itertext()) for node in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", [info.name for info in list_recipes()])
def test_every_shipped_recipe_shows_its_agents_as_text_and_as_a_picture(name: str) -> None:
    recipe = load_recipe(name)
    plain = recipe._repr_mimebundle_()["text/plain"]
    assert plain.startswith(name) and "\npolicy: " in plain
    shown = words(recipe)
    for action, kind in make_policy(recipe.policy).actions.items():
        if kind is ActionKind.EXECUTE:
            assert "execute" in shown
        else:
            assert kind.value in shown and f"{action} · sim:" in shown
            assert action in plain


def test_what_a_recipe_turns_off_is_not_in_the_picture() -> None:
    assert "planner" not in words(load_recipe("uct"))
    assert "approve" not in words(load_recipe("grove"))
    planned = load_recipe("grove", ["approve=plan"])
    assert ("approve" in words(planned)) == ("planner" in words(planned))


def test_names_of_models_are_text_and_nothing_else() -> None:
    name = 'openai:<script>alert("1")</script>&\x00'
    recipe = load_recipe("direct", {"models": {"default": name}})
    assert any("<script>" in word for word in words(recipe))
    assert "<script>" not in recipe._repr_mimebundle_()["image/svg+xml"]
