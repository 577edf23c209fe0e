"""A run directory opened for reading: the tree, the calls, what they cost, and tables of all of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from codegrove.budget import Budget, Spend
from codegrove.candidate import Candidate
from codegrove.errors import RunError, TreeError
from codegrove.graphs.end import NOT_ENDED, Ended
from codegrove.graphs.recipe.schema import Recipe
from codegrove.graphs.solution import Result, Solution
from codegrove.runs.ending import Ending, has_ended, latest_limits, read_ending
from codegrove.runs.record import RunRecord
from codegrove.runs.solution import as_edited, recorded_answer
from codegrove.search.policy import Policy
from codegrove.search.registry import make_policy
from codegrove.search.search import Asked, Event, Search, Told
from codegrove.search.tree import SearchTree
from codegrove.store import database, reader
from codegrove.task import Task
from codegrove.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One model call on record."""

    id: int
    at: float
    """Seconds of running time after the start of the run at which the answer was there."""
    expansion: int | None
    node: int | None
    """The node the expansion worked at."""
    role: str
    action: str
    model: str
    prompt: str
    """Id of the prompt."""
    draw: int
    messages: tuple[tuple[str, str], ...]
    """Role and text of each message, as the model was sent them."""
    reply: str | None
    error: str | None
    error_kind: str | None
    """See `codegrove.errors.ModelError`."""
    finish: str | None
    answered_by: str
    """The model's name in the provider's words; empty if it gave none."""
    attempts: int
    """How often the question was sent; 0 for an answer that was found."""
    input_tokens: int
    output_tokens: int
    estimated: bool
    dollars: float | None
    """None when the price is unknown."""
    seconds: float
    adopted: str
    """Empty for a call that was bought; else where its answer was found."""
    origin: str
    """Where an answer of another run was bought, as ``RUN:CALL``; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution on record."""

    id: int
    at: float
    expansion: int | None
    kind: str
    """``judge`` or ``trace``."""
    program: str
    status: str
    verdict: Verdict | None
    """None for a trace."""
    adopted: str


