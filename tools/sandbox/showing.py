"""Any object as Python text, without running code of the object.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from codegrove.tools.sandbox.values import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ITEMS,
    PLAIN_DIGITS_BITS,
    Opaque,
    builtin_base,
    plain_number,
    type_name,
)


def show(value: object, *, most_items: int = MAX_ITEMS, most_text: int = MAX_BYTES) -> str:
    """Return any object as Python text; objects without a built-in value as ``<Type object>``.

    Runs no code of the object. Sets are sorted and addresses never appear, so equal values give equal text.
    The text of plain values can be read back with `codegrove.tools.sandbox.literals.parse_literal`.

    Args:
        most_items: values shown; the middle of longer containers is left out and counted.
        most_text: characters, bytes and hexadecimal digits shown of one string or number; the rest is counted.
    """
    try:
        return _Shower(most_items, most_text).show(value, 0)
    except RecursionError:
        return f"<{type_name(value)} object, nested too deeply>"


def _show_complex(number: complex) -> str:
    """Python's own text, unless reading that back would lose the sign of a zero, an infinity or a NaN."""
    parts = (number.real, number.imag)
    has_odd_part = any(part - part != 0.0 or repr(part) == "-0.0" for part in parts)
    if has_odd_part or (number.real == 0.0 and number.imag < 0.0):
        return f"complex({number.real!r}, {number.imag!r})"
    return repr(number)


_MOST_SORTED = 10_000


def _gap(hidden: int) -> str:
    return f"...({hidden} more)..."


class _Shower:
    def __init__(self, most_items: int, most_text: int = MAX_BYTES) -> None:
        self.left = most_items
        self.most_text = most_text

    def show(self, value: Any, depth: int) -> str:
        self.left -= 1
        if type(value) is Opaque:  # not isinstance: that asks the object
            return repr(value)
        base = builtin_base(value)
        if base is None or base is float:
            value = plain_number(value)
            base = builtin_base(value)
        if base is None:
            return f"<{type_name(value)} object>"
        if base is int:
            number = int.__int__(value)
            surplus = number.bit_length() - 4 * self.most_text
            if surplus > PLAIN_DIGITS_BITS:
                return f"{hex(number >> surplus)}{_gap(surplus // 4)}"
            return str(number) if number.bit_length() <= PLAIN_DIGITS_BITS else hex(number)
        if base is complex:
            return _show_complex(complex.__complex__(value))
        if base in (list, tuple, dict, set, frozenset):
            if depth >= MAX_DEPTH or self.left < 0:
                return "..."
            return self._container(base, value, depth)
        if base in (str, bytes, bytearray) and base.__len__(value) > self.most_text:
            begin = base.__getitem__(value, slice(self.most_text))
            return f"{base.__repr__(begin)}{_gap(base.__len__(value) - self.most_text)}"
        return str(base.__repr__(value))

    def _container(self, base: Any, value: Any, depth: int) -> str:
        if base is dict:
            pairs = self._parts(
                dict,
                dict.items,
                value,
                lambda pair: f"{self.show(pair[0], depth + 1)}: {self.show(pair[1], depth + 1)}",
            )
            return "{" + ", ".join(pairs) + "}"
        texts = self._parts(base, base.__iter__, value, lambda item: self.show(item, depth + 1))
        if base is list:
            return f"[{', '.join(texts)}]"
        if base is tuple:
            return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"
        inner = "{" + ", ".join(texts) + "}" if texts else ""
        return f"frozenset({inner})" if base is frozenset else inner or "set()"

    def _parts(self, base: Any, items_of: Any, value: Any, text_of: Callable[[Any], str]) -> list[str]:
        room, length = max(self.left, 2), base.__len__(value)
        is_set = base in (set, frozenset)
        if length <= room or (is_set and length <= _MOST_SORTED):
            texts = [text_of(item) for item in items_of(value)]
            if is_set:
                texts.sort()
        elif base in (list, tuple):
            head, tail = (
                base.__getitem__(value, slice(room // 2)),
                base.__getitem__(value, slice(-(room // 2), None)),
            )
            return [*map(text_of, head), _gap(length - len(head) - len(tail)), *map(text_of, tail)]
        else:
            texts = [text_of(item) for item in islice(items_of(value), room)]
        return texts if length <= room else [*texts[:room], _gap(length - room)]
