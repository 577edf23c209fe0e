"""Which lines of a program can be executed, and a version of the program that counts how often each one is.

Counting is part of the compiled program: before every statement stands an addition to a place in memory that is a
constant of the code. Hence a program that sets trace functions or monitoring of its own, starts threads, replaces
built-ins or dies at once is counted like any other, and its frames, names, line numbers and recursion are its own.

The process of the candidate loads this file without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterator
from types import CodeType
from typing import Any

_Body = list[ast.stmt]


def executable_lines(tree: ast.Module) -> tuple[int, ...]:
    """Return the lines on which a statement begins that does something, in order.

    Documentation strings, ``global``, ``nonlocal`` and ``from __future__`` do nothing; headers such as ``else:``,
    ``except:`` and ``case`` are seen by the statements below them.
    """
    found = {statement.lineno for body in _bodies(tree) for statement in body if _does_something(statement)}
    return tuple(sorted(found))


def compile_counting(program: str, file_name: str, counts: Any) -> CodeType:
    """Compile a program that adds one to ``counts[line]`` whenever a statement of that line begins.

    Args:
        counts: supports ``counts[line] += 1`` for every executable line, and hashing.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if it cannot be compiled.
    """
    tree = ast.parse(program, file_name)
    mark = f"counts {os.urandom(16).hex()}"  # a constant that no program has; replaced below
    for body in list(_bodies(tree)):
        body[:] = [
            item
            for statement in body
            for item in (_addition(statement, mark), statement)
            if item is statement or _does_something(statement)
        ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _with_constant(compile(tree, file_name, "exec", dont_inherit=True), mark, counts)


def _bodies(tree: ast.Module) -> Iterator[_Body]:
    """Return every list of statements, without descending into expressions: they have none."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        for name in ("body", "orelse", "finalbody"):
            body: _Body = getattr(node, name, [])
            if body:
                yield body
                waiting += body
        waiting += getattr(node, "handlers", []) + getattr(node, "cases", [])


def _does_something(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant()) | ast.Global() | ast.Nonlocal():
            return False
        case ast.ImportFrom(module="__future__"):
            return False
    return True


def _addition(statement: ast.stmt, mark: str) -> ast.stmt:
    place = ast.Subscript(ast.Constant(mark), ast.Constant(statement.lineno), ast.Store())
    addition = ast.AugAssign(place, ast.Add(), ast.Constant(1))
    for node in ast.walk(addition):
        ast.copy_location(node, statement)
        if isinstance(node, (ast.expr, ast.stmt)):
            node.end_lineno, node.end_col_offset = statement.lineno, statement.col_offset
    return addition


def _with_constant(code: CodeType, mark: str, value: object) -> CodeType:
    constants = tuple(
        _with_constant(item, mark, value)
        if isinstance(item, CodeType)
        else value
        if type(item) is str and item == mark
        else item
        for item in code.co_consts
    )
    return code.replace(co_consts=constants)
