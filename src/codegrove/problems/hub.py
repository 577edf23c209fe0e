"""Entries of a data set that the Hugging Face library knows by its id. Needs the extra ``datasets``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from codegrove.errors import TaskError
from codegrove.problems.sources import Data, Entry, Place

PREFIX = "hf:"
_ID = re.compile(r"(?P<name>[\w.-]+(?:/[\w.-]+)?)(?::(?P<config>[^@\s]+))?(?:@(?P<split>\S+))?")


class HubDataset:
    """One split of a data set.

    Args:
        source: ``hf:OWNER/NAME``, with ``:CONFIG`` and ``@SPLIT`` where it has several.
        library: the module ``datasets``; None to import it.
    """

    small = False

    def __init__(self, source: str, *, library: Any = None) -> None:
        match = _ID.fullmatch(source.removeprefix(PREFIX))
        if match is None:
            raise TaskError(
                f"{source!r} is no data set; expected hf:OWNER/NAME, hf:OWNER/NAME:CONFIG or "
                "hf:OWNER/NAME:CONFIG@SPLIT, e.g. hf:google-research-datasets/mbpp:sanitized@test"
            )
        self.name = source
        self._match, self._library = match, library
        self._split = match["split"]
        self._rows: Any = None
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Hash of the entries as Python text: what was downloaded has no single file."""
        return self._hash.hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"split {self._split!r} of {self._match['name']}; the hash is of the entries, not of a file",)

    def scan(self) -> Iterator[Entry]:
        if self._rows is None:
            self._rows = self._load()
        self._hash = hashlib.sha256()
        for number in range(len(self._rows)):
            data = self.read(Place(number))
            self._hash.update(repr(data).encode("utf-8", "surrogatepass"))
            yield Entry(f"{self.name}, row {number + 1}", Place(number), data)

    def read(self, place: Place) -> Data:
        data: Data = self._rows[place.first]
        return data

    def _load(self) -> Any:
        library = self._library or _datasets()
        try:
            found = library.load_dataset(self._match["name"], self._match["config"])
        except Exception as error:  # noqa: BLE001 - the library raises whatever its many parts raise
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise TaskError(
                f"{self.name} cannot be loaded ({type(error).__name__}: {first}); without a network, or for a "
                "data set with a loading script, get its files once and give their path"
            ) from None
        splits = sorted(found)
        if self._split is None:
            self._split = splits[0] if len(splits) == 1 else "test" if "test" in splits else None
        if self._split not in splits:
            wanted = f"no split {self._split!r}" if self._split else "several splits"
            raise TaskError(f"{self.name} has {wanted}; say which with @SPLIT: {', '.join(splits)}")
        return found[self._split]


def _datasets() -> Any:
    try:
        return import_module("datasets")
    except ImportError:
        raise TaskError(
            "Hugging Face ids need the library datasets, which is not installed; "
            "pip install 'codegrove[datasets]', or give the path of a file"
        ) from None
