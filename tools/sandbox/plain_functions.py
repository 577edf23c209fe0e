"""What tests may call on plain values, and how much work and memory that may take."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from codegrove.tools.sandbox.values import DecodeError, require_hashable

MOST_ITEMS = 1_000_000
MOST_BITS = 100_000
"""Of a power; of what is multiplied or divided ten times as many."""
_MOST_DIGITS = 1000
"""Decimal places that something is rounded to, in either direction."""


class NotPlain(ValueError):
    """An expression, or a value on its way, is outside of what is evaluated here."""


def require(condition: bool) -> None:
    """Raise `NotPlain` unless something is so."""
    if not condition:
        raise NotPlain("outside of what is evaluated here")


def require_short(*numbers: Any) -> None:
    """Refuse integers that a multiplication or division would take long for: its work grows with the square."""
    for number in numbers:
        require(not isinstance(number, int) or number.bit_length() <= MOST_BITS * 10)


class Budget:
    """Work that is left: about one unit for each part of an expression and each item that is made or looked at."""

    __slots__ = ("left",)

    def __init__(self, units: int) -> None:
        self.left = units

    def spend(self, units: int = 1) -> None:
        """Use some of it. Raises `NotPlain` when nothing is left."""
        self.left -= units
        if self.left < 0:
            raise NotPlain("too much work to be done here")

    def spend_on(self, value: Any) -> None:
        """Use what making or reading a value takes, without what is inside its items."""
        kind = type(value)
        if kind in (list, tuple, set, frozenset, dict, range):
            self.spend(len(value))
        elif kind in (str, bytes, bytearray):
            self.spend(len(value) // 16)
        elif kind is int:
            self.spend(value.bit_length() // 64)


def _set(*parts: Any) -> set[Any]:
    require(len(parts) < 2)
    found: list[Any] = list(*parts)
    try:
        return set(require_hashable(found))
    except DecodeError as error:
        raise NotPlain(str(error)) from None


def _range(*parts: int) -> range:
    found = range(*parts)
    require(abs(found.start - found.stop) <= MOST_ITEMS * abs(found.step))
    return found


def _text(*values: Any) -> str:
    require(len(values) < 2)
    require(all(isinstance(value, (str, int, float, bool, type(None))) for value in values))
    return str(*values)


def _round(*numbers: Any, **named: Any) -> Any:
    for number in (*numbers, *named.values()):
        require(isinstance(number, (int, float, type(None))))
        require_short(number)
    for digits in (*numbers[1:], *named.values()):
        require(not isinstance(digits, int) or abs(digits) <= _MOST_DIGITS)
    return round(*numbers, **named)


def _sum(*parts: Any) -> Any:
    require(len(parts) in (1, 2))
    items, *start = parts
    numbers = list(items)
    for number in [*numbers, *start]:
        require(isinstance(number, (int, float, complex)))
        require(not isinstance(number, int) or number.bit_length() <= 10_000)
    return sum(numbers, *start)


def type_of(value: object) -> type:
    """What ``type`` is to a test."""
    return type(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "len": len,
    "sorted": sorted,
    "sum": _sum,
    "min": min,
    "max": max,
    "round": _round,
    "all": all,
    "any": any,
    "list": list,
    "tuple": tuple,
    "int": int,
    "float": float,
    "bool": bool,
    "set": _set,
    "frozenset": lambda *parts: frozenset(_set(*parts)),
    "str": _text,
    "range": _range,
    "isinstance": isinstance,
    "type": type_of,
    "complex": complex,
}
_MATH: dict[str, Any] = {
    **{
        name: getattr(math, name)
        for name in ("fabs", "isclose", "isnan", "isinf", "isfinite", "floor", "ceil")
    },
    **{name: getattr(math, name) for name in ("sqrt", "pi", "e", "inf", "nan", "tau", "trunc", "hypot")},
}
KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, object)
}
MATH = object()
"""The value that stands for the module `math`."""


def math_item(name: str) -> object:
    """Return what ``from math import name`` gives. Raises `NotPlain`."""
    if name not in _MATH:
        raise NotPlain(name)
    return _MATH[name]


def is_math_function(value: object) -> bool:
    """Whether a value is one of the functions of `math` that are known here."""
    return callable(value) and any(value is item for item in _MATH.values())
