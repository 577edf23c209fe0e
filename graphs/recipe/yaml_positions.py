"""YAML in which every key and value knows where it stands, and nothing is guessed.

A subset of YAML 1.2: mappings with distinct text keys, lists, and scalars of the core schema. Only ``true``
and ``false`` are booleans, so ``no``, ``on`` or ``yes`` stay text. Anchors and aliases work; tags, merge keys
and several documents in one file are refused. The size of what aliases expand to is limited.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from codegrove.errors import RecipeError

MAX_CHARACTERS = 200_000
"""Length of one file."""
MAX_NODES = 20_000
"""Values in one file, with every alias counted as often as it is used."""
MAX_DEPTH = 32
"""Mappings and lists inside each other."""
MAX_DIGITS = 40
"""Characters of one number."""

Scalar = str | int | float | bool | None
Plain = Scalar | list["Plain"] | dict[str, "Plain"]
"""What is left of a node when positions are dropped: the types JSON knows."""

# libyaml's parser where PyYAML was built with it: it reads a recipe about ten times faster.
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NULL = frozenset({"", "~", "null"})
_BOOL = {"true": True, "false": False}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(rf"{_INT.pattern}|{_BASED.pattern}|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a key or value was written."""

    source: str
    """A file, or an override as it was given."""
    line: int | None = None
    """From 1; None where the source has no lines."""
    column: int | None = None
    """From 1."""

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a mapping, with the place of its key."""

    key: Origin
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it was written. Never changed in place: aliases share nodes."""

    origin: Origin
    value: Scalar | tuple[Node, ...] | dict[str, Entry]
    size: int = field(default=1, compare=False)
    """Nodes in it, itself included, with shared ones counted as often as they occur."""

    @property
    def entries(self) -> dict[str, Entry]:
        """The mapping's entries; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def section(self, key: str) -> dict[str, Entry]:
        """Return the entries of the mapping under a key; empty when there is no such mapping."""
        entry = self.entries.get(key)
        return entry.node.entries if entry is not None else {}

    def without(self, key: str, names: Collection[str]) -> Node:
        """Return the node without some entries of the mapping under a key."""
        section = self.section(key)
        if not any(name in section for name in names):
            return self
        kept = {name: entry for name, entry in section.items() if name not in names}
        whole = self.entries[key]
        smaller = Entry(whole.key, Node(whole.node.origin, kept))
        return Node(self.origin, {**self.entries, key: smaller})

    def plain(self) -> Plain:
        """Return the value without positions."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value

    def origins(self) -> Iterator[Origin]:
        """Yield the places of this node and of everything in it."""
        yield self.origin
        if isinstance(self.value, dict):
            for entry in self.value.values():
                yield entry.key
                yield from entry.node.origins()
        elif isinstance(self.value, tuple):
            for node in self.value:
                yield from node.origins()

    def locate(self, path: Sequence[str | int], *, key: bool = False) -> Origin:
        """Return the place of what stands at `path`, or of the innermost thing around it that exists.

        Args:
            path: mapping keys and list positions.
            key: return the place of the key, not of the value, where both are known.
        """
        node, origin = self, self.origin
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                entry = node.value[str(step)]
                node, origin = entry.node, entry.key
            elif isinstance(node.value, tuple) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                origin = node.origin
            else:
                return origin
        # A value that runs over several lines is best pointed at by its key.
        nested = isinstance(node.value, dict | tuple)
        return origin if key or nested else node.origin


def parse_yaml(text: str, source: str) -> Node:
    """Read one YAML document that is a mapping.

    Args:
        text: the document.
        source: what to call it in messages, usually the file's path.

    Raises:
        RecipeError: with ``source:line:column`` and what is wrong there.
    """
    node = parse_value(text, source)
    if not isinstance(node.value, dict):
        raise RecipeError(
            f"{node.origin}: expected a mapping like 'name: my-recipe', found {describe(node.plain())}"
        )
    return node


def parse_value(text: str, source: str) -> Node:
    """Read one YAML document of any kind; an empty one is null. Raises like `parse_yaml`."""
    if len(text) > MAX_CHARACTERS:
        raise RecipeError(f"{source}: has {len(text)} characters; a recipe has at most {MAX_CHARACTERS}")
    if bad := _NOT_ALLOWED.search(text):
        line, column = text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start())
        raise RecipeError(f"{source}:{line}:{column}: the character {bad[0]!a} is not allowed in YAML")
    try:
        return _Reader(text, source).document() or Node(Origin(source, 1, 1), None)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Origin(source, mark.line + 1, mark.column + 1) if mark else Origin(source)
        began = error.context_mark
        context = f" {error.context}" if error.context else ""
        context += f" that begins in line {began.line + 1}" if context and began else ""
        raise RecipeError(f"{where}: not valid YAML: {error.problem}{context}") from None


