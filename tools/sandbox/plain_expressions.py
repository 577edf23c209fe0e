"""Expressions of tests, evaluated on plain values: literals, arithmetic, comparisons and a few pure functions.

Nothing is executed; the tree is walked. Work and memory are bounded, since values may come from a stranger.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from codegrove.tools.sandbox.values import Opaque, require_hashable

MOST_ITEMS = 1_000_000
_MOST_BITS = 100_000


class NotPlain(ValueError):
    """An expression, or a value on its way, is outside of what is evaluated here."""


def _checked_set(items: Any = ()) -> set[Any]:
    return set(require_hashable(list(items)))


def _checked_range(*parts: int) -> range:
    found = range(*parts)
    _require(abs(found.start - found.stop) <= MOST_ITEMS * abs(found.step))
    return found


def _text(value: Any = "") -> str:
    _require(isinstance(value, (str, int, float, bool, type(None))))
    return str(value)


def _sum(items: Any) -> Any:
    numbers = list(items)
    for number in numbers:
        _require(isinstance(number, (int, float, complex)))
        _require(not isinstance(number, int) or number.bit_length() <= 10_000)
    return sum(numbers)


def _kind_of(value: object) -> type:
    _require(not isinstance(value, Opaque))
    return type(value)


def _is_instance(value: object, kinds: Any) -> bool:
    return not isinstance(value, Opaque) and isinstance(value, kinds)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "len": len,
    "sorted": sorted,
    "sum": _sum,
    "min": min,
    "max": max,
    "round": round,
    "all": all,
    "any": any,
    "list": list,
    "tuple": tuple,
    "int": int,
    "float": float,
    "bool": bool,
    "set": _checked_set,
    "frozenset": lambda items=(): frozenset(_checked_set(items)),
    "str": _text,
    "range": _checked_range,
    "isinstance": _is_instance,
    "type": _kind_of,
    "complex": complex,
}
_MATH: dict[str, Any] = {
    **{
        name: getattr(math, name)
        for name in ("fabs", "isclose", "isnan", "isinf", "isfinite", "floor", "ceil")
    },
    **{name: getattr(math, name) for name in ("sqrt", "pi", "e", "inf", "nan", "tau", "trunc", "hypot")},
}
_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, object)
}
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

Names = Mapping[str, object]
"""Variables of an expression. The module `math` is known as the value `MATH`, its contents as they are."""
MATH = object()


def _require(condition: bool) -> None:
    if not condition:
        raise NotPlain("outside of what is evaluated here")


def math_item(name: str) -> object:
    """Return what ``from math import name`` gives. Raises `NotPlain`."""
    if name not in _MATH:
        raise NotPlain(name)
    return _MATH[name]


def check(node: ast.expr, names: Names) -> None:
    """Raise `NotPlain` unless the expression is made of parts that `evaluate` knows."""
    match node:
        case ast.Constant(value=value):
            _require(value is not ...)
        case ast.Name(id=name):
            _require(name in names and names[name] is not MATH and not callable(names[name]))
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            _check_all(items, names)
        case ast.Dict(keys=keys, values=values):
            _check_all([_not_none(key) for key in keys], names)
            _check_all(values, names)
        case ast.UnaryOp(operand=operand):
            check(operand, names)
        case ast.BinOp(left=left, op=op, right=right):
            _require(isinstance(op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)))
            _check_all([left, right], names)
        case ast.BoolOp(values=values):
            _check_all(values, names)
        case ast.Compare(left=ast.Call(func=ast.Name(id="type"), args=[value]), ops=[_], comparators=[kind]):
            _require("type" not in names and _is_kind(kind, names))
            check(value, names)
        case ast.Compare(left=left, ops=ops, comparators=others):
            for comparison, other in zip(ops, others, strict=True):
                if isinstance(comparison, (ast.Is, ast.IsNot)):
                    _require(len(ops) == 1 and _is_single(other))
            _check_all([left, *others], names)
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, kinds], keywords=[]):
            options = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
            _require("isinstance" not in names and all(_is_kind(option, names) for option in options))
            check(value, names)
        case ast.Call(func=function, args=arguments, keywords=keywords):
            _require(_function(function, names) not in (_kind_of, _is_instance))
            _check_all([*arguments, *(keyword.value for keyword in keywords)], names)
            _require(all(keyword.arg in ("abs_tol", "rel_tol", "reverse", "ndigits") for keyword in keywords))
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            _check_all([part for part in (value, lower, upper, step) if part is not None], names)
        case ast.Subscript(value=value, slice=index):
            _check_all([value, index], names)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            _require(names.get(name) is MATH and not callable(math_item(attribute)))
        case _:
            raise NotPlain(type(node).__name__)


def _check_all(nodes: list[ast.expr], names: Names) -> None:
    for node in nodes:
        check(node, names)


def _not_none(node: ast.expr | None) -> ast.expr:
    if node is None:
        raise NotPlain("**")
    return node


def _is_kind(node: ast.expr, names: Names) -> bool:
    return isinstance(node, ast.Name) and node.id in _KINDS and node.id not in names


def _is_single(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and any(node.value is single for single in _SINGLE)


def _function(node: ast.expr, names: Names) -> Callable[..., Any]:
    item: object
    match node:
        case ast.Name(id=name) if name in names and any(names[name] is item for item in _MATH.values()):
            item = names[name]
        case ast.Name(id=name) if name in _FUNCTIONS and name not in names:
            item = _FUNCTIONS[name]
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if names.get(name) is MATH:
            item = math_item(attribute)
        case _:
            item = None
    if not callable(item):
        raise NotPlain("a function that is not known here")
    return item


def evaluate(node: ast.expr, names: Names) -> Any:
    """Return the value of an expression that passed `check`.

    Raises:
        NotPlain: if it would take too much, or a value is not of a kind to do this with.
        Exception: whatever Python raises for it: a division by zero, a comparison that makes no sense.
    """
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names[name] if name in names else _KINDS[name]
        case ast.List(elts=items):
            return [evaluate(item, names) for item in items]
        case ast.Tuple(elts=items):
            return tuple(evaluate(item, names) for item in items)
        case ast.Set(elts=items):
            return {evaluate(item, names) for item in items}
        case ast.Dict(keys=keys, values=values):
            pairs = zip(map(_not_none, keys), values, strict=True)
            return {evaluate(key, names): evaluate(value, names) for key, value in pairs}
        case ast.UnaryOp(op=sign, operand=operand):
            return _unary(sign, evaluate(operand, names))
        case ast.BinOp(left=left, op=operation, right=right):
            return _binary(operation, evaluate(left, names), evaluate(right, names))
        case ast.BoolOp(op=junction, values=values):
            value = None
            for part in values:
                value = evaluate(part, names)
                if bool(value) is isinstance(junction, ast.Or):
                    break
            return value
        case ast.Compare(left=first, ops=ops, comparators=others):
            return _compare(evaluate(first, names), ops, others, names)
        case ast.Call(func=function, args=arguments, keywords=keywords):
            named = {str(keyword.arg): evaluate(keyword.value, names) for keyword in keywords}
            positional = [evaluate(argument, names) for argument in arguments]
            return _function(function, names)(*positional, **named)
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            parts = [None if part is None else evaluate(part, names) for part in (lower, upper, step)]
            return evaluate(value, names)[slice(*parts)]
        case ast.Subscript(value=value, slice=index):
            return evaluate(value, names)[evaluate(index, names)]
        case ast.Attribute(attr=attribute):
            return math_item(attribute)
    raise NotPlain(type(node).__name__)


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
    numbers = isinstance(left, (int, float, complex)) and isinstance(right, (int, float, complex))
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            _require_small_product(left, right)
            return left * right
        case ast.Pow():
            _require(numbers)
            if isinstance(left, int) and isinstance(right, int):
                _require(abs(right) < _MOST_BITS and left.bit_length() * abs(right) <= _MOST_BITS)
            return left**right
    _require(numbers)
    functions = {ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod}
    return functions[type(op)](left, right)


def _require_small_product(left: Any, right: Any) -> None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, (str, bytes, bytearray, list, tuple)):
            _require(isinstance(other, int) and len(one) * other <= MOST_ITEMS)
            return
        if isinstance(one, int):
            _require(one.bit_length() <= _MOST_BITS * 10)


def _compare(left: Any, ops: list[ast.cmpop], others: list[ast.expr], names: Names) -> Any:
    result: Any = True
    for op, other in zip(ops, others, strict=True):
        right = evaluate(other, names)
        if isinstance(op, (ast.Is, ast.IsNot)):
            result = (left is right) is isinstance(op, ast.Is)
        else:
            result = _COMPARISONS[type(op)](left, right)
        if not result:
            return result
        left = right
    return result
