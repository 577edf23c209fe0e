"""Programs told in plain sentences: the steps of a plan are derived from the syntax tree, none is stored."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from codegrove.models.sim.scopes import Import, is_main_guard

_RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "is less than",
    ast.LtE: "is at most",
    ast.Gt: "is greater than",
    ast.GtE: "is at least",
    ast.Eq: "equals",
    ast.NotEq: "differs from",
    ast.In: "is in",
    ast.NotIn: "is not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_QUANTITIES = {
    "len": "the length of",
    "sum": "the sum of",
    "max": "the largest of",
    "min": "the smallest of",
    "abs": "the absolute value of",
    "sorted": "the sorted",
    "reversed": "the reversed",
    "set": "the distinct values of",
}
_CHANGES: dict[type[ast.operator], str] = {
    ast.Add: "Add {value} to {target}",
    ast.Sub: "Subtract {value} from {target}",
    ast.Mult: "Multiply {target} by {value}",
    ast.FloorDiv: "Divide {target} by {value}, rounding down",
    ast.Div: "Divide {target} by {value}",
    ast.Mod: "Reduce {target} modulo {value}",
}

LONGEST = 12
"""Most steps in one description; what follows is left to the programmer."""


def describe(nodes: Sequence[ast.stmt], entry_point: str | None) -> tuple[str, ...]:
    """Return the steps of some top-level statements, at most `LONGEST`, each one line without a full stop."""
    steps: list[str] = []
    main = entry_point or "main"
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == main:
            steps.extend(_block(node.body, ""))
        else:
            steps.extend(_statement(node, ""))
    return tuple(dict.fromkeys(steps))[:LONGEST]


def technique(tree: ast.Module) -> str:
    """Name the idea behind a program in a few words, judged from what it is made of."""
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    loops = [node for node in nodes if isinstance(node, ast.For | ast.While)]
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    calls_itself = any(
        isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.name in own
        for inner in ast.walk(node)
    )
    if calls_itself:
        return "recursion"
    if names & {"heapq", "heappush", "heappop"}:
        return "a priority queue"
    if "deque" in names:
        return "breadth-first search with a queue"
    if "sorted" in names or any(isinstance(node, ast.Attribute) and node.attr == "sort" for node in nodes):
        return "sorting"
    if any(
        isinstance(inner, ast.For | ast.While)
        for loop in loops
        for inner in ast.walk(loop)
        if inner is not loop
    ):
        return "nested iteration"
    if any(isinstance(node, ast.Dict | ast.DictComp) for node in nodes) or names & {
        "dict",
        "Counter",
        "defaultdict",
    }:
        return "counting with a hash table"
    return "a single pass" if loops else "direct computation"


def _block(body: Sequence[ast.stmt], where: str) -> Iterator[str]:
    for node in body:
        yield from _statement(node, where)


def _statement(node: ast.stmt, where: str) -> Iterator[str]:
    """Yield the steps of one statement; `where` says which loop or branch it stands in."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield _line(f"Write a helper {node.name}({ast.unparse(node.args)})", where)
            yield from _block(node.body, f"in {node.name}")
        case ast.ClassDef():
            yield _line(f"Write a class {node.name}", where)
            yield from _block(node.body, f"in {node.name}")
        case ast.If() if is_main_guard(node):
            yield from _block(node.body, where)
        case ast.If():
            yield from _branch(node, where)
        case ast.For() | ast.AsyncFor():
            yield _line(f"Go through {_phrase(node.iter)}, one {ast.unparse(node.target)} at a time", where)
            yield from _block(node.body, f"for each {ast.unparse(node.target)}")
            yield from _block(node.orelse, "if the loop was not left early")
        case ast.While():
            condition = _phrase(node.test)
            yield _line(f"Repeat while {condition}", where)
            yield from _block(node.body, f"while {condition}")
        case ast.With() | ast.AsyncWith():
            yield from _block(node.body, where)
        case ast.Try():
            yield from _block(node.body, where)
            for handler in node.handlers:
                kind = ast.unparse(handler.type) if handler.type else "any error"
                yield from _block(handler.body, f"on {kind}")
            yield from _block([*node.orelse, *node.finalbody], where)
        case ast.Pass() | ast.Global() | ast.Nonlocal():
            return
        case ast.Expr(value=ast.Call(func=ast.Name(id="main"))):
            return
        case _ if isinstance(node, Import):
            return
        case _:
            yield _line(_simple(node), where)


