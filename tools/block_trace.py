"""Basic blocks of a program, and a recorder of those that one test executes.

Blocks are runs of statements without a branch between them, at the granularity of statements. The rules are
those of the LDB debugger ("Debug like a Human", Zhong et al., ACL Findings 2024), as its tracer behaves: a
block ends when a body is entered or left and before the header of a loop; a condition that is false (or a
loop that is exhausted) does not end it, the statements that follow still belong to the block.

The process of the candidate loads this file without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import ast
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import Any, Literal

KEPT = 200
"""Blocks kept from the beginning, and as many from the end."""
MOST_TEXT = 400
"""Characters kept of one value."""
MOST_SOURCE = 4000
"""Characters kept of a block's source."""
MOST_VARIABLES = 50
"""Variables kept of one frame."""
MOST_IN_ALL = 1_000_000
"""Characters of values in a trace; blocks beyond come without."""

Kind = Literal["simple", "branch", "loop", "passage"]
"""A passage (``with``, ``try``) has a body that is entered without a choice."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A simple statement, or the header of a compound one."""

    kind: Kind
    first: int
    last: int
    arm: tuple[int, ...]
    """Where it stands: for each enclosing statement the number of its line and of its body, outermost first."""
    position: int
    """Index among its siblings."""
    inner: tuple[int, ...]
    """The arm prefix that everything inside it shares; equal to `arm` for simple statements."""

    def contains(self, other: Statement) -> bool:
        """Whether the other one stands in a body of this one."""
        return self.kind != "simple" and other.arm[: len(self.inner)] == self.inner


class Statements:
    """The statements of a program by line."""

    def __init__(self, program: str) -> None:
        self.lines = program.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # as the parser counts
        self._by_line: dict[int, Statement] = {}
        self._add_body(ast.parse(program).body, ())

    def at(self, line: int) -> Statement | None:
        """Return the statement that a line belongs to; of several on one line, the first."""
        return self._by_line.get(line)

    def source(self, statement: Statement) -> str:
        """Return the lines of a statement as they stand."""
        return "\n".join(self.lines[statement.first - 1 : statement.last])

    def _add_body(self, body: list[ast.stmt], arm: tuple[int, ...]) -> None:
        for position, node in enumerate(body):
            self._add(node, arm, position)

    def _add(
        self, node: ast.stmt | ast.ExceptHandler | ast.match_case, arm: tuple[int, ...], position: int
    ) -> None:
        first = _first_line(node)
        bodies = list(_bodies(node))
        last = (
            self._end_of_header(first, bodies[0]) if bodies else (getattr(node, "end_lineno", None) or first)
        )
        kind = _kind(node)
        inner = (*arm, first, position) if kind != "simple" else arm
        statement = Statement(kind, first, last, arm, position, inner)
        for line in range(first, last + 1):
            self._by_line.setdefault(line, statement)
        for number, body in enumerate(bodies):
            for place, child in enumerate(body):
                self._add(child, (*arm, first, position, number), place)

    def _end_of_header(self, first: int, body: list[Any]) -> int:
        last = max(first, _first_line(body[0]) - 1)
        while last > first and self.lines[last - 1].strip()[:1] in ("", "#"):
            last -= 1
        return last


def _first_line(node: ast.stmt | ast.ExceptHandler | ast.match_case) -> int:
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _last_line(node: ast.stmt | ast.ExceptHandler | ast.match_case) -> int:
    return node.pattern.lineno if isinstance(node, ast.match_case) else node.end_lineno or node.lineno


def _bodies(node: ast.AST) -> Iterator[list[Any]]:
    for name in ("body", "orelse", "handlers", "finalbody", "cases"):
        body = getattr(node, name, None)
        if isinstance(body, list) and body:
            yield body


def _kind(node: ast.AST) -> Kind:
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        return "loop"
    if isinstance(node, (ast.If, ast.Match, ast.match_case, ast.ExceptHandler)):
        return "branch"
    if isinstance(node, (ast.With, ast.AsyncWith, ast.Try, ast.TryStar)):
        return "passage"
    return "simple"


def starts_block(previous: Statement | None, current: Statement) -> bool:
    """Whether a statement that is executed after another one, in the same frame, begins a new block."""
    if previous is None:
        return True
    if previous is current:
        return current.kind == "loop"  # a whole loop on one line
    if previous.contains(current):
        return previous.kind != "passage"
    if previous.kind != "simple":
        return False  # a false condition: what follows still belongs to its block
    if current.kind == "passage" and current.contains(previous):
        return False  # a ``with`` is visited again on the way out
    is_next = previous.arm == current.arm and current.position == previous.position + 1
    return current.kind == "loop" or not is_next


