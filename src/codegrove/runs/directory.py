"""A run directory in use: created or continued, written while the run goes on, completed when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from codegrove.errors import RunError, TreeError, UsageError
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.recording import Recorder
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Solution
from codegrove.languages import solution_file
from codegrove.runs.ending import has_ended, read_ending
from codegrove.runs.record import RunRecord, task_json
from codegrove.runs.solution import rebuild_solution, summary
from codegrove.search import drawing
from codegrove.search.search import Asked, Event, Told
from codegrove.store import database, reader
from codegrove.store.coding import to_json
from codegrove.store.writer import RunWriter, verdict_json
from codegrove.task import Task


class RunDirectory:
    """One run on disk, held by this process alone. Use it as a context manager.

    Args:
        path: a directory that is new or empty, or holds the same run.
        assembly: what the run is made of.
        task: what to solve.
        problem: file, id and format of the problem, for simulated programmers of a later session.
        reuse: run directories whose answers and verdicts may be taken instead of new ones.

    Raises:
        UsageError: if the directory cannot be written, or holds something else.
        RunError: if it holds another run, is damaged, or another process works on it.
    """

    def __init__(
        self,
        path: str | Path,
        assembly: Assembly,
        task: Task,
        *,
        problem: tuple[str, str, str | None] | None = None,
        reuse: Sequence[str | Path] = (),
    ) -> None:
        self.path = Path(path)
        self._assembly = assembly
        self._task = task
        self._closing = contextlib.ExitStack()
        self.solution: Solution | None = None
        """How the run ended, if it is finished: then nothing is left to do."""
        record = RunRecord.of(assembly, task, problem=problem)
        try:
            self._prepare(record)
            shared = [self._open_shared(Path(other)) for other in reuse]
            self._writer = RunWriter(database.open_for_writing(self.path))
            self._closing.callback(self._writer.close)
            self._session: Session | None = None
            self._continue(shared)
        except BaseException:
            self._closing.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def session(self) -> Session:
        """The session that works on the run. There is none when the run is finished."""
        if self._session is None:
            raise RunError(f"the run in {self.path} is finished")
        return self._session

    def finish(self, solution: Solution) -> None:
        """Write down how the run ended, and the files people look at.

        Raises:
            RunError: if they cannot be written; everything paid for is on record all the same.
        """
        verdict = solution.verdict
        try:
            self._writer.end_session(
                ended_at=_now(),
                seconds=round(solution.spend.seconds, 6),
                result=solution.result.value,
                reason=solution.reason,
                answer=solution.node,
                spend=to_json(asdict(solution.spend)),
                verdict=None if verdict is None else verdict_json(verdict),
            )
            if solution.program is not None:
                name = solution_file(self.session.task.language)
                _write(self.path / name, solution.program.rstrip("\n") + "\n")
            if solution.tree is not None:
                _write(self.path / "tree.svg", drawing.svg(solution.tree, answer=solution.node) + "\n")
            _write(
                self.path / "result.json", json.dumps(summary(solution), ensure_ascii=False, indent=2) + "\n"
            )
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"the run is over, but how it ended cannot be written to {self.path}: {database.reason(error)}"
            ) from None

    def _prepare(self, record: RunRecord) -> None:
        """Take the directory, and put an empty run into a new one."""
        path = self.path
        fresh = not database.has_run(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if fresh and any(entry.name not in _LEFTOVERS for entry in path.iterdir()):
                raise UsageError(f"{path} is not empty and holds no run; name a new directory")
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"cannot write to {path}: {reason}; name a directory you may write to") from None
        self._closing.enter_context(database.locked(path))
        if not database.has_run(path):
            try:
                _write(path / "recipe.yaml", record.recipe.to_yaml())
                _write(path / "task.json", task_json(record.task) + "\n")
            except OSError as error:
                raise UsageError(f"cannot write to {path}: {error.strerror or error}") from None
            database.create(path, record.to_meta())
            return
        with contextlib.closing(database.open_for_reading(path)) as connection:
            try:
                found = RunRecord.from_meta(reader.read_meta(connection))
            except sqlite3.Error as error:
                raise database.damaged(path, error) from None
        differences = found.differences(record)
        if differences:
            raise RunError(f"{path} holds another run: {'; '.join(differences)}; name a new directory")

    def _open_shared(self, other: Path) -> tuple[str, sqlite3.Connection]:
        if other.resolve() == self.path.resolve():
            raise RunError(f"a run cannot reuse its own directory {other}; giving it again continues it")
        connection = database.open_for_reading(other)
        self._closing.callback(connection.close)
        return str(other), connection

    def _continue(self, shared: Sequence[tuple[str, sqlite3.Connection]]) -> None:
        """Open a session on what is there."""
        connection = self._writer.connection
        try:
            with reader.collector_paused():
                self._open_session(connection, shared)
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise database.damaged(self.path, error) from None
        except TreeError as error:
            raise RunError(
                f"the run in {self.path} cannot be continued: {error}; was it made by another version of"
                " codegrove?"
            ) from None

    def _open_session(
        self, connection: sqlite3.Connection, shared: Sequence[tuple[str, sqlite3.Connection]]
    ) -> None:
        ending = read_ending(connection)
        # The models were out of reach: what they could not do is no failed attempt of the method.
        outage = ending is not None and ending.reason.startswith("model:")
        log: reader.EventLog[Event] = reader.read_events(connection, Asked, Told)
        rewind_to = log.trailing_failures() if outage else None
        if rewind_to is not None:
            log.cut(rewind_to)
        spend = reader.read_spend(connection)
        if ending is not None and rewind_to is None and has_ended(ending):
            self.solution = rebuild_solution(self._assembly, self._task, log.events, ending, spend)
            return
        recorder = Recorder(self._writer, resumed=_open_expansions(log.events), shared=shared)
        recorder.remember(log.verdicts)
        session = self._assembly.open_session(self._task, recorder=recorder)
        self._session = session
        session.account.restore(spend)
        session.resume(log.events)
        self._writer.start_session(
            started_at=_now(),
            codegrove=version("codegrove"),
            python=platform.python_version(),
            workers=session.workers,
            budget=to_json({k: v for k, v in asdict(session.account.budget).items() if v is not None}),
            sandbox=session.sandbox.level,
        )
        if rewind_to is not None:
            self._writer.rewound(spend.seconds, rewind_to)


_LEFTOVERS = frozenset(
    {
        database.LOCK_NAME,
        *database.UNFINISHED,
        *(name + end for name in ("recipe.yaml", "task.json") for end in ("", ".part")),
    }
)
"""What a process leaves behind that was killed while it made a run directory."""


def _open_expansions(events: Sequence[Event]) -> list[int]:
    told = {event.expansion for event in events if isinstance(event, Told)}
    return [event.expansion for event in events if isinstance(event, Asked) and event.expansion not in told]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write(path: Path, text: str) -> None:
    """Write a file so that no reader ever sees half of it."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    os.replace(temporary, path)
