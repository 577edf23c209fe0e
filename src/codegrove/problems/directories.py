"""Entries of a directory: the parts of one data set, or APPS as its authors publish it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from codegrove.errors import TaskError
from codegrove.problems.arrow_files import PARQUET, ArrowFile, ParquetFile
from codegrove.problems.json_files import JsonFile
from codegrove.problems.json_values import BadJson, parse_json
from codegrove.problems.reading import is_directory, read_text, reading
from codegrove.problems.sources import Data, Entry, Place, Source

_SUFFIXES = (".parquet", ".arrow", ".jsonl", ".jsonl.gz", ".json", ".json.gz")
_ABOUT_THE_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
_SHARD = re.compile(r"(.*?)-\d{5}-of-\d{5}.*")
_SPLITS = frozenset({"train", "test", "valid", "validation", "val", "dev", "prompt"})
"""What data sets call their splits; ``prompt`` is MBPP's."""
_TESTS_MB = 512


def open_path(path: Path, *, expected: str) -> Source:
    """Return the entries of a file or directory; what it is, its content says."""
    if is_directory(path, expected=expected):
        return _open_directory(path, expected)
    try:
        with path.open("rb") as file:
            start = file.read(len(PARQUET))
    except (OSError, ValueError):
        start = b""  # said by the one that reads it
    if start == PARQUET:
        return ParquetFile(path, expected=expected)
    if path.suffix == ".arrow":
        return ArrowFile(path, expected=expected)
    return JsonFile(path, expected=expected)


def _open_directory(path: Path, expected: str) -> Source:
    with reading(path, expected=expected):
        inside = natural_order(path.iterdir())
        if any((folder / "question.txt").is_file() for folder in inside[:50]):
            return AppsFolder(path, expected=expected)
        folders = [entry for entry in inside if entry.is_dir() and not entry.name.startswith(".")]
    files = [
        entry for entry in inside if entry.name.endswith(_SUFFIXES) and entry.name not in _ABOUT_THE_DATA
    ]
    if not files and len(folders) == 1:
        return _open_directory(folders[0], expected)
    if not files:
        choice = (
            f"; did you mean one of its folders: {', '.join(f.name for f in folders)}?" if folders else ""
        )
        raise TaskError(f"{path} is a directory without problem files{choice}; expected {expected}")
    splits = {_split(entry.name) for entry in files} - {""}
    if len(splits) > 1:
        raise TaskError(
            f"{path} holds several splits ({', '.join(sorted(splits))}); name the file of one of them, or a "
            "directory that holds the files of one"
        )
    return Parts(path, [open_path(entry, expected=expected) for entry in files])


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths by their names so that ``test`` comes before ``test2``, and that before ``test10``."""

    def parts(text: str) -> list[tuple[int, str]]:
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]

    # The dot of an ending would come before a number; what is before the dot is compared first.
    return sorted(paths, key=lambda path: (parts(path.name.partition(".")[0]), parts(path.name)))


class Parts:
    """Several files that are one data set, one after another."""

    def __init__(self, path: Path, parts: Sequence[Source]) -> None:
        self.name = path.name
        self.notes = (f"read from {len(parts)} files: {', '.join(part.name for part in parts)}",)
        self._parts = parts

    @property
    def sha256(self) -> str:
        if len(self._parts) == 1:
            return self._parts[0].sha256
        return hashlib.sha256("".join(part.sha256 for part in self._parts).encode()).hexdigest()

    @property
    def small(self) -> bool:
        return len(self._parts) == 1 and self._parts[0].small

    def scan(self) -> Iterator[Entry]:
        for number, part in enumerate(self._parts):
            for entry in part.scan():
                yield replace(entry, place=replace(entry.place, part=number))

    def read(self, place: Place) -> Data:
        return self._parts[place.part].read(replace(place, part=0))


def _split(name: str) -> str:
    """Return the split that a file belongs to by its name, or nothing.

    ``train`` for ``train-00000-of-00039.parquet``; ``test`` for ``test.jsonl``, ``test2.jsonl`` and
    ``mbpp_test.jsonl``.
    """
    if match := _SHARD.fullmatch(name):
        return match[1]
    words = re.split(r"[-_]|(?=\d)", name.split(".")[0].lower())
    return next((word for word in words if word in _SPLITS), "")


class AppsFolder:
    """APPS as its authors publish it: a folder for each problem, with one file for each field."""

    small = False

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, *, expected: str) -> None:
        self.name = path.name
        self._path, self._expected = path, expected
        self._folders: list[Path] = []
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def scan(self) -> Iterator[Entry]:
        with reading(self._path, expected=self._expected):
            self._folders = [entry for entry in natural_order(self._path.iterdir()) if entry.is_dir()]
        self._hash = hashlib.sha256()
        for number, folder in enumerate(self._folders):
            if not folder.name.isdigit():
                raise TaskError(f"{folder}: expected a folder named by the number of a problem, e.g. 0042")
            data = self.read(Place(number))
            self._hash.update(repr(data).encode("utf-8", "surrogatepass"))
            yield Entry(str(folder), Place(number), data)

    def read(self, place: Place) -> Data:
        folder = self._folders[place.first]
        return {
            **self._about(folder / "metadata.json"),
            "problem_id": int(folder.name),
            "question": self._field(folder / "question.txt", required=True),
            "solutions": self._field(folder / "solutions.json"),
            "input_output": self._field(folder / "input_output.json"),
            "starter_code": self._field(folder / "starter_code.py"),
        }

    def _about(self, path: Path) -> Data:
        """Return the fields that the authors keep apart, difficulty and address."""
        text = self._field(path)
        if not text:
            return {}
        try:
            found = parse_json(text)
        except BadJson as error:
            raise TaskError(f"{path}: not JSON ({error})") from None
        if not isinstance(found, dict):
            raise TaskError(f"{path}: expected an object with the difficulty; found {type(found).__name__}")
        return found

    def _field(self, path: Path, *, required: bool = False) -> str:
        with reading(path, expected=self._expected):
            there = path.is_file()
            if (there and path.stat().st_size == 0) or not (there or required):
                return ""
        return read_text(path, limit_mb=_TESTS_MB, expected=self._expected)
