"""JSON objects in text that may hold anything else as well."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_DECODER = json.JSONDecoder(strict=False)
_OPENING = re.compile(r"\{")
_MOST_MISSES = 200
"""Places that look like an object and are none; keeps hostile text from costing quadratic time."""
_LONGEST_OBJECT = 100_000


def find_objects(text: str, most: int) -> list[dict[str, Any]]:
    """Return up to `most` JSON objects of a text in order, with keys in lower case.

    Whether they stand alone, one per line, in a fence or in a list does not matter, nor whether the list is
    complete. The objects inside an object are not looked at, unless its values are a list of objects: then
    it is a wrapper, and they are what is meant.
    """
    found: list[dict[str, Any]] = []
    for item in _objects(text):
        wrapped = [
            v for v in item.values() if isinstance(v, list) and v and all(isinstance(e, dict) for e in v)
        ]
        found.extend([_lowered(e) for e in wrapped[0]] if len(wrapped) == 1 else [_lowered(item)])
        if len(found) >= most:
            break
    return found[:most]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    position, misses = 0, 0
    while misses < _MOST_MISSES and (match := _OPENING.search(text, position)) is not None:
        start = match.start()
        try:
            item, length = _DECODER.raw_decode(text[start : start + _LONGEST_OBJECT])
        except (ValueError, RecursionError):
            misses += 1
            position = start + 1
            continue
        position = start + length
        yield item


def _lowered(item: dict[str, Any]) -> dict[str, Any]:
    return {key.strip().lower(): _storable(value) for key, value in item.items()}


def _storable(value: Any) -> Any:
    r"""Replace halves of surrogate pairs, which JSON can escape (``\ud800``) but no file can hold."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode("utf-8")
    return [_storable(part) for part in value] if isinstance(value, list) else value
