"""From a finished run to what its report shows."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from importlib.metadata import version

from codegrove.budget import Budget
from codegrove.graphs.solution import Solution
from codegrove.report.data import (
    HiddenGrade,
    Mark,
    ReportCall,
    ReportData,
    ReportNode,
    ReportResult,
    ReportTest,
    ReportVerdict,
    Tally,
)
from codegrove.search import drawing
from codegrove.search.scoring import GIVEN, WRITTEN
from codegrove.search.tree import Node, SearchTree
from codegrove.task import AssertTest, CallTest, Origin, StdioTest, Task, Test
from codegrove.verdict import Status, Verdict, overall

EDITED = "a human edited the answer's program before the run was over (see solution.py)"
OUTLINE_ROWS = 120
"""Rows of the tree in the text for readers without JavaScript."""
_NOT_RUN = "not_run"
_MARKS: Mapping[str, Mark] = {
    Status.PASSED: "passed",
    Status.FAILED: "failed",
    Status.CRASHED: "crashed",
    Status.TIMED_OUT: "crashed",
    Status.INVALID: "crashed",
    Status.UNJUDGED: "unjudged",
    _NOT_RUN: "unjudged",
}


def report_data(
    *,
    task: Task,
    tree: SearchTree,
    solution: Solution,
    recipe_yaml: str = "",
    calls: Sequence[ReportCall] = (),
    added: Mapping[int, Sequence[int]] | None = None,
    budget: Budget | None = None,
    seed: int | None = None,
    workers: int | None = None,
    hidden: Verdict | HiddenGrade | None = None,
) -> ReportData:
    """Gather what the report of a run shows.

    Args:
        task: what was asked.
        tree: the search tree at the end of the run.
        solution: how the run ended: answer node, result, reason and spend.
        recipe_yaml: the recipe as run.
        calls: the model calls, in the order they ended.
        added: the nodes each expansion added, by expansion id; without it a call is shown at the node it
            worked at, not at those it made.
        budget: the limits of the run; None shows no limits.
        seed: start of all randomness.
        workers: branches worked on at the same time.
        hidden: verdict of the hidden tests on the answer; None says "not graded".
    """
    tests = _Tests(task)
    verdicts: dict[int, ReportVerdict] = {}  # reused executions share one verdict object
    nodes = tuple(_node(node, tests, verdicts) for node in tree)
    return ReportData(
        task_id=task.id,
        statement=task.statement,
        stub=task.stub,
        task_tests=tests.places(task.tests),
        recipe=solution.recipe,
        recipe_yaml=recipe_yaml,
        models=_models(calls),
        simulated=solution.simulated or any(call.simulated for call in calls),
        seed=seed,
        workers=workers,
        result=solution.result.value,
        # The page shows the program of the answer's node.
        reason=f"{solution.reason}; {EDITED}" if solution.edited else solution.reason,
        answer=solution.node,
        spend=solution.spend,
        limits=_limits(budget or Budget()),
        hidden=_hidden(hidden),
        tests=tuple(tests.rows),
        nodes=nodes,
        calls=tuple(calls),
        added={expansion: tuple(ids) for expansion, ids in (added or {}).items()},
        outline=drawing.text(tree, answer=solution.node, most=OUTLINE_ROWS),
        version=version("codegrove"),
    )


class _Tests:
    """Every distinct test once, in words."""

    def __init__(self, task: Task) -> None:
        self.rows: list[ReportTest] = []
        self._entry_point = task.entry_point
        self._places: dict[Test, int] = {}
        self._known: dict[tuple[int, ...], tuple[int, ...]] = {}

    def places(self, tests: Sequence[Test]) -> tuple[int, ...]:
        """Return where the tests stand in `rows`; new ones are added."""
        key = tuple(map(id, tests))  # thousands of nodes share one tuple of tests, which lives in the tree
        if key not in self._known:
            self._known[key] = tuple(self._place(test) for test in tests)
        return self._known[key]

    def _place(self, test: Test) -> int:
        place = self._places.get(test)
        if place is None:
            place = self._places[test] = len(self.rows)
            self.rows.append(_in_words(test, self._entry_point))
        return place


def _in_words(test: Test, entry_point: str | None) -> ReportTest:
    given, expected = test.describe(entry_point), ""
    if isinstance(test, CallTest):
        expected = test.expected
        given = given.removesuffix(f" == {expected}")
    elif isinstance(test, StdioTest):
        given, expected = test.stdin, test.expected
    else:
        assert isinstance(test, AssertTest)
    return ReportTest(input=given, expected=expected, origin=test.origin.value, kind=test.kind)


def _node(node: Node, tests: _Tests, verdicts: dict[int, ReportVerdict]) -> ReportNode:
    program = node.program
    verdict = node.verdict
    shown = None
    if verdict is not None:
        shown = verdicts.get(id(verdict))
        if shown is None:
            shown = verdicts[id(verdict)] = _verdict(verdict)
    status = _status(node)
    visits = node.visits
    spread = node.total_squares / visits - node.mean**2 if visits else 0.0
    return ReportNode(
        parents=node.parents,
        kind=node.kind,
        mark=_MARKS.get(status, "none"),
        status=status,
        text=node.text,
        program=program.program if program is not None else None,
        origin=(program.action, program.prompt, program.model) if program is not None else ("", "", ""),
        tests=tests.places(node.tests),
        verdict=shown,
        visible=_tally(node, GIVEN),
        written=_tally(node, WRITTEN),
        review=node.review,
        notes=_notes(node.data),
        reward=_finite(node.reward),
        prior=_finite(node.prior),
        visits=visits,
        pending=node.pending,
        mean=_finite(node.mean) if visits else None,
        best=_finite(node.best),
        deviation=_finite(math.sqrt(max(0.0, spread))) if visits > 1 and math.isfinite(spread) else None,
    )


def _status(node: Node) -> str:
    """Judge by the task's own tests; by the written ones only where the task has none."""
    verdict = node.verdict
    if node.program is None:
        return ""
    if verdict is None:
        return _NOT_RUN
    if verdict.status is Status.INVALID:
        return verdict.status.value
    pairs = zip(node.tests, verdict.results, strict=False)
    given = [result.status for test, result in pairs if test.origin in GIVEN]
    return (overall(given) if given else verdict.status).value


