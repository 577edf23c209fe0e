"""Assert statements as tests, and the function that they are about."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Sequence

from codegrove.examples.source import parse_quietly
from codegrove.problems.docstring_examples import call_test
from codegrove.task import AssertTest, CallTest


def assert_test(code: str, entry_point: str, *, prelude: str = "") -> CallTest | AssertTest:
    """Return an assert as a visible test: a `CallTest` for ``f(literals) == literal``, else an `AssertTest`.

    Args:
        code: Python statements, parsed by the caller before.
        entry_point: the function under test.
        prelude: imports and helpers that the code needs; they are put in front of it.
    """
    statements = parse_quietly(code).body
    if not prelude and len(statements) == 1 and isinstance(statements[0], ast.Assert):
        test = statements[0].test
        if isinstance(test, ast.Compare) and [type(op) for op in test.ops] == [ast.Eq]:
            plain = call_test(test.left, test.comparators[0], entry_point)
            if plain is not None:
                return plain
    return AssertTest(code=f"{prelude.rstrip()}\n{code.strip()}" if prelude.strip() else code.strip())


def functions_under_test(tests: Sequence[ast.AST], *, known: Collection[str] = ()) -> list[str]:
    """Return the functions that tests call by name and that may be the one to write, the likeliest first.

    That is the outermost call; builtins do not count, except those that the program itself defines. Names called
    by every test come before the others.

    Args:
        tests: syntax trees, one for each test.
        known: functions that a reference program defines; with these, no other can be meant.
    """
    per_test = [list(dict.fromkeys(_called(tree))) for tree in tests]
    names = dict.fromkeys(name for called in per_test for name in called)
    candidates = [name for name in names if (name in known if known else not hasattr(builtins, name))]
    everywhere = [name for name in candidates if all(name in called for called in per_test)]
    return everywhere or candidates


def _called(tree: ast.AST) -> Iterator[str]:
    """Yield names of called functions, outer calls first; names that the code defines itself are left out."""
    own: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in own:
            yield node.func.id
