"""Expressions of tests, evaluated on plain values: literals, arithmetic, comparisons and a few pure functions.

Nothing is executed; the tree is walked. Work and memory are bounded, since values may come from a stranger. What
is evaluated here gives what Python would give; anything else is `NotPlain`, never a wrong value.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from codegrove.tools.sandbox.plain_functions import (
    FUNCTIONS,
    KINDS,
    MATH,
    MOST_BITS,
    MOST_ITEMS,
    Budget,
    NotPlain,
    is_math_function,
    math_item,
    require,
    require_short,
    type_of,
)

Names = Mapping[str, object]
"""Variables of an expression. The module `math` is known as the value `MATH`, its contents as they are."""

ERRORS = (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, MemoryError)
"""What `evaluate` raises for expressions that passed `check`."""

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: operator.contains(b, a),
    ast.NotIn: lambda a, b: not operator.contains(b, a),
}
_SINGLE = (None, True, False)
_NUMBERS = (int, float, complex)
_SEQUENCES = (str, bytes, bytearray, list, tuple)


def check(node: ast.expr, names: Names) -> None:
    """Raise `NotPlain` unless the expression is made of parts that `evaluate` knows."""
    match node:
        case ast.Constant(value=value):
            require(value is not ...)
        case ast.Name(id=name):
            require(is_answer(name) or name in names)
            require(names.get(name) is not MATH and not callable(names.get(name)))
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            _check_all(items, names)
        case ast.Dict(keys=keys, values=values):
            _check_all([_not_none(key) for key in keys], names)
            _check_all(values, names)
        case ast.UnaryOp(operand=operand):
            check(operand, names)
        case ast.BinOp(left=left, op=op, right=right):
            require(isinstance(op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)))
            require(not (isinstance(op, ast.Mod) and _is_text(left, names)))
            _check_all([left, right], names)
        case ast.BoolOp(values=values):
            _check_all(values, names)
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="type"), args=[value], keywords=[]), ops=[_], comparators=[kind]
        ):
            require("type" not in names and _is_kind(kind, names))
            check(value, names)
        case ast.Compare(left=left, ops=ops, comparators=others):
            for comparison, other in zip(ops, others, strict=True):
                if isinstance(comparison, (ast.Is, ast.IsNot)):
                    require(len(ops) == 1 and _is_single(other))
            _check_all([left, *others], names)
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, kinds], keywords=[]):
            options = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
            require("isinstance" not in names and all(_is_kind(option, names) for option in options))
            check(value, names)
        case ast.Call(func=function, args=arguments, keywords=keywords):
            require(_function(function, names) not in (type_of, isinstance))
            _check_all([*arguments, *(keyword.value for keyword in keywords)], names)
            require(all(keyword.arg in ("abs_tol", "rel_tol", "reverse", "ndigits") for keyword in keywords))
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            _check_all([part for part in (value, lower, upper, step) if part is not None], names)
        case ast.Subscript(value=value, slice=index):
            _check_all([value, index], names)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            require(names.get(name) is MATH and not callable(math_item(attribute)))
        case _:
            raise NotPlain(type(node).__name__)


def _check_all(nodes: list[ast.expr], names: Names) -> None:
    for node in nodes:
        check(node, names)


def _not_none(node: ast.expr | None) -> ast.expr:
    if node is None:
        raise NotPlain("**")
    return node


def _is_text(node: ast.expr, names: Names) -> bool:
    """Whether ``%`` behind an expression puts values into a text, which is more than is done here."""
    value = names.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)
    return isinstance(value, (str, bytes)) or isinstance(node, ast.JoinedStr)


def constant_parts(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the largest parts of an expression without an answer, see `is_answer`; literals of one token aside."""
    if is_constant(node):
        if not isinstance(node, (ast.Constant, ast.Name)):
            yield node
        return
    for part in _parts(node):
        yield from constant_parts(part)


