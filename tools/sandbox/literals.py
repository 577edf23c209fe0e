"""Values written as Python text in tests. Nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Callable

from codegrove.parsing import parse_python


class LiteralError(ValueError):
    """A text is no Python literal."""


def parse_literal(text: str) -> object:
    """Read a Python literal.

    Beyond `ast.literal_eval` it knows what `showing.show` writes for plain values: ``nan``, ``inf``,
    ``frozenset({...})``, ``bytearray(b'...')`` and ``complex(0.0, inf)``.

    Raises:
        LiteralError: if the text is anything else.
    """
    try:
        tree = parse_python(text.strip(), mode="eval")
        assert isinstance(tree, ast.Expression)
        return _value(tree.body)
    except SyntaxError as error:
        raise LiteralError(f"not a Python literal: {text[:80]!r} ({error.msg})") from None
    except (TypeError, RecursionError, OverflowError) as error:
        raise LiteralError(f"not a Python literal: {text[:80]!r} ({error})") from None


def parse_arguments(args: str, kwargs: str) -> tuple[tuple[object, ...], dict[str, object]]:
    """Read the arguments of a call.

    Raises:
        LiteralError: unless they are a tuple and a dict with string keys.
    """
    positional, named = parse_literal(args), parse_literal(kwargs)
    if not isinstance(positional, tuple):
        raise LiteralError(f"expected a tuple of arguments such as '(1, 2)' or '(1,)', found {args[:80]!r}")
    if not isinstance(named, dict) or not all(isinstance(name, str) for name in named):
        raise LiteralError(f"expected a dict of named arguments, found {kwargs[:80]!r}")
    return positional, named


_CALLS: dict[str, Callable[..., object]] = {"set": set, "frozenset": frozenset, "bytearray": bytearray}
_NAMES = {"nan": float("nan"), "inf": float("inf")}


def _value(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=value) if value is not ...:
            return value
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Set(elts=items):
            return {_value(item) for item in items}
        case ast.Dict(keys=keys, values=values):
            return {_value(_required(key)): _value(item) for key, item in zip(keys, values, strict=True)}
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _number(operand)
            return -number if isinstance(sign, ast.USub) else +number
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as operator, right=right):
            real, imaginary = _number(left), _number(right)
            if isinstance(real, complex) or not isinstance(imaginary, complex):
                raise LiteralError("sums are read only as complex numbers such as 1+2j")
            return real + imaginary if isinstance(operator, ast.Add) else real - imaginary
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]) if name in _CALLS:
            return _CALLS[name]()
        case ast.Call(func=ast.Name(id="frozenset"), args=[ast.Set(elts=items)], keywords=[]):
            return frozenset(_value(item) for item in items)
        case ast.Call(func=ast.Name(id="bytearray"), args=[ast.Constant(value=bytes(content))], keywords=[]):
            return bytearray(content)
        case ast.Call(func=ast.Name(id="complex"), args=[real_part, imaginary_part], keywords=[]):
            return complex(_float(real_part), _float(imaginary_part))
    raise LiteralError(f"not a Python literal: {type(node).__name__.lower()} {ast.unparse(node)[:80]!r}")


def _required(key: ast.expr | None) -> ast.expr:
    if key is None:
        raise LiteralError("a dict literal with ** is not a value")
    return key


def _number(node: ast.expr) -> int | float | complex:
    value = _value(node)
    if isinstance(value, bool) or not isinstance(value, (int, float, complex)):
        raise LiteralError(f"expected a number, found {value!r}"[:120])
    return value


def _float(node: ast.expr) -> float:
    value = _value(node)
    if not isinstance(value, float):
        raise LiteralError(f"expected a float, found {value!r}"[:120])
    return value
