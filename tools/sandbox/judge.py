"""Comparison of what was expected with what was obtained. Sees plain decoded values and text only."""

from __future__ import annotations

from typing import Any

_NUMBERS = (int, float, complex)


def same_value(expected: object, obtained: object, *, tolerance: float = 0.0) -> bool:
    """Whether two plain values are equal as Python's ``==`` has it.

    So ``1 == 1.0`` and ``True == 1``, and a list is never equal to a tuple. Unlike ``==``, two NaNs in the same
    place are equal: a test that expects NaN could not pass otherwise. Opaque objects are equal to nothing.

    Args:
        tolerance: absolute, inclusive; applies where at least one of two numbers is a float or complex,
            anywhere in the value except keys of dicts.
    """
    if tolerance == 0.0 and _equal(expected, obtained):
        return True
    return _same(expected, obtained, tolerance)


def same_output(expected: str, obtained: str) -> bool:
    """Whether two outputs agree after white space at line ends and blank lines at the end are dropped."""
    return _lines(expected) == _lines(obtained)


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _equal(expected: object, obtained: object) -> bool:
    return bool(expected == obtained)


def _same(expected: Any, obtained: Any, tolerance: float) -> bool:
    if isinstance(expected, _NUMBERS) and isinstance(obtained, _NUMBERS):
        return _same_number(expected, obtained, tolerance)
    for kind in (list, tuple):
        if isinstance(expected, kind) and isinstance(obtained, kind):
            pairs = zip(expected, obtained, strict=False)
            return len(expected) == len(obtained) and all(_same(a, b, tolerance) for a, b in pairs)
    if isinstance(expected, dict) and isinstance(obtained, dict):
        return len(expected) == len(obtained) and all(
            key in obtained and _same(item, obtained[key], tolerance) for key, item in expected.items()
        )
    if isinstance(expected, (set, frozenset)) and isinstance(obtained, (set, frozenset)):
        return _same_set(expected, obtained, tolerance)
    return _equal(expected, obtained)


def _same_number(expected: Any, obtained: Any, tolerance: float) -> bool:
    if expected == obtained or (expected != expected and obtained != obtained):
        return True
    if tolerance == 0.0 or not any(isinstance(number, (float, complex)) for number in (expected, obtained)):
        return False
    try:
        return bool(abs(expected - obtained) <= tolerance)
    except OverflowError:  # an integer that no float can hold
        return False


_MOST_PAIRED = 2000


def _nan_last(number: float) -> tuple[bool, float]:
    return (True, 0.0) if number != number else (False, number)


def _same_set(expected: Any, obtained: Any, tolerance: float) -> bool:
    """Pair what is not exactly equal, each with the first that fits; sets of more than 2000 such items differ."""
    if len(expected) != len(obtained):
        return False
    open_expected = [item for item in expected if item not in obtained]
    open_obtained = [item for item in obtained if item not in expected]
    if len(open_expected) != len(open_obtained) or len(open_expected) > _MOST_PAIRED:
        return False
    if all(isinstance(item, (int, float)) for item in (*open_expected, *open_obtained)):
        open_expected.sort(key=_nan_last)
        open_obtained.sort(key=_nan_last)
        return all(_same_number(a, b, tolerance) for a, b in zip(open_expected, open_obtained, strict=True))
    for item in open_expected:
        match = next((i for i, other in enumerate(open_obtained) if _same(item, other, tolerance)), None)
        if match is None:
            return False
        del open_obtained[match]
    return True
