"""An interpreter session: one process, one namespace, a cell after the other.

Cells come over a pipe, one JSON object per line; for each a record is sent. What decides about other processes
is not here: time, output and processes are watched from outside, and a record counts only for the cell whose key
it carries, which this process does not know before it gets the cell. A cell can falsify what later ones report.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import linecache
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from types import FrameType, ModuleType, TracebackType
from typing import Any, Protocol

from codegrove.tools.sandbox import values
from codegrove.tools.sandbox.describing import describe
from codegrove.tools.sandbox.showing import show

SHOWN = 4000
"""Characters kept of a value's ``repr``."""
_RING_AGAIN = 0.2
"""Seconds between interrupts of a cell that goes on in spite of one."""
_CELL, _SETUP = "<cell {}>", "<setup>"
"""File names of cells, as frames show them."""
_MOST_FRAMES = 20


class CellInterrupt(KeyboardInterrupt):
    """A cell takes too long."""


class Sends(Protocol):
    """What sends a record."""

    def __call__(self, kind: str, **fields: Any) -> None: ...


def serve(work: dict[str, Any], send: Sends, cells: int) -> None:
    """Run cells until the pipe is closed. Never returns."""
    try:
        _Session(work, send, cells).go()
    finally:
        os._exit(0)


class _Output(io.FileIO):
    """A descriptor that takes so many bytes per cell and drops the rest without a word."""

    def __init__(self, descriptor: int, meter: _Meter) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._meter = meter

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        rest = view[: self._meter.take(len(view))]
        while rest:
            rest = rest[super().write(rest) or 0 :]
        return len(view)


class _Meter:
    def __init__(self, most: int) -> None:
        self.most = most
        self.left = most
        self.cut = False

    def take(self, size: int) -> int:
        granted = min(size, self.left)
        self.left -= granted
        self.cut = self.cut or granted < size
        return granted

    def reset(self) -> None:
        self.left, self.cut = self.most, False


class _Encoder(values.Encoder):
    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self.items = self.bytes = most_bytes


