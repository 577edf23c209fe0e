"""A run directory in use: created or continued, written while the run goes on, completed when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import platform
import sqlite3
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from loguru import logger

from codegrove.budget import Budget, Spend
from codegrove.errors import RunError, TreeError, UsageError
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.end import Ended
from codegrove.graphs.recording import Recorder
from codegrove.graphs.reuse import SharedRun
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Result, Solution
from codegrove.languages import solution_file
from codegrove.runs.ending import Ending, check_limits, has_ended, latest_limits, read_ending
from codegrove.runs.record import RunRecord, task_json
from codegrove.runs.solution import rebuild_solution, summary
from codegrove.search import drawing
from codegrove.search.search import Asked, Event, Search, Told
from codegrove.store import atomic, database, reader
from codegrove.store.coding import to_json
from codegrove.store.schema import FILE_NAME
from codegrove.store.writer import RunWriter, verdict_json
from codegrove.task import Task


class RunDirectory:
    """One run on disk, held by this process alone. Use it as a context manager.

    Args:
        path: a directory that is new or empty, or holds the same run.
        assembly: what the run is made of.
        task: what to solve.
        problem: file, id and format of the problem, for simulated programmers of a later session.
        reuse: run directories whose answers and verdicts may be taken instead of new ones, besides those that the
            run has been given before.
        interrupts: see `Assembly.open_session`.

    Raises:
        UsageError: if the directory cannot be written, or holds something else; or if a limit is below what the
            run has spent.
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
        interrupts: bool = False,
    ) -> None:
        self.path = Path(path)
        self._assembly = assembly
        self._task = task
        self._interrupts = interrupts
        self._closing = contextlib.ExitStack()
        self._shared: list[SharedRun] = []
        """The runs that are reused."""
        self.solution: Solution | None = None
        """How the run ended, if it is finished: then nothing is left to do."""
        record = RunRecord.of(assembly, task, problem=problem)
        try:
            self._prepare(record)
            self._shared = self._open_shared([Path(other) for other in reuse])
            self._session: Session | None = None
            with reader.collector_paused():
                past = self._read()
                if past.finished:
                    assert past.ending is not None
                    events, spend, said = past.log.events, past.spend, past.decisions
                    self.solution = rebuild_solution(assembly, task, events, past.ending, spend, said)
                else:
                    check_limits(assembly.budget, past.limits, past.spend)
                    self._continue(past)
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
        known = self._as_recorded(solution)
        try:
            self._writer.end_session(
                ended_at=_now(),
                seconds=round(solution.spend.seconds, 6),
                result=known.result.value,
                ended=solution.ended.value,
                resource=solution.resource,
                reason=solution.reason,
                answer=known.node,
                spend=to_json(asdict(solution.spend)),
                verdict=None if known.verdict is None else verdict_json(known.verdict),
            )
            if solution.program is not None:
                name = solution_file(self.session.task.language)
                atomic.write_text(self.path / name, solution.program.rstrip("\n") + "\n")
            if solution.tree is not None:
                atomic.write_text(
                    self.path / "tree.svg", drawing.svg(solution.tree, answer=solution.node) + "\n"
                )
            atomic.write_text(
                self.path / "result.json", json.dumps(summary(solution), ensure_ascii=False, indent=2) + "\n"
            )
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"the run is over, but how it ended cannot be written to {self.path}: {database.reason(error)}"
            ) from None

    def _as_recorded(self, solution: Solution) -> Solution:
        """Return what can be said of a solution in a record that may have come to an end before it.

        A disk that is full takes the row of a session, which is there already, after it has refused new ones.
        """
        if solution.node is None or not self._recorder.broken:
            return solution
        with database.undamaged(self.path):
            log: reader.EventLog[Event] = reader.read_events(self._writer.connection, Asked, Told)
        policy = self._assembly.new_policy()
        search = Search(self._task, policy, seed=self._assembly.seed)
        search.replay(log.events)
        if solution.node < len(search.tree):
            return solution
        return replace(solution, node=policy.answer(search.tree), result=Result.UNVERIFIED, verdict=None)

    def _prepare(self, record: RunRecord) -> None:
        """Take the directory, and put an empty run into a new one."""
        path = self.path
        try:
            fresh = not database.has_run(path)
            path.mkdir(parents=True, exist_ok=True)
            if fresh and (path / "eval.json").is_file():
                raise UsageError(
                    f"{path} holds an evaluation (codegrove compare {path}); name a new directory for a run"
                )
            if fresh and not _left_by_the_killed(path).issuperset(path.iterdir()):
                raise UsageError(f"{path} is not empty and holds no run; name a new directory")
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"cannot write to {path}: {reason}; name a directory you may write to") from None
        self._closing.enter_context(database.locked(path))
        if not database.has_run(path):
            try:
                for half in _left_by_the_killed(path) - {path / database.LOCK_NAME}:
                    half.unlink(missing_ok=True)
                atomic.write_text(path / "recipe.yaml", record.recipe.to_yaml())
                atomic.write_text(path / "task.json", task_json(record.task) + "\n")
            except OSError as error:
                raise UsageError(f"cannot write to {path}: {error.strerror or error}") from None
            database.create(path, record.to_meta())
            return
        with database.reading(path) as connection:
            found = RunRecord.from_meta(reader.read_meta(connection))
        differences = found.differences(record)
        if differences:
            raise RunError(f"{path} holds another run: {'; '.join(differences)}; name a new directory")
        for change in found.changes(record):
            logger.warning("{}: {}", path, change)

    def _open_shared(self, given: Sequence[Path]) -> list[SharedRun]:
        """Open the databases of other runs, each once: those that are given, and those of earlier sessions."""
        opened: dict[Path, SharedRun] = {}
        with database.reading(self.path) as connection:
            before = [Path(other) for other in reader.latest_reuse(connection)]
        for other in (*given, *before):
            place = other.resolve()
            if place == self.path.resolve():
                raise RunError(f"a run cannot reuse its own directory {other}; giving it again continues it")
            if place in opened:
                continue
            try:
                connection = database.open_for_reading(other)
                self._closing.callback(connection.close)
                with database.undamaged(other):
                    opened[place] = SharedRun(str(other), connection)
            except RunError as error:
                if other in given:
                    raise
                logger.warning("answers of {} can no longer be taken: {}", other, error)
        self._reuse = [str(place) for place in opened]
        return list(opened.values())

    def _read(self) -> _Past:
        """Read what earlier sessions have left. Nothing is written to a file that cannot be read whole."""
        with database.reading(self.path) as connection:
            ending = read_ending(connection)
            log: reader.EventLog[Event] = reader.read_events(connection, Asked, Told)
            spend = reader.read_spend(connection)
            decisions = reader.read_decisions(connection)
            limits = latest_limits(connection)
        rewind_to = None
        if ending is None or not has_ended(ending):
            # What could not be paid for, or not be done because models were out of reach, is no failed attempt of
            # the method.
            rewind_to = log.first_refusal()
            if rewind_to is None and ending is not None and ending.ended is Ended.MODEL:
                rewind_to = log.trailing_failures()
        if rewind_to is not None:
            log.cut(rewind_to)
        answered: list[int] = []
        if log.rewound:  # else those that are asked for and not told are all
            with database.reading(self.path) as connection:
                answered = reader.answered_expansions(connection)
        return _Past(log, ending, spend, rewind_to, decisions, limits, answered)

    def _continue(self, past: _Past) -> None:
        """Open a session on what is there."""
        connection = database.open_for_writing(self.path)
        self._closing.callback(database.close_unwritten, self.path, connection)
        self._writer = writer = RunWriter(connection)
        with database.undamaged(self.path):
            self._recorder = recorder = Recorder(
                writer,
                resumed=past.open_expansions(),
                shared=self._shared,
                decisions=past.decisions,
            )
        recorder.remember(past.log.verdicts)
        session = self._assembly.open_session(self._task, recorder=recorder, interrupts=self._interrupts)
        try:
            self._start(session, past)
        except BaseException:
            # In a thread, because this one may have a loop that runs.
            closing = threading.Thread(target=asyncio.run, args=(session.aclose(),))
            closing.start()
            closing.join()
            raise
        self._closing.callback(writer.close)
        self._session = session

    def _start(self, session: Session, past: _Past) -> None:
        """Hand a session what is there, and write down that it has begun."""
        session.account.restore(past.spend)
        try:
            session.resume(past.log.events)
        except TreeError as error:
            raise RunError(
                f"the run in {self.path} cannot be continued: {error}; was it made by another version of"
                " codegrove?"
            ) from None
        writer = self._writer
        try:
            writer.start_session(
                started_at=_now(),
                codegrove=version("codegrove"),
                python=platform.python_version(),
                workers=session.workers,
                budget=to_json({k: v for k, v in asdict(session.account.budget).items() if v is not None}),
                sandbox=session.executions.sandbox.level,
                reuse=to_json(self._reuse),
            )
            if past.rewind_to is not None:
                writer.rewound(past.spend.seconds, past.rewind_to)
        except sqlite3.Error as error:
            raise RunError(f"cannot write to the run in {self.path}: {database.reason(error)}") from None


