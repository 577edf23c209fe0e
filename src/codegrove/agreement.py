"""When an expected and an obtained value or output agree. Sees plain decoded values and text only.

The one home of it: the sandbox judges by it, and loaders of benchmarks tell by it whether two tests contradict."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from codegrove.task import StdioTest

_NUMBERS = (int, float, complex)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may be apart."""

    absolute: float = 0.0
    relative: float = 0.0
    """Fraction of the expected number, added to the absolute tolerance."""

    def __bool__(self) -> bool:
        return bool(self.absolute or self.relative)

    def covers(self, expected: Any, obtained: Any) -> bool:
        """Whether numbers are close enough; inclusive."""
        try:
            return bool(abs(expected - obtained) <= self.absolute + self.relative * abs(expected))
        except OverflowError:  # an integer that no float can hold
            return False


def same_value(expected: object, obtained: object, *, tolerance: float = 0.0, relative: float = 0.0) -> bool:
    """Whether two plain values are equal as Python's ``==`` has it.

    So ``1 == 1.0`` and ``True == 1``, and a list is never equal to a tuple. Unlike ``==``, two NaNs in the same
    place are equal: a test that expects NaN could not pass otherwise. Opaque objects are equal to nothing.

    Args:
        tolerance: absolute, inclusive; applies where at least one of two numbers is a float or complex,
            anywhere in the value except keys of dicts.
        relative: fraction of the expected number, added to `tolerance`.
    """
    allowed = Tolerance(tolerance, relative)
    if not allowed and _equal(expected, obtained):
        return True
    return _same(expected, obtained, allowed)


def right_output(test: StdioTest, obtained: str) -> bool:
    """Whether an output is the expected one in the sense of `StdioTest.comparison`."""
    match test.comparison:
        case "lines":
            return same_output(test.expected, obtained)
        case "decimals":
            return _same_decimals(test.expected, obtained)
        case "tokens":
            return _same_tokens(test.expected, obtained, Tolerance(test.tolerance, test.relative))


def same_output(expected: str, obtained: str) -> bool:
    """Whether two outputs agree after white space at line ends and blank lines at the end are dropped."""
    return _lines(expected) == _lines(obtained)


def _same_decimals(expected: str, obtained: str) -> bool:
    ours, theirs = expected.strip().split("\n"), obtained.strip().split("\n")
    if len(ours) != len(theirs):
        return False
    for one, other in zip(ours, theirs, strict=True):
        if one.strip() != other.strip():
            numbers = _decimals(one)
            if numbers is None or numbers != _decimals(other):
                return False
    return True


def _decimals(line: str) -> list[Decimal] | None:
    try:
        numbers = [Decimal(word) for word in line.split()]
    except InvalidOperation:
        return None
    return numbers if all(number.is_finite() for number in numbers) else None


_BLANK = re.compile(r"[ \n\t\r\v]+")


def _same_tokens(expected: str, obtained: str, allowed: Tolerance) -> bool:
    ours, theirs = _words(expected), _words(obtained)
    return len(ours) == len(theirs) and all(
        one == other or _same_word(one, other, allowed) for one, other in zip(ours, theirs, strict=True)
    )


def _words(text: str) -> list[str]:
    return [word for word in _BLANK.split(text) if word]


def _same_word(expected: str, obtained: str, allowed: Tolerance) -> bool:
    if expected.isascii() and obtained.isascii() and expected.lower() == obtained.lower():
        return True
    if not allowed:
        return False
    one, other = _number(expected), _number(obtained)
    return one is not None and other is not None and allowed.covers(one, other)


def _number(word: str) -> float | None:
    if "_" in word:  # Python reads 1_000 as a number, nobody else does
        return None
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _equal(expected: object, obtained: object) -> bool:
    return bool(expected == obtained)


def _same(expected: Any, obtained: Any, tolerance: Tolerance) -> bool:
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


def _same_number(expected: Any, obtained: Any, tolerance: Tolerance) -> bool:
    if expected == obtained or (expected != expected and obtained != obtained):
        return True
    if not tolerance or not any(isinstance(number, (float, complex)) for number in (expected, obtained)):
        return False
    return tolerance.covers(expected, obtained)


_MOST_PAIRED = 2000


def _nan_last(number: float) -> tuple[bool, float]:
    return (True, 0.0) if number != number else (False, number)


def _same_set(expected: Any, obtained: Any, tolerance: Tolerance) -> bool:
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
