"""Variants of a test that no honest program passes, for tests that run together with the program.

There, a program can read what is expected, or answer with an object that claims to be equal to everything. Such a
program also passes a variant in which something else is expected. A variant counts as passed only if one of its
changed claims was made and held, so claims in branches that are not taken, whose failure is expected, caught or
lost in a thread accuse nobody.

The test itself is written the same way, so that nothing but values tells it from its variants: what is expected
passes through `__survived__`, which is told behind each claim that it held, and asked at the end; each time with
two numbers that mean something only if the first is larger (see `test_runner.Survived`).
"""

from __future__ import annotations

import ast
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

from codegrove.parsing import parse_python

_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_CLOSE = ("isclose", "allclose", "array_equal", "assertEqual", "assertAlmostEqual", "assertIs")
"""Functions that compare their first two arguments."""

_Kind = Literal["", "values", "nobody"]
"""What is expected instead: nothing, other plain values, or an object that nothing is equal to."""


@dataclass(frozen=True, slots=True)
class Variants:
    """A test as it is run together with a program."""

    test: str
    """The test itself."""
    must_fail: list[str]
    """The same with other values, which no honest program passes."""


class _Changed(NamedTuple):
    """Whether a claim cannot be true any more."""

    values: bool
    """With other plain values."""
    nobody: bool
    """With an object that nothing is equal to."""


_NOT = _Changed(False, False)


def variants(code: str, functions: Collection[str]) -> Variants:
    """Return a test in the form in which it is run, with variants that no honest program passes.

    One claims something false at its end. One expects other plain values of the same look: whoever reads what is
    expected passes it, and so does a list whose items claim to be equal to everything. One compares with an object
    that nothing is equal to: whatever claims to be passes it.

    Args:
        functions: names that the test calls the program by.
    """
    test, changed = _written(code, functions, "", asks=False)
    must_fail = [_written(code, functions, "", asks=True)[0]]
    if changed.values:
        must_fail.append(_written(code, functions, "values", asks=True)[0])
    if changed.nobody:
        must_fail.append(_written(code, functions, "nobody", asks=True)[0])
    return Variants(test, must_fail)


def _written(code: str, functions: Collection[str], kind: _Kind, *, asks: bool) -> tuple[str, _Changed]:
    """Return one text, and which kinds of change there are.

    Args:
        asks: whether it fails at the end unless a changed claim held.
    """
    variant = _Variant(functions, kind)
    tree = variant.visit(parse_python(code))
    try:
        text, changed = ast.unparse(ast.fix_missing_locations(tree)), variant.changed
    except ValueError:  # Python 3.11 cannot write down every formatted string
        text, changed = code, _NOT
    end = ast.Call(_member("held"), _pair(asks), [])
    return f"{text}\nassert {ast.unparse(end)}", changed


def _member(name: str) -> ast.expr:
    return ast.Attribute(ast.Name("__survived__", ast.Load()), name, ast.Load())


def _pair(means: bool) -> list[ast.expr]:
    """Return two numbers of which the first is larger if they are to mean something."""
    one, other = 100_000 + secrets.randbelow(400_000), 500_000 + secrets.randbelow(400_000)
    return [ast.Constant(number) for number in ((other, one) if means else (one, other))]


