"""Lays one recipe over another: a child over what it extends, overrides over both."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from codegrove.graphs.recipe.yaml_positions import Entry, Node

PROMPT_SUFFIX = ".md"
"""Ends the paths of prompts that are not of the package."""
NOT_INHERITED = ("version", "name", "extends")
"""Keys that every file gives itself."""


def merge(base: Node, over: Node, *, blame: Literal["base", "over"] = "over") -> Node:
    """Return `base` with `over` on top: mappings key by key, everything else as a whole.

    Args:
        base: what is below.
        over: what wins.
        blame: whose place a mapping gets that both have. What is written in only one keeps its own.
    """
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    entries = dict(base.value)
    for key, entry in over.value.items():
        below = entries.get(key)
        if below is None:
            entries[key] = entry
            continue
        node = merge(below.node, entry.node, blame=blame)
        both_mappings = isinstance(below.node.value, dict) and isinstance(entry.node.value, dict)
        entries[key] = Entry(below.key if both_mappings and blame == "base" else entry.key, node)
    return Node(base.origin if blame == "base" else over.origin, entries)


def overlay(base: Node, over: Node, *, blame: Literal["base", "over"] = "over") -> Node:
    """Return the recipe `base` with the recipe `over` on top.

    Like `merge`, but settings of another policy kind are not mixed with those below, and a model that is
    replaced loses its price: that was the other model's.
    """
    models = over.section("models")
    base = base.without("prices", models)
    entries = dict(base.entries)
    kind, new_kind = (layer.section("policy").get("kind") for layer in (base, over))
    if new_kind is not None and (kind is None or kind.node.value != new_kind.node.value):
        entries.pop("policy", None)
    return merge(Node(base.origin, entries), over, blame=blame)


def inherited(parent: Node) -> Node:
    """Return what a child gets from the recipe it extends."""
    entries = {key: entry for key, entry in parent.entries.items() if key not in NOT_INHERITED}
    return Node(parent.origin, entries)


def anchor_prompts(recipe: Node, folder: Path) -> Node:
    """Return the recipe with the paths of its own prompt files made absolute, so that it can be moved.

    Args:
        recipe: one layer.
        folder: where its relative paths begin.
    """
    agents = {name: _anchor_prompt(entry, folder) for name, entry in recipe.section("agents").items()}
    if not agents:
        return recipe
    whole = recipe.entries["agents"]
    return Node(
        recipe.origin, {**recipe.entries, "agents": Entry(whole.key, Node(whole.node.origin, agents))}
    )


def _anchor_prompt(agent: Entry, folder: Path) -> Entry:
    prompt = agent.node.entries.get("prompt")
    if (
        prompt is None
        or not isinstance(prompt.node.value, str)
        or not prompt.node.value.endswith(PROMPT_SUFFIX)
    ):
        return agent
    path = os.path.abspath(folder / prompt.node.value)
    entry = Entry(prompt.key, Node(prompt.node.origin, path))
    return Entry(agent.key, Node(agent.node.origin, {**agent.node.entries, "prompt": entry}))
