"""Entries of Parquet files, and of the Arrow files that ``datasets.save_to_disk`` writes. Needs pyarrow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from codegrove.errors import TaskError
from codegrove.problems.reading import missing
from codegrove.problems.sources import Data, Entry, Place

PARQUET = b"PAR1"
"""First bytes of a Parquet file."""
SMALL_MB = 16
"""Packed; unpacked and as Python objects it is several times that."""
_ROWS = 16
"""Rows that are Python objects at a time."""


class _Rows:
    """Rows of a table in groups, of which a few are in memory at a time."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, *, expected: str) -> None:
        self._path, self._expected = path, expected
        self._digest = ""
        self._cursor: tuple[int, int, list[dict[str, Any]], Iterator[list[dict[str, Any]]]] | None = None
        """Group, first row in it, rows, and the rows after them."""

    @property
    def name(self) -> str:
        return self._path.name

    @property
    def sha256(self) -> str:
        return self._digest

    @property
    def small(self) -> bool:
        return self._path.stat().st_size <= SMALL_MB * 1024 * 1024

    def scan(self) -> Iterator[Entry]:
        self._digest = self._hash()
        number = 0
        for group in range(self._groups()):
            row = 0
            for rows in self._read(group):
                for data in rows:
                    number += 1
                    yield Entry(f"{self._path}, row {number}", Place(group, row), data)
                    row += 1

    def read(self, place: Place) -> Data:
        if self._cursor is None or self._cursor[0] != place.first or self._cursor[1] > place.second:
            self._cursor = (place.first, 0, [], self._read(place.first))
        group, first, rows, following = self._cursor
        while place.second >= first + len(rows):
            first, rows = first + len(rows), next(following)
            self._cursor = (group, first, rows, following)
        return rows[place.second - first]

    def _groups(self) -> int:
        raise NotImplementedError

    def _batches(self, group: int) -> Iterator[Any]:
        raise NotImplementedError

    def _read(self, group: int) -> Iterator[list[dict[str, Any]]]:
        batches = self._guarded(self._batches, group)
        while True:
            batch = self._guarded(next, batches, None)
            if batch is None:
                return
            yield self._guarded(batch.to_pylist)

    def _guarded(self, work: Any, *args: Any) -> Any:
        """Call something of pyarrow; what it cannot read becomes one message."""
        try:
            return work(*args)
        except (arrow("pyarrow").ArrowException, OSError, ValueError) as error:
            raise TaskError(
                f"{self._path} cannot be read ({str(error).splitlines()[0]}); expected {self._expected}"
            ) from None

    def _hash(self) -> str:
        try:
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise missing(self._path, error, self._expected) from None


class ParquetFile(_Rows):
    """A ``.parquet`` file, read row group by row group."""

    def _open(self) -> Any:
        return self._guarded(arrow("pyarrow.parquet").ParquetFile, str(self._path))

    def _groups(self) -> int:
        with self._open() as file:
            count: int = file.num_row_groups
        return count

    def _batches(self, group: int) -> Iterator[Any]:
        with self._open() as file:
            yield from file.iter_batches(batch_size=_ROWS, row_groups=[group])


class ArrowFile(_Rows):
    """An ``.arrow`` file in stream or file format, mapped into memory."""

    def _groups(self) -> int:
        return 1

    def _batches(self, group: int) -> Iterator[Any]:
        with arrow("pyarrow").memory_map(str(self._path)) as data:
            ipc = arrow("pyarrow.ipc")
            is_file = data.read(6) == b"ARROW1"
            data.seek(0)
            table = (ipc.open_file if is_file else ipc.open_stream)(data).read_all()
            for start in range(0, table.num_rows, _ROWS):
                yield table.slice(start, _ROWS)


def arrow(module: str) -> Any:
    """Return a module of pyarrow.

    Raises:
        TaskError: where it is not installed, naming the extra that brings it.
    """
    try:
        return import_module(module)
    except ImportError:
        raise TaskError(
            "Parquet and Arrow files need pyarrow, which is not installed; "
            "pip install 'codegrove[parquet]', or convert the file to .jsonl"
        ) from None
