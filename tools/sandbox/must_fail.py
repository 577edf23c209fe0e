"""Variants of a test that no honest program passes, for tests that run together with the program.

There, a program can read what is expected, or answer with an object that claims to be equal to everything. Such a
program also passes a variant in which something else is expected. A variant counts as passed only if one of its
changed claims was made and held, so claims in branches that are not taken, whose failure is expected, caught or
lost in a thread accuse nobody.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection

from codegrove.parsing import parse_python

_Replace = Callable[[ast.expr], ast.expr | None]
"""Returns what stands in for an operand; None if nothing does."""

_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_CLOSE = ("isclose", "allclose", "array_equal", "assertEqual", "assertAlmostEqual", "assertIs")
"""Functions that compare their first two arguments."""


def must_fail(code: str, functions: Collection[str]) -> list[str]:
    """Return variants of a test that no honest program passes.

    One claims something false at its end. One expects other plain values of the same look: whoever reads what is
    expected passes it, and so does a list whose items claim to be equal to everything. One compares with an object
    that nothing is equal to: whatever claims to be passes it.

    Args:
        functions: names that the test calls the program by.
    """
    variants = [f"{code}\nassert 'this' == 'that'"]
    for replace in (other_value, _nobody):
        variant = _Variant(functions, replace)
        tree = variant.visit(parse_python(code))
        if variant.changed:
            variants.append(f"{ast.unparse(ast.fix_missing_locations(tree))}\n__survived__.require()")
    return variants


def _nobody(node: ast.expr) -> ast.expr:
    return ast.Name("__nobody__", ast.Load())


class _Variant(ast.NodeTransformer):
    """Changes claims, and notes behind each one that it held."""

    def __init__(self, functions: Collection[str], replace: _Replace) -> None:
        self.functions = functions
        self.replace = replace
        self.changed = False
        self._expected: set[str] = set()
        """Names of loops over tables that hold another value than they should."""

    def visit_For(self, node: ast.For) -> ast.AST:
        if self.replace is other_value:
            self._change_table(node)
        return self.generic_visit(node)

    def _change_table(self, node: ast.For) -> None:
        """Change a column of a loop such as ``for x, y in [(1, 2)]: assert f(x) == y``."""
        table = node.iter.args[0] if isinstance(node.iter, ast.Call) and node.iter.args else node.iter
        if not isinstance(node.target, ast.Tuple) or not isinstance(table, (ast.List, ast.Tuple)):
            return
        rows = [row for row in table.elts if isinstance(row, (ast.List, ast.Tuple))]
        for place, name in enumerate(node.target.elts):
            if not isinstance(name, ast.Name) or not _only_compared(node, name.id):
                continue
            if len(rows) < len(table.elts) or any(len(row.elts) <= place for row in rows):
                continue
            others = [other_value(row.elts[place]) for row in rows]
            for row, other in zip(rows, others, strict=True):
                if other is not None and None not in others:
                    row.elts[place] = other
                    self._expected.add(name.id)

    def visit_Assert(self, node: ast.Assert) -> ast.stmt | list[ast.stmt]:
        return self._noted(node, self._claim(node.test))

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        match node.value:
            case ast.Call(func=ast.Attribute(attr="assertTrue"), args=[claim, *_]):
                return self._noted(node, self._claim(claim))
            case ast.Call(func=ast.Attribute(attr="assertIn"), args=[_, container, *_] as args):
                args[1] = ast.List([_nobody(container)], ast.Load())
                return self._noted(node, self.replace is _nobody)
            case ast.Call(func=ast.Attribute(attr=name)) as call if name.startswith("assert"):
                return self._noted(node, self._call(call))
        return node

    def _noted(self, node: ast.stmt, changed: bool) -> ast.stmt | list[ast.stmt]:
        if not changed:
            return node
        self.changed = True
        return [node, ast.Expr(ast.Call(ast.Name("__survived__", ast.Load()), [], []))]

    def _claim(self, node: ast.expr) -> bool:
        """Change an expression so that it cannot be true any more; False if nobody knows how."""
        match node:
            case ast.Compare(
                left=ast.Compare() as inner, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(True)]
            ):
                return self._claim(inner)
            case ast.Compare(ops=[ast.Eq() | ast.Is() | ast.In()]) as claim:
                return self._compare(claim)
            case ast.Compare(ops=ops) as claim if all(isinstance(op, (ast.Eq, *_ORDERS)) for op in ops):
                return self._order(claim)
            case ast.UnaryOp(
                op=ast.Not(), operand=ast.Compare(ops=[ast.NotEq() | ast.IsNot() | ast.NotIn()]) as claim
            ):
                return self._compare(claim)
            case ast.BoolOp(op=ast.And(), values=[first, *_]):
                return self._claim(first)
            case ast.BoolOp(values=values):
                return all([self._claim(value) for value in values])
            case ast.Call(func=ast.Name("all"), args=[ast.GeneratorExp(elt=each) | ast.ListComp(elt=each)]):
                return self._claim(each)
            case ast.Call(
                func=ast.Name("all"), args=[ast.Call(func=ast.Name("map"), args=[ast.Lambda(body=each), *_])]
            ):
                return self._claim(each)
            case ast.Call() as call:
                return self._call(call)
        return False

    def _compare(self, claim: ast.Compare) -> bool:
        (op,), (right,) = claim.ops, claim.comparators
        if isinstance(op, (ast.Is, ast.IsNot)) and self.replace is not _nobody:
            return False  # identity of literals is nothing to rely on
        if self._calls(right) and not self._calls(claim.left):
            other = self.replace(claim.left)
            claim.left = other or claim.left
            return other is not None
        if isinstance(right, ast.Name) and right.id in self._expected:
            return True
        other = self.replace(right)
        if other is not None and isinstance(op, (ast.In, ast.NotIn)):
            if self.replace is not _nobody:
                return False  # another list may hold the same
            other = ast.List([other], ast.Load())
        claim.comparators = [other or right]
        return other is not None

    def _order(self, claim: ast.Compare) -> bool:
        """An order, such as ``abs(f(x) - 1) < 0.1`` or ``1 < f(x) < 2``, holds for other values as well; but none
        can be told with what is no number."""
        if self.replace is not _nobody:
            return False
        for part in ast.walk(claim):
            match part:
                case ast.BinOp(left=left, op=ast.Sub(), right=right):
                    if self._calls(right) and not self._calls(left):
                        part.left = _nobody(left)
                    else:
                        part.right = _nobody(right)
                    return True
        claim.left, *claim.comparators = [
            part if self._calls(part) else _nobody(part) for part in (claim.left, *claim.comparators)
        ]
        return True

    def _call(self, call: ast.Call) -> bool:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in _CLOSE or len(call.args) < 2:
            return False
        place = 0 if self._calls(call.args[1]) and not self._calls(call.args[0]) else 1
        other = self.replace(call.args[place])
        call.args[place] = other or call.args[place]
        return other is not None

    def _calls(self, node: ast.expr) -> bool:
        return any(
            isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in self.functions
            for part in ast.walk(node)
        )


def _only_compared(loop: ast.For, name: str) -> bool:
    """Whether a name of a loop is used for nothing but to say what a call must return."""
    uses = [part for part in ast.walk(loop) if isinstance(part, ast.Name) and part.id == name]
    said = [
        claim.test.comparators[0]
        for claim in ast.walk(loop)
        if isinstance(claim, ast.Assert)
        and isinstance(claim.test, ast.Compare)
        and isinstance(claim.test.left, ast.Call)
        and isinstance(claim.test.ops[0], ast.Eq)
        and len(claim.test.ops) == 1
    ]
    return bool(said) and all(use in said for use in uses if isinstance(use.ctx, ast.Load))


def other_value(node: ast.expr) -> ast.expr | None:
    """Return an expression for a different value that looks alike; None if none can be told from the text."""
    match node:
        case ast.Constant(value=bool(value)):
            return ast.Constant(not value)
        case ast.Constant(value=int(value)):
            return ast.Constant(value + 17)
        case ast.Constant(value=float(value)) if abs(value) < 1e6:
            return ast.Constant(value + 17.5)
        case ast.Constant(value=str(value)):
            return ast.Constant(_other_text(value))
        case ast.Constant(value=None):
            return ast.Constant(17)
        case ast.List(elts=items):
            return ast.List(_other_items(items), ast.Load())
        case ast.Tuple(elts=items):
            return ast.Tuple(_other_items(items), ast.Load())
        case ast.Dict(keys=keys, values=values) if values and None not in keys:
            others = _other_items(values)
            return ast.Dict(keys, others) if len(others) == len(values) else None
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value) | float(value))) if value:
            return node.operand
    return None


def _other_items(items: list[ast.expr]) -> list[ast.expr]:
    """Return items of which as many as possible are others, and one more if none is."""
    others = [other_value(item) for item in items]
    if any(others):
        return [other or item for other, item in zip(others, items, strict=True)]
    return [*items, ast.Constant("_")]


def _other_text(text: str) -> str:
    """Change the last letter or digit to its neighbour, so that the text still looks like what it is."""
    for place in range(len(text) - 1, -1, -1):
        if (char := text[place]).isascii() and char.isalnum():
            other = chr(ord(char) + (1 if char in "aA0" else -1))
            return text[:place] + other + text[place + 1 :]
    return text + "_"