@dataclass(slots=True)
class _Block:
    index: int
    before: list[tuple[str, str]]
    after: list[tuple[str, str]]
    statements: list[Statement]


class Recorder:
    """Records the blocks that the functions of one program execute in this thread.

    Args:
        program: text that was compiled.
        file_name: the name it was compiled under; frames of other files are not traced.
        show: text of a value; must not run code of the value.
    """

    def __init__(self, program: str, file_name: str, show: Callable[[object], str]) -> None:
        self.statements = Statements(program)
        self.file_name = file_name
        self.show = show
        self.total = 0
        """Blocks executed so far."""
        self.complete = True
        """Whether the tracer was still in place whenever tracing ended: a program can take it away."""
        self._first: list[_Block] = []
        self._last: deque[_Block] = deque(maxlen=KEPT)

    def start(self) -> None:
        """Begin to trace calls."""
        sys.settrace(self._on_call)

    def stop(self) -> None:
        """End tracing."""
        self.complete = self.complete and sys.gettrace() == self._on_call
        sys.settrace(None)

    def blocks(self) -> list[dict[str, Any]]:
        """Return the kept blocks in order of execution, as plain data."""
        found, left = [], MOST_IN_ALL
        for block in (*self._first, *self._last):
            left -= sum(len(name) + len(text) for name, text in block.before + block.after)
            if left < 0:
                block.before = block.after = []
            found.append(self._plain(block))
        return found

    def _plain(self, block: _Block) -> dict[str, Any]:
        return {
            "index": block.index,
            "lines": [min(s.first for s in block.statements), max(s.last for s in block.statements)],
            "source": _cut("\n".join(map(self.statements.source, block.statements)), MOST_SOURCE),
            "before": block.before,
            "after": block.after,
        }

    def _on_call(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        code = frame.f_code
        if code.co_filename != self.file_name or (code.co_name[0] == "<" and code.co_name != "<module>"):
            return None  # foreign code, or the inside of an expression
        return _Frame(self).on_event

    def open(self, before: list[tuple[str, str]], statement: Statement) -> _Block:
        """Begin a block."""
        block = _Block(self.total, before, [], [statement])
        self.total += 1
        (self._first if len(self._first) < KEPT else self._last).append(block)
        return block

    def snapshot(self, frame: FrameType) -> list[tuple[str, str]]:
        """Return the variables of a frame as text, without functions, classes and modules."""
        variables = frame.f_locals
        if isinstance(variables, dict):
            items = dict.items(variables)
        elif type(variables).__name__ == "FrameLocalsProxy":  # Python 3.13
            items = variables.items()
        else:
            return []  # the body of a class that keeps its names in an object of its own
        named = [
            (name, value)
            for name, value in list(items)
            if type(name) is str and not name.startswith("__") and _is_data(value)
        ]
        return [(name[:MOST_TEXT], self._text(value)) for name, value in named[:MOST_VARIABLES]]

    def _text(self, value: object) -> str:
        return _cut(self.show(value), MOST_TEXT)

    def returned(self, value: object) -> tuple[str, str]:
        """Return the entry for a returned value."""
        return ("_ret", self._text(value))


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} ...[{len(text)} characters]... {text[-most // 2 :]}"


_NO_DATA = (FunctionType, BuiltinFunctionType, ModuleType)


def _is_data(value: object) -> bool:
    kind = type(value)
    # by identity: a type can lie about what it is equal to
    return not any(kind is known for known in _NO_DATA) and not issubclass(kind, type)


class _Frame:
    """What the recorder knows of one call."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.previous: Statement | None = None
        self.block: _Block | None = None
        self.raising = False

    def on_event(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        if event == "line":
            self.raising = False
            self._on_line(frame)
        elif event == "exception":
            self.raising = True
        elif event == "return" and self.block is not None:
            after = self.recorder.snapshot(frame)
            self.block.after = after if self.raising else [*after, self.recorder.returned(argument)]
            self.block = None
        return self.on_event

    def _on_line(self, frame: FrameType) -> None:
        statement = self.recorder.statements.at(frame.f_lineno)
        if statement is None:
            return
        if self.block is None or starts_block(self.previous, statement):
            now = self.recorder.snapshot(frame)
            if self.block is not None:
                self.block.after = now
            self.block = self.recorder.open(now, statement)
        elif statement is not self.block.statements[-1]:
            self.block.statements.append(statement)
        self.previous = statement