@dataclass(frozen=True, slots=True)
class _Past:
    """What earlier sessions have left."""

    log: reader.EventLog[Event]
    ending: Ending | None
    spend: Spend
    rewind_to: int | None
    decisions: list[reader.DecisionRecord]
    limits: Budget | None
    """Those of the latest session."""
    answered: list[int]
    """Where something was rewound: expansions for which a model has answered, whether or not that counts."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.ending is not None and self.rewind_to is None and has_ended(self.ending)

    def open_expansions(self) -> set[int]:
        """Return what was asked for and not told. With what is rewound this is also what was told then.

        Its number is used again, perhaps for something else; answers are given to the same question only.
        """
        told = {event.expansion for event in self.log.events if isinstance(event, Told)}
        asked = {event.expansion for event in self.log.events if isinstance(event, Asked)}
        return asked.union(self.answered) - told


_MADE_FIRST = ("recipe.yaml", "task.json", FILE_NAME)
"""What a new run directory is given, in this order; with the last it holds a run."""


def _left_by_the_killed(path: Path) -> set[Path]:
    """Return what processes left in a directory that were killed while they made a run in it."""
    halves = {left for name in _MADE_FIRST for left in atomic.unfinished(path / name)}
    return {path / database.LOCK_NAME, *(path / name for name in _MADE_FIRST), *halves}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
