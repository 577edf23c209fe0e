"""Reading Python source that a stranger wrote."""

from __future__ import annotations

import ast
import threading
import warnings
from typing import Literal, overload

_one_at_a_time = threading.Lock()
"""Switching warnings off is a change of the whole process; two threads at once could leave them off. And where the
garbage collector runs Python code while a tree is made, a second thread that makes one ends the first with a
`SystemError` (CPython 3.11)."""


@overload
def parse_python(text: str) -> ast.Module: ...


@overload
def parse_python(text: str, mode: Literal["eval"]) -> ast.Expression: ...


def parse_python(text: str, mode: Literal["exec", "eval"] = "exec") -> ast.AST:
    r"""Return the syntax tree of a stranger's source.

    Python's warnings about its style (``1and 2``, ``"\w"``) are the stranger's business: they reach nobody, and
    are no errors where warnings are set to be errors.

    Raises:
        SyntaxError: whatever is wrong with the text, null bytes and too deep nesting included.
    """
    try:
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode=mode)
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "nested too deeply") from None
