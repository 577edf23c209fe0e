"""Reading Python source, and the prose inside it, without executing anything."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from codegrove.parsing import parse_python

_LONGEST_BRACKET = 4000
"""Characters between two brackets; keeps unbalanced ones from costing quadratic time."""

_SURELY_SHALLOW = 30
"""Levels of a syntax tree that a recursive function can walk wherever it is called, with some calls for each."""

ROW_ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `ast.parse` raises for text that is no Python, that holds null bytes, or that is nested too deeply."""


def parse_quietly(text: str) -> ast.Module:
    """Return the syntax tree of a stranger's source, without Python's warnings about its style.

    A tree that is returned is not nested too deeply to be walked by a recursive function such as `ast.unparse`.

    Raises:
        SyntaxError: or another of `ROW_ERRORS`.
    """
    tree = parse_python(text)
    if _is_deeper(tree, _SURELY_SHALLOW):
        ast.unparse(tree)  # raises RecursionError
    return tree


def _is_deeper(tree: ast.AST, most: int) -> bool:
    """Whether a tree has more levels than some; quick for the trees of common sources."""
    level = [tree]
    while level and most:
        most -= 1
        below: list[Any] = []
        for node in level:
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, list):
                    below += value
                elif isinstance(value, ast.AST):
                    below.append(value)
        level = [node for node in below if isinstance(node, ast.AST) and node._fields]
    return bool(level)


def parse_stub(text: str, entry_point: str) -> ast.Module | None:
    """Return the syntax tree of source text in which the function is defined; None for anything else.

    A last function without a body is accepted, as in a prompt that breaks off after the signature.
    """
    if f"def {entry_point}" not in text:
        return None
    for source in (text, text.rstrip() + "\n    pass\n"):
        try:
            tree = parse_quietly(source)
        except ROW_ERRORS:
            continue
        if any(
            isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name == entry_point
            for n in ast.walk(tree)
        ):
            return tree
    return None


def parse_expression(text: str) -> ast.expr | None:
    """Return the syntax tree of one expression (a comment may follow), or None."""
    try:
        statements = parse_quietly(text.strip()).body
    except ROW_ERRORS:
        return None
    only = statements[0] if len(statements) == 1 else None
    return only.value if isinstance(only, ast.Expr) else None


def is_literal(node: ast.expr) -> bool:
    """Whether `ast.literal_eval` accepts the expression."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def closing_bracket(text: str, start: int) -> int | None:
    """Return the index after the bracket that closes the one at `start`; brackets in strings do not count."""
    depth, position, limit = 0, start, min(len(text), start + _LONGEST_BRACKET)
    while position < limit:
        char = text[position]
        if char in "\"'":
            string = re.compile(rf"{char}(?:[^{char}\\\n]|\\.)*{char}").match(text, position)
            if string is None:
                return None
            position = string.end()
            continue
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0:
                return position + 1
        position += 1
    return None


def calls_function(node: ast.AST, name: str) -> bool:
    """Whether a function is called by its bare name anywhere in the tree."""
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name for n in ast.walk(node)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Lines of prose with the place they come from: one docstring, one run of comments, or a whole text."""

    line: int
    """Line number of the first of them, from 1."""
    start: int
    """Offset in the text where `raw` begins."""
    raw: list[str]
    """The lines as they stand in the text, without line ends."""
    lines: list[str]
    """The same lines as a reader means them, see `meant`."""
    is_docstring: bool = False


def views(text: str, entry_point: str) -> list[View]:
    """Return where prose stands in source that defines the function, in order; any other text is one view.

    In source these are strings that stand as statements (not concatenated or formatted ones), and comments
    on lines of their own.
    """
    tree = parse_stub(text, entry_point)
    if tree is None:
        lines = text.split("\n")
        return [View(line=1, start=0, raw=lines, lines=lines)]
    return sorted([*_strings(text, tree), *_comments(text)], key=lambda view: view.start)


def meant(line: str) -> str:
    r"""Undo the escapes that a docstring needs, but leave ``\n`` and its kin as they are written.

    Authors forget that ``"a\nb"`` in a docstring breaks the line; those who wrote ``"a\\nb"`` mean the same.
    """
    return re.sub(r"\\([\\\"'])", r"\1", line)


def _strings(text: str, tree: ast.Module) -> Iterator[View]:
    starts, source_lines = _line_starts(text), text.split("\n")
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        if not isinstance(node.value.value, str) or node.end_lineno is None or node.end_col_offset is None:
            continue
        begin = starts[node.lineno - 1] + _column(source_lines[node.lineno - 1], node.col_offset)
        end = starts[node.end_lineno - 1] + _column(source_lines[node.end_lineno - 1], node.end_col_offset)
        opening = re.match(r"([rRuU]?)('''|\"\"\"|'|\")", text[begin:end])
        if opening is None or not _is_one_string(text[begin:end]):
            continue
        raw = text[begin + opening.end() : end - len(opening[2])].split("\n")
        lines = raw if opening[1] in ("r", "R") else [meant(line) for line in raw]
        yield View(line=node.lineno, start=begin + opening.end(), raw=raw, lines=lines, is_docstring=True)


def _comments(text: str) -> Iterator[View]:
    starts, source_lines = _line_starts(text), text.split("\n")
    run: list[int] = []
    for number in [*_comment_lines(text), -1]:
        if run and number != run[-1] + 1:
            raw = source_lines[run[0] - 1 : run[-1]]
            lines = [re.sub("#+", lambda m: " " * len(m[0]), line, count=1) for line in raw]
            yield View(line=run[0], start=starts[run[0] - 1], raw=raw, lines=lines)
            run = []
        run.append(number)


def _comment_lines(text: str) -> list[int]:
    """Return the numbers of lines that hold nothing but a comment."""
    return [
        t.start[0] for t in _tokens(text) if t.type == tokenize.COMMENT and t.line.lstrip().startswith("#")
    ]


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """Yield the tokens of source, up to where it breaks off."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        yield from tokenize.generate_tokens(io.StringIO(text).readline)


def _is_one_string(segment: str) -> bool:
    return sum(token.type == tokenize.STRING for token in _tokens(segment)) == 1


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _column(line: str, byte_column: int) -> int:
    """Turn a column of the syntax tree, counted in UTF-8 bytes, into one counted in characters."""
    return len(line.encode("utf-8")[:byte_column].decode("utf-8"))
