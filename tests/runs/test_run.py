"""A run opened for reading: calls, spend, tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from codegrove import Budget, Run, load_problems, solve
from codegrove.errors import ModelError
from codegrove.models.port import Request
from codegrove.models.scripted import Answer, ScriptedModel
from tests.runs.test_directory import answer, grow

ROOT = Path(__file__).resolve().parents[2]


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


def test_the_schema_says_what_each_column_means(run: Run) -> None:
    said = (ROOT / "src/codegrove/store/schema.py").read_text().split('"""What the columns mean:')[1]
    page = (ROOT / "docs" / "run-directory.md").read_text()
    told_by_their_names = {
        "id",
        "key",
        "value",
        "started_at",
        "codegrove",
        "python",
        "role",
        "tests",
        "setting",
    }
    with closing(sqlite3.connect(run.directory / "run.sqlite")) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            )
        ]
        for table in names:
            assert f"`{table}`" in page
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            missing = {
                column
                for column in columns - told_by_their_names
                if f"`{column}`" not in said and f".{column}`" not in said and f"`{column}`" not in page
            }
            assert not missing, table


def test_the_views_leave_out_what_was_rewound(tmp_path: Path) -> None:
    """Numbers of expansions are used again after a rewind; programs are in the view as often as in the tree."""
    sent = 0

    def failing_at_times(request: Request) -> Answer:
        nonlocal sent
        sent += 1
        return answer(request) if sent % 12 < 6 else ModelError("no such host", kind="connection")

    model = ScriptedModel(failing_at_times)
    for session in range(3):
        solution = grow(tmp_path / "run", 200, model=model, workers=3)
        assert solution.ended.value == "model", session
    run = Run.open(tmp_path / "run")
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as connection:
        kinds = dict(connection.execute("SELECT kind, count(*) FROM events GROUP BY kind"))
        assert kinds["rewound"] > 1
        steps = connection.execute("SELECT kind, expansion FROM steps ORDER BY id").fetchall()
        programs = connection.execute("SELECT program FROM programs ORDER BY at").fetchall()
        page = (ROOT / "docs" / "run-directory.md").read_text()
        query = page.split("```sql\n")[1].split("```")[0]
        totals = connection.execute(query).fetchall()
    events = [(type(event).__name__.lower(), event.expansion) for event in run.events]
    assert steps == events
    assert [text for (text,) in programs] == [node.program.program for node in run.tree if node.program]
    assert sum(row[1] for row in totals) == len(run.calls)
    assert sum(row[-1] for row in totals) == len(programs)
