"""Answers and verdicts of other runs, which a run takes on purpose instead of new ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from loguru import logger

from codegrove.candidate import Candidate
from codegrove.store import reader
from codegrove.store.coding import hash_tests
from codegrove.store.database import ROW_ERRORS
from codegrove.task import Test
from codegrove.verdict import Verdict

_T = TypeVar("_T")


class SharedRun:
    """The record of another run, as it is when it is opened.

    Args:
        name: what it goes by in the record of the run that takes from it.
        connection: its open database.

    Raises:
        ROW_ERRORS: one of them, if it cannot be read.
    """

    def __init__(self, name: str, connection: sqlite3.Connection) -> None:
        self.name = name
        self.connection = connection
        self.last = reader.last_execution(connection)
        self.run = reader.run_id(connection)
        self.answers = reader.answer_keys(connection)


class Reuse:
    """What other runs can give. One that turns out to be damaged is asked no more, with a warning.

    Each answer is given once, so that k samples stay k samples, also where several runs have it on record because
    it was taken from one to another.

    Args:
        runs: the other runs.
        own: the id of the run that takes. What it has bought itself is no answer of another run.
        taken: where the answers that earlier sessions have taken were bought, as ``RUN:CALL``.
    """

    def __init__(self, runs: Iterable[SharedRun], *, own: str, taken: Iterable[str]) -> None:
        self._runs = list(runs)
        self._own = own
        self._taken = set(taken)

    def take(self, key: bytes) -> tuple[reader.Answer, str, str] | None:
        """Return the next answer to a question, the name of the run that has it, and where it was bought."""
        found = self._ask(lambda run: self._next(run, key))
        if found is None:
            return None
        (answer, origin), name = found
        self._taken.add(origin)
        return answer, name, origin

    def verdict(
        self, candidate: Candidate, tests: tuple[Test, ...], setting: bytes
    ) -> tuple[Verdict, str] | None:
        """Return a verdict on exactly this program, and the name of the run that has it."""

        def judged(run: SharedRun) -> Verdict | None:
            for record in reader.find_executions(
                run.connection, reader.JUDGE, candidate.key, hash_tests(tests), setting, last=run.last
            ):
                if record.program == candidate.program:
                    return reader.verdict_from_json(record.verdict)
            return None

        return self._ask(judged)

    def _next(self, run: SharedRun, key: bytes) -> tuple[reader.Answer, str] | None:
        for call, bought in run.answers.get(key, ()):
            origin = bought or f"{run.run}:{call}"
            if origin not in self._taken and not origin.startswith(f"{self._own}:"):
                return reader.read_answer(run.connection, call), origin
        return None

    def _ask(self, question: Callable[[SharedRun], _T | None]) -> tuple[_T, str] | None:
        for run in list(self._runs):
            try:
                found = question(run)
            except ROW_ERRORS as error:
                logger.warning("nothing more is taken from the run in {}: {}", run.name, error)
                self._runs.remove(run)
                continue
            if found is not None:
                return found, run.name
        return None
