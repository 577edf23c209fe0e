"""Edits of syntax trees by path. Trees are never changed in place: an edit shares all but the path itself."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from codegrove.parsing import parse_python

Step = tuple[str, int]
"""Field of a node and index in it; the index is -1 where the field holds one node, not a list."""
Path = tuple[Step, ...]

SINGLE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Replace `width` nodes from `path` on by `new`. Width 0 inserts, no new nodes delete (lists only)."""

    path: Path
    new: tuple[ast.AST, ...]
    width: int = 1


def parse(text: str) -> ast.Module | None:
    """Return the program's tree without docstrings, or None if it does not parse."""
    try:
        tree = parse_python(text)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            rest = [statement for statement in node.body if not is_docstring(statement)]
            node.body = rest or ([] if isinstance(node, ast.Module) else [ast.Pass()])
    return tree


def is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is nothing but a string."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def source(tree: ast.AST) -> str:
    """Return the tree as program text with one newline at its end."""
    return ast.unparse(tree).strip() + "\n"


def at(root: ast.AST, path: Path) -> ast.AST:
    """Return the node a path leads to."""
    node: Any = root
    for field, index in path:
        value = getattr(node, field)
        node = value if index == SINGLE else value[index]
    assert isinstance(node, ast.AST)
    return node


def children(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    """Return the child nodes with their paths, `path` being the node's own."""
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, ast.AST):
            yield (*path, (field, SINGLE)), value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield (*path, (field, index)), item


def copied(node: ast.AST, **changed: Any) -> Any:
    """Return a shallow copy of a node with some fields changed."""
    fields = {field: getattr(node, field) for field in node._fields if hasattr(node, field)}
    # The printer of syntax trees asks statements for their line number.
    place = {name: getattr(node, name, 1) for name in ("lineno", "col_offset") if name in node._attributes}
    return type(node)(**{**fields, **changed}, **place)


def edited(root: ast.Module, edits: Iterable[Edit]) -> ast.Module:
    """Return the tree with all edits made. Paths speak about the tree before any of them; none may overlap."""
    tree: ast.AST = root
    for edit in sorted(edits, key=lambda edit: edit.path, reverse=True):
        tree = _edited(tree, edit.path, edit)
    assert isinstance(tree, ast.Module)
    return tree


def overlap(one: Path, other: Path) -> bool:
    """Whether one of two paths leads into what the other one replaces."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _edited(node: ast.AST, path: Path, edit: Edit) -> ast.AST:
    if not path:
        return edit.new[0]
    (field, index), rest = path[0], path[1:]
    value = getattr(node, field)
    if index == SINGLE:
        return _as_node(copied(node, **{field: _edited(value, rest, edit)}))
    items = list(value)
    if rest:
        items[index] = _edited(items[index], rest, edit)
    else:
        items[index : index + edit.width] = edit.new
    if not items and field == "body" and not isinstance(node, ast.Module):
        items = [ast.Pass()]
    return _as_node(copied(node, **{field: items}))


def _as_node(value: Any) -> ast.AST:
    assert isinstance(value, ast.AST)
    return value
