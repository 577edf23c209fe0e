"""A Python file that holds an unfinished function and, maybe, its tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from codegrove.errors import TaskError, did_you_mean
from codegrove.examples.source import ROW_ERRORS, parse_quietly
from codegrove.problems.docstring_examples import bound_names, free_names
from codegrove.problems.python_tests import FRAMEWORKS, PythonTests, collect_tests, parse_user_file

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_MISSING_BODY = re.compile(r"expected an indented block after function definition on line (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StubFile:
    """What a file asks for."""

    stub: str
    """The source without its tests."""
    functions: tuple[str, ...]
    """Top-level functions in order; tests and their helpers are not among them."""
    unfinished: tuple[str, ...]
    """Those that have no body yet: only a docstring, ``pass``, ``...`` or ``raise NotImplementedError``."""
    tests: PythonTests

    def entry_point(self, name: str, asked: str | None, called: Sequence[str] = ()) -> str:
        """Return the function to write.

        It is the one asked for; else the unfinished one; else the one that the tests call; else the last.

        Args:
            name: file name, for messages.
            asked: the caller's choice, or None.
            called: functions that other tests are about.

        Raises:
            TaskError: when there is no function, not the one asked for, or several that it could be.
        """
        if not self.functions:
            raise TaskError(
                f"{name} defines no function at top level; expected one with a docstring and an empty body, and "
                "its tests as doctests, asserts or test_ functions"
            )
        if asked is not None:
            if asked not in self.functions:
                raise TaskError(f"{name} defines no function {asked!r}{did_you_mean(asked, self.functions)}")
            return asked
        possible = self.unfinished or self.functions
        if len(possible) == 1:
            return possible[0]
        tested = list(dict.fromkeys([*self.tests.functions(possible), *(f for f in called if f in possible)]))
        if len(tested) == 1:
            return tested[0]
        if not self.unfinished and not tested:
            return possible[-1]
        raise TaskError(
            f"{name} has several functions that could be the one to write ({', '.join(tested or possible)}); "
            "say which with --entry-point"
        )


def read_stub(source: str, name: str, entry_point: str | None = None) -> StubFile:
    """Return what a Python file asks for; nothing is executed.

    Args:
        source: the file's text. A function without any body is accepted.
        name: the file's name, for messages.
        entry_point: the function to write where the caller chose it.

    Raises:
        TaskError: naming file and line, for source that does not parse and for tests that cannot be used.
    """
    source = _with_bodies(source)
    tree = parse_user_file(source, name)
    tests = collect_tests(tree, name, entry_point=entry_point)
    kept = [s for s in tests.others if not _is_test_import(s, tests.others) and not _is_lone_call(s, tree)]
    functions = [s for s in kept if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return StubFile(
        stub=_without(source, tree, kept, name),
        functions=tuple(dict.fromkeys(f.name for f in functions)),
        unfinished=tuple(dict.fromkeys(f.name for f in functions if _is_unfinished(f))),
        tests=tests,
    )


def _with_bodies(source: str) -> str:
    """Return the source with ``...`` in functions that have no body at all, not even a docstring."""
    for _ in range(source.count("def ")):
        try:
            parse_quietly(source)
        except SyntaxError as error:
            missing = _MISSING_BODY.match(error.msg or "")
            if missing is None:
                break
            lines = source.split("\n")
            at = _header_end(lines, int(missing[1]) - 1)
            indent = len(lines[int(missing[1]) - 1]) - len(lines[int(missing[1]) - 1].lstrip())
            lines.insert(at + 1, " " * (indent + 4) + "...")
            source = "\n".join(lines)
        except ROW_ERRORS:
            break
        else:
            break
    return source


def _header_end(lines: Sequence[str], first: int) -> int:
    """Return the index of the line that ends a function's signature."""
    for last in range(first, len(lines)):
        try:
            parse_quietly("\n".join([*(line.strip() for line in lines[first : last + 1]), " pass"]))
        except SyntaxError:
            continue
        return last
    return first


def _is_unfinished(function: _Function) -> bool:
    return all(_is_placeholder(statement) for statement in function.body)


def _is_placeholder(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(
            exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))
        ):
            return True
        case ast.Return(value=ast.Name(id="NotImplemented")):
            return True
        case _:
            return False


def _is_test_import(statement: ast.stmt, others: Collection[ast.stmt]) -> bool:
    """Whether a statement imports a test framework that the program itself does not use."""
    if not isinstance(statement, (ast.Import, ast.ImportFrom)):
        return False
    module = statement.module if isinstance(statement, ast.ImportFrom) else statement.names[0].name
    if (module or "").partition(".")[0] not in FRAMEWORKS:
        return False
    return not any(bound_names(statement) & free_names(other) for other in others if other is not statement)


def _is_lone_call(statement: ast.stmt, tree: ast.Module) -> bool:
    """Whether a statement only shows something, such as ``print(f(2))``; the module's docstring does not."""
    return isinstance(statement, ast.Expr) and statement is not tree.body[0]


def _without(source: str, tree: ast.Module, kept: Collection[ast.stmt], name: str) -> str:
    """Return the source with the kept top-level statements and all comments outside the others."""
    kept_ids = {id(statement) for statement in kept}
    gone: set[int] = set()
    stays: set[int] = set()
    for statement in tree.body:
        decorators = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(d.lineno for d in decorators)])
        lines = range(first, (statement.end_lineno or statement.lineno) + 1)
        (stays if id(statement) in kept_ids else gone).update(lines)
    shared = gone & stays
    if shared:
        raise TaskError(
            f"{name}:{min(shared)}: a test shares its line with other code; put it on a line of its own"
        )
    rest = [line for number, line in enumerate(source.split("\n"), 1) if number not in gone]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(rest)).strip("\n") + "\n"
