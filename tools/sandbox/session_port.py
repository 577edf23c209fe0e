"""What an interpreter session is to the rest of codegrove: limits, the record of a cell, and the interfaces.

A sandbox need not offer sessions: whoever wants one asks for a `SessionSandbox`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from codegrove.errors import UsageError
from codegrove.tools.sandbox.port import Limits
from codegrove.verdict import ErrorInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Limits of one session. Those of a cell end the cell, where that is possible, and the session where not."""

    cell_seconds: float = 30.0
    """One cell. It is interrupted then; if that does not end it within a second, the session is killed."""
    wall_seconds: float = 1800.0
    """From the start to the end, waiting for cells included."""
    cpu_seconds: int = 300
    """Processor time of the session's process, all cells together."""
    cells: int = 200
    """Cells that are run; the setup, `put` and `get` are not counted."""
    output_bytes: int = 200_000
    """Standard output and error of one cell together. What is written beyond is dropped in the process; one that
    gets more than twice as much out is killed."""
    value_bytes: int = 1_000_000
    """One value on its way in or out, encoded; a larger one arrives as opaque."""
    memory_mb: int = 1024
    """Address space of the process, in MiB."""
    processes: int = 16
    """Processes and threads at once, itself included."""
    file_mb: int = 16
    """Largest file, in MiB."""
    scratch_mb: int = 64
    """All files together, in MiB; kept on the strict levels."""
    children: bool = False
    """Whether cells may start processes and programs. Always possible on level ``basic``."""

    def __post_init__(self) -> None:
        for name in ("cell_seconds", "wall_seconds", "cpu_seconds", "cells", "output_bytes", "value_bytes"):
            if not getattr(self, name) > 0:
                raise UsageError(f"SessionLimits: {name} is {getattr(self, name)!r}, expected more than 0")

    @classmethod
    def like(cls, limits: Limits) -> Self:
        """Return the defaults, with memory, processes and files as for a run."""
        return cls(
            memory_mb=limits.memory_mb,
            processes=limits.processes,
            file_mb=limits.file_mb,
            scratch_mb=limits.scratch_mb,
            children=limits.children,
        )


class CellStatus(StrEnum):
    """What became of a cell."""

    OK = "ok"
    RAISED = "raised"
    """It raised; what it did before stays done."""
    INVALID = "invalid"
    """It does not parse. Nothing of it was run."""
    TIMED_OUT = "timed_out"
    """It took longer than a cell may. If it could be interrupted the session goes on, see `CellResult.alive`."""
    KILLED = "killed"
    """The process ended during the cell: by a limit, a crash, or its own doing."""
    NOT_RUN = "not_run"
    """The session had ended before, or has no cells left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """Record of one cell.

    Measured outside of the session: whether it timed out or was killed, `seconds`, `limit`, `alive`, how much was
    written. All else is what the session's process says, plain and clipped: code that an earlier cell left behind
    can falsify it. Nothing of it is a verdict.
    """

    status: CellStatus
    number: int
    """Counted from 1; 0 for the setup, `put` and `get`."""
    value: object = None
    """Of the expression that ends the cell, as a plain built-in value; an `Opaque` where it is none."""
    shown: str = ""
    """Its ``repr``, clipped; empty for None, and where there is no such expression."""
    stdout: str = ""
    """What arrived since the cell before, clipped: output of threads that an earlier cell left running, too."""
    stderr: str = ""
    error: ErrorInfo | None = None
    """Exception, or what ended the session. `line` is the line in this cell; frames of functions that other
    cells defined say so in their name."""
    seconds: float = 0.0
    limit: str = ""
    """Which limit was hit: ``cell``, ``wall``, ``cpu``, ``memory``, ``output``, ``processes``, ``disk``,
    ``cells`` or none."""
    alive: bool = True
    """Whether the session can take another cell."""

    @property
    def ok(self) -> bool:
        """Whether the cell ran to its end."""
        return self.status is CellStatus.OK


@runtime_checkable
class Session(Protocol):
    """A process with a namespace that lasts from cell to cell. Cells are run one at a time, in the order asked."""

    @property
    def level(self) -> str:
        """Sandbox level around it."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it can take another cell."""
        ...

    async def run(self, code: str) -> CellResult:
        """Run a cell. Whatever becomes of it is a record. Cancelling ends the session."""
        ...

    async def put(self, variables: Mapping[str, object]) -> CellResult:
        """Set variables to plain values.

        Raises:
            UsageError: for a name that is none, or a value that is not plain or too large.
        """
        ...

    async def get(self, name: str) -> CellResult:
        """Read a variable, as `CellResult.value`; ``raised`` with a NameError if there is none.

        Raises:
            UsageError: for a name that is none.
        """
        ...

    async def aclose(self) -> None:
        """End it with everything in it. Safe to call twice."""
        ...

    async def __aenter__(self) -> Self:
        """Start it.

        Raises:
            SandboxError: if the sandbox cannot.
            UsageError: if the setup does not run.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        ...


@runtime_checkable
class SessionSandbox(Protocol):
    """A sandbox that offers interpreter sessions."""

    def session(self, limits: SessionLimits | None = None, *, setup: str = "") -> Session:
        """Return a session that is started by ``async with``.

        Args:
            limits: None for the defaults, with memory, processes and files as for the sandbox's runs.
            setup: program text that is run first, such as definitions that cells can use.
        """
        ...
