"""Imports of the program to write: tests see its names directly, so these imports have to go."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Collection

from codegrove.errors import TaskError

CUSTOMARY = frozenset(
    {"__main__", "answer", "candidate", "impl", "implementation", "main", "my_module", "program", "solution"}
    | {"solutions", "src", "submission", "your_code", "your_module"}
)
"""Module names that mean the program under test wherever they are imported by a test."""


class ModuleUnderTest(ast.NodeTransformer):
    """Removes imports of the module under test, and turns ``module.f`` and aliases into plain names.

    Relative imports, customary names and those that the caller gives are under test. So is any module from which
    the entry point is imported.
    """

    def __init__(self, name: str, modules: Collection[str], entry_point: str | None) -> None:
        self._name = name
        self._modules = {*CUSTOMARY, *modules}
        self._entry_point = entry_point
        self._as_module: set[str] = set()
        self._renamed: dict[str, str] = {}
        self.names: set[str] = set()
        """Names that the tests take from the module."""

    def without_imports(self, tree: ast.Module) -> ast.Module:
        """Return the file without these imports.

        Raises:
            TaskError: for an import that is neither of this module nor installed.
        """
        # Two walks, so that names are known wherever the import stands.
        without = self.visit(tree)
        changed = _Rename(self._as_module, self._renamed, self.names).visit(without)
        assert isinstance(changed, ast.Module)
        return ast.fix_missing_locations(changed)

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        kept = []
        for alias in node.names:
            root = alias.name.partition(".")[0]
            if not self._is_under_test(root, node, found_entry_point=False):
                kept.append(alias)
            elif "." in alias.name and alias.asname is None:
                raise TaskError(
                    f"{self._name}:{node.lineno}: 'import {alias.name}' is not supported for the module under "
                    f"test; write 'from {alias.name} import ...'"
                )
            else:
                self._as_module.add(alias.asname or alias.name)
        return ast.Import(names=kept, lineno=node.lineno) if kept else ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        found = any(alias.name == self._entry_point for alias in node.names)
        root = (node.module or "").partition(".")[0]
        if not node.level and not self._is_under_test(root, node, found_entry_point=found):
            return node
        for alias in node.names:
            if alias.name == "*":
                continue
            if node.module is None:
                self._as_module.add(alias.asname or alias.name)  # from . import solution
                continue
            self.names.add(alias.name)
            if alias.asname:
                self._renamed[alias.asname] = alias.name
        return ast.Pass()

    def _is_under_test(self, root: str, node: ast.stmt, *, found_entry_point: bool) -> bool:
        if root in self._modules or found_entry_point:
            return True
        if root in sys.stdlib_module_names or importlib.util.find_spec(root) is not None:
            return False
        raise TaskError(
            f"{self._name}:{node.lineno}: the tests import {root!r}, which is not installed here; install it, or, "
            f"if it is the program to write, call it 'solution' in the tests or pass the function's name "
            "with --entry-point and import that from it"
        )


class _Rename(ast.NodeTransformer):
    def __init__(self, modules: Collection[str], renamed: dict[str, str], names: set[str]) -> None:
        self._modules = modules
        self._renamed = renamed
        self._names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in self._modules:
            self._names.add(node.attr)
            return ast.copy_location(ast.Name(id=node.attr, ctx=node.ctx), node)
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        node.id = self._renamed.get(node.id, node.id)
        return node
