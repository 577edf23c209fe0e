"""Loads a recipe: its files and overrides in layers, checked as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from codegrove.errors import did_you_mean
from codegrove.graphs.recipe.checks import (
    DEFAULT_MODEL,
    ROLES,
    FindPrompt,
    PolicyFacts,
    check_body,
    missing_agents,
    model_actions,
    packaged_prompt,
    surplus_agents,
)
from codegrove.graphs.recipe.files import packaged_recipes, read_file, read_layers
from codegrove.graphs.recipe.in_step import check_draws, last_with_calls, with_raised_calls
from codegrove.graphs.recipe.layers import overlay
from codegrove.graphs.recipe.overrides import read_overrides
from codegrove.graphs.recipe.problems import Problem, from_validation, raise_problems
from codegrove.graphs.recipe.schema import Recipe, RecipeBody, RecipeFile
from codegrove.graphs.recipe.yaml_positions import Node, describe
from codegrove.search.policy import ActionKind
from codegrove.search.registry import POLICIES, PolicyKind
from codegrove.search.settings import PolicySettings

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class RecipeInfo:
    """A recipe of the package, for lists."""

    name: str
    about: str


def load_recipe(
    source: str | Path | Recipe | Mapping[str, object],
    overrides: Sequence[str] | Mapping[str, object] = (),
    *,
    policies: Mapping[str, PolicyKind] | None = None,
    find_prompt: FindPrompt | None = None,
) -> Recipe:
    """Return a checked recipe.

    Agents that a file brings for actions which the policy no longer asks for, because a child or an override
    changed its settings, are left out. Agents without an action in the same layer as the policy are errors.

    Args:
        source: name of a recipe of the package, path of a ``.yaml`` file, a recipe, or the content of one as
            a mapping.
        overrides: what to change, as in ``policy.c=1.4``; see `read_overrides`.
        policies: known policies; None for the registered ones.
        find_prompt: how prompts are found; None for those of the package.

    Raises:
        RecipeError: with one line per problem, each beginning with ``file:line:column`` where known.
    """
    layers = [*read_layers(source), *read_overrides(overrides)]
    from_files = len(layers) - (1 if overrides else 0)
    root = _merged(layers, from_files)
    known = POLICIES if policies is None else policies
    recipe = _validate(root, layers, known, find_prompt or packaged_prompt)
    return _with_calls_in_step(recipe, layers, from_files, known)


def list_recipes() -> list[RecipeInfo]:
    """Return the recipes of the package by name."""
    infos = []
    for name, path in sorted(packaged_recipes().items()):
        about = read_file(path).entries.get("about")
        infos.append(RecipeInfo(name, str(about.node.value) if about is not None else ""))
    return infos


def _merged(layers: Sequence[Node], from_files: int) -> Node:
    root = layers[0]
    for index, layer in enumerate(layers[1:], start=1):
        root = overlay(root, layer, blame="over" if index < from_files else "base")
    return root


def _with_calls_in_step(
    recipe: Recipe, layers: Sequence[Node], from_files: int, policies: Mapping[str, PolicyKind]
) -> Recipe:
    """Return the recipe with the call budget that its policy takes, see `with_raised_calls`."""
    written = last_with_calls(layers)
    if written < 0 or not any("policy" in layer.entries for layer in layers[written + 1 :]):
        return recipe
    below = _read_policy(_merged(layers[: written + 1], from_files), policies, [])
    if below is None:
        return recipe  # the budget was written for no policy
    return with_raised_calls(recipe, *(policies[_kind(s)].policy(s) for s in (recipe.policy, below)))


def _kind(settings: PolicySettings) -> str:
    return str(getattr(settings, "kind", ""))


def _validate(
    root: Node, layers: Sequence[Node], policies: Mapping[str, PolicyKind], find_prompt: FindPrompt
) -> Recipe:
    written = root
    problems: list[Problem] = []
    settings = _read_policy(root, policies, problems)
    facts: PolicyFacts | None = None
    kind, policy = "", None
    if settings is not None:
        kind = _kind(settings)
        policy = policies[kind].policy(settings)
        facts = PolicyFacts.of(kind, policy)
        actions = facts.actions
        root = _without_idle_agents(root, layers, actions)
        agents = root.entries.get("agents")
        if agents is not None and isinstance(agents.node.value, dict):
            surplus = surplus_agents(agents.node.value, actions, kind)
            problems += [*surplus, *missing_agents(agents.node.value, actions, kind)]
            # They are reported; what else may be wrong with them does not matter.
            root = root.without("agents", {str(problem.path[-1]) for problem in surplus})
    content = Node(root.origin, {key: entry for key, entry in root.entries.items() if key != "policy"})
    body = _check_model(RecipeBody, content, RecipeFile, (), problems)
    if body is not None and facts is not None:
        problems += check_body(body, facts, find_prompt)
    if body is not None and policy is not None:
        problems += check_draws(body, policy, kind)
    raise_problems(problems, written)
    assert body is not None
    assert settings is not None
    return Recipe(**dict(body), policy=settings)


def _read_policy(
    root: Node, policies: Mapping[str, PolicyKind], problems: list[Problem]
) -> PolicySettings | None:
    """Return the policy's settings, or None after adding what is wrong with them to `problems`."""
    entry = root.entries.get("policy")
    if entry is None:
        problems.append(Problem((), "the recipe: missing key 'policy'"))
        return None
    if not isinstance(entry.node.value, dict):
        found = describe(entry.node.plain())
        problems.append(Problem(("policy",), f"policy: expected a mapping, found {found}"))
        return None
    kind = entry.node.entries.get("kind")
    known = ", ".join(sorted(policies))
    if kind is None:
        problems.append(Problem(("policy",), f"policy: missing key 'kind'; known: {known}", at_key=True))
        return None
    name = kind.node.value
    if not isinstance(name, str) or name not in policies:
        hint = did_you_mean(name, policies) if isinstance(name, str) else f"; known: {known}"
        found = describe(kind.node.plain())
        problems.append(Problem(("policy", "kind"), f"policy.kind: no policy is called {found}{hint}"))
        return None
    settings = policies[name].settings
    return _check_model(settings, entry.node, settings, ("policy",), problems)


