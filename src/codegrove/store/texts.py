"""Long texts, stored once. Prompts repeat the task, the instructions and the program; their pieces do not."""

from __future__ import annotations

import re
import sqlite3

from codegrove.store.coding import digest

_SHORTEST_PIECE = 64
"""Characters below which a piece costs more by itself than inside its neighbour."""
_BLANK_LINE = re.compile(r"\n\n+")


class Texts:
    """The table `texts` of an open database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[bytes, int] = {}
        """Known in this process; others are looked up."""

    def add(self, text: str) -> int:
        """Return the id of a text, storing it if it is new, as `storable` leaves it."""
        key = digest(text)
        known = self._ids.get(key)
        if known is not None:
            return known
        row = self._connection.execute(
            "INSERT OR IGNORE INTO texts (hash, text) VALUES (?, ?)", (key, storable(text))
        )
        if row.rowcount:
            found = row.lastrowid
        else:  # written by an earlier session
            (found,) = self._connection.execute("SELECT id FROM texts WHERE hash = ?", (key,)).fetchone()
        assert found is not None
        self._ids[key] = found
        return found

    def add_pieces(self, text: str) -> list[int]:
        """Store a text in pieces that other texts may share; joined in order they give it back."""
        return [self.add(piece) for piece in pieces(text)]

    def forget(self) -> None:
        """Drop what is known, because the transaction it was stored in came to nothing."""
        self._ids.clear()


def storable(text: str) -> str:
    """Return a text as SQLite takes it: lone surrogates become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def pieces(text: str) -> list[str]:
    """Cut a text behind its blank lines."""
    found: list[str] = []
    start = 0
    for gap in _BLANK_LINE.finditer(text):
        if gap.end() - start >= _SHORTEST_PIECE:
            found.append(text[start : gap.end()])
            start = gap.end()
    if start < len(text):
        found.append(text[start:])
    return found
