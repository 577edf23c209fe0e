"""Limits of a run that goes on: every one can be set anew, or extended."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove import Budget, Run, resume, solve
from codegrove.budget import LIMITS, Spend
from codegrove.cli.resume import _read_limits
from codegrove.errors import RunError, UsageError
from codegrove.models.scripted import ScriptedModel
from codegrove.runs.ending import OPTIONS, check_limits
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.runs.test_directory import TASK, answer, share


def start(out: Path, **limits: Any) -> None:
    settings: dict[str, Any] = {"model": ScriptedModel(answer), "sandbox": ScriptedSandbox(share)}
    solve(TASK, "uct", out=out, budget=Budget(**limits), **settings)


def go_on(out: Path, **how: Any) -> Any:
    return resume(out, model=ScriptedModel(answer), sandbox=ScriptedSandbox(share), **how)


def test_every_limit_can_be_set_anew(tmp_path: Path) -> None:
    start(tmp_path, calls=3, role_calls={"coder": 9, "critic": 9}, answer_tokens=200)
    go_on(tmp_path, budget=Budget(executions=4, role_calls={"critic": 5}, answer_tokens=99))
    assert Run.open(tmp_path).limits == Budget(
        calls=3, executions=4, role_calls={"coder": 9, "critic": 5}, answer_tokens=99
    )


def test_every_limit_can_be_extended(tmp_path: Path) -> None:
    start(tmp_path, calls=3, role_calls={"coder": 2})
    spent = Run.open(tmp_path).spend
    go_on(tmp_path, extend=Budget(executions=2, role_calls={"coder": 1, "debugger": 3}, answer_tokens=99))
    assert Run.open(tmp_path).limits == Budget(
        calls=3,
        executions=spent.executions + 2,
        role_calls={"coder": 3, "debugger": spent.calls_by_role.get("debugger", 0) + 3},
        answer_tokens=99,
    )


def test_a_limit_of_a_role_below_what_is_spent_is_refused(tmp_path: Path) -> None:
    start(tmp_path, calls=3)
    role, spent = next(iter(Run.open(tmp_path).spend.calls_by_role.items()))
    with pytest.raises(
        UsageError, match=rf"has spent {spent} calls of role {role} already, and a limit of 0 "
    ):
        go_on(tmp_path, extend=Budget(calls=1), budget=Budget(role_calls={role: 0}))
    assert Run.open(tmp_path).limits == Budget(calls=3)


@given(
    spent=st.dictionaries(st.sampled_from(LIMITS), st.integers(0, 50)),
    limit=st.dictionaries(st.sampled_from(LIMITS), st.integers(0, 50)),
    more=st.dictionaries(st.sampled_from(LIMITS), st.integers(0, 50)),
)
def test_what_is_extended_is_never_refused(
    spent: dict[str, Any], limit: dict[str, Any], more: dict[str, Any]
) -> None:
    spend = Spend(**{name: count for name, count in spent.items() if name not in ("tokens", "dollars")})
    before = Budget(**limit)
    after = before.extended(Budget(**more), spend)
    assert Budget(**limit).extended(Budget(), spend) == before
    for name, added in more.items():
        assert getattr(after, name) == limit.get(name, getattr(spend, name)) + added
    if all(getattr(spend, name) <= limit.get(name, 99) for name in LIMITS):
        check_limits(after, before, spend)


def test_the_command_line_has_all_of_them() -> None:
    given = dict.fromkeys(OPTIONS, "+2") | {"nodes": "7"}
    expected = Budget(calls=2, tokens=2, dollars=2.0, executions=2, seconds=2.0)
    assert _read_limits(given) == (Budget(nodes=7), expected)


@pytest.mark.parametrize(
    "limits", [[1], {"calls": 3, "lines": 9}, {"calls": -1}, {"calls": "x"}, {"role_calls": [1]}]
)
def test_limits_that_cannot_be_read_are_told(tmp_path: Path, limits: object) -> None:
    start(tmp_path, calls=3)
    with sqlite3.connect(tmp_path / "run.sqlite") as connection:
        connection.execute("UPDATE sessions SET budget = ?", (json.dumps(limits),))
    connection.close()
    with pytest.raises(RunError, match="cannot be read"):
        go_on(tmp_path, extend=Budget(calls=1))
