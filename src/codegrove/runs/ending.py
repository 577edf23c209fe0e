"""How the latest session of a run ended, and within which limits it was to keep."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from codegrove.budget import LIMITS, Budget, Spend
from codegrove.errors import UsageError
from codegrove.graphs.end import Ended
from codegrove.graphs.solution import Result
from codegrove.store import reader

OPTIONS = {name: "--max-cost" if name == "dollars" else f"--max-{name}" for name in LIMITS}
"""What the command line calls the limits of a run."""


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
    """Return the limits of the latest session; None before the first.

    Raises:
        ValueError: if they cannot be read.
    """
    row = connection.execute("SELECT budget FROM sessions ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    try:
        return Budget(**reader.from_json(row[0]))
    except (TypeError, AttributeError, UsageError):
        raise ValueError(f"limits {row[0]:.100} are none that this version of codegrove knows") from None


def check_limits(given: Budget, latest: Budget | None, spend: Spend) -> None:
    """Refuse a limit that the run has passed already, unless it is the one it ran under.

    Raises:
        UsageError: if nothing could be done within it; says what is spent.
    """
    latest = latest or Budget()
    limits = [(name, getattr(spend, name), getattr(given, name), getattr(latest, name)) for name in LIMITS]
    limits += [
        (f"calls of role {role}", spend.calls_by_role.get(role, 0), limit, latest.role_calls.get(role))
        for role, limit in given.role_calls.items()
    ]
    for name, spent, limit, before in limits:
        if limit is None or spent <= limit or limit == before:
            continue
        more = "extend= for more (in Python)"
        if name in OPTIONS:
            more = f"codegrove resume {OPTIONS[name]} +N for N more (in Python extend=)"
        raise UsageError(
            f"the run has spent {spent:.10g} {name} already, and a limit of {limit:g} leaves nothing to do; give a"
            f" larger one, or {more}"
        )
