"""A run opened for reading: calls, spend, tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from codegrove import Budget, Run, load_problems, solve


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    task = load_problems("bundled").by_id("merge-shifts").task
    solve(task, "codetree", out=out, model="sim:pass_rate=0.2", seed=2, budget=Budget(calls=20))
    return Run.open(out)


def test_spend_by_role_and_by_node_adds_up(run: Run) -> None:
    roles, nodes = run.spend_by_role(), run.spend_by_node()
    assert sum(spend.calls for spend in roles.values()) == run.spend.calls == len(run.calls)
    assert {role: spend.calls for role, spend in roles.items()} == run.spend.calls_by_role
    for spends in (roles, nodes):
        assert sum(spend.tokens for spend in spends.values()) == run.spend.tokens
    assert set(nodes) <= set(range(len(run.tree)))


def test_calls_show_what_the_model_was_sent(run: Run) -> None:
    first = run.calls[0]
    assert run.task.statement.splitlines()[0] in first.messages[-1][1]
    assert (first.node, first.draw, first.adopted) == (0, 0, "")
    assert all(call.reply for call in run.calls)


def test_data_frames_have_a_row_each(run: Run) -> None:
    assert len(run.calls_frame()) == len(run.calls)
    nodes = run.nodes_frame()
    assert len(nodes) == len(run.tree)
    assert nodes["parent"].isna().sum() == 1
    assert len(run.executions_frame()) == len(run.executions) == run.spend.executions


def test_plain_sqlite_reads_it(run: Run) -> None:
    with closing(sqlite3.connect(run.directory / "run.sqlite")) as connection:
        prompts = connection.execute("SELECT text FROM prompts WHERE call = 1 ORDER BY position").fetchall()
        programs = connection.execute("SELECT program, status FROM programs ORDER BY expansion").fetchall()
    assert [text for (text,) in prompts] == [text for _, text in run.calls[0].messages]
    held = [node.program.program for node in run.tree.programs() if node.program]
    assert {program for program, _ in programs} >= set(held)


def test_it_shows_itself(run: Run) -> None:
    shown = run._repr_mimebundle_()
    assert "merge-shifts" in shown["text/plain"]
    assert "simulated programmer" in shown["text/plain"]
    assert "<svg" in shown["text/html"]
    assert repr(run).startswith("<Run 'merge-shifts'")
