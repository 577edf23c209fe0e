"""Appends to the database of a run. Every call is one transaction: a killed process leaves no half record."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from codegrove.outcome import Outcome
from codegrove.store.coding import encode_outcome, encode_verdict, to_json
from codegrove.store.texts import Texts, storable
from codegrove.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One model call to be written. Either `reply` or `error` is set."""

    expansion: int | None
    role: str
    action: str
    model: str
    prompt: str
    key: bytes
    draw: int
    messages: Sequence[tuple[str, str]]
    """Role and text of each message."""
    sampling: dict[str, Any]
    max_tokens: int | None
    reply: str | None = None
    finish: str | None = None
    answered_by: str | None = None
    error: str | None = None
    error_kind: str | None = None
    attempts: int = 1
    input_tokens: int
    output_tokens: int
    estimated: bool
    dollars: float | None
    seconds: float
    adopted: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """One execution to be written."""

    expansion: int | None
    kind: str
    """``judge`` or ``trace``."""
    program_key: str
    program: str
    tests: bytes
    setting: bytes
    status: str
    result: str
    """Verdict or trace as JSON."""
    adopted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One decision of a human to be written."""

    what: str
    expansion: int | None
    item: int
    asked: str
    """The text that was shown."""
    kind: str
    text: str
    comment: str


class RunWriter:
    """Writes on behalf of one process.

    Every method raises `sqlite3.Error` if the record cannot be written; then nothing of it was.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._texts = Texts(connection)
        self._session = 0
        self._calls: dict[int, tuple[int, str]] = {}
        """Latest reply of each open expansion: its row, and its text."""

    def start_session(self, **columns: Any) -> int:
        """Add a row to `sessions`; what is written from now on belongs to it."""
        # Only now, with the first thing to write: opening alone changes no byte of the file.
        self.connection.execute("PRAGMA journal_mode = WAL")
        with self._transaction():
            names = ", ".join(columns)
            marks = ", ".join("?" * len(columns))
            self._session = self._do(f"INSERT INTO sessions ({names}) VALUES ({marks})", *columns.values())
        return self._session

    def end_session(self, **columns: Any) -> None:
        """Fill in how the session ended."""
        with self._transaction():
            places = ", ".join(f"{name} = ?" for name in columns)
            self._do(f"UPDATE sessions SET {places} WHERE id = ?", *columns.values(), self._session)

    def asked(self, at: float, expansion: int, action: str, node: int) -> None:
        """Record that the policy asked for an expansion."""
        with self._transaction():
            self._do(
                "INSERT INTO events (session, at, kind, expansion, action, node) VALUES (?, ?, 'asked', ?, ?, ?)",
                self._session,
                round(at, 6),
                expansion,
                action,
                node,
            )

    def told(
        self, at: float, expansion: int, outcome: Outcome, *, execution: int | None, reused: bool
    ) -> None:
        """Record an expansion's outcome. What other tables hold already is referred to, not repeated."""
        call, reply = self._calls.pop(expansion, (None, None))
        if reply != outcome.answer:
            call = None
        with self._transaction():
            program = None
            if outcome.program is not None and storable(outcome.program.program) == outcome.program.program:
                program = self._texts.add(outcome.program.program)
            data = encode_outcome(
                outcome, answer=call is None, program=program is None, verdict=execution is None
            )
            self._do(
                "INSERT INTO events (session, at, kind, expansion, call, program, execution, reused, outcome)"
                " VALUES (?, ?, 'told', ?, ?, ?, ?, ?, ?)",
                self._session,
                round(at, 6),
                expansion,
                call,
                program,
                execution,
                1 if reused else None,
                to_json(data) if data else None,
            )

    def rewound(self, at: float, event: int) -> None:
        """Record that what followed an event does not count."""
        with self._transaction():
            self._do(
                "INSERT INTO events (session, at, kind, expansion) VALUES (?, ?, 'rewound', ?)",
                self._session,
                round(at, 6),
                event,
            )

    def called(self, at: float, row: CallRow) -> int:
        """Record a model call."""
        with self._transaction():
            messages = [[role, self._texts.add_pieces(text)] for role, text in row.messages]
            reply = None if row.reply is None else storable(row.reply)
            written = self._do(
                "INSERT INTO calls (session, at, expansion, role, action, model, prompt, key, draw, messages,"
                " sampling, max_tokens, reply, finish, answered_by, error, error_kind, attempts,"
                " input_tokens, output_tokens, estimated, dollars, seconds, adopted, origin)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._session,
                round(at, 6),
                row.expansion,
                row.role,
                row.action,
                row.model,
                row.prompt,
                row.key,
                row.draw,
                to_json(messages),
                to_json(row.sampling) if row.sampling else None,
                row.max_tokens,
                reply,
                row.finish,
                row.answered_by,
                row.error,
                row.error_kind,
                row.attempts,
                row.input_tokens,
                row.output_tokens,
                int(row.estimated),
                row.dollars,
                round(row.seconds, 6),
                row.adopted,
                row.origin,
            )
        if row.expansion is not None and reply is not None:
            self.answered(row.expansion, written, reply)
        return written

    def answered(self, expansion: int, call: int, reply: str) -> None:
        """Say which call gave an open expansion its latest answer."""
        self._calls[expansion] = (call, reply)

    def adopted(self, table: str, row: int) -> None:
        """Mark a call or an execution of this run as found when the run went on, if it was bought."""
        with self._transaction():
            self._do(f"UPDATE {table} SET adopted = 'resume' WHERE id = ? AND adopted IS NULL", row)

    def executed(self, at: float, row: ExecutionRow) -> int:
        """Record an execution."""
        with self._transaction():
            written = self._do(
                "INSERT INTO executions (session, at, expansion, kind, program_key, program, tests, setting,"
                " status, verdict, adopted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._session,
                round(at, 6),
                row.expansion,
                row.kind,
                row.program_key,
                self._texts.add(row.program),
                row.tests,
                row.setting,
                row.status,
                row.result,
                row.adopted,
            )
        return written

    def decided(self, at: float, row: DecisionRow) -> None:
        """Record a decision of a human."""
        with self._transaction():
            self._do(
                "INSERT INTO decisions (session, at, what, expansion, item, asked, decision, text, comment)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._session,
                round(at, 6),
                row.what,
                row.expansion,
                row.item,
                self._texts.add(row.asked),
                row.kind,
                row.text or None,
                row.comment or None,
            )

    def close(self) -> None:
        """Close the database; the log is folded into it, and readers find one plain file."""
        with contextlib.suppress(sqlite3.Error):  # no room, or a reader is looking: the log stays beside it
            self.connection.execute("PRAGMA journal_mode = DELETE")
        self.connection.close()

    def _do(self, statement: str, *values: object) -> int:
        """Carry out one statement of a transaction; return the row it has added, 0 if none."""
        storables = [storable(value) if isinstance(value, str) else value for value in values]
        return self.connection.execute(statement, storables).lastrowid or 0

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            self._texts.forget()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def verdict_json(verdict: Verdict) -> str:
    """Return a verdict as it is written to `executions`."""
    return to_json(encode_verdict(verdict))
