"""Where the entries of a benchmark come from: what each kind of file has in common.

A source is read twice. `scan` goes through all of it once and hands out each entry with its place; `read` fetches
one entry again. In between only places are kept, so that a file may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

Data = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in its source; two numbers whose meaning the source knows."""

    first: int
    second: int = 0
    part: int = 0
    """Which file of a directory, from 0."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One problem as it stands in its source."""

    where: str
    """File and line or row, for messages."""
    place: Place
    data: Data


class Source(Protocol):
    """Entries of one file, directory or data set."""

    @property
    def name(self) -> str:
        """Short name for reports, e.g. the file's."""
        ...

    @property
    def sha256(self) -> str:
        """Hash of the content, unpacked where it is gzip. Known when `scan` has come to its end."""
        ...

    @property
    def small(self) -> bool:
        """Whether all problems fit into memory with ease. Known when `scan` has come to its end."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of results must know about the source."""
        ...

    def scan(self) -> Iterator[Entry]:
        """Yield every entry in order.

        Raises:
            TaskError: at the first thing that is no entry, naming its place.
        """
        ...

    def read(self, place: Place) -> Data:
        """Return one entry again."""
        ...
