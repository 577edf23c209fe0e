"""JSON of a stranger: integers of any length, and one clear reason for what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping

_DIGITS = 4000
"""Python converts no more decimal digits than 4,300 at once; data sets hold longer integers."""


class BadJson(ValueError):
    """Why a text is no JSON; the message says where."""

    def __init__(self, message: str, *, malformed: bool) -> None:
        super().__init__(message)
        self.malformed = malformed
        """False for JSON that is too large or too deep to be read."""


def parse_json(text: str) -> object:
    """Return the value of a JSON text.

    Raises:
        BadJson: with the place (a line only where there are several).
    """
    try:
        return json.loads(text, parse_int=parse_integer)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise BadJson(f"{error.msg} at {place}", malformed=True) from None
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error), malformed=False) from None


def parse_integer(digits: str) -> int:
    """Return the integer that decimal digits (with a sign or without) stand for, however many they are."""
    if len(digits) <= _DIGITS:
        return int(digits)
    negative = digits.startswith("-")
    number = 0
    body = digits.lstrip("+-")
    for start in range(0, len(body), _DIGITS):
        part = body[start : start + _DIGITS]
        number = number * 10 ** len(part) + int(part)
    return -number if negative else number


def python_literal(value: object) -> str:
    """Return a value of plain built-in types as Python text that reads back as the same value.

    Integers too long for decimal digits are written in hexadecimal, NaN and the infinities as ``nan`` and ``inf``.

    Raises:
        TypeError: for an object of any other type.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 3 * _DIGITS:
        return hex(value)
    if value is None or isinstance(value, (bool, int, float, str, complex)):
        return repr(value)
    if isinstance(value, tuple):
        inner = ", ".join(map(python_literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return f"[{', '.join(map(python_literal, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{python_literal(k)}: {python_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(map(python_literal, value))) + "}" if value else "set()"
    raise TypeError(f"{type(value).__name__} has no literal")
