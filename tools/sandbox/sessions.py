"""Interpreter sessions of `ProcessSandbox`: a namespace that lasts from cell to cell, behind the same walls."""

from __future__ import annotations

import asyncio
import json
import keyword
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from codegrove.errors import SandboxError, UsageError
from codegrove.tools.sandbox import values
from codegrove.tools.sandbox.assignment import Interrupted
from codegrove.tools.sandbox.containment import GUARANTEES, Level
from codegrove.tools.sandbox.pool import Pool
from codegrove.tools.sandbox.session_line import Line, in_thread
from codegrove.tools.sandbox.session_port import CellResult, CellStatus, SessionLimits
from codegrove.verdict import ErrorInfo


class ProcessSession:
    """A session in a process of its own, see `codegrove.tools.sandbox.Session`. Made by `ProcessSandbox.session`.

    It has its own interpreter and threads and takes no worker of the sandbox. It ends with ``async with``, with
    `aclose`, when a cell is cancelled, when the sandbox is closed, and when nobody holds it any more.

    Args:
        pool: where its interpreter comes from.
        limits: of the session.
        setup: text that is run first.
        require_trust: called in a thread of its own before the start; keeps the sandbox as long as the session.
    """

    def __init__(
        self, pool: Pool, limits: SessionLimits, setup: str, require_trust: Callable[[], None]
    ) -> None:
        self.limits = limits
        self._level: Level = pool.level
        self._setup = setup
        self._require_trust = require_trust
        self._line = Line(pool, limits)
        self._started = False
        self._turn = asyncio.Lock()
        self._cells = 0
        weakref.finalize(self, self._line.end, "nobody held the session any more")

    @property
    def level(self) -> str:
        """Sandbox level around it."""
        return self._level

    @property
    def guarantees(self) -> tuple[str, ...]:
        """What holds of the session as of every run of its level. Never G1: its records are no verdicts."""
        return GUARANTEES[self._level]

    @property
    def alive(self) -> bool:
        """Whether it can take another cell."""
        return self._line.alive and self._cells < self.limits.cells

    async def run(self, code: str) -> CellResult:
        """Run a cell, see `Session.run`.

        Raises:
            UsageError: if the session was never started.
        """
        async with self._turn:
            if self._cells >= self.limits.cells and self._line.alive:
                why = ErrorInfo(type="CellLimit", message=f"the session had its {self.limits.cells} cells")
                return CellResult(
                    status=CellStatus.NOT_RUN, number=self._cells + 1, error=why, limit="cells", alive=False
                )
            self._cells += 1
            return await self._ask({"do": "run", "code": _sendable(code)}, self._cells)

    async def put(self, variables: Mapping[str, object]) -> CellResult:
        """Set variables, see `Session.put`."""
        wire = {_name(name): self._encoded(name, value) for name, value in variables.items()}
        async with self._turn:
            return await self._ask({"do": "put", "values": wire}, 0)

    async def get(self, name: str) -> CellResult:
        """Read a variable, see `Session.get`."""
        async with self._turn:
            return await self._ask({"do": "get", "name": _name(name)}, 0)

    async def start(self) -> None:
        """Start the process and run the setup. ``async with`` does that.

        Raises:
            SandboxError: if the sandbox cannot.
            UsageError: if the setup does not run to its end, or the session was started before.
        """
        if self._started:
            raise UsageError("a session is started once; ask the sandbox for another one")
        self._started = True
        try:
            try:
                await asyncio.wrap_future(in_thread(self._require_trust))
            except (OSError, Interrupted) as error:
                raise SandboxError(f"a session could not be started: {error}") from error
            await asyncio.wrap_future(self._line.start())
            if not self._setup:
                return
            result = await self._ask({"do": "run", "code": _sendable(self._setup)}, 0)
        except BaseException:
            self._line.end("its start was cancelled")
            raise
        if not result.ok:
            await self.aclose()
            raise UsageError(f"the setup of the session did not run to its end: {result.error}")

    async def aclose(self) -> None:
        """End it with everything in it. Safe to call twice."""
        await asyncio.wrap_future(in_thread(lambda: self._line.end_for_good("it was closed")))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ask(self, message: Mapping[str, Any], number: int) -> CellResult:
        if not self._started:
            raise UsageError("the session was not started: use it with `async with`")
        try:
            return await asyncio.wrap_future(self._line.ask(message, number))
        except asyncio.CancelledError:
            self._line.end("a cell was cancelled")
            raise

    def _encoded(self, name: str, value: object) -> Any:
        encoder = _Strict(name, self.limits.value_bytes)
        try:
            wire = encoder.encode(value, 0)
        except (values.TooLarge, RecursionError):
            wire = None
            size = self.limits.value_bytes + 1
        else:
            size = len(json.dumps(wire))
        if size > self.limits.value_bytes:
            raise UsageError(
                f"variable {name!r}: the value takes more than {self.limits.value_bytes} bytes; raise"
                " SessionLimits.value_bytes or put it in parts"
            )
        return wire


class _Strict(values.Encoder):
    """Refuses what would not arrive as it is."""

    def __init__(self, name: str, most_bytes: int) -> None:
        super().__init__()
        self.items = self.bytes = most_bytes
        self._name = name

    def encode(self, value: Any, depth: int) -> Any:
        if depth >= values.MAX_DEPTH:
            raise UsageError(f"variable {self._name!r}: nested more than {values.MAX_DEPTH} levels deep")
        return super().encode(value, depth)

    def foreign(self, value: object) -> Any:
        raise UsageError(
            f"variable {self._name!r}: found a {values.type_name(value)}, expected built-in data (numbers, text,"
            " bytes, lists, tuples, dicts, sets, None)"
        )


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(f"{name!r} is no name of a variable")
    return name


def _sendable(code: str) -> str:
    if not isinstance(code, str):
        raise UsageError(f"a cell is program text, not {type(code).__name__}")
    return code
