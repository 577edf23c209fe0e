"""Finds and reads recipe files, with all they extend."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from codegrove.errors import RecipeError, did_you_mean
from codegrove.graphs.recipe.layers import anchor_prompts, inherited
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.recipe.yaml_positions import (
    MAX_CHARACTERS,
    Node,
    Origin,
    describe,
    from_python,
    parse_yaml,
)

VERSION = 1
SUFFIXES = (".yaml", ".yml")


def read_layers(source: str | Path | Recipe | Mapping[str, object]) -> list[Node]:
    """Return a recipe and all it extends, the most distant ancestor first; only `extends` is gone.

    Raises:
        RecipeError: if a file is not there, is no YAML, or the recipes extend each other in a circle.
    """
    seen: list[Path] = []
    if isinstance(source, Recipe):
        node, folder = from_python(source.to_data(), Origin(f"recipe {source.name!r}")), Path()
    elif isinstance(source, Mapping):
        node, folder = from_python(source, Origin("recipe mapping")), Path()
    else:
        path = _find(str(source), Path(), is_path=isinstance(source, Path))
        node, folder, seen = read_file(path), path.parent, [path.resolve()]
    layers: list[Node] = []
    while True:
        entries = dict(node.entries)
        extends = entries.pop("extends", None)
        if layers:
            _require_version(node)
        layers.append(anchor_prompts(Node(node.origin, entries), folder))
        if extends is None:
            break
        parent, origin = extends.node.value, extends.node.origin
        if not isinstance(parent, str):
            found = describe(extends.node.plain())
            raise RecipeError(f"{origin}: extends: expected the name or path of a recipe, found {found}")
        path = _find(parent, folder, origin=origin)
        if path.resolve() in seen:
            circle = " -> ".join(known.name for known in (*seen, path))
            raise RecipeError(f"{origin}: recipes extend each other in a circle: {circle}")
        seen.append(path.resolve())
        node, folder = read_file(path), path.parent
    return [*(inherited(layer) for layer in reversed(layers[1:])), layers[0]]


def _require_version(parent: Node) -> None:
    """Check the version of a recipe that is extended; that of the recipe itself is checked with the rest."""
    found = parent.entries.get("version")
    if found is None or found.node.value != VERSION:
        at = parent.locate(("version",))
        raise RecipeError(
            f"{at}: version: expected {VERSION}, found {describe(found and found.node.plain())}"
        )


def packaged_recipes() -> dict[str, Path]:
    """Return the files of the package's recipes by name."""
    folder = resources.files("codegrove.graphs") / "recipes"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".yaml") and isinstance(entry, Path)]
    return {entry.name.removesuffix(".yaml"): entry for entry in files}


def _find(name: str, folder: Path, *, is_path: bool = False, origin: Origin | None = None) -> Path:
    """Return the file that a recipe's name or path means; paths are relative to `folder`."""
    at = f"{origin}: extends: " if origin is not None else ""
    if is_path or name.endswith(SUFFIXES) or "/" in name or "\\" in name:
        path = folder / name
        try:
            if path.is_file():
                return path
            what = "is not a file" if path.exists() else "no such file"
        except OSError as error:
            what = error.strerror or str(error)
        raise RecipeError(f"{at}{path}: {what}; expected the path of a recipe in YAML")
    packaged = packaged_recipes()
    if name in packaged:
        return packaged[name]
    raise RecipeError(
        f"{at}no recipe is called {name!r}{did_you_mean(name, packaged)}"
        " (the path of a file of your own ends in .yaml)"
    )


def read_file(path: Path) -> Node:
    """Return what stands in a file.

    Raises:
        RecipeError: if it cannot be read, or is not one mapping in YAML.
    """
    return parse_yaml(_read_text(path, str(path)), str(path))


def _read_text(path: Path, source: str) -> str:
    try:
        with path.open("rb") as file:
            # At most four bytes per character, so that a huge file is not read to the end.
            content = file.read(4 * MAX_CHARACTERS + 1)
    except OSError as error:
        raise RecipeError(f"{source}: cannot be read: {error.strerror or error}") from None
    if len(content) > 4 * MAX_CHARACTERS:
        raise RecipeError(f"{source}: is too long for a recipe; at most {MAX_CHARACTERS} characters")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(f"{source}: is not text in UTF-8 (byte {error.start})") from None
