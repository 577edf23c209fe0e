"""Turns what is wrong with a recipe into messages that say where, what, and what to try."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from codegrove.errors import RecipeError, did_you_mean
from codegrove.graphs.recipe.yaml_positions import Node, describe

SHOWN = 12
"""Problems listed in one message."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    path: Path
    """Keys and list positions that lead to it."""
    message: str
    """Without the place."""
    at_key: bool = False
    """Whether the key is to blame, not its value."""


def raise_problems(problems: Sequence[Problem], root: Node) -> None:
    """Raise one error with a line per problem, in the order of the file; do nothing if there are none.

    Args:
        problems: what is wrong.
        root: the recipe as it was written, for the places.

    Raises:
        RecipeError: if there are problems.
    """
    if not problems:
        return
    placed = [(root.locate(problem.path, key=problem.at_key), problem.message) for problem in problems]
    # Sorted by place within a source; sources keep the order in which they turn up.
    sources = list(dict.fromkeys(origin.source for origin, _ in placed))
    placed.sort(key=lambda item: (sources.index(item[0].source), item[0].line or 0, item[0].column or 0))
    lines = list(dict.fromkeys(f"{origin}: {message}" for origin, message in placed))
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"and {len(lines) - SHOWN} more"]
    raise RecipeError("\n".join(lines))


def from_validation(
    errors: Sequence[ErrorDetails], model: type[BaseModel], prefix: Path = ()
) -> list[Problem]:
    """Translate pydantic's errors.

    Args:
        errors: what `ValidationError.errors()` returned.
        model: the model that was validated.
        prefix: path of the validated value inside the recipe.
    """
    return [_translate(error, model, prefix) for error in errors]


def dotted(path: Path) -> str:
    """Return a path as it is written in overrides; ``"the recipe"`` for the whole."""
    return ".".join(map(str, path)) or "the recipe"


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "string_too_short": "text with at least {min_length} characters",
    "string_too_long": "text with at most {max_length} characters",
    "string_pattern_mismatch": "text like {pattern}",
    "literal_error": "{expected}",
}
_BOOLEAN_WORDS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def _translate(error: ErrorDetails, model: type[BaseModel], prefix: Path) -> Problem:
    kind, context = error["type"], error.get("ctx", {})
    # pydantic marks a bad mapping key by a last step of its own.
    at_key = error["loc"][-1:] == ("[key]",)
    path = (*prefix, *(error["loc"][:-1] if at_key else error["loc"]))
    if kind == "extra_forbidden":
        key, parent = str(path[-1]), path[:-1]
        inside = f" in {dotted(parent)}" if parent else ""
        hint = did_you_mean(key, _known_keys(model, error["loc"][:-1]))
        return Problem(path, f"unknown key {key!r}{inside}{hint}", at_key=True)
    if kind == "missing":
        return Problem(path[:-1], f"{dotted(path[:-1])}: missing key {str(path[-1])!r}", at_key=True)
    if kind == "value_error":
        return Problem(path, f"{dotted(path)}: {context.get('error', error['msg'])}")
    found = error["input"]
    if kind not in _EXPECTED:
        return Problem(path, f"{dotted(path)}: {error['msg']}, found {describe(found)}", at_key)
    expected = _EXPECTED[kind].format(**context)
    hint = ""
    if kind == "literal_error" and isinstance(found, str):
        words = re.findall(r"'([^']*)'", expected)
        suggestion = did_you_mean(found, words)
        hint = suggestion if suggestion.startswith("; did") else ""
    elif kind in ("bool_type", "bool_parsing"):
        word = _BOOLEAN_WORDS.get(str(found).lower(), str(found).lower())
        hint = f"; did you mean {word}?" if word in ("true", "false") else ""
    return Problem(path, f"{dotted(path)}: expected {expected}, found {describe(found)}{hint}", at_key)


def _known_keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the keys of the model that stands at a path inside `model`."""
    annotation: Any = model
    for step in path:
        annotation = _step_into(annotation, step)
    inner = _model_in(annotation)
    return list(inner.model_fields) if inner is not None else []


def _step_into(annotation: Any, step: str | int) -> Any:
    inner = _model_in(annotation)
    if inner is not None:
        info = inner.model_fields.get(str(step))
        return info.annotation if info is not None else None
    for part in _parts(annotation):
        arguments = get_args(part)
        if isinstance(get_origin(part), type) and issubclass(get_origin(part), Mapping):
            return arguments[1]
        if get_origin(part) in (tuple, list):
            return arguments[0]
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _parts(annotation: Any) -> tuple[Any, ...]:
    """Return the alternatives of a union, or the annotation itself."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)
