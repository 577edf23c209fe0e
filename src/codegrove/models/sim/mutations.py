"""Defects as programmers make them: where each operator fits into a program, and a draw from all of them."""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence
from dataclasses import dataclass

from codegrove.models.sim.operators import OPERATORS, Scope
from codegrove.models.sim.scopes import is_main_guard, regions
from codegrove.models.sim.trees import Edit, Path, children, overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One defect that can be put into a program."""

    operator: str
    edit: Edit


WEIGHTS = {
    "comparison": 4,
    "constant": 3,
    "range bound": 3,
    "slice bound": 2,
    "dropped branch": 3,
    "wrong variable": 3,
    "arithmetic": 3,
    "logic": 3,
    "dropped statement": 2,
    "wrong builtin": 3,
    "swapped operands": 2,
    "early return": 2,
    "dropped call": 1,
    "wrong text": 1,
}
"""How often each operator is chosen where several apply."""


def mutations(tree: ast.Module, entry_point: str | None, given: frozenset[str]) -> tuple[Mutation, ...]:
    """Return every single defect that fits into the reachable part of a program, in a fixed order."""
    found: list[Mutation] = []
    for path, statement in regions(tree, entry_point, given):
        scope = Scope(first=_module_names(tree), strings=_strings(statement), parent=tree)
        _visit(statement, path, scope, frozenset(), found)
    return tuple(found)


def pick(found: Sequence[Mutation], count: int, rng: random.Random) -> list[Mutation]:
    """Draw up to `count` mutations that do not touch each other, operators by their weights."""
    chosen: list[Mutation] = []
    left = list(found)
    while left and len(chosen) < count:
        operators = sorted({mutation.operator for mutation in left})
        (operator,) = rng.choices(operators, [WEIGHTS[name] for name in operators])
        mutation = rng.choice([mutation for mutation in left if mutation.operator == operator])
        chosen.append(mutation)
        left = [other for other in left if not overlap(other.edit.path, mutation.edit.path)]
    return chosen


_SKIPPED_FIELDS = frozenset({"annotation", "returns", "decorator_list", "handlers"})
_SKIPPED_NODES = (
    ast.JoinedStr,
    ast.arguments,
    ast.Import,
    ast.ImportFrom,
    ast.Assert,
    ast.Global,
    ast.Nonlocal,
)


def _visit(node: ast.AST, path: Path, scope: Scope, protected: frozenset[str], found: list[Mutation]) -> None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        scope = Scope(
            first={**scope.first, **_local_names(node)}, strings=_strings(node), parent=scope.parent
        )
    elif isinstance(node, ast.While):
        # A lost or changed update of what a while loop tests mostly loops forever, which is kept rare.
        protected |= {name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)}
    elif isinstance(node, ast.Assign | ast.AugAssign) and protected & _targets(node):
        return
    for name, operator in OPERATORS.items():
        for new in operator(node, scope):
            # `pass` stands for a lost statement, which leaves no trace in what a programmer hands in.
            left = () if isinstance(new, ast.Pass) else (new,)
            found.append(Mutation(operator=name, edit=Edit(path=path, new=left)))
    inner = Scope(first=scope.first, strings=scope.strings, parent=node)
    for child_path, child in children(node, path):
        field = child_path[-1][0]
        skipped = field in _SKIPPED_FIELDS or isinstance(child, _SKIPPED_NODES)
        if not skipped and not (is_main_guard(node) and field == "test"):
            _visit(child, child_path, inner, protected, found)


def _local_names(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, int]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = dict.fromkeys((argument.arg for argument in every if argument.arg != "self"), 0)
    body = function.body if isinstance(function.body, list) else []
    return _stored(body, names)


def _module_names(tree: ast.Module) -> dict[str, int]:
    plain = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return _stored([node for node in tree.body if not isinstance(node, plain)], {})


def _stored(body: Sequence[ast.stmt], names: dict[str, int]) -> dict[str, int]:
    """Add the names that statements set; those of comprehensions and inner functions live elsewhere."""
    own = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    hidden = (*own, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    stack: list[ast.AST] = list(body)
    lines: dict[str, int] = {}
    while stack:
        node = stack.pop()
        if isinstance(node, hidden):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
        stack.extend(ast.iter_child_nodes(node))
    return {**lines, **names}


def _strings(node: ast.AST) -> tuple[str, ...]:
    texts = (
        item.value
        for item in ast.walk(node)
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    )
    return tuple(dict.fromkeys(texts))


def _targets(node: ast.Assign | ast.AugAssign) -> frozenset[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return frozenset(name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
