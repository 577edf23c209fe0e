"""How the latest session of a run ended."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from codegrove.graphs.solution import SEARCH_DONE


@dataclass(frozen=True, slots=True)
class Ending:
    """The row of a session that reached its end."""

    result: str
    reason: str
    answer: int | None
    verdict: str | None
    """As JSON."""


def read_ending(connection: sqlite3.Connection) -> Ending | None:
    """Return how the latest session ended; None if it was killed, is at work, or there was none."""
    row = connection.execute(
        "SELECT result, reason, answer, verdict FROM sessions ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None or row[0] is None else Ending(*row)


def has_ended(ending: Ending) -> bool:
    """Whether nothing is left to do, however large the budget."""
    return ending.reason == SEARCH_DONE
