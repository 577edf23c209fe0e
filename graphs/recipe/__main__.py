"""Prints the JSON schema of recipe files: ``python -P -m codegrove.graphs.recipe > recipe.schema.json``."""

from __future__ import annotations

import json

from codegrove.graphs.recipe.json_schema import recipe_json_schema

if __name__ == "__main__":
    print(json.dumps(recipe_json_schema(), indent=2))
