"""Reads the database of a run: its events for the replay, its answers for adoption."""

from __future__ import annotations

import gc
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from codegrove.budget import Spend, Usage
from codegrove.candidate import Candidate
from codegrove.outcome import Outcome
from codegrove.store.coding import decode_outcome, decode_verdict
from codegrove.verdict import Verdict

EventT = TypeVar("EventT")

JUDGE, TRACE = "judge", "trace"
"""Kinds of executions."""


@dataclass(slots=True)
class EventLog(Generic[EventT]):
    """The events that count, in order."""

    events: list[EventT] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    """Row of each event."""
    outcomes: list[Outcome | None] = field(default_factory=list)
    """Outcome of each event; None for what was asked."""
    verdicts: list[tuple[Verdict, int]] = field(default_factory=list)
    """The verdicts that stand in `executions`, with their rows."""
    rewound: bool = False
    """Whether anything was left out, now or earlier."""

    def cut(self, last: int) -> None:
        """Drop what follows the event in row `last`."""
        self.rewound = True
        while self.ids and self.ids[-1] > last:
            self.ids.pop()
            self.events.pop()
            self.outcomes.pop()

    def first_refusal(self) -> int | None:
        """Return the row after which nothing was bought, because the run's budget did not allow it; None if none.

        What follows are further refusals, executions of what there was, and answers that were on their way (which
        stay on record).
        """
        for index, outcome in enumerate(self.outcomes):
            failure = None if outcome is None else outcome.failure
            if failure is None or failure.kind != "budget" or not failure.resource:
                continue
            if ":" not in failure.resource:  # limits of one role leave the others to go on
                return self.ids[index - 1] if index else 0
        return None

    def trailing_failures(self) -> int | None:
        """Return the row after which nothing came but failures for want of a model; None if nothing did.

        The first of them may have an answer (in the wrong form; asking again failed): its expansion was asked for
        before that row, so that the answer is found. Those of later ones would not be.
        """
        first = None
        for index in range(len(self.events) - 1, -1, -1):
            outcome = self.outcomes[index]
            if outcome is None:
                continue
            failure = outcome.failure
            if failure is None or failure.kind != "model" or outcome.program is not None:
                break
            first = index
            if outcome.answer:
                break
        return None if first is None else (self.ids[first - 1] if first else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply on record."""

    call: int
    text: str
    finish: str
    answered_by: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """An execution on record."""

    id: int
    expansion: int | None
    program: str
    verdict: str
    """As JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """A human's decision on record."""

    at: float
    """Seconds of running time after the start of the run."""
    what: Literal["plan", "solution"]
    expansion: int | None
    """The expansion that brought the plan; None for a solution."""
    item: int
    """Which plan of its answer, from 0."""
    asked: str
    """The text that was shown."""
    kind: Literal["accept", "edit", "reject"]
    text: str
    comment: str


def from_json(text: str) -> Any:
    """Return what a JSON column holds."""
    return json.loads(text)


def read_meta(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the table `meta`."""
    return dict(connection.execute("SELECT key, value FROM meta"))


def read_events(
    connection: sqlite3.Connection,
    asked: Callable[[int], EventT],
    told: Callable[[int, Outcome], EventT],
) -> EventLog[EventT]:
    """Return the events that count. What was rewound is left out.

    Args:
        connection: an open database.
        asked: makes an event of an expansion's number.
        told: makes an event of an expansion's number and its outcome.
    """
    log: EventLog[EventT] = EventLog()
    add_event, add_id, add_outcome = log.events.append, log.ids.append, log.outcomes.append
    add_verdict, decode = log.verdicts.append, json.JSONDecoder().raw_decode
    origins: dict[str, dict[str, Any]] = {}
    """Outcomes of which only a program is to be read here, by their text: there are few different ones."""
    for number, kind, expansion, execution, outcome, reply, program, verdict in connection.execute(_EVENTS):
        if kind == "rewound":
            log.cut(expansion)
            continue
        if kind == "asked":
            add_outcome(None)
            add_event(asked(expansion))
        elif kind == "told":
            judged = None
            if verdict:
                judged = decode_verdict(decode(verdict)[0])
                add_verdict((judged, execution))
            origin = None if program is None else origins.get(outcome)
            if origin is None:
                data = decode(outcome)[0] if outcome else {}
                decoded = decode_outcome(data, answer=reply, program=program, verdict=judged)
                if data.keys() == {"program"} and program is not None:
                    origins[outcome] = data["program"]
            else:
                decoded = Outcome(
                    answer=reply or "", program=Candidate(program=program, **origin), verdict=judged
                )
            add_outcome(decoded)
            add_event(told(expansion, decoded))
        else:
            raise ValueError(f"event {number} is of the unknown kind {kind!r}")
        add_id(number)
    return log


def read_spend(connection: sqlite3.Connection) -> Spend:
    """Return what the run has used, from its records."""
    spend = Spend()
    ended = 0.0
    for role, calls, *used, last in connection.execute(
        "SELECT role, count(*), sum(input_tokens), sum(output_tokens), coalesce(sum(dollars), 0.0),"
        " sum(dollars IS NULL), sum(estimated), sum(error IS NOT NULL), max(at) FROM calls GROUP BY role"
    ):
        spend.calls_by_role[role] = calls
        spend.calls += calls
        spend.input_tokens += used[0]
        spend.output_tokens += used[1]
        spend.dollars += used[2]
        spend.unpriced_calls += used[3]
        spend.estimated_calls += used[4]
        spend.failed_calls += used[5]
        ended = max(ended, last)
    spend.executions, *times = connection.execute(
        "SELECT count(*), max(at), (SELECT max(seconds) FROM sessions) FROM executions"
    ).fetchone()
    spend.reused, last = connection.execute("SELECT count(reused), max(at) FROM events").fetchone()
    spend.seconds = float(max(ended, last or 0.0, *(time or 0.0 for time in times)))
    return spend


def answers_of(
    connection: sqlite3.Connection, expansions: Iterable[int]
) -> dict[int, deque[tuple[bytes, Answer]]]:
    """Return the replies to the requests of these expansions, in order, each with the key of its request."""
    found: dict[int, deque[tuple[bytes, Answer]]] = {expansion: deque() for expansion in expansions}
    rows = connection.execute(
        f"SELECT {_ANSWER}, key, expansion FROM calls WHERE reply IS NOT NULL"
        " AND expansion IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(found)),),
    )
    for row in rows:
        found[row[-1]].append((row[-2], _answer(row)))
    return found


def answered_expansions(connection: sqlite3.Connection) -> list[int]:
    """Return the expansions for which a model has answered, told or not."""
    rows = connection.execute(
        "SELECT DISTINCT expansion FROM calls WHERE reply IS NOT NULL AND expansion IS NOT NULL ORDER BY expansion"
    )
    return [expansion for (expansion,) in rows]


def read_answer(connection: sqlite3.Connection, call: int) -> Answer:
    """Return the reply of one call."""
    return _answer(connection.execute(f"SELECT {_ANSWER} FROM calls WHERE id = ?", (call,)).fetchone())


def answer_keys(connection: sqlite3.Connection) -> dict[bytes, list[tuple[int, str | None]]]:
    """Return the calls that were answered, and where the answer was bought, by key of the request, in order."""
    found: dict[bytes, list[tuple[int, str | None]]] = {}
    rows = connection.execute("SELECT key, id, origin FROM calls WHERE reply IS NOT NULL ORDER BY id")
    for key, number, origin in rows:
        found.setdefault(key, []).append((number, origin))
    return found


def run_id(connection: sqlite3.Connection) -> str:
    """Return what tells a run from all others, wherever its directory is."""
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()
    return str(from_json(value))


def origins(connection: sqlite3.Connection) -> set[str]:
    """Return where the answers were bought that a run has taken from others."""
    return {row[0] for row in connection.execute("SELECT origin FROM calls WHERE origin IS NOT NULL")}


def latest_reuse(connection: sqlite3.Connection) -> list[str]:
    """Return the directories whose answers the latest session might take."""
    row = connection.execute("SELECT reuse FROM sessions ORDER BY id DESC LIMIT 1").fetchone()
    return [] if row is None else [str(path) for path in from_json(row[0])]


def last_execution(connection: sqlite3.Connection) -> int:
    """Return the row of the latest execution; 0 if there is none."""
    (found,) = connection.execute("SELECT coalesce(max(id), 0) FROM executions").fetchone()
    return int(found)


def find_executions(
    connection: sqlite3.Connection, kind: str, program_key: str, tests: bytes, setting: bytes, *, last: int
) -> list[ExecutionRecord]:
    """Return the executions of programs that are the same but for layout, on the same tests, the latest first.

    Those after row `last` are left out.
    """
    if not last:
        return []
    rows = connection.execute(
        "SELECT x.id, x.expansion, t.text, x.verdict FROM executions AS x JOIN texts AS t ON t.id = x.program"
        " WHERE x.program_key = ? AND x.kind = ? AND x.tests = ? AND x.setting = ? AND x.id <= ?"
        " ORDER BY x.id DESC",
        (program_key, kind, tests, setting, last),
    )
    return [ExecutionRecord(id=row[0], expansion=row[1], program=row[2], verdict=row[3]) for row in rows]


def read_decisions(connection: sqlite3.Connection) -> list[DecisionRecord]:
    """Return the decisions of humans, in order."""
    rows = connection.execute(
        "SELECT d.at, d.what, d.expansion, d.item, t.text, d.decision, d.text, d.comment"
        " FROM decisions AS d JOIN texts AS t ON t.id = d.asked ORDER BY d.id"
    )
    return [
        DecisionRecord(
            at=row[0],
            what=row[1],
            expansion=row[2],
            item=row[3],
            asked=row[4],
            kind=row[5],
            text=row[6] or "",
            comment=row[7] or "",
        )
        for row in rows
    ]


def read_execution(connection: sqlite3.Connection, number: int) -> ExecutionRecord:
    """Return one execution."""
    row = connection.execute(
        "SELECT x.id, x.expansion, t.text, x.verdict FROM executions AS x JOIN texts AS t ON t.id = x.program"
        " WHERE x.id = ?",
        (number,),
    ).fetchone()
    return ExecutionRecord(id=row[0], expansion=row[1], program=row[2], verdict=row[3])


def verdict_from_json(text: str) -> Verdict:
    """Rebuild a verdict as it stands in `executions`."""
    return decode_verdict(json.loads(text))


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking over what is being built: it doubles the time of large runs.

    What was built stays for long. It is counted among the old objects at once: switched on again, the collector
    would otherwise begin with a walk over all of it.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            if not gc.get_freeze_count():  # else the caller has objects frozen, and they stay so
                gc.freeze()
                gc.unfreeze()
            gc.enable()


_EVENTS = (
    "SELECT e.id, e.kind, e.expansion, e.execution, e.outcome, c.reply, t.text, x.verdict"
    " FROM events AS e LEFT JOIN calls AS c ON c.id = e.call LEFT JOIN texts AS t ON t.id = e.program"
    " LEFT JOIN executions AS x ON x.id = e.execution ORDER BY e.id"
)
_ANSWER = "id, reply, finish, answered_by, input_tokens, output_tokens, dollars, estimated"


def _answer(row: tuple[object, ...]) -> Answer:
    number, text, finish, answered_by, read, written, dollars, estimated = row[:8]
    assert isinstance(number, int) and isinstance(text, str)
    assert isinstance(read, int) and isinstance(written, int)
    assert dollars is None or isinstance(dollars, float | int)
    return Answer(
        call=number,
        text=text,
        finish=str(finish or "stop"),
        answered_by=str(answered_by or ""),
        usage=Usage(read, written, dollars, bool(estimated)),
    )
