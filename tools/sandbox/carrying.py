"""Arguments and results of calls between two processes, with identities kept.

`values` carries a value once; here a call is carried, and calls change what they are given. Lists, dicts, sets and
byte arrays get numbers in the order they appear, the same on both sides. After the call the other side says what
has become of each, and a container it was given is named by its number wherever it appears again: so changes
arrive in the very object that was passed, rows that were swapped stay the rows they were, and ``f(x) is x`` holds.

An object without a built-in value stays where it is. The other side gets a number for it, see `proxy`.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from codegrove.tools.sandbox.values import (
    MAX_DEPTH,
    DecodeError,
    Encoder,
    TooLarge,
    builtin_base,
    from_wire,
    read_opaque,
    require_hashable,
    type_name,
)

_NUMBERED = (list, dict, set, bytearray)
_dumps = json.dumps

Foreign = Callable[[object], Any]
"""Returns the wire of an object without a value: ``{"m": [number, type]}`` or ``{"y": number}``."""
Known = Callable[[str, Any], object]
"""Returns the object for the content of such a wire. Raises `DecodeError`."""


class CarryEncoder(Encoder):
    """Encodes several values that may share containers. `given` are the containers that have numbers already."""

    def __init__(self, foreign: Foreign, given: Iterable[object] = ()) -> None:
        super().__init__()
        self._foreign = foreign
        self.kept: list[Any] = list(given)
        self._numbers = {id(container): number for number, container in enumerate(self.kept)}

    def foreign(self, value: object) -> Any:
        parts = _parts_of(value)
        return self._foreign(value) if parts is None else {"v": [type(value).__name__, *parts]}

    def encode(self, value: Any, depth: int) -> Any:
        if depth < MAX_DEPTH and builtin_base(value) in _NUMBERED:
            number = self._numbers.get(id(value))
            if number is not None:
                self._count(1)
                return {"k": number}
            self._numbers[id(value)] = len(self.kept)
            self.kept.append(value)
        return super().encode(value, depth)

    def all(self, items: Iterable[object]) -> list[Any]:
        """Encode values one after another. Raises `TooLarge`."""
        try:
            return [self.encode(item, 0) for item in items]
        except RecursionError:
            raise TooLarge from None

    def contents(self, count: int) -> list[Any]:
        """Encode what the first `count` containers hold now. Raises `TooLarge`."""
        try:
            return [Encoder.encode(self, container, 0) for container in self.kept[:count]]
        except RecursionError:
            raise TooLarge from None


class CarryDecoder:
    """Reads what `CarryEncoder` writes, from a stranger. Raises `DecodeError`."""

    def __init__(self, known: Known, given: Iterable[object] = ()) -> None:
        self._known = known
        self.kept: list[Any] = list(given)

    def all(self, wires: object) -> list[Any]:
        """Read a list of values."""
        if not isinstance(wires, list):
            raise DecodeError("expected a list of values")
        try:
            return [self.value(wire, 0) for wire in wires]
        except RecursionError:
            raise DecodeError("nested too deeply") from None

    def value(self, wire: Any, depth: int) -> Any:
        """Read one value inside `depth` containers."""
        if wire is None or isinstance(wire, (bool, int, float, str)):
            return wire
        if depth > MAX_DEPTH:
            raise DecodeError("nested too deeply")
        if isinstance(wire, list):
            return self._fill(self._new([]), wire, depth)
        if not isinstance(wire, dict) or len(wire) != 1:
            raise DecodeError(f"expected a value, found {type(wire).__name__}")
        ((tag, content),) = wire.items()
        if tag == "k":
            return self._given(content)
        if tag in ("m", "y"):
            return self._known(tag, content)
        if tag == "a":
            return self._new(from_wire(wire))
        if tag in ("s", "d"):
            return self._fill(self._new(set() if tag == "s" else {}), content, depth)
        if tag in ("t", "z"):
            items = self._items(content, depth)
            return tuple(items) if tag == "t" else frozenset(require_hashable(items))
        if tag == "v":
            return _rebuilt(content)
        if tag == "o" and isinstance(content, list):
            return read_opaque(content)
        return from_wire(wire)

    def update(self, container: Any, wire: object) -> None:
        """Make a container hold what the wire says."""
        tag, content = next(iter(wire.items())) if isinstance(wire, dict) and len(wire) == 1 else ("", wire)
        base = builtin_base(container)
        if {list: "", dict: "d", set: "s", bytearray: "a"}.get(base) != tag:
            raise DecodeError("a container became something else")
        if base is bytearray:
            container[:] = from_wire(wire)
            return
        fresh = self._fill(base(), content, 0)
        if base is list:
            list.__setitem__(container, slice(None), fresh)
        else:
            base.clear(container)
            base.update(container, fresh)

    def _new(self, container: Any) -> Any:
        self.kept.append(container)
        return container

    def _given(self, number: object) -> Any:
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(self.kept):
            raise DecodeError("a container that nobody knows")
        return self.kept[number]

    def _items(self, content: object, depth: int) -> list[Any]:
        if not isinstance(content, list):
            raise DecodeError("expected a list of values")
        return [self.value(item, depth + 1) for item in content]

    def _fill(self, container: Any, content: object, depth: int) -> Any:
        items = self._items(content, depth)
        if isinstance(container, list):
            container.extend(items)
        elif isinstance(container, set):
            container.update(require_hashable(items))
        elif len(items) % 2 == 0:
            container.update(zip(require_hashable(items[::2]), items[1::2], strict=True))
        else:
            raise DecodeError("a key without a value")
        return container


_VALUES: dict[str, tuple[str, Callable[[Any], list[Any]], Callable[..., object]]] = {
    "range": ("builtins", lambda v: [v.start, v.stop, v.step], lambda kind, *p: kind(*p)),
    "Decimal": ("decimal", lambda v: [str(v)], lambda kind, text: kind(text)),
    "Fraction": ("fractions", lambda v: [v.numerator, v.denominator], lambda kind, *p: kind(*p)),
    "date": ("datetime", lambda v: [v.year, v.month, v.day], lambda kind, *p: kind(*p)),
    "timedelta": ("datetime", lambda v: [v.days, v.seconds, v.microseconds], lambda kind, *p: kind(*p)),
    "datetime": ("datetime", lambda v: [*v.timetuple()[:6], v.microsecond], lambda kind, *p: kind(*p)),
    "dict_keys": ("", list, lambda kind, *p: dict.fromkeys(p).keys()),
}
"""Types of the standard library with values that are no built-in ones: where they are, parts, and back again."""
CARRIED = frozenset(_VALUES)
"""Names of the types, beside built-in ones, whose values arrive as they are."""


def _parts_of(value: Any) -> list[Any] | None:
    """Return the parts of a value of the standard library; None for anything else, or parts that are not plain."""
    kind = type(value)
    known = _VALUES.get(type_name(value))
    if known is None or kind is not _kind(known[0], type_name(value)):
        return None
    if getattr(value, "tzinfo", None) is not None:
        return None
    parts = known[1](value)
    plain = all(type(part) is str or (type(part) is int and part.bit_length() < 4000) for part in parts)
    return parts if plain else None


def _rebuilt(content: object) -> object:
    if not (isinstance(content, list) and content and type(content[0]) is str and content[0] in _VALUES):
        raise DecodeError("an unknown kind of value")
    name, *parts = content
    module, _, build = _VALUES[name]
    if not all(type(part) in (str, int) for part in parts):
        raise DecodeError(f"malformed {name}")
    try:
        return build(_kind(module, name), *(require_hashable(parts)))
    except Exception as error:  # noqa: BLE001 - each type has its own for what it does not take
        raise DecodeError(f"malformed {name}: {type(error).__name__}") from None


def _kind(module: str, name: str) -> type:
    if name == "dict_keys":
        return type({}.keys())
    found: type = getattr(import_module(module), name)
    return found


def text_of(wire: object) -> str:
    """Return a wire as text, for comparison: ``1``, ``1.0`` and ``True`` are equal as objects."""
    return _dumps(wire)
