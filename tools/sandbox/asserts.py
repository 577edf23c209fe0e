"""Makes assertions report the value they obtained.

``assert f(1) == 2`` becomes ``assert __obtained__(0, 0, f(1)) == 2``: a function that remembers its argument
and returns it. The text is changed in place, so that lines stay where they are.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from codegrove.parsing import parse_python
from codegrove.tools.sandbox.source_text import SourceText


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assert statement of a test."""

    first: int
    last: int
    source: str


@dataclass(frozen=True, slots=True)
class Instrumented:
    """A test that reports what it obtained."""

    code: str
    assertions: tuple[Assertion, ...]

    def at_line(self, line: int | None) -> int | None:
        """Return the index of the assertion that covers a line; of nested ones the innermost."""
        found = [i for i, a in enumerate(self.assertions) if line is not None and a.first <= line <= a.last]
        return max(found, key=lambda i: self.assertions[i].first, default=None)


def instrument(code: str, functions: Collection[str], tree: ast.Module | None = None) -> Instrumented:
    """Rewrite the assertions of a test.

    Calls of `functions` inside an assertion are remembered; in an assertion without such a call its left-most
    operand is.

    Args:
        code: the test.
        functions: names of functions.
        tree: what the test parses to, if that is known. Then only ``\\n`` ends a line of the test.

    Raises:
        SyntaxError: if the test does not parse.
    """
    if tree is None:
        code = code.replace("\r\n", "\n").replace("\r", "\n")  # as the parser counts lines
        tree = parse_python(code)
    source = SourceText(code)
    text = source.encoded
    assertions: list[Assertion] = []
    insertions: list[tuple[int, int, bytes]] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assert):
            continue
        number = len(assertions)
        assertions.append(Assertion(node.lineno, node.end_lineno or node.lineno, source.segment(node)))
        for position, part in enumerate(_remembered(node.test, functions)):
            if (span := source.span(part)) is not None:
                insertions.append((*span, f"__obtained__({number}, {position}, ".encode()))
    for start, end, opening in sorted(insertions, reverse=True):
        text = text[:start] + opening + text[start:end] + b")" + text[end:]
    return Instrumented(text.decode(), tuple(assertions))


def _remembered(test: ast.expr, functions: Collection[str]) -> list[ast.expr]:
    calls = list(_calls(test, functions))
    if calls:
        return calls
    left = left_operand(test)
    return [] if left is None else [left]


def left_operand(test: ast.expr) -> ast.expr | None:
    """Return the left-most operand of an assertion, which says most about it; None if it says nothing."""
    part = test
    while True:
        match part:
            case ast.Compare(left=left):
                part = left
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                part = operand
            case ast.BoolOp(values=[first, *_]):
                part = first
            case ast.Constant() | ast.GeneratorExp() | ast.NamedExpr() | ast.JoinedStr():
                return None
            case _:
                return part


def _calls(node: ast.AST, functions: Collection[str]) -> Iterator[ast.expr]:
    """Yield outermost calls of the functions, in order of the text. Formatted strings have no positions."""
    if isinstance(node, ast.JoinedStr):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, functions)
