"""Operators: from a node of a syntax tree to the wrong nodes a programmer may have put in its place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codegrove.models.sim.scopes import is_main_guard
from codegrove.models.sim.trees import copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an operator may look at besides the node itself."""

    first: dict[str, int]
    """Names that hold values, with the line where each is first set (parameters: 0)."""
    strings: tuple[str, ...]
    """The texts that appear in this scope."""
    parent: ast.AST


_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Div: (ast.FloorDiv,),
    ast.FloorDiv: (ast.Mod,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitXor: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
}
_BUILTINS = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sum": "len",
    "len": "sum",
    "ceil": "floor",
    "floor": "ceil",
    "sorted": "list",
    "set": "list",
    "abs": "int",
    "reversed": "list",
}
_METHODS = {
    "append": "extend",
    "extend": "append",
    "lower": "upper",
    "upper": "lower",
    "startswith": "endswith",
    "endswith": "startswith",
    "find": "rfind",
    "rfind": "find",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "popleft": "pop",
    "appendleft": "append",
    "keys": "values",
    "values": "keys",
    "isdigit": "isalpha",
    "isalpha": "isdigit",
    "islower": "isupper",
    "isupper": "islower",
    "union": "intersection",
    "intersection": "union",
}
_SAME_NUMBER = frozenset({"append", "extend", "appendleft"})
"""Methods whose swap crashes unless the argument is a list; they are only swapped where it is one."""


