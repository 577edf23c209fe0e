"""``codegrove recipes``: list, show, check and draw."""

from __future__ import annotations

from typing import Annotated

import typer

from codegrove.cli import recipes_app

Name = Annotated[str, typer.Argument(help="Name of a shipped recipe, or a YAML file.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Change the recipe, e.g. --set policy.c=1.4. Repeatable.")
]


@recipes_app.command("list")
def list_() -> None:
    """List the shipped recipes."""
    from codegrove.graphs.recipe import list_recipes

    known = list_recipes()
    width = max(len(entry.name) for entry in known)
    for entry in known:
        print(f"{entry.name:<{width}}  {entry.about}")


@recipes_app.command()
def show(name: Name, set_: Overrides = None) -> None:
    """Print a recipe as YAML, with every default written out."""
    from codegrove.graphs.recipe import load_recipe

    print(load_recipe(name, set_ or ()).to_yaml(), end="")


@recipes_app.command()
def check(name: Name, set_: Overrides = None) -> None:
    """Check a recipe; exit code 2 and one message when something is wrong."""
    from codegrove.graphs.recipe import load_recipe

    recipe = load_recipe(name, set_ or ())
    print(f"{recipe.name}: ok, {len(recipe.agents)} actions, fingerprint {recipe.fingerprint}")


@recipes_app.command()
def graph(name: Name, set_: Overrides = None) -> None:
    """Print a recipe's state machine as mermaid text."""
    from codegrove.graphs.assemble import assemble
    from codegrove.graphs.build import build_graph
    from codegrove.graphs.picture import draw

    assembly = assemble(name, overrides=set_ or (), model="sim:")
    print(draw(build_graph(assembly)))


@recipes_app.command()
def schema() -> None:
    """Print the JSON schema of recipes, for editors."""
    import json

    from codegrove.graphs.recipe import recipe_json_schema

    print(json.dumps(recipe_json_schema(), indent=2))
