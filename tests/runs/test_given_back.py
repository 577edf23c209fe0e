"""What other runs, and earlier sessions, have paid for: given once, and given back after outages."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codegrove import Budget, Run, Task, asolve, resume, solve
from codegrove.account import Account
from codegrove.agents.role import Agent
from codegrove.api import run_in
from codegrove.errors import ModelError, RunError
from codegrove.graphs.assemble import assemble
from codegrove.graphs.executions import Executions
from codegrove.graphs.solution import Solution
from codegrove.models.port import Request
from codegrove.models.scripted import Answer, ScriptedModel
from codegrove.outcome import Outcome
from codegrove.runs.directory import RunDirectory
from codegrove.task import Test
from codegrove.tools.sandbox.process import ProcessSandbox
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict
from tests.runs.test_directory import TASK, answer, grow, share


def test_what_is_reused_is_kept_with_the_run(tmp_path: Path) -> None:
    grow(tmp_path / "first", 9)
    grow(tmp_path / "second", 3, reuse=[tmp_path / "first"])
    model = ScriptedModel(answer)
    parts: dict[str, Any] = {"model": model, "sandbox": ScriptedSandbox(share)}
    resume(tmp_path / "second", extend=Budget(calls=3), **parts)
    assert not model.requests
    (tmp_path / "first" / "run.sqlite").write_bytes(b"damaged" * 99)
    resume(tmp_path / "second", extend=Budget(calls=3), **parts)
    assert len(model.requests) == 3


def test_damage_met_in_a_run_that_is_reused_ends_the_reuse_only(tmp_path: Path) -> None:
    grow(tmp_path / "first", 6)
    with closing(sqlite3.connect(tmp_path / "first" / "run.sqlite")) as connection, connection:
        connection.execute("UPDATE executions SET verdict = '[]'")
        connection.execute("UPDATE calls SET input_tokens = 'many' WHERE id > 3")
    solution = grow(tmp_path / "second", 6, reuse=[tmp_path / "first"])
    run = Run.open(tmp_path / "second")
    assert (solution.spend.calls, solution.ended.value) == (6, "budget")
    assert "unjudged" not in {item.status for item in run.executions}


def test_damage_met_in_the_run_itself_ends_it_with_the_reason(tmp_path: Path) -> None:
    grow(tmp_path / "run", 4)
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as connection, connection:
        connection.execute("DELETE FROM events WHERE id >= (SELECT max(id) FROM events WHERE kind = 'told')")
        connection.execute("UPDATE executions SET verdict = '[]' WHERE id = (SELECT max(id) FROM executions)")
    solution = grow(tmp_path / "run", 9)
    assert solution.reason.startswith("error: the run directory cannot be read")
    assert solution.program is not None


class Twice(Agent):
    """An agent that asks two questions for one answer."""

    role = "twice"

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def act(
        self, task: Task, inputs: Mapping[str, object], *, action: str = "", draw: int = 0, seed: int = 0
    ) -> Outcome:
        """Ask; the second answer only has to come."""
        first = await self._agent.act(task, inputs, action=action, draw=draw, seed=seed)
        if first.failure:
            return first
        second = await self._agent.act(task, inputs, action=action, draw=draw + 500, seed=seed)
        return Outcome(failure=second.failure) if second.failure else first


async def test_an_answer_from_an_outage_is_used_after_it(tmp_path: Path) -> None:
    """The second expansion had one of two answers, the first had none: both are taken back."""

    def down(request: Request) -> Answer:
        up = len(model.requests) == 2
        return answer(request) if up else ModelError("no such host", kind="connection")

    async def run(model: ScriptedModel, calls: int) -> Solution:
        parts: dict[str, Any] = {"model": model, "sandbox": ScriptedSandbox(share)}
        limits = {"policy.expansions": 30, "policy.width": 30}
        assembly = assemble("uct", **parts, overrides=limits, budget=Budget(calls=calls))
        with RunDirectory(tmp_path / "run", assembly, TASK) as directory:
            session = directory.session
            session.agents = {action: Twice(agent) for action, agent in session.agents.items()}
            return await run_in(directory, assembly, report=False)

    model = ScriptedModel(down)
    first = await run(model, 30)
    assert first.ended.value == "model"
    again = ScriptedModel(answer)
    second = await run(again, first.spend.calls + 3)
    assert len(again.requests) == second.spend.calls - first.spend.calls == 3
    assert [call.adopted for call in Run.open(tmp_path / "run").calls if call.reply] == ["resume", *[""] * 3]
    assert second.tree is not None and len(second.tree) == 3


async def test_a_program_is_traced_once() -> None:
    sandbox, account = ScriptedSandbox(share), Account()
    executions = Executions(TASK, sandbox, account, limits=None, recorder=None, stop=lambda end: None)
    found = [await executions.trace("def f(x): return x", TASK.tests) for _ in range(3)]
    assert found[0] is not None and found[0] == found[2]
    assert len(sandbox.traced) == account.spend.executions == 1


def crash(program: str, tests: Sequence[Test]) -> Verdict:
    """Name the line of the program."""
    error = ErrorInfo(type="ZeroDivisionError", line=program.split("\n").index("    return x / 0") + 1)
    results = (TestResult(status=Status.CRASHED, error=error),) * len(tests)
    return Verdict(status=Status.CRASHED, results=results)


@pytest.mark.parametrize("stops", [[6], [3, 6]])
def test_a_verdict_on_the_very_text_is_preferred(stops: list[int], tmp_path: Path) -> None:
    """A program comes back after one that is equal but for layout; their errors name other lines."""
    texts = ["def f(x):\n    return x / 0\n", "# about\ndef f(x):\n    return x / 0\n"]
    answers = itertools.cycle(f"```python\n{text}```" for text in texts)
    sandbox, model = ScriptedSandbox(crash), ScriptedModel(lambda request: next(answers))
    for calls in stops:
        grow(tmp_path / "run", calls, model=model, sandbox=sandbox)
    run = Run.open(tmp_path / "run")
    assert len(run.tree) == 7
    assert len(sandbox.judged) == run.spend.executions == 2


def leave_a_log(path: Path, statement: str) -> Path:
    """Change a database as a process does that is killed: the change stays in the log beside the file."""
    log = path.with_name("run.sqlite-wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(statement)
        left = path.read_bytes(), log.read_bytes()
    path.write_bytes(left[0])
    log.write_bytes(left[1])
    return log


@pytest.mark.parametrize("way", ["thread", "loop"])
async def test_a_run_that_cannot_be_continued_is_let_go_of(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    async def closing_it(self: ProcessSandbox) -> None:
        closed.append(self)

    grow(tmp_path / "run", 4)
    path = tmp_path / "run" / "run.sqlite"
    log = leave_a_log(path, "UPDATE events SET expansion = 77 WHERE kind = 'asked' AND id > 3")
    before = path.read_bytes(), log.read_bytes()
    monkeypatch.setattr(ProcessSandbox, "aclose", closing_it)
    settings: dict[str, Any] = {"model": ScriptedModel(answer), "overrides": {"policy.expansions": 30}}
    with pytest.raises(RunError, match="cannot be continued"):
        if way == "thread":
            solve(TASK, "uct", out=tmp_path / "run", **settings)
        else:
            await asolve(TASK, "uct", out=tmp_path / "run", **settings)
    assert len(closed) == 1
    assert (path.read_bytes(), log.read_bytes()) == before
