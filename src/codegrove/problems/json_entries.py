"""The entries of a JSON or JSON Lines file, each with its place for messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from codegrove.errors import TaskError


def entries(text: str, name: str, *, expected: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield each JSON object with its place in the file: one object per line, or the elements of one list.

    Args:
        text: the file's text.
        name: the file's name, for places and messages.
        expected: what the file should be, for messages.

    Raises:
        TaskError: at the first thing that is no JSON object.
    """
    if text.lstrip().startswith("["):
        whole = _json(text, name, expected)
        if not isinstance(whole, list):
            raise TaskError(f"{name}: expected a JSON list")
        for number, entry in enumerate(whole, 1):
            yield _object(entry, f"{name}, entry {number}")
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"{name}, line {number}"
            yield _object(_json(line, where, expected), where)


def _object(entry: object, where: str) -> tuple[str, Mapping[str, object]]:
    if not isinstance(entry, dict):
        raise TaskError(f"{where}: expected a JSON object; found {type(entry).__name__}")
    return where, entry


def _json(text: str, where: str, expected: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise TaskError(f"{where}: not JSON ({error.msg} at {place}); expected {expected}") from None
    except (ValueError, RecursionError) as error:
        raise TaskError(f"{where}: JSON that cannot be read ({error}); expected {expected}") from None
