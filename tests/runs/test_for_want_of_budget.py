"""What the budget did not allow is no failed attempt: a run that goes on with more of it takes it up."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest

from codegrove import Budget, Run, resume, solve
from codegrove.api import run_in
from codegrove.errors import ModelError
from codegrove.graphs.assemble import assemble
from codegrove.graphs.end import Ended
from codegrove.graphs.portal import run_sync
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Solution
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.runs.directory import RunDirectory
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.conformance.machine import Answers, exemplars
from tests.crash.campaign import signature
from tests.runs.test_directory import TASK, answer, share

CODET: dict[str, Any] = {"policy.programs": 6, "policy.test_answers": 4}


def write(request: Request) -> str:
    """Programs and tests that depend on the question only."""
    if request.answer_format == "tests":
        return f"```python\nassert f({request.draw}) == {request.draw}\n```"
    return answer(request)


def codet(out: Path, calls: int | None, **settings: Any) -> Solution:
    given = {"model": ScriptedModel(write), "sandbox": ScriptedSandbox(share), "overrides": CODET, **settings}
    budget = None if calls is None else Budget(calls=calls)
    return solve(TASK, "codet", out=out, budget=budget, **given)


@pytest.mark.parametrize("calls", range(1, 10))
def test_a_cut_sampling_goes_on_as_if_it_had_never_ended(tmp_path: Path, calls: int) -> None:
    whole = codet(tmp_path / "whole", None)
    assert (whole.spend.calls, whole.ended) == (10, Ended.DONE)
    first = codet(tmp_path / "run", calls)
    assert (first.ended, first.resource, first.spend.calls) == (Ended.BUDGET, "calls", calls)
    assert not Run.open(tmp_path / "run").finished
    again = codet(tmp_path / "run", calls)
    assert (again.node, again.reason, again.spend.calls) == (first.node, first.reason, calls)
    model = ScriptedModel(write)
    second = codet(tmp_path / "run", 50, model=model)
    assert (len(model.requests), second.spend.calls) == (10 - calls, 10)
    assert second.tree is not None and whole.tree is not None
    assert signature(second.tree) == signature(whole.tree)
    assert second.tree.root.data == whole.tree.root.data, "nothing is booked as failed"
    assert (second.node, second.reason, second.ended) == (whole.node, whole.reason, Ended.DONE)
    run = Run.open(tmp_path / "run")
    assert run.finished and signature(run.tree) == signature(whole.tree)


@pytest.mark.parametrize("workers", [2, 5])
def test_so_it_does_with_several_workers(tmp_path: Path, workers: int) -> None:
    first = codet(tmp_path / "run", 8, workers=workers)
    assert (first.ended, first.spend.calls) == (Ended.BUDGET, 8)
    model = ScriptedModel(write)
    second = codet(tmp_path / "run", 50, workers=workers, model=model)
    assert (len(model.requests), second.spend.calls, second.ended) == (2, 10, Ended.DONE)
    assert second.tree is not None
    assert len(second.tree.generated_tests) == 4 and not second.tree.root.data


def test_what_is_drawn_is_still_judged_on_the_tests_there_are(tmp_path: Path) -> None:
    """Tests come before the last programs or after them: what there is decides, not the visible tests."""
    sandbox = ScriptedSandbox(lambda program, tests: 1.0)
    first = codet(tmp_path / "run", 8, sandbox=sandbox)
    assert first.solved and first.ended is Ended.BUDGET, "solved, but not all was drawn that the method wants"
    assert first.tree is not None
    generated = {node.tests for node in first.tree.programs()}
    assert generated == {tuple(dict.fromkeys(first.tree.generated_tests))}


def recalling(request: Request) -> str:
    if request.action != "recall":
        return Answers().plain(request)
    return exemplars(3) if request.prompt == "shared/repair_format" else "I recall nothing readable."


def mapcoder(out: Path, calls: int | None, **settings: Any) -> Solution:
    given = {"model": ScriptedModel(recalling), "sandbox": ScriptedSandbox(share), **settings}
    return solve(TASK, "mapcoder", out=out, budget=None if calls is None else Budget(calls=calls), **given)


def test_a_repair_of_the_format_that_was_not_allowed_is_made_up_for(tmp_path: Path) -> None:
    whole = mapcoder(tmp_path / "whole", None)
    first = mapcoder(tmp_path / "run", 1)
    assert (first.ended, first.spend.calls) == (Ended.BUDGET, 1)
    model = ScriptedModel(recalling)
    second = mapcoder(tmp_path / "run", 500, model=model)
    assert model.requests[0].prompt == "shared/repair_format"
    assert "exemplar description 1" in model.requests[1].messages[-1].text
    assert second.tree is not None and whole.tree is not None
    assert signature(second.tree) == signature(whole.tree)
    assert second.spend.calls == whole.spend.calls


def test_a_limit_of_one_role_is_still_a_failed_attempt(tmp_path: Path) -> None:
    limited = Budget(calls=100, role_calls={"planner": 1})
    solution = solve(
        TASK,
        "mapcoder",
        out=tmp_path / "run",
        model=ScriptedModel(recalling),
        sandbox=ScriptedSandbox(share),
        budget=limited,
    )
    assert solution.resource == "calls:planner" and solution.program is not None


def test_a_repair_that_was_not_sent_is_made_up_for(tmp_path: Path) -> None:
    """A run is stopped while an unreadable answer is on its way; the question it leads to is not sent."""
    sessions: list[Session] = []

    def stopping(request: Request) -> str:
        sessions[0].stop("enough")
        return recalling(request)

    out = tmp_path / "run"
    assembly = assemble("mapcoder", model=ScriptedModel(stopping), sandbox=ScriptedSandbox(share))
    with RunDirectory(out, assembly, TASK) as directory:
        sessions.append(directory.session)
        first = run_sync(run_in(directory, assembly))
    assert (first.ended, first.spend.calls) == (Ended.STOPPED, 1)
    model = ScriptedModel(recalling)
    second = resume(out, model=model, sandbox=ScriptedSandbox(share))
    whole = mapcoder(tmp_path / "whole", None)
    assert model.requests[0].prompt == "shared/repair_format"
    assert second.tree is not None and whole.tree is not None
    assert signature(second.tree) == signature(whole.tree)


def test_an_outage_in_the_middle_of_a_repair_is_no_failed_attempt(tmp_path: Path) -> None:

    numbers = itertools.count(1)

    def failing(request: Request) -> Any:
        return recalling(request) if next(numbers) == 1 else ModelError("no such host", kind="connection")

    first = mapcoder(tmp_path / "run", None, model=ScriptedModel(failing))
    assert first.ended is Ended.MODEL
    model = ScriptedModel(recalling)
    second = mapcoder(tmp_path / "run", None, model=model)
    whole = mapcoder(tmp_path / "whole", None)
    assert model.requests[0].prompt == "shared/repair_format"
    assert second.tree is not None and whole.tree is not None
    assert signature(second.tree) == signature(whole.tree)


@pytest.mark.parametrize("workers", [1, 6])
def test_a_paid_program_that_could_not_be_executed_is_judged_later(tmp_path: Path, workers: int) -> None:
    settings: dict[str, Any] = {
        "sandbox": ScriptedSandbox(share),
        "workers": workers,
        "overrides": {"policy.expansions": 12, "policy.width": 12},
    }
    first = solve(
        TASK,
        "uct",
        out=tmp_path / "run",
        model=ScriptedModel(answer),
        budget=Budget(executions=3),
        **settings,
    )
    assert (first.ended, first.resource) == (Ended.BUDGET, "executions")
    paid = first.spend.calls
    model = ScriptedModel(answer)
    second = solve(TASK, "uct", out=tmp_path / "run", model=model, budget=Budget(executions=50), **settings)
    assert second.spend.calls == 12 and len(model.requests) == 12 - paid
    assert second.tree is not None
    assert all(node.verdict is not None for node in second.tree.programs())


def plainly(request: Request) -> str:
    """An answer in the right form that depends on the question only."""
    return answer(request) if request.answer_format == "code" else Answers().plain(request)


def test_a_trace_that_could_not_be_executed_is_made_later(tmp_path: Path) -> None:
    def run(out: Path, executions: int | None) -> Solution:
        return solve(
            TASK,
            "rethinkmcts",
            out=out,
            model=ScriptedModel(plainly),
            sandbox=ScriptedSandbox(lambda program, tests: 0.25, traceable=False),
            overrides={"policy.rollouts": 3},
            budget=Budget(executions=executions),
        )

    whole = run(tmp_path / "whole", None)
    for limit in range(1, whole.spend.executions, 2):
        out = tmp_path / str(limit)
        first = run(out, limit)
        assert (first.ended, first.resource) == (Ended.BUDGET, "executions")
        second = run(out, 1000)
        assert second.tree is not None and whole.tree is not None
        assert signature(second.tree) == signature(whole.tree), limit


class Snapshots:
    """Copies the run directory as it stands at every event: what a kill leaves there."""

    def __init__(self, run: Path, folder: Path) -> None:
        self._run, self._folder = run, folder
        self.taken: list[Path] = []

    def asked(self, *_: object) -> None:
        self._take()

    def told(self, *_: object) -> None:
        self._take()

    def called(self, *_: object) -> None:
        self._take()

    def _take(self) -> None:
        copy = self._folder / str(len(self.taken))
        shutil.copytree(self._run, copy)
        self.taken.append(copy)


def test_killed_while_it_executes_what_it_has_a_run_goes_on_all_the_same(tmp_path: Path) -> None:
    whole = codet(tmp_path / "whole", None)
    snapshots = Snapshots(tmp_path / "run", tmp_path)
    codet(tmp_path / "run", 8, observers=[snapshots])
    assert whole.tree is not None and len(snapshots.taken) > 30
    for killed in snapshots.taken[::3]:
        bought = Run.open(killed).spend.calls
        model = ScriptedModel(write)
        second = codet(killed, 50, model=model)
        assert (len(model.requests), second.spend.calls) == (10 - bought, 10)
        assert second.tree is not None
        assert signature(second.tree) == signature(whole.tree)
        assert (second.node, second.ended) == (whole.node, Ended.DONE)