def require_sound(text: str, origin: Origin) -> None:
    """Refuse text that cannot be written to a file.

    Raises:
        RecipeError: if there is half a surrogate pair in it.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # The origin may quote the very text that cannot be printed.
        place = str(origin).encode("ascii", "backslashreplace").decode()
        raise RecipeError(f"{place}: contains {text[error.start]!a}, which is not a character") from None


def is_plain_text(text: str) -> bool:
    """Return whether an unquoted scalar is text, not null, a boolean or a number."""
    return text not in _NULL and text not in _BOOL and not _NUMBER.fullmatch(text)


def read_scalar(text: str, origin: Origin) -> Scalar:
    """Return what an unquoted scalar means: null, a boolean, a number, or the text itself.

    Raises:
        RecipeError: for numbers that are too long or too large.
    """
    if is_plain_text(text):
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if len(text) > MAX_DIGITS:
        raise RecipeError(f"{origin}: a number of {len(text)} characters; quote it if it is meant as text")
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    number = float(text)
    if not math.isfinite(number):
        raise RecipeError(f"{origin}: the number {text} is too large")
    return number


def from_python(value: object, origin: Origin, depth: int = 0) -> Node:
    """Return plain Python data as a node, every part of which stands at `origin`.

    Raises:
        RecipeError: for anything that could not stand in a YAML file.
    """
    if depth > MAX_DEPTH:
        raise RecipeError(f"{origin}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{origin}: expected a finite number, found {value}")
    if value is None or isinstance(value, str | int | float):
        # Subclasses, e.g. of enums, are turned into what they stand for.
        for kind in (bool, int, float, str):
            if isinstance(value, kind):
                if isinstance(value, str):
                    require_sound(value, origin)
                return Node(origin, kind(value))
        return Node(origin, None)
    if isinstance(value, Mapping):
        entries: dict[str, Entry] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise RecipeError(f"{origin}: keys must be text, found {key!r}")
            require_sound(key, origin)
            entries[key] = Entry(origin, from_python(item, origin, depth + 1))
        return Node(origin, entries)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return Node(origin, tuple(from_python(item, origin, depth + 1) for item in value))
    raise RecipeError(
        f"{origin}: expected plain data (text, numbers, booleans, None, lists, mappings),"
        f" found {type(value).__name__}"
    )


def describe(value: object) -> str:
    """Return a value as it is named in messages."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:50]}... ({len(shown)} characters)"


class _Reader:
    """Builds nodes from the parser's events, so that tags and aliases are seen before anything is made."""

    def __init__(self, text: str, source: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._source = source
        self._anchors: dict[str, Node | None] = {}
        """None while the anchored value is still being read."""

    def document(self) -> Node | None:
        """Return the only document, or None if there is none."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise RecipeError(f"{self._at(event)}: a second document; a file holds one recipe")
                root = self._node(next(self._events), 0)
        return root

    def _at(self, event: yaml.Event) -> Origin:
        mark = event.start_mark
        assert mark is not None
        return Origin(self._source, mark.line + 1, mark.column + 1)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        origin = self._at(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), origin)
        assert isinstance(event, yaml.NodeEvent)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise RecipeError(f"{origin}: tags like {tag!r} are not supported; quote a value to make it text")
        if depth > MAX_DEPTH:
            raise RecipeError(f"{origin}: nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(origin, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(origin, depth)
        else:
            assert isinstance(event, yaml.ScalarEvent)
            require_sound(event.value, origin)
            quoted = not event.implicit[0]
            node = Node(origin, event.value if quoted else read_scalar(event.value, origin))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, name: str, origin: Origin) -> Node:
        if name not in self._anchors:
            raise RecipeError(f"{origin}: the alias *{name} has no anchor &{name} before it")
        node = self._anchors[name]
        if node is None:
            raise RecipeError(f"{origin}: the alias *{name} stands inside the value it repeats")
        return node

    def _mapping(self, origin: Origin, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            where = self._at(event)
            if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor is not None:
                raise RecipeError(f"{where}: keys must be plain text")
            key = event.value
            require_sound(key, where)
            if key == "<<":
                raise RecipeError(f"{where}: merge keys are not supported; use 'extends' or repeat the keys")
            if key in entries:
                raise RecipeError(f"{where}: the key {key!r} was already given at {entries[key].key}")
            node = self._node(next(self._events), depth + 1)
            entries[key] = Entry(where, node)
            size = self._grown(size, node, where)
        return Node(origin, entries, size)

    def _sequence(self, origin: Origin, depth: int) -> Node:
        items: list[Node] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            node = self._node(event, depth + 1)
            items.append(node)
            size = self._grown(size, node, node.origin)
        return Node(origin, tuple(items), size)

    @staticmethod
    def _grown(size: int, node: Node, where: Origin) -> int:
        size += node.size
        if size > MAX_NODES:
            raise RecipeError(f"{where}: more than {MAX_NODES} values, counting what aliases repeat")
        return size
