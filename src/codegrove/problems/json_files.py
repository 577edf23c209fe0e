"""Entries of JSON files, packed or not: one object per line, a list of objects, or an object of columns."""

from __future__ import annotations

import gzip
import hashlib
import weakref
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from codegrove.errors import TaskError
from codegrove.problems.json_lists import WHITE, ListScanner
from codegrove.problems.json_values import BadJson, parse_json
from codegrove.problems.reading import GZIP, is_directory, missing, reading
from codegrove.problems.sources import Data, Entry, Place

_MIB = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class JsonFile:
    """A ``.json``, ``.jsonl`` or ``.jsonl.gz`` file; what it is, its content says.

    Args:
        path: the file.
        expected: what it should be, for messages.
        limit_mb: largest accepted size in MiB, unpacked.
        entry_mb: largest accepted entry in MiB. An object of columns is one entry.
        kept_mb: entries of a file up to this size stay in memory; those of larger ones are read again.
        block_bytes: how much is read at a time.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        path: Path,
        *,
        expected: str,
        limit_mb: float = 65_536,
        entry_mb: float = 512,
        kept_mb: float = 64,
        block_bytes: int = 4 * _MIB,
    ) -> None:
        self._path, self._expected = path, expected
        self._limit_mb, self._entry_mb, self._kept_mb = limit_mb, entry_mb, kept_mb
        self._block_bytes = block_bytes
        self._hash = hashlib.sha256()
        self._size = 0
        self._packed = False
        self._kept: dict[Place, Data] | None = {}
        self._again: BufferedIOBase | None = None

    @property
    def name(self) -> str:
        return self._path.name

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    @property
    def small(self) -> bool:
        return self._kept is not None

    def scan(self) -> Iterator[Entry]:
        self._hash, self._size, self._kept = hashlib.sha256(), 0, {}
        with self._open() as file:
            blocks = self._blocks(file)
            first: list[bytes] = []
            for block in blocks:
                first.append(block)
                if block.strip(WHITE):
                    break
                self._check_size(self._size, str(self._path))
            start = b"".join(first)
            if self._size == len(start) and start.startswith(_BOM):
                start = b" " * len(_BOM) + start[len(_BOM) :]
            if b"\0" in start:
                raise TaskError(f"{self._path} is a binary file; expected {self._expected}")
            if not start.strip(WHITE):
                raise TaskError(f"{self._path} is empty; expected {self._expected}")
            is_list = start.lstrip(WHITE).startswith(b"[")
            yield from self._keeping(self._elements(start, blocks) if is_list else self._lines(start, blocks))

    def read(self, place: Place) -> Data:
        if self._kept is not None and place in self._kept:
            return self._kept[place]
        if self._again is None:
            self._again = self._open()
            weakref.finalize(self, self._again.close)
        self._again.seek(place.first)
        raw = self._again.read(place.second)
        return self._object(raw, f"{self._path}, byte {place.first} (has the file changed?)")

    def _keeping(self, found: Iterator[Entry]) -> Iterator[Entry]:
        for entry in found:
            if self._kept is not None:
                self._kept[entry.place] = entry.data
                if self._size > self._kept_mb * _MIB and entry.place.second >= 0:
                    self._kept = None
            yield entry

    def _open(self) -> BufferedIOBase:
        if is_directory(self._path, expected=self._expected):
            raise TaskError(f"{self._path} is a directory; expected {self._expected}")
        with reading(self._path, expected=self._expected):
            with self._path.open("rb") as file:
                self._packed = file.read(2) == GZIP
            return gzip.GzipFile(self._path) if self._packed else self._path.open("rb")

    def _blocks(self, file: BufferedIOBase) -> Iterator[bytes]:
        while True:
            try:
                block = file.read(self._block_bytes)
            except (OSError, EOFError, zlib.error) as error:
                if not self._packed:
                    raise missing(self._path, error, self._expected) from None
                raise TaskError(f"{self._path} is a broken gzip file ({error}); fetch it again") from None
            if not block:
                return
            self._hash.update(block)
            self._size += len(block)
            if self._size > self._limit_mb * _MIB:
                raise TaskError(
                    f"{self._path} is larger than {self._limit_mb:g} MiB; expected {self._expected}"
                )
            yield block

    def _lines(self, start: bytes, blocks: Iterator[bytes]) -> Iterator[Entry]:
        buffer, offset, number, entries = bytearray(start), 0, 0, 0
        searched, last = 0, False
        while not last:
            block = next(blocks, b"")
            last = not block
            buffer += block
            begin = 0
            while (end := buffer.find(b"\n", max(begin, searched))) >= 0 or (last and begin < len(buffer)):
                end = len(buffer) if end < 0 else end
                raw, place = bytes(buffer[begin:end]), Place(offset + begin, end - begin)
                begin = end + 1
                number += 1
                if not raw.strip(WHITE):
                    continue
                entries += 1
                where = f"{self._path}, line {number}"
                if entries == 1:
                    rest = bytes(buffer[begin:])
                    whole = self._one_object(raw, rest, where, blocks)
                    if whole is not None:
                        yield from whole
                        return
                yield Entry(where, place, self._object(raw, where))
            del buffer[:begin]
            offset += begin
            searched = len(buffer)
            self._check_size(len(buffer), f"{self._path}, line {number + 1}")

    def _one_object(
        self, first: bytes, rest: bytes, where: str, blocks: Iterator[bytes]
    ) -> Iterator[Entry] | None:
        """Return the entries of a file that is one JSON object over several lines or with columns; else None."""
        try:
            value = parse_json(self._text(first, where))
        except BadJson as error:
            if not first.lstrip(WHITE).startswith(b"{") or not error.malformed:
                return None
            text = bytearray(first + b"\n" + rest)
            for block in blocks:
                text += block
                self._check_size(len(text), str(self._path))
            try:
                value = parse_json(self._text(bytes(text), str(self._path), first_line=where))
            except BadJson:
                raise self._bad_json(where, error) from None
        else:
            if rest.strip(WHITE) or not _is_columns(value):
                return None
        if not isinstance(value, dict):
            return None
        if not _is_columns(value):
            return iter([Entry(where, Place(0, -1), value)])
        return self._columns(value)

    def _columns(self, columns: dict[str, list[Any]]) -> Iterator[Entry]:
        lengths = {name: len(column) for name, column in columns.items()}
        size = max(lengths.values())
        for name, length in lengths.items():
            if length != size:
                raise TaskError(
                    f"{self._path}, field {name!r}: expected {size} values, as many as the other columns have; "
                    f"found {length}"
                )
        for row in range(size):
            data = {name: column[row] for name, column in columns.items()}
            yield Entry(f"{self._path}, entry {row + 1}", Place(row, -1), data)

    def _elements(self, start: bytes, blocks: Iterator[bytes]) -> Iterator[Entry]:
        """Yield the elements of one list, which need not fit into memory together."""
        scanner = ListScanner(start)
        number = 0
        while not scanner.closed:
            where = f"{self._path}, entry {number + 1}"
            try:
                found = scanner.next_element()
                if found is None and not scanner.closed:
                    block = next(blocks, b"")
                    if not block:
                        parse_json(self._text(scanner.pending(), where))
                        raise BadJson("the list is not closed", malformed=True)
                    scanner.feed(block)
                    self._check_size(scanner.size, where)
            except BadJson as error:
                raise self._bad_json(where, error) from None
            if found is not None:
                number += 1
                raw, offset = found
                yield Entry(where, Place(offset, len(raw)), self._object(raw, where))
        rest = scanner.pending() + b"".join(blocks)
        if rest.strip(WHITE):
            raise TaskError(f"{self._path}: something follows the list; expected {self._expected}")

    def _object(self, raw: bytes, where: str) -> Data:
        try:
            value = parse_json(self._text(raw, where))
        except BadJson as error:
            raise self._bad_json(where, error) from None
        if not isinstance(value, dict):
            raise TaskError(f"{where}: expected a JSON object; found {type(value).__name__}")
        return value

    def _text(self, raw: bytes, where: str, *, first_line: str = "") -> str:
        if b"\0" in raw:
            raise TaskError(f"{self._path} is a binary file; expected {self._expected}")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise TaskError(
                f"{first_line or where}: byte 0x{raw[error.start]:02x} is not UTF-8 text; "
                f"expected {self._expected}"
            ) from None

    def _bad_json(self, where: str, error: BadJson) -> TaskError:
        what = "not JSON" if error.malformed else "JSON that cannot be read"
        return TaskError(f"{where}: {what} ({error}); expected {self._expected}")

    def _check_size(self, size: int, where: str) -> None:
        if size > self._entry_mb * _MIB + self._block_bytes:
            raise TaskError(
                f"{where}: one entry is larger than {self._entry_mb:g} MiB; expected {self._expected}"
            )


def _is_columns(value: object) -> bool:
    """Whether an object holds columns: nothing but lists. No benchmark has such an entry."""
    return isinstance(value, dict) and bool(value) and all(isinstance(item, list) for item in value.values())
