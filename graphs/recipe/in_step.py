"""What follows from how much a policy asks for: its call budget, and how its answers are drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from codegrove.graphs.recipe.problems import Problem
from codegrove.graphs.recipe.schema import Recipe, RecipeBody
from codegrove.graphs.recipe.yaml_positions import Node
from codegrove.search.policy import Policy


def last_with_calls(layers: Sequence[Node]) -> int:
    """Return the index of the last layer that sets the call budget; -1 for none."""
    return max(
        (index for index, layer in enumerate(layers) if "calls" in layer.section("budget")), default=-1
    )


def with_raised_calls(recipe: Recipe, policy: Policy, below: Policy) -> Recipe:
    """Return the recipe with a call budget that has grown as its policy has.

    A budget belongs to the policy it was written for. Where a later layer makes the policy ask for more and says
    nothing of calls, the budget keeps its proportion; else it would silently cut off what was asked for.

    Args:
        recipe: the whole recipe.
        policy: the policy it makes.
        below: the policy that the layers up to the one with the budget make.
    """
    calls, needs, needed = recipe.budget.calls, _calls(policy), _calls(below)
    if calls is None or needs is None or needed is None or not 0 < needed <= calls or needs <= needed:
        return recipe
    raised = -(-calls * needs // needed)
    return recipe.model_copy(update={"budget": recipe.budget.model_copy(update={"calls": raised})})


def check_draws(body: RecipeBody, policy: Policy, kind: str) -> list[Problem]:
    """Return a problem for every agent that is asked the same again and again, and always answers the same."""
    redrawn: Collection[str] = getattr(policy, "redrawn", ())
    return [
        Problem(
            ("agents", name, "sampling", "temperature"),
            f"agents.{name}.sampling.temperature: policy {kind!r} (as it is set) asks this agent the same question"
            " several times, and at temperature 0 the answers are equal; set it above 0, e.g. to 0.8",
        )
        for name, agent in body.agents.items()
        if name in redrawn and agent.sampling.temperature == 0
    ]


def _calls(policy: Policy) -> int | None:
    calls = getattr(policy, "calls", None)
    return calls if isinstance(calls, int) else None
