"""The text without its examples."""

from __future__ import annotations

import ast
import re

from codegrove.examples.forms import BULLET, HEADING, scan
from codegrove.examples.source import View, calls_function, meant, parse_stub, views

_LEAD_IN = re.compile(
    r"(?:\b(?:for example|for instance|examples?|e\.g\.?|i\.e\.?|that is|such that|assert|so|thus|hence|for|"
    r"and|if|calling|the call)\b[\s,:]*|[\s`#*(>-])+$",
    re.IGNORECASE,
)
_EXPLANATION = re.compile(r"^\s*(?:explanation\b|#)", re.IGNORECASE)


def strip_examples(text: str, entry_point: str) -> str:
    """Return the text without its examples, their headings and explanations.

    Source that defines the function stays valid Python; only docstrings, comments and top-level asserts about
    the function change. In Markdown, fenced source is treated as source.
    """
    while (stripped := _strip_once(text, entry_point)) != text:
        text = stripped  # lines that come together may form an example that did not stand there before
    return text


def _strip_once(text: str, entry_point: str) -> str:
    if parse_stub(text, entry_point) is not None:
        return _strip_part(text, entry_point)
    parts = re.split(r"(?m)^([ \t]*(?:```|~~~).*$)", text)
    # every second part is a fence
    return "".join(part if odd % 2 else _strip_part(part, entry_point) for odd, part in enumerate(parts))


def _strip_part(text: str, entry_point: str) -> str:
    """Strip one source text or one piece of prose."""
    # From the end to the beginning, so that offsets stay right.
    for view in reversed(views(text, entry_point)):
        end = view.start + len("\n".join(view.raw))
        text = text[: view.start] + "\n".join(_kept(view, entry_point)) + text[end:]
    tree = parse_stub(text, entry_point)
    if tree is None:
        return text
    gone = {
        number
        for node in tree.body
        if isinstance(node, ast.Assert) and calls_function(node, entry_point) and node.end_lineno is not None
        for number in range(node.lineno, node.end_lineno + 1)
    }
    if not gone:
        return text
    rest = "\n".join(line for number, line in enumerate(text.split("\n"), 1) if number not in gone)
    # an assert may share its line with something else, such as the function itself
    return rest if parse_stub(rest, entry_point) is not None else text


def _kept(view: View, entry_point: str) -> list[str]:
    """Return the lines of a view that stay, some of them shortened."""
    lines = view.lines
    gone: set[int] = set()
    shortened: dict[int, str] = {}
    for example in scan(lines, entry_point):
        gone.update(range(example.first + 1, example.last + 1))
        before = _LEAD_IN.sub("", lines[example.first][: example.column]).rstrip()
        if example.first in gone | shortened.keys():
            continue
        if BULLET.fullmatch(lines[example.first][: example.column]) or not re.search(r"\w", before):
            gone.add(example.first)
        else:
            shortened[example.first] = _raw_prefix(view.raw[example.first], lines[example.first], before)
    _add_explanations(lines, gone, entry_point)
    _add_headings(lines, gone)
    kept: list[str] = []
    for number, line in enumerate(view.raw):
        edge = _at_edge(line, number, len(lines)) if view.is_docstring else _quotes(line)
        if number not in gone:
            doubled = not line.strip() and number - 1 in gone and kept and not kept[-1].strip()
            if not doubled or number == len(lines) - 1:
                kept.append(shortened.get(number, line))
        elif edge is not None:
            kept.append(edge)
    return kept


def _raw_prefix(raw: str, line: str, before: str) -> str:
    """Return what stands in the source for the first part of a line."""
    if raw == line:
        return before
    return next((raw[:n] for n in range(len(raw) + 1) if len(meant(raw[:n])) >= len(before)), raw)


def _at_edge(line: str, number: int, count: int) -> str | None:
    """Return what must stay of the first and the last line of a docstring, beside which its quotes stand."""
    if number == 0:
        return ""
    return line[: len(line) - len(line.lstrip())] if number == count - 1 else None


def _quotes(line: str) -> str | None:
    """Return what must stay of a line of prose that opens or closes a docstring."""
    marks = re.findall(r"\"\"\"|'''", line)
    return line[: len(line) - len(line.lstrip())] + "".join(marks) if marks else None


def _add_explanations(lines: list[str], gone: set[int], entry_point: str) -> None:
    """Add what explains an example right after it: a comment, or the paragraph that says so."""
    call = re.compile(rf"\b{re.escape(entry_point)}\s*\(")
    inside = False
    for number, line in enumerate(lines):
        opening = _EXPLANATION.match(line)
        if number in gone or not line.strip():
            inside = False
        elif number - 1 in gone and opening:
            gone.add(number)
            inside = opening[0].strip() != "#"
        elif inside and not call.search(line):  # a line with a call says more about the function itself
            gone.add(number)
        else:
            inside = False


def _add_headings(lines: list[str], gone: set[int]) -> None:
    """Add headings whose section begins with an example."""
    following = -1
    for number in range(len(lines) - 1, -1, -1):
        if number not in gone and following in gone and HEADING.match(lines[number]):
            gone.add(number)
        if lines[number].strip():
            following = number
