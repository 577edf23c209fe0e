"""Assert statements in text, found as CodeT's extractor finds them (microsoft/CodeT, `postprocess.py`)."""

from __future__ import annotations

import ast
import re

from codegrove.agents.answers.parts import LONGEST, MOST_PARTS
from codegrove.agents.answers.python_source import read_program

_ASSERT = re.compile(r"\bassert\b")
_STOP = re.compile(r"\n(?:class|def|#|if|print)")
"""Where a test ends at the latest: something else begins in column 0."""
_MOST_LINES = 40
_MOST_CHARACTERS = 10_000
"""Size of one test; longer ones are passed over, so that no answer takes long to read."""
_MOST_STARTS = 2000
_MOST_RETRIES = 50
"""The same for hostile answers: keywords looked at, and second looks at those that do not parse at first."""


def extract_asserts(text: str, entry_point: str) -> tuple[str, ...]:
    """Return the assert statements of a text that name the entry point, in order, repetitions included.

    The text may begin inside an assert whose keyword stood in the prompt. Each piece between two assert
    keywords counts up to the stop words of CodeT, if it parses. Statements may span lines; what follows them
    on later lines is ignored. In contrast to the original, an assert keyword inside a string breaks nothing,
    and the entry point must be named as an identifier.
    """
    text = text[:LONGEST]
    starts = [match.start() for match in _ASSERT.finditer(text)][:_MOST_STARTS]
    head = text[: starts[0]] if starts else text
    if head.strip():
        offset = len(head) - len(head.lstrip())
        text = f"{text[:offset]}assert {text[offset:]}"
        starts = [offset, *(start + len("assert ") for start in starts)]
    if not starts:
        return ()
    found: list[str] = []
    consumed, retries = 0, 0
    for start, following in zip(starts, [*starts[1:], len(text)], strict=True):
        if start < consumed:
            continue
        statements, length = _statements(text[start:following])
        if not statements and following < len(text) and retries < _MOST_RETRIES:
            # The next keyword may stand inside a string of this statement.
            retries += 1
            statements, length = _statements(text[start : start + _MOST_CHARACTERS])
        consumed = start + length
        found.extend(code for node, code in statements if _names(node, entry_point))
        if len(found) >= MOST_PARTS:
            break
    return tuple(found[:MOST_PARTS])


def _statements(piece: str) -> tuple[list[tuple[ast.Assert, str]], int]:
    """Return the asserts at the beginning of a text, and the length of text they take."""
    stop = _STOP.search(piece)
    lines = piece[: stop.start() if stop else None].split("\n", _MOST_LINES)[:_MOST_LINES]
    for count in range(1, len(lines) + 1):
        source = "\n".join(lines[:count])
        if len(source) > _MOST_CHARACTERS:
            break
        if not lines[count - 1].strip():
            continue
        tree = read_program(source.rstrip())
        if tree is not None:
            nodes = [node for node in tree.body if isinstance(node, ast.Assert)]
            return [(node, ast.get_source_segment(source, node) or "") for node in nodes], len(source)
    return [], 0


def _names(node: ast.Assert, entry_point: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == entry_point for part in ast.walk(node))
