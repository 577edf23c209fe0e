"""What a LangGraph checkpoint does to our records, and how they come back whole.

LangGraph writes states as MessagePack: tuples come back as lists, and types it was not told of come back with a
warning now, and as plain dicts in a later version.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from codegrove.graphs.state import BranchState, SearchInput, SearchOutput, SearchState, WorkerResult
from codegrove.task import Test
from codegrove.tools.sandbox.port import BlockTrace

T = TypeVar("T")

_ROOTS = (BranchState, SearchState, SearchInput, SearchOutput, WorkerResult)
_IN_OPEN_FIELDS = (BlockTrace, *get_args(Test))
"""What stands in fields that may hold anything: prompt variables, data of nodes."""


def checkpoint_serde(*types: type) -> JsonPlusSerializer:
    """Return the serializer for a checkpointer: it rebuilds codegrove's records, and nothing it was not told of.

        AsyncSqliteSaver(connection, serde=checkpoint_serde())

    Args:
        types: further dataclasses, pydantic models and enums that states of yours hold.
    """
    known = {*types, *(found for root in (*_ROOTS, *_IN_OPEN_FIELDS) for found in _reachable(root))}
    return _Serializer(allowed_msgpack_modules=sorted((kind.__module__, kind.__name__) for kind in known))


class _Serializer(JsonPlusSerializer):
    """Turns lists back into the tuples they were."""

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return what was written."""
        return restored(super().loads_typed(data))


def restored(value: T) -> T:
    """Return a record (or what contains records) with tuples where its fields say so."""
    return _restored(value, Any)  # type: ignore[no-any-return]


def _restored(value: Any, hint: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if not type(value).__module__.startswith("codegrove."):
            return value
        changes = {}
        for name, expected in _hints(type(value)).items():
            before = getattr(value, name)
            after = _restored(before, expected)
            if after is not before:
                changes[name] = after
        return dataclasses.replace(value, **changes) if changes else value
    if isinstance(value, list | tuple):
        wanted = next((option for option in _options(hint) if get_origin(option) in (tuple, list)), None)
        inner = get_args(wanted)[0] if wanted is not None else Any
        items = [_restored(item, inner) for item in value]
        if wanted is not None and get_origin(wanted) is tuple and isinstance(value, list):
            return tuple(items)
        same = all(after is before for after, before in zip(items, value, strict=True))
        return value if same else type(value)(items)
    if isinstance(value, dict):
        mapped = {key: _restored(item, Any) for key, item in value.items()}
        return value if all(mapped[key] is value[key] for key in value) else mapped
    return value


def _reachable(root: type) -> set[type]:
    """Return the dataclasses and enums of codegrove that a type's fields may hold, with itself."""
    found: set[type] = set()
    waiting: list[Any] = [root]
    while waiting:
        hint = waiting.pop()
        if isinstance(hint, type) and not get_args(hint):
            known = dataclasses.is_dataclass(hint) or issubclass(hint, Enum)
            if known and hint not in found:
                found.add(hint)
                waiting.extend(_hints(hint).values() if dataclasses.is_dataclass(hint) else ())
        else:
            waiting.extend(get_args(hint))
    return found


def _options(hint: Any) -> Iterator[Any]:
    """Take a hint apart into what a value may be."""
    if get_origin(hint) is Annotated:
        yield from _options(get_args(hint)[0])
    elif get_origin(hint) in (Union, UnionType):
        for option in get_args(hint):
            yield from _options(option)
    else:
        yield hint


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}