class _Session:
    def __init__(self, work: dict[str, Any], send: Sends, cells: int) -> None:
        self.send = send
        self.cells = cells
        self.value_bytes: int = work["value_bytes"]
        self.meter = _Meter(work["output_bytes"])
        self.streams = [self._stream(1, "surrogateescape"), self._stream(2, "backslashreplace")]
        sys.stdout, sys.stderr = self.streams
        sys.__stdout__, sys.__stderr__ = self.streams  # type: ignore[misc]
        module = ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace = module.__dict__
        self.text = b""
        self.in_cell = False
        self.interrupted = False
        self.pid = os.getpid()
        self.compile, self.exec, self.eval = compile, exec, eval
        self.parse, self.expression = ast.parse, ast.Expression
        self.set_timer, self.set_handler = signal.setitimer, signal.signal
        self.read, self.getpid, self.exit = os.read, os.getpid, os._exit
        self.loads, self.dumps = json.loads, json.dumps

    def _stream(self, descriptor: int, errors: str) -> io.TextIOWrapper:
        raw = io.BufferedWriter(_Output(descriptor, self.meter))
        return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, line_buffering=True)

    def go(self) -> None:
        self.send("ready")
        while (cell := self._next()) is not None:
            fields = self._one(cell)
            if self.getpid() != self.pid:
                self.exit(0)  # a copy that the cell forked; the original answers
            for stream in self.streams:
                with contextlib.suppress(ValueError, OSError):  # the cell may have closed it
                    stream.flush()
            if self.meter.cut:
                fields["cut"] = True
            self.meter.reset()
            self.send("cell", key=cell["key"], **fields)

    def _next(self) -> dict[str, Any] | None:
        """Wait for a cell; None when nobody wants more."""
        while b"\n" not in self.text:
            data = self.read(self.cells, 1 << 16)
            if not data:
                return None
            self.text += data
        line, _, self.text = self.text.partition(b"\n")
        cell: dict[str, Any] = self.loads(line)
        return cell

    def _one(self, cell: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked for, under the alarm, and return the fields of its record."""
        name = _CELL.format(cell["number"]) if cell["number"] else _SETUP
        actions: dict[str, Callable[[], dict[str, Any]]] = {
            "run": lambda: self._run(cell["code"], name),
            "put": lambda: self._put(cell["values"]),
            "get": lambda: self._get(cell["name"]),
        }
        self.interrupted = False
        self.set_handler(signal.SIGALRM, self._ring)
        try:
            self.in_cell = True
            try:
                self.set_timer(signal.ITIMER_REAL, cell["seconds"], _RING_AGAIN)
                fields = actions[cell["do"]]()
            finally:
                self.in_cell = False  # from here on the alarm raises nothing
                self.set_timer(signal.ITIMER_REAL, 0)
        except BaseException as error:  # noqa: BLE001 - a cell may raise anything
            self.in_cell = False
            self.set_timer(signal.ITIMER_REAL, 0)
            fields = {"outcome": "raised", "error": _describe(error, name)}
        if self.interrupted:
            fields["interrupted"] = True
        return fields

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self.in_cell:
            self.interrupted = True
            raise CellInterrupt("the cell takes too long")

    def _run(self, code: str, name: str) -> dict[str, Any]:
        linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
        try:
            tree = self.parse(code, name)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            body = self.compile(tree, name, "exec", dont_inherit=True)
            end = None
            if isinstance(last, ast.Expr):
                end = self.compile(self.expression(last.value), name, "eval", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return {"outcome": "invalid", "error": _describe(error, name, parsing=True)}
        self.exec(body, self.namespace)
        return self._answer(None if end is None else self.eval(end, self.namespace))

    def _put(self, variables: dict[str, Any]) -> dict[str, Any]:
        for name, value in variables.items():
            self.namespace[name] = values.from_wire(value)
        return {"outcome": "ok"}

    def _get(self, name: str) -> dict[str, Any]:
        if name not in self.namespace:
            raise NameError(f"name {name!r} is not defined")
        return self._answer(self.namespace[name])

    def _answer(self, value: object) -> dict[str, Any]:
        if value is None:
            return {"outcome": "ok"}
        return {"outcome": "ok", "value": self._encoded(value), "shown": _shown(value)}

    def _encoded(self, value: object) -> Any:
        try:
            wire = _Encoder(self.value_bytes).encode(value, 0)
            if len(self.dumps(wire)) <= self.value_bytes:
                return wire
        except values.TooLarge:
            pass
        except RecursionError:
            return {"o": [values.type_name(value), "nested too deeply"]}
        return {"o": [values.type_name(value), "too large"]}


def _shown(value: object) -> str:
    """Return what the value says of itself. Its ``__repr__`` belongs to the cell and may do anything."""
    try:
        text = str.__str__(repr(value))
    except CellInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - see above
        text = show(value, most_items=SHOWN)
    if len(text) <= SHOWN:
        return text
    return f"{text[: SHOWN // 2]} ...[{len(text)} characters, middle cut]... {text[-SHOWN // 2 :]}"


def _describe(error: BaseException, cell: str, *, parsing: bool = False) -> dict[str, Any]:
    """Return an exception as plain data, with the frames that belong to cells."""
    described = describe(error)
    if parsing:
        return described | {"line": described["trace"][-1][0] if described["trace"] else None}
    line, frames = None, deque[list[Any]](maxlen=_MOST_FRAMES)
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == cell:
            line = traceback.tb_lineno
            frames.append([line, code.co_name])
        elif code.co_filename.startswith((_CELL[:6], _SETUP)):
            frames.append([traceback.tb_lineno, f"{code.co_name} of {code.co_filename.strip('<>')}"])
        traceback = traceback.tb_next
    return described | {"trace": list(frames), "line": line}
