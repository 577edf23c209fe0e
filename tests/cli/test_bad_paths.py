"""Paths that cannot be used: one message, whatever the system has against them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codegrove.errors import TaskError
from codegrove.evaluation.samples import SampleFile
from codegrove.problems import load_problems, load_task
from tests.cli.test_cli import Cli
from tests.support.small_benchmark import humaneval_file

LONG = "x" * 300
STATEMENT = "Write a function add(a, b) that returns the sum of its arguments.\nIt may be slow.\n" * 5


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(capsys, monkeypatch)


@pytest.mark.parametrize(
    "command",
    [
        ("solve", LONG),
        ("solve", STATEMENT),
        ("solve", "task.md", "--tests", f"{LONG}.py"),
        ("solve", "--problem", LONG, "--id", "1"),
        ("solve", "--problem", "bundled", "--id", "lift-log", "--out", LONG),
        ("eval", LONG, "-r", "direct", "--out", "e"),
        ("eval", "bundled", "-r", "direct", "--limit", "1", "--out", LONG),
        ("problems", LONG),
        ("grade", LONG, "-p", "bundled"),
        ("grade", "samples.jsonl", "-p", LONG),
        ("grade", "samples.jsonl", "-p", "bundled", "--out", LONG),
        ("grade", "samples.jsonl", "-p", "bundled", "--out", "."),
        ("grade", "/", "-p", "bundled"),
        ("compare", LONG),
        ("compare", "e", "--format", "csv", "--out", "."),
        ("compare", "e", "--out", f"{LONG}.csv"),
        ("export", LONG, "--to", "evalplus", "--out", "x"),
        ("merge", "out", LONG),
    ],
)
def test_a_path_that_no_file_can_have(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("task.md").write_text("Add two numbers.")
    Path("samples.jsonl").write_text('{"task_id": "lift-log", "solution": ""}\n')
    before = sorted(tmp_path.iterdir())
    done = cli(*command)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("codegrove: ") and len(done.err.splitlines()) == 1
    assert len(done.err) < 1000
    assert sorted(tmp_path.iterdir()) == before


def test_the_results_of_a_folder_are_named_after_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = humaneval_file(tmp_path, size=1)
    folder = tmp_path / "mine" / "Sums_0"
    folder.mkdir(parents=True)
    (folder / "0.py").write_text("def f(x):\n    return x\n")
    monkeypatch.chdir(folder.parent)
    done = cli("grade", ".", "-p", problems)
    assert done.code == 0, done.err
    assert f"results: {tmp_path / 'mine_results.jsonl'}" in done.err
    assert (tmp_path / "mine_results.jsonl").read_text().count("\n") == 1


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    root = os.name == "posix" and os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that anybody can reach; pytest's own can only be reached by its user."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    (folder / "data" / "0001").mkdir(parents=True)
    (folder / "data" / "0001" / "question.txt").write_text("?")
    (folder / "data" / "0001" / "0.py").write_text("pass")
    folder.chmod(0o755)
    yield folder / "data"
    for path in (folder / "data", folder / "data" / "0001"):
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="rights are of another kind there")
@pytest.mark.parametrize(("locked", "mode"), [("", 0o311), ("", 0), ("0001", 0)])
def test_a_folder_that_may_not_be_read(outside: Path, locked: str, mode: int) -> None:
    with pytest.raises(TaskError):
        load_problems("no-such-file")  # imports what it needs while everything can be read
    (outside / locked).chmod(mode)
    for read in (load_problems, lambda path: list(SampleFile(path))):
        with as_nobody(), pytest.raises(TaskError, match=r"cannot be read \(Permission denied\)"):
            read(outside)


@pytest.mark.skipif(os.name == "nt", reason="rights are of another kind there")
def test_a_file_in_a_folder_that_may_not_be_entered(outside: Path) -> None:
    outside.chmod(0)
    for read in (load_problems, load_task, SampleFile):
        with as_nobody(), pytest.raises(TaskError, match=r"cannot be read \(Permission denied\)"):
            read(outside / "samples.jsonl")