class _Variant(ast.NodeTransformer):
    """Changes claims, and notes behind each one that it held."""

    def __init__(self, functions: Collection[str], kind: _Kind) -> None:
        self.functions = functions
        self.kind = kind
        self.changed = _NOT
        """Which kinds of change there are in any claim."""
        self._through = False
        """Whether something of the claim under way passes through `__survived__`."""
        self._expected: set[str] = set()
        """Names of loops over tables that hold another value than they should."""

    def visit_For(self, node: ast.For) -> ast.AST:
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
                    row.elts[place] = other if self.kind == "values" else row.elts[place]
                    self._expected.add(name.id)

    def visit_Assert(self, node: ast.Assert) -> ast.stmt | list[ast.stmt]:
        return self._noted(node, self._claim(node.test))

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        match node.value:
            case ast.Call(func=ast.Attribute(attr="assertTrue"), args=[claim, *_]):
                return self._noted(node, self._claim(claim))
            case ast.Call(func=ast.Attribute(attr="assertIn"), args=[_, container, *_] as args):
                args[1] = self._passed_on("items", container)
                return self._noted(node, _Changed(False, True))
            case ast.Call(func=ast.Attribute(attr=name)) as call if name.startswith("assert"):
                return self._noted(node, self._call(call))
        return node

    def _noted(self, node: ast.stmt, changed: _Changed) -> ast.stmt | list[ast.stmt]:
        if not self._through:
            return node
        self._through = False
        self.changed = _Changed(self.changed.values or changed.values, self.changed.nobody or changed.nobody)
        means = changed.values if self.kind == "values" else changed.nobody and self.kind == "nobody"
        return [node, ast.Expr(ast.Call(ast.Name("__survived__", ast.Load()), _pair(means), []))]

    def _passed_on(self, how: Literal["value", "items"], node: ast.expr) -> ast.expr:
        """Return an operand that becomes an object that nothing is equal to, or holds it, where it has to."""
        self._through = True
        return ast.Call(_member(how), [*_pair(self.kind == "nobody"), node], [])

    def _operand(self, node: ast.expr) -> tuple[ast.expr, _Changed]:
        other = other_value(node)
        shown = other if other is not None and self.kind == "values" else node
        return self._passed_on("value", shown), _Changed(other is not None, True)

    def _claim(self, node: ast.expr) -> _Changed:
        """Change an expression so that it cannot be true any more, as far as somebody knows how."""
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
                found = [self._claim(value) for value in values]
                return _Changed(all(each.values for each in found), all(each.nobody for each in found))
            case ast.Call(func=ast.Name("all"), args=[ast.GeneratorExp(elt=each) | ast.ListComp(elt=each)]):
                return self._claim(each)
            case ast.Call(
                func=ast.Name("all"), args=[ast.Call(func=ast.Name("map"), args=[ast.Lambda(body=each), *_])]
            ):
                return self._claim(each)
            case ast.Call() as call:
                return self._call(call)
        return _NOT

    def _compare(self, claim: ast.Compare) -> _Changed:
        (op,), (right,) = claim.ops, claim.comparators
        turned = self._calls(right) and not self._calls(claim.left)
        if isinstance(op, (ast.In, ast.NotIn)):  # with other values the same may hold
            if turned:
                claim.left = self._passed_on("value", claim.left)
            else:
                claim.comparators = [self._passed_on("items", right)]
            return _Changed(False, True)
        expected = claim.left if turned else right
        if isinstance(op, (ast.Is, ast.IsNot)):  # identity of literals is nothing to rely on
            operand, changed = self._passed_on("value", expected), _Changed(False, True)
        elif isinstance(expected, ast.Name) and expected.id in self._expected:
            operand, changed = self._passed_on("value", expected), _Changed(True, True)
        else:
            operand, changed = self._operand(expected)
        if turned:
            claim.left = operand
        else:
            claim.comparators = [operand]
        return changed

    def _order(self, claim: ast.Compare) -> _Changed:
        """An order, such as ``abs(f(x) - 1) < 0.1`` or ``1 < f(x) < 2``, holds for other values as well; but none
        can be told with what is no number."""
        for part in ast.walk(claim):
            match part:
                case ast.BinOp(left=left, op=ast.Sub(), right=right):
                    if self._calls(right) and not self._calls(left):
                        part.left = self._passed_on("value", left)
                    else:
                        part.right = self._passed_on("value", right)
                    return _Changed(False, True)
        claim.left, *claim.comparators = [
            part if self._calls(part) else self._passed_on("value", part)
            for part in (claim.left, *claim.comparators)
        ]
        return _Changed(False, self._through)

    def _call(self, call: ast.Call) -> _Changed:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in _CLOSE or len(call.args) < 2:
            return _NOT
        place = 0 if self._calls(call.args[1]) and not self._calls(call.args[0]) else 1
        call.args[place], changed = self._operand(call.args[place])
        return changed

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