def _branch(node: ast.If, where: str) -> Iterator[str]:
    condition = _phrase(node.test)
    single = [part for part in node.body if not _is_compound(part)]
    if len(node.body) == 1 and single:
        yield _line(f"If {condition}, {_lower(_simple(node.body[0]))}", where)
    else:
        inside = f"if {condition}"
        yield from _block(node.body, f"{where}, {inside}" if where else inside)
    if not node.orelse:
        return
    if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        yield from _branch(node.orelse[0], where)
    elif len(node.orelse) == 1 and not _is_compound(node.orelse[0]):
        yield _line(f"Otherwise {_lower(_simple(node.orelse[0]))}", where)
    else:
        yield from _block(node.orelse, f"{where}, otherwise" if where else "otherwise")


def _simple(node: ast.stmt) -> str:
    """Say what a statement without a body does, capitalised."""
    match node:
        case ast.Assign(targets=[target], value=value):
            return _assignment(ast.unparse(target), value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return _assignment(ast.unparse(target), value)
        case ast.AugAssign(target=target, op=op, value=value):
            form = _CHANGES.get(type(op), "Combine {target} with {value}")
            return form.format(target=ast.unparse(target), value=_phrase(value))
        case ast.Return(value=None):
            return "Stop"
        case ast.Return(value=ast.expr() as value):
            return f"Return {_phrase(value)}"
        case ast.Break():
            return "Leave the loop"
        case ast.Continue():
            return "Go on with the next one"
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr="append"), args=[value])):
            return f"Append {_phrase(value)} to {ast.unparse(target)}"
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr="sort"))):
            return f"Sort {ast.unparse(target)} in place ({_flat(node)})"
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args)):
            return "Print " + (" and ".join(map(_phrase, args)) or "an empty line")
        case ast.Expr(value=value):
            return f"Call {_flat(value)}"
        case _:
            return f"Do {_flat(node)}"


def _assignment(target: str, value: ast.expr) -> str:
    match value:
        case ast.List(elts=[]):
            return f"Start with an empty list {target}"
        case ast.Dict(keys=[]):
            return f"Start with an empty table {target}"
        case ast.Constant(value=int() | float() as start) if not isinstance(start, bool):
            return f"Start {target} at {ast.unparse(value)}"
        case _:
            return f"Set {target} to {_phrase(value)}"


def _phrase(node: ast.expr) -> str:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return f"{_phrase(left)} {_RELATIONS[type(op)]} {_phrase(right)}"
        case ast.BoolOp(op=op, values=values):
            word = " and " if isinstance(op, ast.And) else " or "
            return word.join(f"({_phrase(v)})" if isinstance(v, ast.BoolOp) else _phrase(v) for v in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"not ({_phrase(operand)})"
        case ast.Call(func=ast.Name(id=name), args=[value], keywords=[]) if name in _QUANTITIES:
            return f"{_QUANTITIES[name]} {_phrase(value)}"
        case ast.Call(func=ast.Name(id="range"), args=[stop]):
            return f"the numbers from 0 to {_flat(stop)}, not included"
        case ast.Call(func=ast.Name(id="range"), args=[start, stop]):
            return f"the numbers from {_flat(start)} to {_flat(stop)}, not included"
        case ast.BinOp(op=ast.Mod(), left=left, right=right) if not isinstance(
            left, ast.Constant | ast.JoinedStr
        ):
            return f"the remainder of {_flat(left)} by {_flat(right)}"
        case ast.Subscript(
            value=ast.Name(id=name), slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))
        ):
            return f"the last element of {name}"
        case _:
            return _flat(node)


def _flat(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _is_compound(node: ast.stmt) -> bool:
    return hasattr(node, "body") or isinstance(node, ast.Pass)


def _line(text: str, where: str) -> str:
    return f"{where[0].upper()}{where[1:]}: {_lower(text)}" if where else text


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