def _comparison(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            for other in _COMPARISONS[type(op)]:
                yield copied(node, ops=[*node.ops[:index], other(), *node.ops[index + 1 :]])


def _constant(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        if value > 0:
            yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield ast.Constant(value + 1.0)


def _range_bound(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"):
        return
    if len(node.args) == 1:
        yield copied(node, args=[_shifted(node.args[0], -1)])
        yield copied(node, args=[ast.Constant(1), node.args[0]])
        yield copied(node, args=[_shifted(node.args[0], 1)])
    elif len(node.args) >= 2:
        start, stop, *rest = node.args
        yield copied(node, args=[_shifted(start, 1), stop, *rest])
        yield copied(node, args=[start, _shifted(stop, -1), *rest])
        yield copied(node, args=[start, _shifted(stop, 1), *rest])


def _slice_bound(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Slice):
        return
    if node.lower is not None:
        yield copied(node, lower=_shifted(node.lower, 1))
    if node.upper is not None:
        yield copied(node, upper=_shifted(node.upper, -1))
    if node.step is not None and (node.lower is None or node.upper is None):
        yield copied(node, step=None)
    elif node.lower is None and node.step is None:
        yield copied(node, lower=ast.Constant(1))


def _dropped_branch(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and not is_main_guard(node):
        if node.orelse:
            yield copied(node, orelse=[])
        else:
            yield ast.Pass()
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield copied(node, ifs=node.ifs[1:])


def _wrong_variable(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in scope.first):
        return
    if isinstance(scope.parent, ast.Call) and scope.parent.func is node:
        return
    earlier = [name for name, line in scope.first.items() if line < node.lineno and name != node.id]
    for name in sorted(earlier, key=lambda name: (-scope.first[name], name))[:2]:
        yield copied(node, id=name)


def _arithmetic(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        texts = isinstance(node, ast.BinOp) and (_is_text(node.left) or _is_text(node.right))
        if not texts:
            for other in _ARITHMETIC.get(type(node.op), ()):
                yield copied(node, op=other())


def _logic(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    parent = scope.parent
    match node:
        case ast.BoolOp():
            yield copied(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            for index in range(len(node.values)):
                rest = [*node.values[:index], *node.values[index + 1 :]]
                yield rest[0] if len(rest) == 1 else copied(node, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(parent, ast.Slice):
            yield operand
        case ast.Name() | ast.Call() if isinstance(parent, ast.BoolOp):
            yield ast.UnaryOp(ast.Not(), node)
        case ast.Name() | ast.Call() if isinstance(parent, ast.If | ast.IfExp) and parent.test is node:
            yield ast.UnaryOp(ast.Not(), node)


def _dropped_statement(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    match node:
        case ast.AugAssign() | ast.Break() | ast.Continue():
            yield ast.Pass()
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Name(id=name)]) if scope.first.get(name, node.lineno) < node.lineno:
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()


def _wrong_builtin(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in _BUILTINS and node.args:
        other = _BUILTINS[node.func.id]
        if not node.keywords or other in ("min", "max"):
            yield copied(node, func=ast.Name(other, ast.Load()))
        if node.func.id == "sorted" and not any(keyword.arg == "reverse" for keyword in node.keywords):
            yield copied(node, keywords=[*node.keywords, ast.keyword("reverse", ast.Constant(True))])
        elif node.func.id == "sorted":
            yield copied(node, keywords=[word for word in node.keywords if word.arg != "reverse"])
    elif isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        lists = node.args and isinstance(node.args[0], ast.List | ast.ListComp | ast.BinOp)
        if node.func.attr not in _SAME_NUMBER or lists:
            yield copied(node, func=copied(node.func, attr=_METHODS[node.func.attr]))


def _swapped_operands(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    ordered = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
    if isinstance(node, ast.BinOp) and (
        isinstance(node.op, ordered) or _is_text(node.left) or _is_text(node.right)
    ):
        yield copied(node, left=node.right, right=node.left)
    elif isinstance(node, ast.Call) and len(node.args) == 2 and not node.keywords:
        if not (isinstance(node.func, ast.Name) and node.func.id in ("min", "max", "range")):
            yield copied(node, args=node.args[::-1])
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) == 2:
        yield copied(node, elts=node.elts[::-1])


def _early_return(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    """Move the return after a loop into the loop, the mistake of a wrong indentation."""
    body = getattr(scope.parent, "body", None)
    if not (isinstance(node, ast.For | ast.While) and isinstance(body, list) and node in body):
        return
    following = body[body.index(node) + 1 :]
    last = node.body[-1]
    if following and isinstance(following[0], ast.Return) and not isinstance(last, ast.Return | ast.Break):
        yield copied(node, body=[*node.body, following[0]])


def _dropped_call(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    """Forget a conversion: ``f(x)`` or ``x.f()`` becomes ``x``."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[value], keywords=[]) if name not in (
            "print",
            "range",
            "len",
        ):
            if not isinstance(value, ast.GeneratorExp | ast.Starred):
                yield value
        case ast.Call(func=ast.Attribute(value=value), args=[], keywords=[]):
            if not isinstance(scope.parent, ast.Expr):
                yield value


def _wrong_text(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return
    if isinstance(scope.parent, ast.Call) and not (
        isinstance(scope.parent.func, ast.Name) and scope.parent.func.id == "print"
    ):
        return
    if isinstance(scope.parent, ast.keyword | ast.Subscript):
        return
    text = node.value
    others = [other for other in scope.strings if other != text]
    if others:
        yield ast.Constant(others[len(text) % len(others)])
    if text.swapcase() != text:
        yield ast.Constant(text.swapcase())
    elif text:
        yield ast.Constant(text[:-1])
    else:
        yield ast.Constant(" ")


Operator = Callable[[ast.AST, Scope], Iterator[ast.AST]]

OPERATORS: dict[str, Operator] = {
    "comparison": _comparison,
    "constant": _constant,
    "range bound": _range_bound,
    "slice bound": _slice_bound,
    "dropped branch": _dropped_branch,
    "wrong variable": _wrong_variable,
    "arithmetic": _arithmetic,
    "logic": _logic,
    "dropped statement": _dropped_statement,
    "wrong builtin": _wrong_builtin,
    "swapped operands": _swapped_operands,
    "early return": _early_return,
    "dropped call": _dropped_call,
    "wrong text": _wrong_text,
}
"""Every operator by name: from a node to the wrong nodes that may stand in its place."""


def _shifted(node: ast.expr, by: int) -> ast.expr:
    """Return ``node + by``, simplified where that is a plain number or the shift takes an old one back."""
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return ast.Constant(value + by)
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=1)) if by == -1:
            return left
        case ast.BinOp(left=left, op=ast.Sub(), right=ast.Constant(value=1)) if by == 1:
            return left
        case _:
            return ast.BinOp(node, ast.Add() if by > 0 else ast.Sub(), ast.Constant(abs(by)))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
