"""The recipe format as a JSON schema, for editors that complete and check YAML while it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from pydantic import Field, create_model

from codegrove.graphs.recipe.schema import RecipeFile
from codegrove.search.registry import POLICIES, PolicyKind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
COMPLETE = {
    "required": ["policy", "agents"],
    "properties": {
        "policy": {"required": ["kind"]},
        "agents": {"additionalProperties": {"required": ["role", "prompt"]}},
        "prices": {"additionalProperties": {"required": ["input", "output"]}},
        "paper": {"required": ["title"]},
    },
}
"""What a recipe must have that extends no other."""


def recipe_json_schema(policies: Mapping[str, PolicyKind] | None = None) -> dict[str, Any]:
    """Return the JSON schema of a recipe file.

    It accepts every file that `load_recipe` accepts, and refuses unknown keys, wrong types and values out of
    range; what the parts of a recipe must agree on is left to `load_recipe`.

    Args:
        policies: the policies whose settings are accepted; None for the registered ones.
    """
    known = POLICIES if policies is None else policies
    settings: Any = reduce(or_, (entry.settings for _, entry in sorted(known.items())))
    file = create_model(
        "RecipeFile",
        __base__=RecipeFile,
        policy=(settings, Field(description="The choosing rule and its settings; `kind` says which rule.")),
    )
    schema = file.model_json_schema()
    for definition in schema["$defs"].values():
        # A recipe that extends another may give parts of anything.
        definition.pop("required", None)
    schema["required"] = ["version", "name"]
    schema["if"] = {"not": {"required": ["extends"]}}
    schema["then"] = COMPLETE
    return {"$schema": DIALECT, **schema, "title": "codegrove recipe", "description": "One method, as data."}
