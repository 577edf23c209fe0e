"""Run directories: made, continued, extended, refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from codegrove import Budget, CallTest, Run, Task, resume, solve
from codegrove.errors import ModelError, RunError, UsageError
from codegrove.graphs.solution import Solution
from codegrove.models.port import Request
from codegrove.models.scripted import Answer, ScriptedModel
from codegrove.store import database
from codegrove.task import Test
from codegrove.tools.sandbox.scripted import ScriptedSandbox

TASK = Task(
    id="grow",
    statement="Return x.",
    entry_point="f",
    tests=tuple(CallTest(args=f"({n},)", expected=str(n)) for n in range(4)),
)


def answer(request: Request) -> str:
    """A program that depends on the question only."""
    question = "".join(message.text for message in request.messages) + str(request.draw)
    number = hashlib.sha256(question.encode()).hexdigest()[:8]
    return f"```python\ndef f(x):\n    return x + 0x{number}\n```"


def share(program: str, tests: Sequence[Test]) -> float:
    """A verdict that depends on the program only; never all tests."""
    return int(hashlib.sha256(program.encode()).hexdigest()[:4], 16) % 4 / 4


def grow(out: Path, calls: int, **settings: Any) -> Solution:
    """Search with a budget of so many calls."""
    given: dict[str, Any] = {"model": ScriptedModel(answer), "sandbox": ScriptedSandbox(share), **settings}
    overrides = {"policy.expansions": 30}
    return solve(TASK, "uct", out=out, overrides=overrides, budget=Budget(calls=calls), **given)


def shape(run: Run | Solution) -> list[tuple[Any, ...]]:
    """What makes two trees the same."""
    assert run.tree is not None
    return [(n.id, n.parents, n.kind, n.program and n.program.program, n.reward, n.visits) for n in run.tree]


def test_the_same_command_goes_on_where_the_budget_ended_it(tmp_path: Path) -> None:
    first = grow(tmp_path / "run", 7)
    assert first.reason.startswith("budget")
    model = ScriptedModel(answer)
    second = grow(tmp_path / "run", 20, model=model)
    assert (len(model.requests), second.spend.calls) == (13, 20)
    whole = grow(tmp_path / "whole", 20)
    assert shape(second) == shape(whole) == shape(Run.open(tmp_path / "run"))
    assert second.node == whole.node


def test_the_same_budget_again_buys_nothing(tmp_path: Path) -> None:
    first = grow(tmp_path / "run", 7)
    model = ScriptedModel(answer)
    again = grow(tmp_path / "run", 7, model=model)
    assert not model.requests
    assert (again.reason, again.node, again.spend.calls) == (first.reason, first.node, 7)


def test_resume_extends_what_was_there(tmp_path: Path) -> None:
    grow(tmp_path / "run", 7)
    model = ScriptedModel(answer)
    solution = resume(tmp_path / "run", extend=Budget(calls=5), model=model, sandbox=ScriptedSandbox(share))
    assert (solution.spend.calls, len(model.requests)) == (12, 5)
    solution = resume(tmp_path / "run", budget=Budget(calls=15), model=model, sandbox=ScriptedSandbox(share))
    assert solution.spend.calls == 15


@pytest.mark.parametrize("how", ["resume", "solve"])
def test_a_limit_below_what_is_spent_is_refused_and_not_stored(tmp_path: Path, how: str) -> None:
    grow(tmp_path / "run", 7)
    before = (tmp_path / "run" / "run.sqlite").read_bytes()
    model = ScriptedModel(answer)
    with pytest.raises(
        UsageError, match=r"spent 7 calls already, and a limit of 6 leaves nothing .*--max-calls \+N"
    ):
        if how == "solve":
            grow(tmp_path / "run", 6, model=model)
        else:
            resume(tmp_path / "run", budget=Budget(calls=6), model=model, sandbox=ScriptedSandbox(share))
    assert not model.requests
    assert (tmp_path / "run" / "run.sqlite").read_bytes() == before
    assert Run.open(tmp_path / "run").limits.calls == 7


def test_a_finished_run_is_returned_as_it_ended(tmp_path: Path) -> None:
    first = solve(
        TASK, "direct", out=tmp_path / "run", model=ScriptedModel(answer), sandbox=ScriptedSandbox(share)
    )
    model = ScriptedModel(answer)
    again = solve(TASK, "direct", out=tmp_path / "run", model=model, sandbox=ScriptedSandbox(share))
    assert not model.requests
    assert again.program == first.program
    assert again.verdict is not None
    assert first.verdict is not None
    assert again.verdict.passed_count == first.verdict.passed_count
    assert again.spend.calls == first.spend.calls == 1
    assert Run.open(tmp_path / "run").finished


def test_the_simulated_programmer_goes_on_by_its_name(tmp_path: Path) -> None:
    from codegrove import load_problems

    task = load_problems("bundled").by_id("merge-shifts").task
    settings: dict[str, Any] = {"model": "sim:pass_rate=0.2", "sandbox": ScriptedSandbox(share), "seed": 4}
    solve(task, "uct", out=tmp_path / "run", budget=Budget(calls=3), **settings)
    second = resume(tmp_path / "run", extend=Budget(calls=6), sandbox=ScriptedSandbox(share))
    whole = solve(task, "uct", out=tmp_path / "whole", budget=Budget(calls=9), **settings)
    assert second.simulated
    assert shape(second) == shape(whole)


def test_an_outage_is_no_failed_attempt(tmp_path: Path) -> None:
    calls = 0

    def down(request: Request) -> Answer:
        nonlocal calls
        calls += 1
        return answer(request) if calls < 4 else ModelError("no such host", kind="connection")

    first = grow(tmp_path / "run", 30, model=ScriptedModel(down))
    assert first.reason.startswith("model: 6 calls in a row failed")
    second = grow(tmp_path / "run", 15)
    assert second.spend.failed_calls == 6
    whole = grow(tmp_path / "whole", 9)
    assert shape(second) == shape(whole)
    assert shape(Run.open(tmp_path / "run")) == shape(whole)


def test_a_wrong_key_leaves_a_run_that_can_go_on(tmp_path: Path) -> None:
    refused = ModelError("wrong key", kind="auth")
    first = solve(
        TASK,
        "direct",
        out=tmp_path / "run",
        model=ScriptedModel(lambda request: refused),
        sandbox=ScriptedSandbox(share),
    )
    assert first.program is None
    second = solve(
        TASK, "direct", out=tmp_path / "run", model=ScriptedModel(answer), sandbox=ScriptedSandbox(share)
    )
    assert second.program is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"task": Task(id="other", statement="Return 2.", entry_point="f", tests=TASK.tests)},
            "its task is 'grow', not 'other'",
        ),
        ({"recipe": "direct", "overrides": {}}, "its recipe is 'uct', not 'direct'"),
        ({"seed": 5}, "its seed is 0, not 5"),
        ({"model": ScriptedModel(answer, spec="scripted:b")}, "is scripted:, not scripted:b"),
        ({"overrides": {"policy.width": 2}}, "its recipe is 'uct' too, but in another version"),
    ],
)
def test_another_run_is_refused_and_left_alone(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    grow(tmp_path / "run", 3)
    before = (tmp_path / "run" / "run.sqlite").read_bytes()
    settings: dict[str, Any] = {
        "task": TASK,
        "recipe": "uct",
        "model": ScriptedModel(answer),
        "sandbox": ScriptedSandbox(share),
        "overrides": {"policy.expansions": 30},
        **change,
    }
    with pytest.raises(RunError, match=said):
        solve(settings.pop("task"), settings.pop("recipe"), out=tmp_path / "run", **settings)
    assert (tmp_path / "run" / "run.sqlite").read_bytes() == before


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    grow(tmp_path / "run", 3)
    with database.locked(tmp_path / "run"), pytest.raises(RunError, match="another process works on the run"):
        grow(tmp_path / "run", 6)
    assert len(Run.open(tmp_path / "run").calls) == 3


def damage_header(path: Path) -> None:
    path.write_bytes(b"this is no database, whatever its name says\n" * 9)


def damage_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 : len(content)] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def make_empty(path: Path) -> None:
    path.write_bytes(b"")


def make_foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE holiday (day TEXT)")
    connection.close()


def make_newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def spoil_meta(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '{' WHERE key = 'task'")
    connection.close()


def spoil_event(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE events SET outcome = '{\"programme\": 1' WHERE kind = 'told'")
    connection.close()


def drop_event(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM events WHERE id = 1")
    connection.close()


@pytest.mark.parametrize(
    "harm",
    [
        damage_header,
        damage_pages,
        cut_off,
        make_empty,
        make_foreign,
        make_newer,
        spoil_meta,
        spoil_event,
        drop_event,
    ],
)
def test_a_damaged_or_foreign_file_is_refused_and_left_alone(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    out = tmp_path / "run"
    grow(out, 5)
    harm(out / "run.sqlite")
    before = (out / "run.sqlite").read_bytes()
    with pytest.raises(RunError, match=r"run\.sqlite|the run in|description"):
        Run.open(out).calls  # noqa: B018
    model = ScriptedModel(answer)
    with pytest.raises(RunError):
        grow(out, 9, model=model)
    with pytest.raises(RunError):
        resume(out, model=model, sandbox=ScriptedSandbox(share))
    assert not model.requests
    assert (out / "run.sqlite").read_bytes() == before


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        grow(tmp_path, 3)
    with pytest.raises(RunError, match=r"run\.sqlite is missing"):
        Run.open(tmp_path)


def test_what_a_killed_process_left_of_a_new_directory_is_used(tmp_path: Path) -> None:
    for name in ("recipe.yaml", "task.json", "run.sqlite.1a2b3c4d.part", "run.lock"):
        (tmp_path / name).write_text("half")
    for name in ("run.sqlite.1a2b3c4d.part-journal", "recipe.yaml.1a2b3c4d.part"):
        (tmp_path / name).write_text("half")
    assert grow(tmp_path, 3).spend.calls == 3
    assert not list(tmp_path.glob("*.part*"))


def test_a_run_moves_with_its_directory(tmp_path: Path) -> None:
    grow(tmp_path / "run", 5)
    shutil.move(tmp_path / "run", tmp_path / "moved")
    assert grow(tmp_path / "moved", 8).spend.calls == 8


def test_answers_of_another_run_are_taken_on_purpose_only(tmp_path: Path) -> None:
    grow(tmp_path / "first", 9)
    bought = ScriptedModel(answer)
    grow(tmp_path / "second", 9, model=bought)
    assert len(bought.requests) == 9
    model, sandbox = ScriptedModel(answer), ScriptedSandbox(share)
    solution = grow(tmp_path / "third", 12, model=model, sandbox=sandbox, reuse=[tmp_path / "first"])
    assert len(model.requests) == 3
    assert solution.spend.calls == 12
    run = Run.open(tmp_path / "third")
    assert [bool(call.adopted) for call in run.calls] == [True] * 9 + [False] * 3
    assert {call.adopted for call in run.calls} == {str(tmp_path / "first"), ""}
    judged = [item for item in run.executions if item.adopted]
    assert len(judged) == len(Run.open(tmp_path / "first").executions)
    assert shape(run) == shape(grow(tmp_path / "whole", 12))


def test_k_samples_stay_k_samples(tmp_path: Path) -> None:
    """A recorded answer is given once: a fourth sample is bought, not a copy of one of the three."""
    settings: dict[str, Any] = {
        "model": ScriptedModel(answer),
        "sandbox": ScriptedSandbox(share),
    }
    few = {"policy.programs": 3}
    solve(TASK, "codet", out=tmp_path / "three", overrides=few, **settings)
    first = {item.reply for item in Run.open(tmp_path / "three").calls if item.role == "coder"}
    model = ScriptedModel(answer)
    solve(
        TASK,
        "codet",
        out=tmp_path / "five",
        overrides={"policy.programs": 5},
        reuse=[tmp_path / "three"],
        **{**settings, "model": model},
    )
    second = [item for item in Run.open(tmp_path / "five").calls if item.role == "coder"]
    assert len({item.reply for item in second}) == 5
    assert first < {item.reply for item in second}
    assert sum(request.role == "coder" for request in model.requests) == 2


def test_reuse_needs_a_record_and_another_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="reuse needs out"):
        solve(TASK, "direct", reuse=[tmp_path], model=ScriptedModel(answer))
    grow(tmp_path / "run", 3)
    with pytest.raises(RunError, match="cannot reuse its own directory"):
        grow(tmp_path / "run", 6, reuse=[tmp_path / "run"])


def test_a_model_without_a_name_must_be_passed(tmp_path: Path) -> None:
    grow(tmp_path / "run", 3, model=ScriptedModel(answer, spec="mine"))
    with pytest.raises(RunError, match=r"'mine' cannot be made again from its name.*pass it"):
        resume(tmp_path / "run")


def test_the_clock_set_back_changes_nothing(tmp_path: Path) -> None:
    grow(tmp_path / "run", 5)
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as connection:
        connection.execute("UPDATE sessions SET started_at = '2999-01-01', ended_at = '2999-01-02'")
    connection.close()
    before = Run.open(tmp_path / "run").spend.seconds
    solution = grow(tmp_path / "run", 8)
    assert solution.spend.seconds > before
    times = [call.at for call in Run.open(tmp_path / "run").calls]
    assert times == sorted(times)


def test_a_reader_sees_a_run_at_work(tmp_path: Path) -> None:
    seen = []

    def looking(request: Request) -> str:
        seen.append(len(Run.open(tmp_path / "run").calls))
        return answer(request)

    grow(tmp_path / "run", 4, model=ScriptedModel(looking))
    assert seen == [0, 1, 2, 3]


def test_result_json_is_what_the_command_line_prints(tmp_path: Path) -> None:
    solution = grow(tmp_path / "run", 4)
    data = json.loads((tmp_path / "run" / "result.json").read_text())
    assert data["program"] == solution.program
    assert data["spend"]["calls"] == 4


def test_a_process_that_died_while_closing_leaves_a_run_that_can_be_read(tmp_path: Path) -> None:
    """Switching from the write-ahead log back to one plain file goes through a rollback journal."""
    out = tmp_path / "run"
    grow(out, 5)
    before = (out / "run.sqlite").read_bytes()
    connection = sqlite3.connect(out / "run.sqlite", isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN")
    connection.execute("UPDATE calls SET reply = zeroblob(30000)")
    left = {end: Path(f"{out / 'run.sqlite'}{end}").read_bytes() for end in ("", "-journal")}
    connection.execute("ROLLBACK")
    connection.close()
    for end, content in left.items():
        Path(f"{out / 'run.sqlite'}{end}").write_bytes(content)
    assert left[""] != before
    run = Run.open(out)
    assert [call.reply for call in run.calls] == [call.reply for call in Run.open(out).calls]
    assert all(call.reply and call.reply.startswith("```") for call in run.calls)
    assert grow(out, 8).spend.calls == 8


def test_a_directory_that_holds_an_evaluation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "eval.json").write_text("{}")
    with pytest.raises(UsageError, match="holds an evaluation"):
        solve(TASK, "loop", out=tmp_path, model=["nothing"])
    assert [path.name for path in tmp_path.iterdir()] == ["eval.json"]
