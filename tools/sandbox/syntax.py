"""What a program defines, read without running it."""

from __future__ import annotations

import ast

from codegrove.parsing import parse_python

LONGEST_PARSED = 50_000
"""Characters of a program that is parsed in the process of the judge, where everything else waits for it."""


def defined_functions(program: str) -> list[str]:
    """Return the names of the functions and classes a program defines at top level, in order.

    Raises:
        SyntaxError: if it does not parse, or is nested too deeply.
    """
    tree = parse_python(program)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [statement.name for statement in tree.body if isinstance(statement, kinds)]
