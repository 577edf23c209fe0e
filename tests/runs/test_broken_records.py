"""Texts no column holds, disks that fill up, files that are damaged: nothing paid for is lost without a word."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from codegrove import Budget, CallTest, Run, Task, resume, solve
from codegrove.cli import app
from codegrove.errors import ModelError
from codegrove.graphs.solution import Solution
from codegrove.models.port import Reply, Request
from codegrove.models.scripted import ScriptedModel
from codegrove.store.writer import RunWriter
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.runs.test_directory import TASK, answer, grow, shape, share

LONE = "m\ud83d"


class Named:
    """Answers under a name that no column holds."""

    spec, price = "scripted:named", None

    async def complete(self, request: Request) -> Reply:
        """Answer at once."""
        return Reply(text=answer(request), finish=LONE, model=LONE)


def test_a_lone_surrogate_in_a_models_name_loses_no_answer(tmp_path: Path) -> None:
    solution = grow(tmp_path / "run", 3, model=Named())
    run = Run.open(tmp_path / "run")
    assert solution.program is not None
    assert len(run.calls) == solution.spend.calls == 3
    assert {call.finish for call in run.calls} == {"m?"}
    assert shape(run) == shape(solution)


@pytest.mark.parametrize(("kind", "ended"), [("server", "budget"), ("auth", "model")])
def test_a_lone_surrogate_in_an_error_is_recorded(tmp_path: Path, kind: str, ended: str) -> None:
    asked = 0

    def failing_once(request: Request) -> str | ModelError:
        nonlocal asked
        asked += 1
        return ModelError(f"half a \ud83d{kind}", kind=kind) if asked == 2 else answer(request)

    solution = grow(tmp_path / "run", 6, model=ScriptedModel(failing_once))
    run = Run.open(tmp_path / "run")
    assert solution.ended.value == run.ended.value == ended
    assert len(run.calls) == solution.spend.calls
    assert [call.error for call in run.calls if call.error] == [f"half a ?{kind}"]


def test_what_no_column_holds_ends_the_run_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: RunWriter, *args: Any, **named: Any) -> None:
        raise OverflowError("Python int too large to convert to SQLite INTEGER")

    monkeypatch.setattr(RunWriter, "called", refuse)
    solution = grow(tmp_path / "run", 9)
    assert solution.reason.startswith("error: the run directory cannot be written: Python int too large")
    assert solution.spend.calls == 1


def test_a_run_whose_disk_was_full_can_be_shown_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row of the session fits where no new one does."""
    started = RunWriter.start_session

    def small(self: RunWriter, **columns: Any) -> int:
        row = started(self, **columns)
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        self.connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        return row

    tests = tuple(CallTest(args=f"({n},)", expected=str(n)) for n in range(40))
    task = Task(id="rise", statement="Return x.", entry_point="f", tests=tests)

    def run_on() -> Solution:
        parts: dict[str, Any] = {"model": ScriptedModel(answer), "sandbox": ScriptedSandbox(Rising())}
        limits = {"policy.expansions": 30}
        return solve(task, "uct", out=tmp_path / "run", overrides=limits, budget=Budget(calls=30), **parts)

    with monkeypatch.context() as patched:
        patched.setattr(RunWriter, "start_session", small)
        full = run_on()
    assert "the run directory cannot be written: database or disk is full" in full.reason
    run = Run.open(tmp_path / "run")
    assert full.node is not None and full.node >= len(run.tree) > 1
    shown = run.solution
    assert shown.node is not None and shown.node < len(run.tree)
    assert (shown.reason, shown.result.value, shown.verdict) == (full.reason, "unverified", None)
    assert (tmp_path / "run" / "report.html").exists()
    assert CliRunner().invoke(app, ["show", str(tmp_path / "run")]).exit_code == 0
    assert run_on().spend.calls == 30


class Rising:
    """Judges each new program better than the one before."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, program: str, tests: object) -> float:
        """Return the share of tests passed."""
        self.seen.append(program)
        return min(len(self.seen), 39) / 40


def test_an_answer_that_is_not_on_record_is_left_to_the_method(tmp_path: Path) -> None:
    """Records of earlier versions name such answers."""
    solve(TASK, "direct", out=tmp_path / "run", model=ScriptedModel(answer), sandbox=ScriptedSandbox(share))
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as connection:
        connection.execute("UPDATE sessions SET answer = 99")
    connection.close()
    run = Run.open(tmp_path / "run")
    again = resume(tmp_path / "run", budget=Budget(calls=9), model=ScriptedModel(answer))
    assert run.solution.node == again.node == 1
    assert run.solution.result.value == again.result.value == "unverified"
