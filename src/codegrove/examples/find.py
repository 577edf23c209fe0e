"""Finding the examples of a function."""

from __future__ import annotations

from dataclasses import dataclass

from codegrove.examples.forms import Form, scan
from codegrove.examples.source import views


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example as it is written. It may still be unusable, e.g. with a name where a value should be."""

    form: Form
    line: int
    """Line in the text where it begins, from 1."""
    call: str
    """What is evaluated, as Python text: an expression (for doctests any statements)."""
    expected: str
    """The stated value as Python text; for doctests the output as printed. Empty when it cannot be read."""


def find_examples(text: str, entry_point: str) -> list[Example]:
    """Return the examples of one function in source text that defines it, or else in prose, in order.

    In source, only strings that stand as statements and comments on lines of their own are read. Equations
    that define the function (``f(n) = f(n - 1) + 1`` with their base cases) are no examples.
    """
    return [
        Example(form=e.form, line=view.line + e.first, call=e.call, expected=e.expected)
        for view in views(text, entry_point)
        for e in scan(view.lines, entry_point)
        if not e.foreign
    ]
