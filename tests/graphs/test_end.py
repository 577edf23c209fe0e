"""Endings are told apart by their kind; their words may change and decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegrove import Budget, Run, asolve, solve
from codegrove.account import Sweep
from codegrove.approval import Decision
from codegrove.cli.running import _more, exit_code
from codegrove.errors import BudgetExceeded, ModelError
from codegrove.evaluation.engines import _is_final
from codegrove.graphs.end import End, Ended
from codegrove.graphs.recipe import load_recipe
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Solution
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.runs.solution import summary
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.conformance.machine import TASK, Answers


def half(program: str, tests: Sequence[object]) -> float:
    return 0.5


def down(request: Request) -> str:
    raise ModelError("no such key", kind="auth")


class Stopper:
    """Ends a run when its first answer is in."""

    def __init__(self, why: End | str) -> None:
        self.why = why

    def asked(self, session: Session, *_: object) -> None: ...

    def told(self, session: Session, *_: object) -> None:
        session.stop(self.why)

    def called(self, session: Session, *_: object) -> None: ...


ENDS: list[tuple[Callable[[], dict[str, Any]], Ended, str, bool]] = [
    (lambda: {"recipe": "direct"}, Ended.DONE, "", True),
    (lambda: {"budget": Budget(calls=3)}, Ended.BUDGET, "calls", True),
    (lambda: {"budget": Budget(executions=1)}, Ended.BUDGET, "executions", True),
    (lambda: {"budget": Budget(nodes=2)}, Ended.BUDGET, "nodes", True),
    (lambda: {"budget": Budget(seconds=0)}, Ended.BUDGET, "seconds", True),
    (lambda: {"sweep": Sweep(Budget(calls=3))}, Ended.SWEEP, "calls", False),
    (lambda: {"sweep": Sweep(Budget(executions=1))}, Ended.SWEEP, "executions", False),
    (lambda: {"model": ScriptedModel(down)}, Ended.MODEL, "", False),
    (lambda: {"observers": [Stopper("enough, the sweep's or not")]}, Ended.STOPPED, "", False),
    (lambda: {"observers": [Stopper("the search is done")]}, Ended.STOPPED, "", False),
    (lambda: {"observers": [Stopper(End.error("x"))]}, Ended.ERROR, "", False),
    (
        lambda: {
            "recipe": load_recipe("direct", ["approve=[solution]"]),
            "approver": lambda request: Decision.reject("the sweep's"),
        },
        Ended.REJECTED,
        "",
        False,
    ),
]


@pytest.mark.parametrize(("settings", "ended", "resource", "final"), ENDS)
async def test_how_runs_end(
    tmp_path: Path, settings: Callable[[], dict[str, Any]], ended: Ended, resource: str, final: bool
) -> None:
    given: dict[str, Any] = {
        "recipe": "uct",
        "model": ScriptedModel(Answers()),
        "sandbox": ScriptedSandbox(half),
        "workers": 1,
        **settings(),
    }
    solution = await asolve(TASK, out=tmp_path / "run", **given)
    assert (solution.ended, solution.resource) == (ended, resource), solution.reason
    assert _is_final(solution) == final
    # It is on record, and what is decided by it does not look at the words.
    run = Run.open(tmp_path / "run")
    assert (run.ended, run.solution.ended, run.solution.resource) == (ended, ended, resource)
    assert run.finished == (ended is Ended.DONE)
    said = summary(solution)
    assert (said["ended"], said["resource"]) == (ended.value, resource or None)
    for words in ("", "budget: the sweep's budget for calls", "model: x", "the search is done"):
        reworded = replace(solution, reason=words)
        assert _is_final(reworded) == final
        assert exit_code(reworded) == exit_code(solution)
        assert _more(reworded) == _more(solution)


def test_the_option_for_more(tmp_path: Path) -> None:
    def ended(kind: Ended, resource: str) -> Solution:
        solution = Run.open(tmp_path / "run").solution
        return replace(solution, ended=kind, resource=resource, reason="")

    solve(TASK, "direct", model=ScriptedModel(Answers()), sandbox=ScriptedSandbox(half), out=tmp_path / "run")
    assert _more(ended(Ended.BUDGET, "dollars")) == " --max-cost +N"
    assert _more(ended(Ended.BUDGET, "calls:critic")) == ""
    assert _more(ended(Ended.SWEEP, "calls")) == ""
    assert _more(ended(Ended.INTERRUPTED, "")) == ""


def test_a_refusal_says_whose_budget_it_was() -> None:
    own, shared = BudgetExceeded("tokens", 5, 5), BudgetExceeded("tokens", 5, 5, whose="the sweep's")
    assert End.over(own) == End(Ended.BUDGET, "budget: budget for tokens is used up: 5 of 5", "tokens")
    assert End.over(shared).kind is Ended.SWEEP
