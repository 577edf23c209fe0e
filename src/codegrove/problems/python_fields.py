"""Fields of benchmark entries that hold Python or JSON text."""

from __future__ import annotations

import ast

from codegrove.errors import TaskError
from codegrove.examples.source import ROW_ERRORS, parse_quietly
from codegrove.problems.json_values import BadJson, parse_json
from codegrove.problems.rows import shown


def parsed(code: str, where: str, field: str, expected: str = "Python") -> ast.Module:
    """Return the syntax tree of a field.

    Raises:
        TaskError: naming the place, the field, and what was expected.
    """
    try:
        return parse_quietly(code)
    except ROW_ERRORS as error:
        raise TaskError(
            f"{where}, field {field!r}: expected {expected}; it does not parse: {error}"
        ) from None


def json_field(text: str, where: str, field: str) -> object:
    """Return the value of a field that holds JSON as text.

    Raises:
        TaskError: naming the place and the field.
    """
    try:
        return parse_json(text)
    except BadJson as error:
        raise TaskError(f"{where}, field {field!r}: expected JSON as text; {error}") from None


def wrong_field(where: str, field: str, expected: str, found: object) -> TaskError:
    """Return what to say about a value that is not what the format asks for."""
    return TaskError(f"{where}, field {field!r}: expected {expected}; found {shown(found)}")
