"""Finding and reading language files."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegrove.errors import LanguageError, did_you_mean

if TYPE_CHECKING:
    import yaml
    from pydantic import BaseModel

    from codegrove.languages.schema import Language

PYTHON = "python"
"""The language of the framework itself, which needs no description."""

_SUFFIXES = (".yaml", ".yml")
_MOST_BYTES = 100_000


@lru_cache(maxsize=1)
def language_names() -> tuple[str, ...]:
    """Return the names of the languages that ship with codegrove, without Python."""
    names = (entry.name for entry in files("codegrove.languages").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load_language(source: str | Path) -> Language:
    """Return a language, read and checked once.

    Args:
        source: name of one that ships with codegrove, or the path of a YAML file of your own. A file that has
            changed is read again.

    Raises:
        LanguageError: for an unknown name, or a file that is no language; with line and field where there are
            any, and what was expected.
    """
    if isinstance(source, Path) or source.endswith(_SUFFIXES):
        path = Path(source)
        try:
            stat = path.stat()
        except (OSError, ValueError) as error:
            raise LanguageError(
                f"{path}: cannot be read: {_reason(error)}; expected a language file"
            ) from None
        return _read_own(path, stat.st_mtime_ns, stat.st_size)
    if source not in language_names():
        known = (PYTHON, *language_names())
        raise LanguageError(
            f"no language is called {source!r}{did_you_mean(source, known)} (the path of a file of your own ends"
            " in .yaml)"
        )
    return _read_shipped(source)


def solution_file(language: str) -> str:
    """Return the name under which a program in this language is saved, e.g. ``solution.py``."""
    return "solution" + (".py" if language == PYTHON else Path(load_language(language).file).suffix)


@lru_cache(maxsize=64)
def _read_own(path: Path, _modified: int, size: int) -> Language:
    if size > _MOST_BYTES:
        raise LanguageError(f"{path}: is too long for a language file; at most {_MOST_BYTES} bytes")
    try:
        return parse_language(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise LanguageError(f"{path}: cannot be read: {_reason(error)}; expected a language file") from None


@lru_cache(maxsize=64)
def _read_shipped(name: str) -> Language:
    file = files("codegrove.languages") / f"{name}.yaml"
    return parse_language(file.read_text(encoding="utf-8"), f"{name}.yaml")


def parse_language(text: str, name: str) -> Language:
    """Return the language that a YAML text describes.

    Args:
        name: what errors call the file.

    Raises:
        LanguageError: as `load_language`.
    """
    import yaml  # these two take a tenth of a second that programs in Python need not spend
    from pydantic import ValidationError

    from codegrove.languages.schema import Language

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        plain = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise LanguageError(f"{place}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise LanguageError(f"{name}: not YAML: {error}") from None
    if not isinstance(root, yaml.MappingNode):
        raise LanguageError(
            f"{name}:1: expected a mapping with name, title, fences, file, version, run and check; see 'Other"
            " languages' in docs/sandbox.md"
        )
    try:
        return Language.model_validate(plain)
    except ValidationError as error:
        found = error.errors()
        misspelt = [item for item in found if item["type"] == "extra_forbidden"]  # explains what is missing
        raise LanguageError(_problem((misspelt or found)[0], root, name)) from None


def _problem(error: Any, root: yaml.Node, name: str) -> str:
    """Return one message for the first thing that is wrong: where, what was found, what was expected."""
    path = error["loc"]
    field = ".".join(str(part) for part in path)
    place = f"{name}:{_line(root, path)}"
    match error["type"]:
        case "missing":
            return f"{place}: the field {field!r} is missing"
        case "extra_forbidden":
            parent = _fields_of(path)
            return f"{place}: unknown field {field!r}{did_you_mean(str(path[-1]), parent)}"
    said = str(error["msg"]).removeprefix("Value error, ").replace("valid tuple", "list")
    said = said if said.startswith(("expected", "unknown", "'", "the ")) else said[:1].lower() + said[1:]
    found = "" if not path or isinstance(error["input"], dict) else f" found {error['input']!r:.80};"
    return f"{place}: {field}:{found} {said}" if field else f"{place}: {said}"


def _fields_of(path: tuple[int | str, ...]) -> list[str]:
    from codegrove.languages import schema

    parts: dict[str, type[BaseModel]] = {
        "compile": schema.CompileStep,
        "run": schema.RunStep,
        "check": schema.Check,
    }
    part = parts.get(str(path[0])) if len(path) > 1 else None
    return list((part or schema.Language).model_fields)


def _line(node: yaml.Node, path: tuple[int | str, ...]) -> int:
    """Return the line of a value, or of the innermost thing around it that is there."""
    line = int(node.start_mark.line) + 1
    for part in path:
        value: Any = node.value
        if isinstance(part, int) and isinstance(value, list) and part < len(value):
            node = value[part]
        else:
            pairs = [pair for pair in value if isinstance(pair, tuple)] if isinstance(value, list) else []
            found = next(((key, item) for key, item in pairs if key.value == part), None)
            if found is None:
                return line
            line, node = int(found[0].start_mark.line) + 1, found[1]
            continue
        line = int(node.start_mark.line) + 1
    return line


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