def _tally(node: Node, origins: Collection[Origin]) -> Tally:
    total = sum(test.origin in origins for test in node.tests)
    if node.verdict is None or not total:
        return (0, 0, total)
    if node.verdict.status is Status.INVALID:
        return (0, total, total)  # what is no program fails every test, see search.scoring.share_passed
    passed = judged = 0
    for test, result in zip(node.tests, node.verdict.results, strict=False):
        if test.origin in origins:
            passed += result.status is Status.PASSED
            judged += result.status is not Status.UNJUDGED
    return (passed, judged, total)


def _verdict(verdict: Verdict) -> ReportVerdict:
    return ReportVerdict(
        status=verdict.status.value,
        results=tuple(
            ReportResult(
                status=result.status.value,
                output=result.output,
                error=str(result.error) if result.error is not None else "",
                seconds=result.seconds,
            )
            for result in verdict.results
        ),
        error=str(verdict.error) if verdict.error is not None else "",
        stdout=verdict.stdout,
        stderr=verdict.stderr,
        seconds=verdict.seconds,
        memory_mb=verdict.memory_mb,
        limit=verdict.limit,
        level=verdict.level,
        note=verdict.note,
    )


def _notes(data: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Show a policy's own data as text; lists of texts one after the other."""
    notes = []
    for name, value in data.items():
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            notes.append((name, "\n\n".join(value)))
        else:
            notes.append((name, value if isinstance(value, str) else json.dumps(value, default=str)))
    return tuple(notes)


def _models(calls: Sequence[ReportCall]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    used: dict[str, dict[str, None]] = {}
    for call in calls:
        used.setdefault(call.model, {})[call.role] = None
    return tuple((model, tuple(roles)) for model, roles in used.items())


def _limits(budget: Budget) -> dict[str, float]:
    names = [f.name for f in fields(budget) if f.name not in ("role_calls", "answer_tokens")]
    limits = {name: limit for name in names if (limit := getattr(budget, name)) is not None}
    return limits | {f"{role} calls": limit for role, limit in budget.role_calls.items()}


def _hidden(verdict: Verdict | HiddenGrade | None) -> HiddenGrade | None:
    if verdict is None or isinstance(verdict, HiddenGrade):
        return verdict
    return HiddenGrade(
        status=verdict.status.value,
        passed=verdict.passed_count,
        total=len(verdict.results),
        note=verdict.note,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
