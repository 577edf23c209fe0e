"""Killed between the program that ends the search and the late answers: what was never sent stays unsent."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codegrove import Budget, CallTest, Run, Task, asolve
from codegrove.api import aresume
from codegrove.graphs.session import Observer, Session
from codegrove.models.metered import CallRecord
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.outcome import Outcome
from codegrove.search.policy import Expansion
from codegrove.tools.sandbox.scripted import ScriptedSandbox

WORKERS, SENT = 8, 3
TASK = Task(id="t", statement="Return x.", entry_point="f", tests=(CallTest(args="(1,)", expected="1"),))


class Snapshots(Observer):
    """Copies the run directory as it stands at every event from the first outcome on: what a kill leaves there."""

    def __init__(self, run: Path, folder: Path) -> None:
        self._run, self._folder = run, folder
        self.taken: list[Path] = []
        self.late = asyncio.Event()
        """Set a moment after the first outcome."""
        self._told = False

    def asked(self, session: Session, expansion: Expansion) -> None:
        self._take()

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        if not self._told:
            asyncio.get_running_loop().call_later(0.1, self.late.set)
        self._told = True
        self._take()

    def called(self, session: Session, record: CallRecord) -> None:
        self._take()

    def _take(self) -> None:
        if self._told:
            copy = self._folder / str(len(self.taken))
            shutil.copytree(self._run, copy)
            self.taken.append(copy)


def judging(passing: str) -> ScriptedSandbox:
    def judge(program: str, tests: Sequence[object]) -> float:
        return float(program.rstrip().endswith(passing))

    return ScriptedSandbox(judge)


def settings(model: ScriptedModel, passing: str) -> dict[str, Any]:
    return {
        "model": model,
        "sandbox": judging(passing),
        "workers": WORKERS,
        "overrides": {
            "policy.width": 40,
            "policy.expansions": 40,
            "concurrency": {"coder": SENT},
        },
    }


@pytest.mark.parametrize(("workers", "used_up"), [(WORKERS, False), (2, False), (1, True)])
async def test_a_resumed_run_buys_nothing_that_the_search_did_not_wait_for(
    workers: int, used_up: bool, tmp_path: Path
) -> None:
    all_out = asyncio.Event()

    async def answer(request: Request) -> str:
        number = len(model.requests)
        if number == SENT:
            all_out.set()
        await (snapshots.late if number > 1 else all_out).wait()
        return f"```python\ndef f(x):\n    return {number}\n```"

    model = ScriptedModel(answer)
    snapshots = Snapshots(tmp_path / "run", tmp_path)
    whole = await asolve(
        TASK, "uct", out=tmp_path / "run", observers=[snapshots], **settings(model, "return 1")
    )
    assert whole.solved and len(model.requests) in (SENT, SENT + 1)
    assert len(snapshots.taken) > 2
    for killed in snapshots.taken:
        again = ScriptedModel(lambda request: "```python\ndef f(x):\n    return 9\n```")
        assert not (run := Run.open(killed)).finished
        before = run.spend.calls
        limits = Budget(calls=before if used_up else None)
        solution = await aresume(
            killed, model=again, sandbox=judging("return 1"), workers=workers, budget=limits
        )
        assert not again.requests, killed.name
        assert (solution.node, solution.spend.calls) == (whole.node, before)
        assert solution.reason == whole.reason
        assert Run.open(killed).finished


async def test_a_search_that_was_not_done_goes_on_with_all_of_them(tmp_path: Path) -> None:
    number = iter(range(1000))
    model = ScriptedModel(lambda request: f"```python\ndef f(x):\n    return {next(number)}\n```")
    snapshots = Snapshots(tmp_path / "run", tmp_path)
    whole = await asolve(
        TASK, "uct", out=tmp_path / "run", observers=[snapshots], **settings(model, "return no")
    )
    assert whole.spend.calls == 40
    for killed in snapshots.taken[::20]:
        again = ScriptedModel(lambda request: f"```python\ndef f(x):\n    return {next(number)}\n```")
        solution = await asolve(TASK, "uct", out=killed, **settings(again, "return no"))
        assert solution.spend.calls == 40 and len(Run.open(killed).tree) == 41
