"""Recipes: methods as YAML, checked to the last key.

``load_recipe("codetree", ["policy.width=3"])`` returns a frozen, complete `Recipe`.
"""

from codegrove.graphs.recipe.json_schema import recipe_json_schema
from codegrove.graphs.recipe.loader import RecipeInfo, list_recipes, load_recipe
from codegrove.graphs.recipe.schema import (
    AgentSpec,
    BudgetSpec,
    LimitsSpec,
    PaperSpec,
    PriceSpec,
    Recipe,
    RoleName,
    SamplingSpec,
)

__all__ = [
    "AgentSpec",
    "BudgetSpec",
    "LimitsSpec",
    "PaperSpec",
    "PriceSpec",
    "Recipe",
    "RecipeInfo",
    "RoleName",
    "SamplingSpec",
    "list_recipes",
    "load_recipe",
    "recipe_json_schema",
]
