"""Looking at Python source without running it."""

from __future__ import annotations

import ast
import builtins

from codegrove.parsing import parse_python

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__", "__builtins__"}

MOST_SOURCE = 200_000
"""Characters of a program; longer ones are not looked at, so that no answer takes seconds to read."""


def read_program(source: str) -> ast.Module | None:
    """Return the syntax tree, or None for text that is no Python (or too long or nested too deeply to tell)."""
    if len(source) > MOST_SOURCE:
        return None
    try:
        return parse_python(source)
    except SyntaxError:
        return None


def bound_names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds where it stands; ``*`` for a star import.

    Bodies of compound statements count, those of functions and classes do not.
    """
    names: set[str] = set()
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        todo.extend(ast.iter_child_nodes(node))
    return names


def module_names(tree: ast.Module) -> set[str]:
    """Return the names that a module binds at its top level."""
    return set().union(*map(bound_names, tree.body))


def used_names(tree: ast.AST) -> set[str]:
    """Return all names that are read anywhere in the tree."""
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def reads_stdin(tree: ast.AST) -> bool:
    """Whether a program reads its standard input, in one of the ways that are in use."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="input" | "stdin" | "fileinput", ctx=ast.Load()):
                return True
            case ast.Attribute(attr="stdin" | "__stdin__", ctx=ast.Load()):
                return True
            case ast.Call(
                func=ast.Name(id="open") | ast.Attribute(attr="read" | "open" | "fdopen"),
                args=[ast.Constant(value=0 | "/dev/stdin"), *_],
            ):
                return True
    return False


def unbound_names(tree: ast.Module) -> set[str]:
    """Return names that are read, but bound nowhere in the module and not built in.

    Scopes are not told apart: a name that is local to one function counts as bound everywhere.
    """
    bound = module_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound.update((alias.asname or alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
    return used_names(tree) - bound - _BUILTINS
