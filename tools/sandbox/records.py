"""What the candidate's process reports, read as data from a stranger."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codegrove.tools.sandbox.clip import clip, without_addresses
from codegrove.tools.sandbox.port import Block
from codegrove.tools.sandbox.values import Budget, DecodeError, from_wire, load_json
from codegrove.verdict import ErrorInfo

MOST_MESSAGE = 500
"""Characters kept of an exception's message."""
_MOST_TYPE = 100
_MOST_FRAMES = 40
_MOST_BLOCKS = 1000
_MOST_VARIABLES = 100
_MOST_VALUE = 500
_MOST_SOURCE = 4100
"""What is kept of a trace, whatever is sent."""
_MOST_BESIDE_VALUES = 1_000_000
"""Bytes of a record that carries no value."""
_ERROR = frozenset({"token", "kind", "error"})
_FIELDS = {
    **dict.fromkeys(("prepared", "loaded", "missing", "finished"), frozenset({"token", "kind"})),
    **dict.fromkeys(("broken", "invalid", "load_failed", "load_timed_out"), _ERROR),
    "blocks": frozenset({"token", "kind", "total", "complete", "blocks"}),
    "answer": frozenset({"token", "kind", "index", "value"}),
    "result": frozenset({"token", "kind", "index", "seconds", "outcome", "value", "own", "nonsense", "error"})
    | {"failed", "obtained"},
}
"""What a record of a kind may consist of."""
_CARRIES_VALUES = ("blocks", "answer", "result")
_LONGEST_KIND = max(map(len, _FIELDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the report. Fields that its kind does not have keep their defaults."""

    kind: str
    """``prepared``, ``broken``, ``invalid``, ``missing``, ``loaded``, ``load_failed``, ``load_timed_out``,
    ``answer``, ``result``, ``blocks`` or ``finished``."""
    index: int = -1
    """Of the test."""
    outcome: str = ""
    """Of a result: ``value``, ``answered``, ``passed``, ``ended``, ``raised``, ``timed_out`` or ``lost``."""
    seconds: float = 0.0
    value: object = None
    failed: bool = False
    """Whether the exception is a failed assertion."""
    own: bool = False
    """Whether an object of the candidate decided what it is equal to."""
    nonsense: bool = False
    """Whether the candidate was lost because it sent something that is no answer."""
    error: ErrorInfo | None = None
    test_line: int | None = None
    """Line of an assert test that the exception passed through."""
    assertion: int = -1
    """Which assertion `obtained` belongs to."""
    obtained: tuple[object, ...] = ()
    blocks: tuple[Block, ...] = ()
    total: int = 0
    complete: bool = True
    """Of blocks: whether none are known to be missing."""


def parse_record(line: bytes, token: str, budget: Budget | None = None) -> Record:
    """Read one line, which must begin with token and kind as `child_run.Channel` writes them.

    Args:
        budget: what the parts of a value are taken from; None for one of its own.

    Raises:
        DecodeError: for anything but a well-formed record with the run's token.
    """
    start = b'{"token": "%s", "kind": "' % token.encode()
    kind = line[len(start) : len(start) + _LONGEST_KIND + 1].partition(b'"')[0].decode("ascii", "replace")
    if not line.startswith(start) or kind not in _FIELDS:
        raise DecodeError("no record of this run")
    if len(line) > _MOST_BESIDE_VALUES and kind not in _CARRIES_VALUES:
        raise DecodeError(f"a record {kind!r} of {len(line)} bytes")
    fields = load_json(line)
    if not isinstance(fields, dict) or fields["token"] != token or fields["kind"] != kind:
        raise DecodeError("a record that says two things")
    if not fields.keys() <= _FIELDS[kind]:
        raise DecodeError("a record with more than belongs into it")
    try:
        return _record(kind, fields, budget or Budget())
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise DecodeError(f"malformed record: {type(error).__name__}") from None


def _record(kind: str, fields: Mapping[str, Any], budget: Budget) -> Record:
    if kind == "answer":
        return Record(kind=kind, index=_integer(fields["index"]), value=from_wire(fields["value"], budget))
    if kind == "result":
        return _result(fields, budget)
    if kind == "blocks":
        blocks = fields["blocks"][:_MOST_BLOCKS]
        return Record(
            kind=kind,
            total=_integer(fields["total"]),
            complete=fields["complete"] is True,
            blocks=tuple(map(_block, blocks)),
        )
    if "error" in _FIELDS[kind]:
        return Record(kind=kind, error=read_error(fields["error"]))
    return Record(kind=kind)


def _result(fields: Mapping[str, Any], budget: Budget) -> Record:
    outcome, index = fields["outcome"], _integer(fields["index"])
    seconds = fields["seconds"]
    if type(seconds) not in (int, float) or not math.isfinite(seconds) or seconds < 0:
        raise DecodeError("a time that is none")
    if outcome in ("passed", "ended", "answered", "lost"):
        return Record(
            kind="result",
            index=index,
            seconds=seconds,
            outcome=outcome,
            own=fields.get("own") is True,
            nonsense=fields.get("nonsense") is True,
        )
    if outcome == "value":
        value = from_wire(fields["value"], budget)
        return Record(kind="result", index=index, seconds=seconds, outcome=outcome, value=value)
    if outcome not in ("raised", "timed_out"):
        raise DecodeError("unknown outcome")
    error = _fields(fields["error"])
    line = error.get("test_line")
    obtained = _fields(fields.get("obtained", {"assertion": -1, "values": []}))
    return Record(
        kind="result",
        index=index,
        seconds=seconds,
        outcome=outcome,
        failed=fields.get("failed") is True,
        error=read_error(error),
        test_line=None if line is None else _integer(line),
        assertion=_integer(obtained["assertion"]),
        obtained=tuple(from_wire(value, budget) for value in obtained["values"][:3]),
    )


def read_error(value: object) -> ErrorInfo:
    """Return what `describing.describe` made of an exception.

    Raises:
        KeyError, TypeError, ValueError: for anything else.
    """
    fields = _fields(value)
    trace = tuple((_integer(line), _text(name)[:_MOST_TYPE]) for line, name in fields["trace"][:_MOST_FRAMES])
    message = clip(without_addresses(_text(fields["message"])[: 10 * MOST_MESSAGE]), MOST_MESSAGE)
    line = trace[-1][0] if trace else None
    return ErrorInfo(type=_text(fields["type"])[:_MOST_TYPE], message=message, line=line, trace=trace)


def _block(value: object) -> Block:
    fields = _fields(value)
    first, last = fields["lines"]
    return Block(
        index=_integer(fields["index"]),
        lines=(_integer(first), _integer(last)),
        source=clip(_text(fields["source"]), _MOST_SOURCE),
        before=_variables(fields["before"]),
        after=_variables(fields["after"]),
    )


def _variables(pairs: list[Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (_text(name)[:_MOST_VALUE], clip(_text(value), _MOST_VALUE))
        for name, value in pairs[:_MOST_VARIABLES]
    )


def _fields(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value.encode("utf-8", "replace").decode()  # lone surrogates cannot be stored or sent


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= 2**53:
        raise TypeError
    return value
