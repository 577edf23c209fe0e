"""One graph factory per shipped recipe, by its name, for servers such as ``langgraph dev``: ``served:uct``.

Each makes its graph once: a graph that waits for a human is resumed by a later request. The models are those of
the recipe, the simulated programmer. How to serve recipes of one's own: docs/langgraph.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from codegrove.graphs.assemble import assemble
from codegrove.graphs.build import RecipeGraph, build_graph
from codegrove.graphs.recipe.files import packaged_recipes


def _factory(recipe: str) -> Callable[[], Coroutine[Any, Any, RecipeGraph]]:
    @cache
    def make() -> RecipeGraph:
        return build_graph(assemble(recipe))

    async def factory() -> RecipeGraph:
        return await asyncio.to_thread(
            make
        )  # recipes and prompts are files, which a server must not wait for

    return factory


RECIPES = tuple(packaged_recipes())
"""The recipes that have a factory here."""

globals().update({name.replace("-", "_"): _factory(name) for name in RECIPES})
