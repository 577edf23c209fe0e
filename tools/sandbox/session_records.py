"""What a session's process says of a cell, read as data from a stranger, and what its end says of the session."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from codegrove.tools.sandbox.clip import clip, without_addresses
from codegrove.tools.sandbox.records import read_error
from codegrove.tools.sandbox.rules import RunEnd
from codegrove.tools.sandbox.session_port import CellStatus, SessionLimits
from codegrove.tools.sandbox.values import DecodeError, from_wire
from codegrove.verdict import ErrorInfo

_MOST_SHOWN = 4200
"""Characters: what `child_session` sends, with its mark."""
_OUTCOMES = {status.value: status for status in (CellStatus.OK, CellStatus.RAISED, CellStatus.INVALID)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """One record, decoded and clipped."""

    status: CellStatus
    value: object = None
    shown: str = ""
    error: ErrorInfo | None = None
    interrupted: bool = False
    cut: bool = False
    """Whether the process dropped output."""


def read_cell(fields: Mapping[str, Any]) -> CellRecord:
    """Read the fields of a record.

    Raises:
        DecodeError: if they are none of a cell.
    """
    try:
        return _read(fields)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise DecodeError(f"malformed record: {type(error).__name__}") from None


def _read(fields: Mapping[str, Any]) -> CellRecord:
    if fields["kind"] != "cell":
        raise DecodeError("no record of a cell")
    shown = fields.get("shown", "")
    if not isinstance(shown, str):
        raise DecodeError("no text")
    # lone surrogates cannot be stored or sent
    shown = clip(without_addresses(shown.encode("utf-8", "replace").decode()), _MOST_SHOWN)
    record = CellRecord(
        status=_OUTCOMES[fields["outcome"]],
        shown=shown,
        interrupted=fields.get("interrupted") is True,
        cut=fields.get("cut") is True,
    )
    if record.status is CellStatus.OK:
        return replace(record, value=from_wire(fields.get("value")))
    line = fields["error"]["line"]
    if line is not None and not (type(line) is int and 0 <= line < 1 << 31):
        raise DecodeError("no line")
    return replace(record, error=replace(read_error(fields["error"]), line=line))


def explain(end: RunEnd, limits: SessionLimits) -> tuple[str, ErrorInfo]:
    """Say why a process that nobody told to ended: limit and error."""
    wall = ("wall", "TimeLimit", f"the session took {limits.wall_seconds:g} seconds")
    killed: dict[str, tuple[str, str, str]] = {
        "wall": wall,
        "step": wall,
        "output": ("output", "OutputLimit", f"far more than {limits.output_bytes} bytes of output"),
        "processes": ("processes", "ProcessLimit", f"more than {limits.processes} processes and threads"),
        "memory": ("memory", "MemoryError", f"more than {limits.memory_mb} MiB of memory"),
        "disk": ("disk", "DiskLimit", f"more than {limits.scratch_mb} MiB of files"),
        "records": ("", "FalseReport", "it reported something that is no record of this cell"),
        "lost": ("", "EarlyExit", f"it ended the interpreter that watched it ({end.problem})"),
    }
    limit, kind, message = killed.get(end.stopped) or _explain_exit(end.exit_code, limits)
    return limit, ErrorInfo(type=kind, message=message)


def _explain_exit(code: int | None, limits: SessionLimits) -> tuple[str, str, str]:
    if code is None or code >= 0:
        return "", "EarlyExit", f"the process ended (exit code {code})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGXCPU":
        return "cpu", "CpuLimit", f"more than {limits.cpu_seconds} seconds of processor time"
    return "", "Killed", f"the process was killed by {name}"