def _check_model(
    model: type[ModelT], node: Node, known: type[BaseModel], prefix: tuple[str, ...], problems: list[Problem]
) -> ModelT | None:
    """Return the validated model, or None after adding what is wrong to `problems`."""
    try:
        # As JSON, because there strict types still allow a list for a tuple.
        return model.model_validate_json(json.dumps(node.plain()), strict=True)
    except ValidationError as error:
        problems += from_validation(error.errors(include_url=False), known, prefix)
        return None


def _without_idle_agents(root: Node, layers: Sequence[Node], actions: Mapping[str, ActionKind]) -> Node:
    """Leave out agents without an action that stand in a lower layer than the last change to the policy.

    Models and prices that only they use go with them.
    """
    level = {origin.source: index for index, layer in enumerate(layers) for origin in layer.origins()}
    policy = root.entries["policy"]
    changed = max(level.get(origin.source, 0) for origin in (policy.key, *policy.node.origins()))
    wanted = model_actions(actions)
    agents = root.section("agents")
    idle = {
        name
        for name, entry in agents.items()
        if name not in wanted and level.get(entry.key.source, 0) < changed
    }
    models = {name: _model_of(entry.node) for name, entry in agents.items()}
    in_use = {DEFAULT_MODEL, *ROLES, *wanted, *(model for name, model in models.items() if name not in idle)}
    unused = (idle | {models[name] for name in idle}) - in_use
    return root.without("agents", idle).without("models", unused).without("prices", unused)


def _model_of(agent: Node) -> str:
    """Return the name under `models` that an agent gives; "" for none."""
    entry = agent.entries.get("model")
    return entry.node.value if entry is not None and isinstance(entry.node.value, str) else ""
