"""Parsing of text that nobody trusts, without its warnings reaching the user."""

from __future__ import annotations

import ast
import threading
import warnings

_one_at_a_time = threading.Lock()  # `catch_warnings` swaps a list that all threads share


def parse_quietly(text: str, mode: str = "exec") -> ast.AST:
    """Parse Python; warnings such as invalid escapes in strings are dropped.

    Raises:
        SyntaxError: whatever is wrong with the text (null bytes and too deep nesting too).
    """
    try:
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode=mode)
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "nested too deeply") from None


def defined_functions(program: str) -> list[str]:
    """Return the names of the functions and classes a program defines at top level, in order."""
    tree = parse_quietly(program)
    assert isinstance(tree, ast.Module)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [statement.name for statement in tree.body if isinstance(statement, kinds)]
