"""Evaluation directories: rows are appended so that a crash loses at most the row being written."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from codegrove.errors import BrokenOff, EvaluationError
from codegrove.evaluation.results import FORMAT, VERSION, EvalHeader, EvalResult
from codegrove.store import atomic, database
from codegrove.store.coding import to_json

HEADER = "eval.json"
RESULTS = "results.jsonl"
LOCK = "eval.lock"
CLOCK = "eval.seconds"

_Record = TypeVar("_Record", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """An evaluation directory as read."""

    path: Path
    header: EvalHeader
    results: tuple[EvalResult, ...]
    """In the order of the file; of rows for the same attempt only the last."""
    seconds: float = 0.0
    """Running time of all sessions together."""
    notes: tuple[str, ...] = field(default=())
    """What a reader should know about the file, e.g. that its last line is torn."""


class ResultWriter:
    """Appends rows to an evaluation directory, held by this process alone. Use it as a context manager.

    A row is one write and is on disk when `append` returns. A torn last line that a crash left behind is cut off.

    Args:
        path: a directory, made where there is none. One that holds an evaluation is continued.
        header: what a new evaluation sets out to do; that of an existing one is kept. `header`, `results` and
            `seconds` return what is there.

    Raises:
        EvaluationError: if it cannot be written, is in use, or holds something else.
    """

    def __init__(self, path: str | Path, header: EvalHeader) -> None:
        self.path = Path(path)
        self._closing = contextlib.ExitStack()
        try:
            self.header, self.results, self.seconds = self._open(header)
        except OSError as error:
            self._closing.close()
            raise _unusable(self.path, "write to", error) from None
        except BaseException:
            self._closing.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def append(self, result: EvalResult) -> None:
        """Write one row.

        Raises:
            BrokenOff: if it cannot be written whole, e.g. because the disk is full; what was written of it is
                taken back.
        """
        line = (to_json(result.model_dump()) + "\n").encode()
        try:
            end = os.fstat(self._file).st_size
            try:
                view = memoryview(line)
                while view:
                    view = view[os.write(self._file, view) :]
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, end)
                raise
        except OSError as error:
            raise BrokenOff(f"cannot write to {self.path / RESULTS}: {error.strerror or error}") from None

    def note_seconds(self, seconds: float) -> None:
        """Write down the running time of all sessions together.

        Raises:
            BrokenOff: if it cannot be written.
        """
        path = self.path / CLOCK
        try:
            atomic.write_text(path, f"{seconds:.3f}\n")
        except OSError as error:
            raise BrokenOff(f"cannot write to {path}: {error.strerror or error}") from None

    def widen(self, header: EvalHeader) -> None:
        """Add the problems, recipes and seeds of another header, and take over its sweep budget.

        Raises:
            EvaluationError: if it cannot be written.
        """
        found = self.header
        wider = found.model_copy(
            update={
                "problems": tuple(dict.fromkeys((*found.problems, *header.problems))),
                "recipes": tuple(dict.fromkeys((*found.recipes, *header.recipes))),
                "seeds": tuple(dict.fromkeys((*found.seeds, *header.seeds))),
                "sweep_budget": header.sweep_budget,
            }
        )
        if wider != found:
            try:
                _write_header(self.path, wider)
            except OSError as error:
                raise _unusable(self.path / HEADER, "write to", error) from None
            self.header = wider

    def _open(self, header: EvalHeader) -> tuple[EvalHeader, tuple[EvalResult, ...], float]:
        if database.has_run(self.path):
            raise EvaluationError(
                f"{self.path} holds the run of one task (codegrove show {self.path}); name a new directory for an"
                " evaluation"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self._closing.enter_context(held(self.path))
        done: tuple[EvalResult, ...] = ()
        seconds = 0.0
        target = self.path / HEADER
        if target.exists():
            existing = load_evaluation(self.path)
            header, done, seconds = existing.header, existing.results, existing.seconds
        else:
            _write_header(self.path, header)
        binary = getattr(os, "O_BINARY", 0)  # Windows would write other ends of lines
        self._file = os.open(self.path / RESULTS, os.O_RDWR | os.O_CREAT | os.O_APPEND | binary, 0o644)
        self._closing.callback(os.close, self._file)
        content = (self.path / RESULTS).read_bytes()
        os.ftruncate(self._file, content.rfind(b"\n") + 1)
        return header, done, seconds


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold an evaluation directory for this process alone; what it holds is not touched.

    Raises:
        EvaluationError: if another process holds it.
        OSError: if the lock cannot be written.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise EvaluationError(f"{folder} is in use by another process; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()


def load_evaluation(path: str | Path) -> Evaluation:
    """Read an evaluation directory, also one that is still being written.

    Raises:
        EvaluationError: if there is none, or a file is damaged; says which line and field.
    """
    folder = Path(path)
    try:
        if not (folder / HEADER).is_file():
            raise EvaluationError(
                f"{folder} holds no evaluation ({HEADER} is missing); name what eval was given as --out"
            )
        header = _read_header(folder / HEADER)
        content = (folder / RESULTS).read_bytes() if (folder / RESULTS).exists() else b""
        seconds = _read_seconds(folder / CLOCK)
    except OSError as error:
        raise _unusable(folder, "read", error) from None
    lines = content.split(b"\n")
    notes = []
    if lines.pop():
        notes.append(f"the last line of {folder / RESULTS} is torn (a write broke off) and was ignored")
    rows: dict[tuple[object, ...], EvalResult] = {}
    replaced = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _read(EvalResult, line, f"{folder / RESULTS}, line {number}")
        key = row.key
        replaced += rows.pop(key, None) is not None
        rows[key] = row
    if replaced:
        notes.append(f"{folder / RESULTS}: {replaced} rows were replaced by later ones for the same attempt")
    return Evaluation(
        path=folder, header=header, results=tuple(rows.values()), seconds=seconds, notes=tuple(notes)
    )


def _write_header(folder: Path, header: EvalHeader) -> None:
    atomic.write_text(folder / HEADER, json.dumps(header.model_dump(mode="json"), indent=2) + "\n")


def _read_seconds(path: Path) -> float:
    if not path.exists():
        return 0.0
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise EvaluationError(
            f"{path}: expected a number of seconds, found {text!r:.60}; delete it to count from 0"
        )
    return seconds


def _read_header(path: Path) -> EvalHeader:
    content = path.read_bytes()
    data = _decode(content, str(path))
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise EvaluationError(f"{path} is no evaluation: its format is not {FORMAT!r}")
    if data.get("version") != VERSION:
        raise EvaluationError(
            f"{path} has version {data.get('version')!r}, and this codegrove reads version {VERSION};"
            " use the codegrove that wrote it, or evaluate again"
        )
    return _validated(EvalHeader, data, str(path))


def _read(kind: type[_Record], content: bytes, where: str) -> _Record:
    data = _decode(content, where)
    if not isinstance(data, dict):
        raise EvaluationError(f"{where}: expected a JSON object, found {type(data).__name__}")
    return _validated(kind, data, where)


def _decode(content: bytes, where: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"{where}: not JSON: {error}") from None


def _validated(kind: type[_Record], data: dict[str, Any], where: str) -> _Record:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field_name = ".".join(map(str, first["loc"])) or "record"
        found = "" if first["type"] == "missing" or not first["loc"] else f", found {first['input']!r:.80}"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise EvaluationError(f"{where}, field {field_name}: {first['msg']}{found}{more}") from None


def _unusable(path: Path, verb: str, error: OSError) -> EvaluationError:
    return EvaluationError(f"cannot {verb} {path}: {error.strerror or error}")
