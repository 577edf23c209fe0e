"""Imports run in one direction. Those inside functions count as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"": "src/codegrove", **{name: name for name in ("agents", "graphs", "prompts", "tools")}}

# Layers from the bottom up. A module may import its own layer and those below.
LAYERS: list[list[str]] = [
    [
        r"errors",
        r"parsing",
        r"task",
        r"agreement",
        r"problem",
        r"candidate",
        r"verdict",
        r"budget",
        r"account",
        r"outcome",
        r"approval",
        r"xml_text",
    ],
    [r"examples(\..*)?", r"languages(\..*)?", r"store(\..*)?"],
    [r"problems(\..*)?"],
    [r"search(\..*)?", r"models(\..*)?", r"prompts(\..*)?", r"tools(\..*)?"],
    [r"agents(\..*)?"],
    [r"graphs(\..*)?"],
    [r"runs(\..*)?"],
    [r"report(\..*)?", r"display(\..*)?"],
    [r"api"],
    [r"evaluation(\..*)?"],
    [r"cli(\..*)?", r"__main__"],
]
# Within their layer these know nothing of each other.
APART = ["search", "models", "prompts", "tools"]


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name below ``codegrove``."""
    found: dict[str, Path] = {}
    for package, folder in FOLDERS.items():
        base = ROOT / folder
        for path in base.rglob("*.py"):
            if not package and path.relative_to(base).parts[0] in FOLDERS:
                continue  # a link to a folder that is read on its own
            parts = [package] if package else []
            parts += path.relative_to(base).with_suffix("").parts
            if parts[-1] == "__init__":
                parts = parts[:-1]
            found[".".join(parts)] = path
    return found


def imported(path: Path, name: str) -> Iterator[str]:
    """Modules below ``codegrove`` that a file imports anywhere, but for type checkers only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for child in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("codegrove."):
                    yield alias.name.removeprefix("codegrove.")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import; write codegrove.… instead"
            if node.module == "codegrove":
                yield from (alias.name for alias in node.names)
            elif node.module and node.module.startswith("codegrove."):
                target = node.module.removeprefix("codegrove.")
                for alias in node.names:
                    yield f"{target}.{alias.name}"


MODULES = modules()


def edges() -> list[tuple[str, str]]:
    """Pairs of importing and imported module."""
    found = []
    for name, path in MODULES.items():
        for target in imported(path, name):
            while target and target not in MODULES:
                target = target.rpartition(".")[0]
            if target and target != name:
                found.append((name, target))
    return found


EDGES = edges()


def layer(name: str) -> int:
    """Index of a module's layer."""
    for index, patterns in enumerate(LAYERS):
        if any(re.fullmatch(pattern, name) for pattern in patterns):
            return index
    raise AssertionError(f"module {name!r} belongs to no layer; give it one in LAYERS")


def test_the_whole_package_is_read() -> None:
    assert len(MODULES) > 50
    assert len(EDGES) > 100


def test_no_module_imports_from_a_layer_above() -> None:
    wrong = [(a, b) for a, b in EDGES if a and b and layer(a) < layer(b)]
    assert wrong == []


def test_search_models_prompts_and_tools_stand_apart() -> None:
    def part(name: str) -> str:
        return name.split(".")[0]

    wrong = [(a, b) for a, b in EDGES if part(a) in APART and part(b) in APART and part(a) != part(b)]
    assert wrong == []


def test_there_are_no_cycles() -> None:
    graph = nx.DiGraph((a, b) for a, b in EDGES if a and b)
    # A package's __init__ gathers what its modules export, and its modules import each other directly.
    gathering = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    for a, b in list(graph.edges):
        if a in gathering and b.startswith(a + "."):
            graph.remove_edge(a, b)
    assert list(nx.simple_cycles(graph)) == []


@pytest.mark.parametrize("name", sorted(name for name in MODULES if not name.startswith("graphs")))
def test_only_graphs_imports_langgraph(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        if name == "api" and isinstance(node, ast.ImportFrom) and node.module == "langgraph.types":
            continue  # for type checkers only, see its TYPE_CHECKING block
        assert not any(n == "langgraph" or n.startswith("langgraph.") for n in names)
