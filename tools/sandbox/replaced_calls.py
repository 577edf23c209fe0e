"""Expressions of a test in which calls of the function under test, and variables with results, become answers."""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from typing import Any, Protocol

from codegrove.tools.sandbox.plain_expressions import answer_name
from codegrove.tools.sandbox.plain_functions import NotPlain


class Calls(Protocol):
    """What is known of the calls that a test makes."""

    fresh: dict[str, int]
    """Variables that hold a result, with the number of its call."""

    @property
    def made(self) -> int:
        """How many calls were made so far."""
        ...

    def is_call(self, node: ast.AST) -> bool:
        """Whether a node calls the function under test."""
        ...

    def call(self, call: ast.Call) -> int:
        """Note a call; its number says which answer is its result. Raises `NotPlain`."""
        ...


class _Replacing(ast.NodeVisitor):
    """Returns another expression with some parts replaced. The tree stays as it is: a loop reads it again."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return node

    def generic_visit(self, node: ast.AST) -> Any:
        same, fields = True, {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                fields[name] = self.visit(value)
                same = same and fields[name] is value
            elif isinstance(value, list):
                fields[name] = [self.visit(item) if isinstance(item, ast.AST) else item for item in value]
                same = same and all(map(operator.is_, fields[name], value))
            else:
                fields[name] = value
        return node if same else ast.copy_location(type(node)(**fields), node)


class KnownAnswers(_Replacing):
    """Replaces calls that were made already by their answers.

    Args:
        same: numbers of calls by what `ast.dump` makes of them.
    """

    def __init__(self, calls: Calls, same: Mapping[str, int]) -> None:
        self._calls, self._same = calls, same

    def visit_Call(self, node: ast.Call) -> ast.expr:
        number = self._same.get(ast.dump(node))
        if number is None:
            return self.generic_visit(node)  # type: ignore[no-any-return]
        return ast.Name(id=answer_name(number), ctx=ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.expr:
        number = self._calls.fresh.get(node.id)
        return node if number is None else ast.Name(id=answer_name(number), ctx=ast.Load())


class NewAnswers(_Replacing):
    """Replaces calls and variables that hold results. Calls must happen whatever their neighbours are.

    Args:
        same: where to note which call is which, if anybody is going to ask.
    """

    def __init__(self, calls: Calls, same: dict[str, int] | None) -> None:
        self._calls = calls
        self._same = same
        self.called: list[int] = []
        """Numbers of the calls."""
        self.numbers: list[int] = []
        """Of all answers in the expression."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not self._calls.is_call(node):
            return ast.Call(
                func=node.func,
                args=[self.visit(argument) for argument in node.args],
                keywords=[self.visit(keyword) for keyword in node.keywords],
            )
        self.called.append(self._calls.call(node))
        if self._same is not None:
            self._same[ast.dump(node)] = self.called[-1]
        return self._answer(self.called[-1])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        number = self._calls.fresh.get(node.id)
        if number is None:
            return node
        if number != self._calls.made - 1:
            raise NotPlain("a result that a later call may have changed")
        return self._answer(number)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(op=node.op, values=self._unconditional(node.values, 1))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        left, *others = self._unconditional([node.left, *node.comparators], 2)
        return ast.Compare(left=left, ops=node.ops, comparators=others)

    def _unconditional(self, nodes: list[ast.expr], sure: int) -> list[ast.expr]:
        replaced = []
        for place, node in enumerate(nodes):
            before = len(self.called)
            replaced.append(self.visit(node))
            if place >= sure and len(self.called) > before:
                raise NotPlain("a call that may not happen")
        return replaced

    def _answer(self, number: int) -> ast.expr:
        self.numbers.append(number)
        return ast.Name(id=answer_name(number), ctx=ast.Load())
