"""Answers taken from other runs: each once, however many directories have it and however often the run goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from codegrove import Budget, Run, resume, solve
from codegrove.errors import RunError
from codegrove.models.scripted import ScriptedModel
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.runs.test_directory import TASK, answer, share


def again(out: Path, calls: int, **settings: Any) -> ScriptedModel:
    """Search with a budget of so many calls; return the model that was asked for what is not on record."""
    model = settings.pop("model", ScriptedModel(answer))
    overrides = {"policy.expansions": 30}
    given: dict[str, Any] = {"model": model, "sandbox": ScriptedSandbox(share), **settings}
    solve(TASK, "uct", out=out, overrides=overrides, budget=Budget(calls=calls), **given)
    assert isinstance(model, ScriptedModel)
    return model


def taken(out: Path) -> list[str | None]:
    with sqlite3.connect(out / "run.sqlite") as connection:
        found = [row[0] for row in connection.execute("SELECT origin FROM calls ORDER BY id")]
    connection.close()
    return found


def test_one_directory_under_two_names_is_one(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    again(a, 5)
    (tmp_path / "link").symlink_to(a)
    shutil.copytree(a, tmp_path / "copy")
    again(b, 9, reuse=[a, a, tmp_path / "link", tmp_path / "copy"])
    origins = [origin for origin in taken(b) if origin]
    assert len(origins) == len(set(origins)) == 5


def test_what_another_run_has_taken_itself_is_not_taken_twice(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    again(a, 4)
    again(b, 6, reuse=[a])
    with sqlite3.connect(a / "run.sqlite") as connection:
        (first,) = connection.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()
    connection.close()
    assert (
        taken(b)[:4] == [f"{json.loads(first)}:{row}" for row in (1, 2, 3, 4)] and taken(b)[4:] == [None] * 2
    )
    model = again(c, 8, reuse=[b, a])
    assert len(model.requests) == 2
    origins = [origin for origin in taken(c) if origin]
    assert len(origins) == len(set(origins)) == 6
    assert {call.adopted for call in Run.open(c).calls} == {str(b), ""}


def test_an_answer_is_taken_once_over_all_sessions(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    again(a, 3)
    again(b, 1, reuse=[a])
    with sqlite3.connect(a / "run.sqlite") as connection:
        (key, second) = (row[0] for row in connection.execute("SELECT key FROM calls WHERE id < 3"))
        # As if the first answer had been one to the second question: it is not taken for that any more.
        connection.execute("UPDATE calls SET key = ? WHERE id = 1", (second,))
    connection.close()
    assert key != second
    model = again(b, 2, reuse=[a])
    assert not model.requests
    assert [str(origin).split(":")[1] for origin in taken(b)] == ["1", "2"], "not the first once more"


def test_the_directories_are_kept_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    again(a, 6)
    monkeypatch.chdir(tmp_path)
    again(b, 2, reuse=["a"])
    monkeypatch.chdir("/")
    model = ScriptedModel(answer)
    resume(b, extend=Budget(calls=2), model=model, sandbox=ScriptedSandbox(share))
    assert not model.requests and len([origin for origin in taken(b) if origin]) == 4
    shutil.move(a, tmp_path / "moved")
    resume(b, extend=Budget(calls=1), model=model, sandbox=ScriptedSandbox(share))
    assert len(model.requests) == 1, "it goes on without"
    shutil.rmtree(b)
    with pytest.raises(RunError, match="is missing"):
        again(b, 2, reuse=[a])


def test_resume_takes_answers_too(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    again(a, 4)
    with sqlite3.connect(a / "run.sqlite") as connection:
        replies = [row[0] for row in connection.execute("SELECT reply FROM calls ORDER BY id")]
    connection.close()
    again(b, 1, model=ScriptedModel([replies[0]]))
    model = ScriptedModel(answer)
    resume(b, extend=Budget(calls=2), reuse=[a], model=model, sandbox=ScriptedSandbox(share))
    assert not model.requests and len([origin for origin in taken(b) if origin]) == 2
