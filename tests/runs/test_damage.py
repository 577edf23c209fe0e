"""Damaged run databases, by the hundred: each is read, or refused with one message; none gives a traceback."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codegrove import Budget, Run, resume
from codegrove.errors import UsageError
from codegrove.models.scripted import ScriptedModel
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.runs.test_directory import answer, grow, share

VALUES = [
    "",
    "{",
    "[]",
    "{}",
    "null",
    "5",
    '"x"',
    '{"a": 1}',
    "[[1, 2]]",
    b"\xff\xfe",
    -1,
    99999,
    1e300,
    None,
]
TABLES = {
    "meta": ["value"],
    "sessions": ["result", "ended", "resource", "reason", "answer", "spend", "verdict", "budget", "seconds"],
    "events": ["kind", "expansion", "action", "node", "call", "program", "execution", "outcome", "at"],
    "calls": [
        "expansion",
        "role",
        "messages",
        "reply",
        "error",
        "input_tokens",
        "dollars",
        "seconds",
        "at",
        "key",
    ],
    "executions": ["expansion", "kind", "program_key", "program", "status", "verdict", "setting"],
    "texts": ["text", "hash"],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two sessions, the first of which was killed."""
    out = tmp_path_factory.mktemp("damage") / "run"
    grow(out, 4)
    with closing(sqlite3.connect(out / "run.sqlite")) as connection, connection:
        connection.execute("UPDATE sessions SET ended_at = NULL, result = NULL")
        connection.execute("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")
    grow(out, 7)
    return out


def spoil_value(path: Path, rng: random.Random) -> str:
    """Put something into a column that does not belong there."""
    table = rng.choice(list(TABLES))
    column, value = rng.choice(TABLES[table]), rng.choice(VALUES)
    rows = rng.choice(["1", "ROWID = (SELECT max(ROWID) FROM {0})", "ROWID % 2 = 0"]).format(table)
    if table == "meta":
        rows = (
            f"key = '{rng.choice(['task', 'recipe', 'models', 'seed', 'workers', 'simulated', 'problem'])}'"
        )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {rows}", (value,))
    return f"{table}.{column} = {value!r} where {rows}"


def spoil_bytes(path: Path, rng: random.Random) -> str:
    """Overwrite some bytes behind the header."""
    content = bytearray(path.read_bytes())
    start = rng.randrange(100, len(content)) if rng.random() < 0.7 else rng.randrange(100, 4096)
    length = rng.choice([1, 8, 64, 2000])
    content[start : start + length] = rng.randbytes(len(content[start : start + length]))
    path.write_bytes(content)
    return f"{length} bytes from {start}"


def use_reading(folder: Path) -> None:
    """Read all of a run."""
    run = Run.open(folder / "run")
    assert run.solution.summary()
    assert run.limits
    assert len(run.calls) + len(run.executions) + len(run.decisions) >= 0


def use_resuming(folder: Path) -> None:
    """Go on with a copy of it."""
    shutil.copytree(folder / "run", folder / "copy")
    parts: dict[str, Any] = {"model": ScriptedModel(answer), "sandbox": ScriptedSandbox(share)}
    resume(folder / "copy", budget=Budget(calls=9), **parts)


def use_reusing(folder: Path) -> None:
    """Take its answers."""
    assert grow(folder / "other", 9, reuse=[folder / "run"]).spend.calls == 9


@pytest.mark.parametrize("harm", [spoil_value, spoil_bytes])
@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_run_is_read_or_refused(
    harm: Callable[[Path, random.Random], str], seed: int, whole: Path, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    for number in range(3):
        path = tmp_path / str(number)
        shutil.copytree(whole, path / "run")
        said = harm(path / "run" / "run.sqlite", rng)
        for use_it in (use_reading, use_resuming, use_reusing):
            try:
                use_it(path)
            except UsageError as error:
                assert str(error)
            except Exception as error:
                raise AssertionError(f"{said}: {use_it.__name__}") from error