def is_constant(node: ast.expr) -> bool:
    """Whether there is no answer in an expression that passed `check`."""
    if isinstance(node, ast.Name):
        return not is_answer(node.id)
    return all(map(is_constant, _parts(node)))


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return what has to be evaluated for an expression that passed `check`."""
    match node:
        case ast.Constant() | ast.Name() | ast.Attribute():
            return []
        case ast.Call(args=arguments, keywords=keywords):
            return [*arguments, *(keyword.value for keyword in keywords)]
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            return [part for part in (value, lower, upper, step) if part is not None]
    return [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]


def answer_name(number: int) -> str:
    """Return the name under which an expression finds the result of a call. No Python name looks like it."""
    return f"#{number}"


def is_answer(name: str) -> bool:
    """Whether a name is one of `answer_name`."""
    return name.startswith("#")


def _is_kind(node: ast.expr, names: Names) -> bool:
    return isinstance(node, ast.Name) and node.id in KINDS and node.id not in names


def _is_single(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and any(node.value is single for single in _SINGLE)


def _function(node: ast.expr, names: Names) -> Callable[..., Any]:
    item: object
    match node:
        case ast.Name(id=name) if name in names and is_math_function(names[name]):
            item = names[name]
        case ast.Name(id=name) if name in FUNCTIONS and name not in names:
            item = FUNCTIONS[name]
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if names.get(name) is MATH:
            item = math_item(attribute)
        case _:
            item = None
    if not callable(item):
        raise NotPlain("a function that is not known here")
    return item


def evaluate(node: ast.expr, names: Names, budget: Budget) -> Any:
    """Return the value of an expression that passed `check`.

    Raises:
        NotPlain: if it would take too much, or a value is not of a kind to do this with.
        Exception: one of `ERRORS`, as Python raises it: a division by zero, a comparison that makes no sense.
    """
    return _Evaluation(names, budget).of(node)


class _Evaluation:
    def __init__(self, names: Names, budget: Budget) -> None:
        self.names = names
        self.budget = budget

    def of(self, node: ast.expr) -> Any:
        self.budget.spend()
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.names[name] if name in self.names else KINDS[name]
            case ast.List(elts=items):
                return [self.of(item) for item in items]
            case ast.Tuple(elts=items):
                return tuple([self.of(item) for item in items])
            case ast.Set(elts=items):
                return {self.of(item) for item in items}
            case ast.Dict(keys=keys, values=values):
                pairs = zip(map(_not_none, keys), values, strict=True)
                return {self.of(key): self.of(value) for key, value in pairs}
            case ast.UnaryOp(op=sign, operand=operand):
                return _unary(sign, self.of(operand))
            case ast.BinOp(left=left, op=operation, right=right):
                return self._paid(_binary(operation, self.of(left), self.of(right)))
            case ast.BoolOp(op=junction, values=values):
                value = None
                for part in values:
                    value = self.of(part)
                    if bool(value) is isinstance(junction, ast.Or):
                        break
                return value
            case ast.Compare(left=first, ops=ops, comparators=others):
                return self._compare(self.of(first), ops, others)
            case ast.Call(func=function, args=arguments, keywords=keywords):
                positional = [self.of(argument) for argument in arguments]
                named = {str(keyword.arg): self.of(keyword.value) for keyword in keywords}
                for argument in positional:
                    self.budget.spend_on(argument)
                return self._paid(_function(function, self.names)(*positional, **named))
            case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
                sliced = self.of(value)
                parts = [None if part is None else self.of(part) for part in (lower, upper, step)]
                return self._paid(sliced[slice(*parts)])
            case ast.Subscript(value=value, slice=index):
                return self.of(value)[self.of(index)]
            case ast.Attribute(attr=attribute):
                return math_item(attribute)
        raise NotPlain(type(node).__name__)

    def _paid(self, value: Any) -> Any:
        self.budget.spend_on(value)
        return value

    def _compare(self, left: Any, ops: list[ast.cmpop], others: list[ast.expr]) -> Any:
        result: Any = True
        for op, other in zip(ops, others, strict=True):
            right = self.of(other)
            self.budget.spend_on(left)
            if isinstance(op, (ast.Is, ast.IsNot)):
                result = (left is right) is isinstance(op, ast.Is)
            else:
                result = _COMPARISONS[type(op)](left, right)
            if not result:
                return result
            left = right
        return result


def _unary(op: ast.unaryop, value: Any) -> Any:
    match op:
        case ast.Not():
            return not value
        case ast.USub():
            return -value
        case ast.UAdd():
            return +value
    return ~value


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    match op:
        case ast.Add():
            if isinstance(left, _SEQUENCES) and isinstance(right, _SEQUENCES):
                require(len(left) + len(right) <= MOST_ITEMS)
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            _require_small_product(left, right)
            return left * right
    require(isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS))
    if isinstance(op, ast.Pow):
        if isinstance(left, int) and isinstance(right, int):
            require(abs(right) < MOST_BITS and left.bit_length() * abs(right) <= MOST_BITS)
        return left**right
    require_short(left, right)
    functions = {ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod}
    return functions[type(op)](left, right)


def _require_small_product(left: Any, right: Any) -> None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, _SEQUENCES):
            require(isinstance(other, int) and len(one) * other <= MOST_ITEMS)
            return
    require_short(left, right)
