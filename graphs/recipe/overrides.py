"""Overrides: ``policy.c=1.4`` from the command line, mappings from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from codegrove.errors import RecipeError
from codegrove.graphs.recipe.layers import anchor_prompts, merge
from codegrove.graphs.recipe.yaml_positions import (
    Entry,
    Node,
    Origin,
    from_python,
    parse_value,
    read_scalar,
    require_sound,
)

OPTION = "--set"
"""How overrides are given on the command line; used in messages."""


def read_overrides(overrides: Sequence[str] | Mapping[str, object]) -> list[Node]:
    """Return the overrides as one recipe layer, or none if there are no overrides.

    Text has the form ``path=value`` with a dotted path. The value is read as an unquoted YAML scalar (so
    ``models.default=sim:`` needs no quotes); one that begins with a quote, ``[`` or ``{`` is read as YAML.
    In a mapping, keys may be dotted and values may be mappings. Later ones win. Paths of prompt files begin in
    the working directory.

    Raises:
        RecipeError: for text of another form; names the option.
    """
    if isinstance(overrides, Mapping):
        nodes = [_from_item(key, value) for key, value in overrides.items()]
    elif isinstance(overrides, str):
        nodes = [_from_text(overrides)]
    else:
        nodes = [_from_text(text) for text in overrides]
    if not nodes:
        return []
    layer = nodes[0]
    for node in nodes[1:]:
        layer = merge(layer, node)
    return [anchor_prompts(layer, Path())]


def _from_text(text: str) -> Node:
    origin = Origin(f"{OPTION} {text}")
    require_sound(text, origin)
    path, separator, value = text.partition("=")
    if not separator:
        raise RecipeError(f"{origin}: expected PATH=VALUE, e.g. policy.width=3")
    value = value.strip()
    if value[:1] in ("'", '"', "[", "{"):
        try:
            node = from_python(parse_value(value, str(origin)).plain(), origin)
        except RecipeError:
            raise RecipeError(f"{origin}: cannot read {value!r} as YAML; check quotes and brackets") from None
    else:
        node = Node(origin, read_scalar(value, origin))
    return _wrap(path, node, origin)


def _from_item(key: object, value: object) -> Node:
    origin = Origin(f"override {key}")
    if not isinstance(key, str):
        raise RecipeError(f"{origin}: keys must be text, found {key!r}")
    require_sound(key, origin)
    return _wrap(key, from_python(value, origin), origin)


def _wrap(path: str, node: Node, origin: Origin) -> Node:
    """Return the node inside the mappings that a dotted path stands for."""
    steps = [step.strip() for step in path.split(".")]
    if not all(steps):
        raise RecipeError(f"{origin}: {path!r} is no path; expected keys joined by dots, e.g. policy.width")
    if steps[0] == "extends":
        raise RecipeError(f"{origin}: 'extends' cannot be overridden; load the other recipe instead")
    for step in reversed(steps):
        node = Node(origin, {step: Entry(origin, node)})
    return node
