"""How the latest session of a run ended, and within which limits it was to keep."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from codegrove.budget import Budget, Spend
from codegrove.errors import UsageError
from codegrove.graphs.end import Ended
from codegrove.graphs.solution import Result
from codegrove.store import reader

LIMITS = ("calls", "tokens", "dollars", "executions", "seconds", "nodes")
"""Limits of a whole run that a later session may change."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The row of a session that reached its end."""

    result: Result
    ended: Ended
    resource: str
    reason: str
    answer: int | None
    verdict: str | None
    """As JSON."""


def read_ending(connection: sqlite3.Connection) -> Ending | None:
    """Return how the latest session ended; None if it was killed, is at work, or there was none.

    Raises:
        ValueError: if the row is damaged.
    """
    row = connection.execute(
        "SELECT result, ended, resource, reason, answer, verdict FROM sessions ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None or row[0] is None:
        return None
    result, ended, resource, reason, answer, verdict = row
    if not (isinstance(reason, str) and isinstance(answer, int | None)):
        raise ValueError(f"a session ended for the reason {reason!r} with the answer {answer!r}")
    return Ending(Result(result), Ended(ended), resource or "", reason, answer, verdict)


def has_ended(ending: Ending) -> bool:
    """Whether nothing is left to do, however large the budget."""
    return ending.ended is Ended.DONE


def latest_limits(connection: sqlite3.Connection) -> Budget | None:
    """Return the limits of the latest session; None before the first."""
    row = connection.execute("SELECT budget FROM sessions ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else Budget(**reader.from_json(row[0]))


def check_limits(given: Budget, latest: Budget | None, spend: Spend) -> None:
    """Refuse a limit that the run has passed already, unless it is the one it ran under.

    Raises:
        UsageError: if nothing could be done within it; says what is spent.
    """
    for name in LIMITS:
        limit, spent = getattr(given, name), getattr(spend, name)
        if limit is None or spent <= limit or (latest is not None and getattr(latest, name) == limit):
            continue
        option = "--max-cost" if name == "dollars" else f"--max-{name}"
        raise UsageError(
            f"the run has spent {spent:.10g} {name} already, and a limit of {limit:g} leaves nothing to do; give a"
            f" larger one, or codegrove resume {option} +N for N more (in Python extend=)"
        )
