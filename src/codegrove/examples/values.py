"""Reading the value that an example states, and telling where in a line of prose it ends."""

from __future__ import annotations

import ast
import re

from codegrove.examples.source import closing_bracket, is_literal, parse_expression

_SPELLINGS = {"true": "True", "false": "False", "none": "None", "null": "None"}


def segment_from(text: str, start: int) -> tuple[str, int]:
    """Return the rest of the line, or of the line on which a bracket opened here is closed, and its end."""
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    if text[start : start + 1] in ("(", "[", "{"):
        close = closing_bracket(text, start)
        if close is not None and close > end:
            end = text.find("\n", close)
            end = len(text) if end < 0 else end
    return text[start:end], end


def value_in(segment: str, entry_point: str) -> ast.expr | None:
    """Return the value that a piece of text begins with, where it is clear that the value ends there.

    Accepted after it: nothing, punctuation, a comment, a remark in parentheses, or the next example.
    """
    following = re.search(
        rf"[\s,;.]*(?:\b(?:and|but|while|whereas)\s+)?\b{re.escape(entry_point)}\s*\(", segment
    )
    remark = re.search(r"\s\([^()]*[A-Za-z ]{3,}[^()]*\)\W*$", segment)
    cuts = [len(segment), *(m.start() for m in (following, remark) if m is not None)]
    readable: ast.expr | None = None
    for cut in cuts:
        node = _one_value(segment[:cut].strip().strip("`").rstrip(" .,;"))
        if node is not None and is_literal(node):
            return node
        readable = readable or node
    return readable


def _one_value(text: str) -> ast.expr | None:
    """Read text that is a value and nothing else; ``1 + 2 = 3`` counts when it is true."""
    node = parse_expression(text)
    if node is None:
        values = [_fold(parse_expression(part)) for part in re.split(r"(?<![=!<>])=(?!=)", text)]
        return ast.Constant(values[-1]) if values[0] is not None and len(set(values)) == 1 else None
    if isinstance(node, ast.Name) and node.id.lower() in _SPELLINGS:
        return parse_expression(_SPELLINGS[node.id.lower()])
    enclosed = text.startswith("(") and closing_bracket(text, 0) == len(text)
    if isinstance(node, ast.Tuple) != enclosed:
        # `1, 2` may be a tuple or a list of things; `("a")` a string or a tuple with its comma forgotten
        return None
    folded = None if is_literal(node) else _fold(node)
    return node if folded is None else ast.Constant(folded)


def _fold(node: ast.expr | None) -> int | float | None:
    """Return the value of an expression made of numbers and + - * / // %; None for any other or an error."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]  # narrowed by the test on the exact type
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _fold(node.operand)
        return None if inner is None else -inner
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _fold(node.left), _fold(node.right)
    if left is None or right is None:
        return None
    try:
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.FloorDiv():
                return left // right
            case ast.Mod():
                return left % right
            case _:
                return None
    except (ArithmeticError, ValueError):
        return None
