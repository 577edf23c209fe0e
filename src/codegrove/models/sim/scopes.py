"""Which parts of a program matter: what the entry point reaches and the task did not give."""

from __future__ import annotations

import ast
from functools import lru_cache

from codegrove.models.sim.trees import Path
from codegrove.parsing import parse_python

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Import = ast.Import | ast.ImportFrom


@lru_cache(maxsize=1024)
def given_names(stub: str, entry_point: str | None) -> frozenset[str]:
    """Return the names of helpers that the stub defines and nobody has to write."""
    for text in (stub, stub + "\n    pass\n"):
        try:
            tree = parse_python(text)
        except SyntaxError:
            continue
        names = {node.name for node in tree.body if isinstance(node, Definition)}
        return frozenset(names - {entry_point})
    return frozenset()


def regions(tree: ast.Module, entry_point: str | None, given: frozenset[str]) -> list[tuple[Path, ast.stmt]]:
    """Return the top-level statements that decide what the program does, with their paths.

    For a function: its definition and the helpers it reaches. For a stdin program: everything that runs.
    """
    defined = {node.name: index for index, node in enumerate(tree.body) if isinstance(node, Definition)}
    running = [
        index
        for index, node in enumerate(tree.body)
        if not isinstance(node, Definition | Import) and (entry_point is None or isinstance(node, ast.Assign))
    ]
    queue = [defined[entry_point]] if entry_point in defined else list(running)
    seen: set[int] = set()
    while queue:
        index = queue.pop()
        if index in seen:
            continue
        seen.add(index)
        for node in ast.walk(tree.body[index]):
            if isinstance(node, ast.Name) and node.id in defined and node.id not in given:
                queue.append(defined[node.id])
    return [((("body", index),), tree.body[index]) for index in sorted(seen | set(running))]


def is_main_guard(node: ast.AST) -> bool:
    """Whether a statement is ``if __name__ == "__main__":``."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )
