"""A closed data format for the values that cross the border of the sandbox.

A candidate's process encodes what a call returned; the judge decodes it with the code below and compares plain
built-in values. Nothing that is decoded can execute: there are no pickles, no code and no foreign classes.
Instances of subclasses are flattened to their built-in value by the base type's own methods, so a list that
lies about its items arrives as the list it really is. Anything else arrives as `Opaque`.

The process of the candidate loads this file without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 100
"""Containers inside containers; deeper ones are opaque."""
MAX_ITEMS = 1_000_000
"""Values in one encoded value, itself included. Containers count twice: they take the most time and memory."""
MAX_INPUT_ITEMS = 4 * MAX_ITEMS
"""The same for what a program is given: that comes from the judge."""
MAX_BYTES = 16_000_000
"""Length of strings, bytes and digits in one encoded value, and of the encoded text."""

_LONG = 100_000
_MOST_BRACKETS, _MOST_COMMAS = MAX_ITEMS + _LONG, 10 * MAX_ITEMS
"""In a long text that is parsed. Parsing goes on for as long as there are any, and nothing else runs meanwhile; a
list costs ten times as much as a number."""
_MOST_PLAIN_BRACKETS, _MOST_PLAIN_COMMAS = 100, 50_000
"""In a string that is written as it is."""

PLAIN_DIGITS_BITS = 4000  # larger integers would hit the interpreter's limit on decimal digits
_MOST_EQUAL_HASHES = 100


class DecodeError(ValueError):
    """A text is no encoded value."""


class Opaque:
    """Stands for an object that is no built-in value. Equal to nothing but itself."""

    __slots__ = ("reason", "type_name")

    def __init__(self, type_name: str, reason: str = "") -> None:
        self.type_name = type_name
        self.reason = reason

    def __repr__(self) -> str:
        return f"<{self.type_name} object{', ' + self.reason if self.reason else ''}>"


# Attributes of types are read through `type` itself: a metaclass cannot answer in its place.
mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_name_of: Callable[[type], str] = type.__dict__["__name__"].__get__
module_of: Callable[[type], object] = type.__dict__["__module__"].__get__
_BUILTIN = (
    *(bool, int, float, complex, str, bytes, bytearray),
    *(list, tuple, dict, set, frozenset, type(None)),
)
_BUILTIN_BY_ID = {id(base): base for base in _BUILTIN}


def builtin_base(value: object) -> Any:
    """Return the built-in type whose value an object holds, or None. Runs no code of the object."""
    exact = _BUILTIN_BY_ID.get(id(type(value)))
    if exact is not None:
        return exact
    for parent in mro_of(type(value)):
        base = _BUILTIN_BY_ID.get(id(parent))
        if base is not None:
            return base
    return None


def type_name(value: object) -> str:
    """Return the name of an object's type, clipped. Runs no code of the object."""
    return str.__str__(_name_of(type(value)))[:100]


def plain_number(value: Any) -> Any:
    """Return numpy's scalars as the built-in number they equal, everything else unchanged."""
    for parent in mro_of(type(value)):
        if _name_of(parent) == "generic" and module_of(parent) == "numpy":
            return value.item()
    return value


def encode(value: object) -> str:
    """Return a value as text. Never raises for any object: what cannot be encoded is opaque."""
    return json.dumps(to_wire(value), separators=(",", ":"))


def decode(text: str | bytes) -> object:
    """Read a value back.

    Raises:
        DecodeError: for any text that `encode` does not produce.
    """
    return from_wire(load_json(text))


def load_json(text: str | bytes) -> object:
    """Parse JSON from an untrusted source.

    Raises:
        DecodeError: if it is too long, has too many parts, is malformed, nested too deeply, or has numbers JSON
            does not know.
    """
    if len(text) > 2 * MAX_BYTES:
        raise DecodeError(f"text of {len(text)} characters is too long")
    try:
        plain = text if isinstance(text, str) else text.decode()
        if len(plain) > _LONG and (
            plain.count("[") + plain.count("{") > _MOST_BRACKETS or plain.count(",") > _MOST_COMMAS
        ):
            raise DecodeError("a text with too many parts")
        return _json.decode(plain)
    except DecodeError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise DecodeError(f"no JSON: {type(error).__name__}") from None


def _refuse_constant(name: str) -> object:
    raise DecodeError(f"{name} is not JSON")


_json = json.JSONDecoder(parse_constant=_refuse_constant)


def to_wire(value: object, encoder: Encoder | None = None) -> Any:
    """Return a value as lists, dicts, strings and numbers that JSON can carry.

    Args:
        encoder: what it may use is taken from; None for one of its own.
    """
    try:
        return (encoder or Encoder()).encode(value, 0)
    except TooLarge:
        return {"o": [type_name(value), "too large"]}
    except RecursionError:
        return {"o": [type_name(value), "nested too deeply"]}


class TooLarge(Exception):
    """A value has too many parts."""


class Encoder:
    """Turns values into lists, dicts, strings and numbers. Subclasses decide about objects without a value.

    Args:
        items: how many values it may turn, see `MAX_ITEMS`.
    """

    def __init__(self, items: int = MAX_ITEMS) -> None:
        self.items = items
        self.bytes = MAX_BYTES

    def foreign(self, value: object) -> Any:
        """Return what stands for an object that holds no built-in value."""
        return {"o": [type_name(value), ""]}

    def encode(self, value: Any, depth: int) -> Any:
        """Return one value; `depth` containers are around it."""
        self.items -= 1
        if self.items < 0:
            raise TooLarge
        base = builtin_base(value)
        if base is None or base is float:
            value = plain_number(value)
            base = builtin_base(value)
        if base is None:
            self._count(1)
            return self.foreign(value)
        if base is bool or base is type(None):
            return value
        if base is str:
            return self._text(str.__str__(value))
        if base is int:
            return self._integer(int.__int__(value))
        if base is float:
            return _float_to_wire(float.__float__(value))
        if base is complex:
            self._count(1)
            number = complex.__complex__(value)
            return {"c": [_float_to_wire(number.real), _float_to_wire(number.imag)]}
        if base is bytes or base is bytearray:
            digits = base.hex(value)
            self._charge(len(digits))
            return {"b" if base is bytes else "a": digits}
        if depth >= MAX_DEPTH:
            return {"o": [type_name(value), "nested too deeply"]}
        self._count(1)
        if base is dict:
            flat: list[Any] = []
            for key, item in dict.items(value):
                flat.append(self.encode(key, depth + 1))
                flat.append(self.encode(item, depth + 1))
            return {"d": flat}
        content = [self.encode(item, depth + 1) for item in base.__iter__(value)]
        return content if base is list else {_TAG_OF[base]: content}

    def _text(self, text: str) -> Any:
        self._charge(len(text))
        try:
            text.encode()
        except UnicodeEncodeError:  # lone surrogates: JSON would join two of them into one character
            return {"u": text.encode("utf-32-le", "surrogatepass").hex()}
        brackets = text.count("[") + text.count("{") if "[" in text or "{" in text else 0
        if brackets > _MOST_PLAIN_BRACKETS or (len(text) > _LONG and text.count(",") > _MOST_PLAIN_COMMAS):
            digits = (
                text.encode().hex()
            )  # so that whoever counts brackets in front of parsing finds none of these
            self._charge(len(digits) - len(text))
            return {"e": digits}
        if brackets:
            self._count(brackets)
        return text

    def _integer(self, number: int) -> Any:
        if number.bit_length() <= PLAIN_DIGITS_BITS:
            return number
        self._charge(number.bit_length() // 4)
        return {"i": hex(number)}

    def _count(self, items: int) -> None:
        self.items -= items
        if self.items < 0:
            raise TooLarge

    def _charge(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise TooLarge


_TAG_OF: dict[type, str] = {tuple: "t", set: "s", frozenset: "z"}


def _float_to_wire(number: float) -> Any:
    if number - number == 0.0:
        return number
    return {"f": "nan" if number != number else "inf" if number > 0 else "-inf"}


class Budget:
    """How much may still be decoded.

    Args:
        items: values, see `MAX_ITEMS`.
    """

    __slots__ = ("_items",)

    def __init__(self, items: int = MAX_ITEMS) -> None:
        self._items = items

    def take(self, items: int) -> None:
        """Take some of it.

        Raises:
            DecodeError: if there is not enough left.
        """
        self._items -= items
        if self._items < 0:
            raise DecodeError("too many values")


def from_wire(wire: object, budget: Budget | None = None) -> object:
    """Return the value that `to_wire` was given.

    Args:
        budget: what its parts are taken from; None for one of its own.

    Raises:
        DecodeError: if the structure is none of ours, or larger than one of ours can be.
    """
    try:
        return _value(wire, 0, budget or Budget())
    except RecursionError:
        raise DecodeError("nested too deeply") from None


_PLAIN = frozenset({type(None), bool, int, float, str})


def _value(wire: object, depth: int, budget: Budget) -> object:
    if type(wire) in _PLAIN:
        return wire
    if depth > MAX_DEPTH:
        raise DecodeError("nested too deeply")
    if isinstance(wire, list):
        budget.take(len(wire) + 1)
        return [item if type(item) in _PLAIN else _value(item, depth + 1, budget) for item in wire]
    if not isinstance(wire, dict) or len(wire) != 1:
        raise DecodeError(f"expected a value, found {type(wire).__name__}")
    ((tag, content),) = wire.items()
    if tag in ("i", "f", "u", "e", "b", "a"):
        return read_scalar(tag, content)
    if not isinstance(content, list):
        raise DecodeError(f"expected a list after {tag!r}, found {type(content).__name__}")
    if tag == "o":
        return read_opaque(content)
    if tag == "c":
        return _complex(content)
    budget.take(len(content) + 1)
    items = [item if type(item) in _PLAIN else _value(item, depth + 1, budget) for item in content]
    if tag == "t":
        return tuple(items)
    if tag == "s":
        return set(require_hashable(items))
    if tag == "z":
        return frozenset(require_hashable(items))
    if tag == "d" and len(items) % 2 == 0:
        return dict(zip(require_hashable(items[::2]), items[1::2], strict=True))
    raise DecodeError(f"unknown or incomplete value {tag!r}")


def read_scalar(tag: str, content: object) -> object:
    if not isinstance(content, str):
        raise DecodeError(f"expected a string after {tag!r}, found {type(content).__name__}")
    try:
        if tag == "i":
            return int(content, 16)
        if tag == "f":
            return {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}[content]
        raw = bytes.fromhex(content)
        if tag == "u":
            return raw.decode("utf-32-le", "surrogatepass")
        if tag == "e":
            return raw.decode()
        return raw if tag == "b" else bytearray(raw)
    except (ValueError, KeyError):
        raise DecodeError(f"malformed {tag!r} value") from None


def read_opaque(content: list[Any]) -> Opaque:
    if len(content) != 2 or not all(isinstance(part, str) for part in content):
        raise DecodeError("malformed opaque value")
    name, reason = (part[:100].encode("utf-8", "replace").decode() for part in content)
    return Opaque(name, reason)


def _complex(content: list[Any]) -> complex:
    if len(content) != 2:
        raise DecodeError("malformed complex number")
    parts = [part for part in map(from_wire, content) if isinstance(part, float)]
    if len(parts) != 2:
        raise DecodeError("malformed complex number")
    return complex(*parts)


def require_hashable(items: list[object]) -> list[object]:
    """Check keys before they enter a hash table: many equal hashes would make the judge slow for hours."""
    if not items:
        return items
    try:
        hashes = [hash(item) for item in items]
    except (TypeError, RecursionError):
        raise DecodeError("a key that cannot be a key") from None
    # the hash of an integer this size is itself, so this set is no victim of equal hashes
    if len(set(hashes)) != len(items) and max(Counter(hashes).values()) > _MOST_EQUAL_HASHES:
        raise DecodeError("too many keys with equal hashes")
    return items