class Run:
    """A recorded run. Reading changes nothing, also while another process works on it.

    `Run.open(directory)` makes one; it is a picture of that moment.
    """

    def __init__(
        self,
        directory: Path,
        record: RunRecord,
        events: list[Event],
        ending: Ending | None,
        spend: Spend,
    ) -> None:
        self.directory = directory
        self.record = record
        self.events = tuple(events)
        self.spend = spend
        self._ending = ending
        self.nodes_of: dict[int, tuple[int, ...]] = {}
        """The nodes that each answered expansion brought."""
        self.work_at: dict[int, int] = {}
        """The node that each expansion worked at."""
        self._policy: Policy = make_policy(record.recipe.policy)
        search = Search(record.task, self._policy, seed=record.seed)
        for event in events:
            before = len(search.tree)
            search.replay((event,))
            if isinstance(event, Asked):
                self.work_at[event.expansion] = search.open[event.expansion].node
            else:
                self.nodes_of[event.expansion] = tuple(range(before, len(search.tree)))
        self.tree: SearchTree = search.tree
        self.spend.nodes = len(self.tree) - 1

    @classmethod
    def open(cls, directory: str | Path) -> Run:
        """Open a run directory.

        Raises:
            RunError: if there is none, or it is foreign, damaged or of another version.
        """
        path = Path(directory)
        with database.reading(path) as connection, reader.collector_paused():
            try:
                connection.execute("BEGIN")  # one moment, whatever is written meanwhile
                record = RunRecord.from_meta(reader.read_meta(connection))
                log: reader.EventLog[Event] = reader.read_events(connection, Asked, Told)
                ending, spend = read_ending(connection), reader.read_spend(connection)
                return cls(path, record, log.events, ending, spend)
            except TreeError as error:
                raise RunError(
                    f"the run in {path} cannot be replayed: {error}; was it made by another version of codegrove?"
                ) from None

    @property
    def task(self) -> Task:
        """What was to be solved."""
        return self.record.task

    @property
    def recipe(self) -> Recipe:
        """The recipe as run."""
        return self.record.recipe

    @property
    def seed(self) -> int:
        """Start of all randomness."""
        return self.record.seed

    @property
    def simulated(self) -> bool:
        """Whether any answer came from the simulated programmer."""
        return self.record.simulated

    @property
    def finished(self) -> bool:
        """Whether the search was done; if not, the run can go on."""
        return self._ending is not None and has_ended(self._ending)

    @property
    def reason(self) -> str:
        """Why the latest session ended."""
        if self._ending is None:
            return NOT_ENDED.reason
        return self._ending.reason

    @property
    def ended(self) -> Ended:
        """What ended the latest session."""
        return NOT_ENDED.kind if self._ending is None else self._ending.ended

    @cached_property
    def answer(self) -> int | None:
        """The node the method returned, or would return now."""
        return recorded_answer(self._ending, self._policy, self.tree)

    @property
    def solution(self) -> Solution:
        """The solution as it stands; unverified as long as no session has reached its end."""
        ending, node = self._ending, self.answer
        known = ending is not None and node == ending.answer
        verdict = None
        if ending is not None and known and ending.verdict is not None:
            with database.undamaged(self.directory):
                verdict = reader.verdict_from_json(ending.verdict)
        return Solution(
            task_id=self.task.id,
            recipe=self.recipe.name,
            result=ending.result if ending is not None and known else Result.UNVERIFIED,
            reason=self.reason,
            ended=self.ended,
            resource="" if ending is None else ending.resource,
            candidate=self._candidate(node),
            verdict=verdict,
            node=node,
            spend=self.spend,
            simulated=self.simulated,
            tree=self.tree,
        )

    @cached_property
    def decisions(self) -> tuple[reader.DecisionRecord, ...]:
        """What humans were asked and said, in order."""
        with database.reading(self.directory) as connection:
            return tuple(reader.read_decisions(connection))

    def _candidate(self, node: int | None) -> Candidate | None:
        found = None if node is None else self.tree[node].program
        return found if self._ending is None else as_edited(found, self.decisions)

    @cached_property
    def limits(self) -> Budget:
        """The limits of the latest session."""
        with database.reading(self.directory) as connection:
            return latest_limits(connection) or self.recipe.budget.to_budget()

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All model calls, in the order they ended."""
        with database.reading(self.directory) as connection:
            texts = dict(connection.execute("SELECT id, text FROM texts"))
            rows = connection.execute(
                "SELECT id, at, expansion, role, action, model, prompt, draw, messages, reply, error, finish,"
                " input_tokens, output_tokens, estimated, dollars, seconds, adopted, error_kind, answered_by,"
                " attempts, origin FROM calls ORDER BY id"
            ).fetchall()
            return tuple(
                Call(
                    id=row[0],
                    at=row[1],
                    expansion=row[2],
                    node=None if row[2] is None else self.work_at.get(row[2]),
                    role=row[3],
                    action=row[4],
                    model=row[5],
                    prompt=row[6],
                    draw=row[7],
                    messages=tuple(
                        (role, "".join(texts[i] for i in ids)) for role, ids in json.loads(row[8])
                    ),
                    reply=row[9],
                    error=row[10],
                    finish=row[11],
                    input_tokens=row[12],
                    output_tokens=row[13],
                    estimated=bool(row[14]),
                    dollars=row[15],
                    seconds=row[16],
                    adopted=row[17] or "",
                    error_kind=row[18],
                    answered_by=row[19] or "",
                    attempts=row[20],
                    origin=row[21] or "",
                )
                for row in rows
            )

    @cached_property
    def executions(self) -> tuple[Execution, ...]:
        """All executions, in the order they ended."""
        with database.reading(self.directory) as connection:
            rows = connection.execute(
                "SELECT x.id, x.at, x.expansion, x.kind, t.text, x.status, x.verdict, x.adopted"
                " FROM executions AS x JOIN texts AS t ON t.id = x.program ORDER BY x.id"
            ).fetchall()
            return tuple(
                Execution(
                    id=row[0],
                    at=row[1],
                    expansion=row[2],
                    kind=row[3],
                    program=row[4],
                    status=row[5],
                    verdict=reader.verdict_from_json(row[6]) if row[3] == "judge" else None,
                    adopted=row[7] or "",
                )
                for row in rows
            )

    def spend_by_role(self) -> dict[str, Spend]:
        """Return what the calls of each role used."""
        found: dict[str, Spend] = {}
        for call in self.calls:
            _add(found.setdefault(call.role, Spend()), call)
        return found

    def spend_by_node(self) -> dict[int, Spend]:
        """Return what the calls for each node used: those of the expansion that brought it.

        One that brought several nodes counts at the first of them, one that brought none at the node it worked at.
        """
        found: dict[int, Spend] = {}
        for call in self.calls:
            if call.expansion is None:
                continue
            brought = self.nodes_of.get(call.expansion, ())
            node = brought[0] if brought else self.work_at.get(call.expansion, 0)
            _add(found.setdefault(node, Spend()), call)
        return found

    def calls_frame(self) -> pd.DataFrame:
        """Return the calls as a data frame, one row each. Needs pandas."""
        return _frame([_flat(call) for call in self.calls])

    def executions_frame(self) -> pd.DataFrame:
        """Return the executions as a data frame, one row each. Needs pandas."""
        rows = []
        for item in self.executions:
            row = _flat(replace(item, verdict=None))
            verdict = item.verdict
            row["passed"] = None if verdict is None else verdict.passed_count
            row["tests"] = None if verdict is None else len(verdict.results)
            row["seconds"] = None if verdict is None else verdict.seconds
            row.pop("verdict")
            rows.append(row)
        return _frame(rows)

    def nodes_frame(self) -> pd.DataFrame:
        """Return the nodes as a data frame, one row each. Needs pandas."""
        graph = self.tree.to_networkx()
        parents = {node.id: node.parents[0] if node.parents else None for node in self.tree}
        rows = [{"id": node, "parent": parents[node], **data} for node, data in graph.nodes(data=True)]
        return _frame(rows)

    def __repr__(self) -> str:
        return f"<Run {self.task.id!r} with {self.recipe.name!r}: {len(self.tree)} nodes, {self.reason}>"

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        from codegrove.search import drawing  # only displays need it

        plain = self.solution.summary()
        return {
            "text/plain": f"{plain}\n{drawing.text(self.tree, answer=self.answer, most=60)}",
            "text/html": f"<pre>{escape(plain)}</pre>{drawing.svg(self.tree, answer=self.answer)}",
        }


def _add(spend: Spend, call: Call) -> None:
    spend.calls += 1
    spend.failed_calls += call.error is not None
    spend.input_tokens += call.input_tokens
    spend.output_tokens += call.output_tokens
    spend.estimated_calls += call.estimated
    spend.seconds += call.seconds
    if call.dollars is None:
        spend.unpriced_calls += 1
    else:
        spend.dollars += call.dollars


def _flat(record: Call | Execution) -> dict[str, object]:
    return {name: getattr(record, name) for name in type(record).__slots__}


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    try:
        import pandas as pd  # an optional package, and heavy
    except ImportError:
        raise RunError("data frames need pandas; install it, e.g. pip install pandas") from None
    return pd.DataFrame(rows)
