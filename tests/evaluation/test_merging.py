"""Merging: nothing is lost, nothing is mixed up, the old directories stay as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from codegrove.errors import EvaluationError, RunError, UsageError
from codegrove.evaluation.attempts import Attempt
from codegrove.evaluation.directory import ResultWriter, load_evaluation
from codegrove.evaluation.merging import merge
from codegrove.evaluation.results import EvalResult
from codegrove.models.port import Request
from codegrove.store import database
from tests.support.made_up_evaluation import made_up_header, made_up_row
from tests.support.small_evaluation import evaluate


def directory(folder: Path, *rows: EvalResult, **header: Any) -> Path:
    with ResultWriter(folder, made_up_header(rows, **header)) as writer:
        for row in rows:
            writer.append(row)
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_shards_become_an_evaluation_that_goes_on(tmp_path: Path) -> None:
    small = {"recipes": ("direct",)}
    parts = [tmp_path / str(part) for part in (1, 2, 3)]
    for number, part in enumerate(parts[:2], 1):
        evaluate(part, shard=(number, 3), **small)
    before = contents(parts[0])
    merged = merge(tmp_path / "all", parts[:2])
    assert [attempt.problem for attempt in merged.missing] == ["add/2", "add/5"]
    assert [row.problem for row in merged.evaluation.results] == ["add/0", "add/1", "add/3", "add/4"]
    assert merged.evaluation.header.shard is None
    took = sum(load_evaluation(part).seconds for part in parts[:2])
    assert merged.evaluation.seconds == pytest.approx(took, abs=0.002) and took > 0
    shutil.rmtree(parts[1])

    asked: list[Request] = []

    def answer(request: Request) -> str:
        from tests.support.small_benchmark import answer

        asked.append(request)
        return answer(request)

    finished = evaluate(tmp_path / "all", answer, **small)
    assert len(asked) == 2
    assert {row.problem for row in finished.results[-2:]} == {"add/2", "add/5"}
    assert len(list((tmp_path / "all").rglob("run.sqlite"))) == 6
    assert contents(parts[0]) == before


def test_of_different_rows_the_last_counts_with_its_run(tmp_path: Path) -> None:
    row, changed = made_up_row(), made_up_row(calls=9)
    first = directory(tmp_path / "1", row, made_up_row(problem="p1"))
    second = directory(tmp_path / "2", changed, made_up_row(problem="p1"))
    for folder in (first, second):
        run = folder / Attempt("grove", "p0", 0).folder
        run.mkdir(parents=True)
        (run / "run.sqlite").write_text(folder.name)
        (run / "run.lock").touch()
    merged = merge(tmp_path / "all", [first, second])
    assert merged.replaced == (Attempt("grove", "p0", 0),)
    assert merged.identical == 1
    assert [row.calls for row in merged.evaluation.results] == [9, 4]
    copied = tmp_path / "all" / Attempt("grove", "p0", 0).folder
    assert [(path.name, path.read_text()) for path in copied.iterdir()] == [("run.sqlite", "2")]
    assert merge(tmp_path / "without", [second, first], runs=False).evaluation.results[0].calls == 4
    assert not (tmp_path / "without" / "runs").exists()


def test_problems_and_seeds_of_all_are_wanted(tmp_path: Path) -> None:
    first = directory(tmp_path / "1", made_up_row(seed=1))
    second = directory(tmp_path / "2", made_up_row(problem="p1", seed=0))
    merged = merge(tmp_path / "all", [first, second])
    assert merged.evaluation.header.seeds == (0, 1)
    assert [(a.problem, a.seed) for a in merged.missing] == [("p0", 0), ("p1", 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"benchmark_fingerprint": "other"}, "benchmark fingerprint is 'other' in the one and 'b0b0'"),
        ({"budget": {"calls": 3}}, "budget is .* in the one"),
        ({"recipe": "uct"}, "has recipes uct, and .* has grove; compare takes both"),
        ({"recipe_fingerprint": "x"}, r"'grove' under different conditions \(recipe fingerprint\)"),
        ({"models": {"write": "openai:large"}}, r"under different conditions \(models\)"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    first = directory(tmp_path / "1", made_up_row())
    second = directory(tmp_path / "2", made_up_row(problem="p1", **change))
    with pytest.raises(UsageError, match=message):
        merge(tmp_path / "all", [first, second])
    assert not (tmp_path / "all").exists()


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    first = directory(tmp_path / "1", made_up_row())
    with pytest.raises(UsageError, match="1 exists; name a new directory"):
        merge(first, [first])
    with pytest.raises(UsageError, match="named twice"):
        merge(tmp_path / "all", [first, tmp_path / "." / "1"])
    with pytest.raises(EvaluationError, match="holds no evaluation"):
        merge(tmp_path / "all", [first, tmp_path / "no"])
    with (
        ResultWriter(first, load_evaluation(first).header),
        pytest.raises(EvaluationError, match="in use by another process"),
    ):
        merge(tmp_path / "all", [first])


def with_run(folder: Path, *rows: EvalResult) -> tuple[Path, Path]:
    """An evaluation and its only run."""
    run = directory(folder, *rows) / Attempt("grove", "p0", 0).folder
    run.mkdir(parents=True)
    (run / "run.sqlite").write_text("run")
    return folder, run


def test_nothing_is_there_before_everything_is(tmp_path: Path) -> None:
    """The copy of the second run breaks off."""
    first, _ = with_run(tmp_path / "1", made_up_row())
    second = directory(tmp_path / "2", made_up_row(problem="p1"))
    broken = second / Attempt("grove", "p1", 0).folder
    broken.mkdir(parents=True)
    (broken / "run.sqlite").write_text("run")
    (broken / "task.json").symlink_to("nowhere")
    with pytest.raises(EvaluationError, match="cannot copy .*--no-runs"):
        merge(tmp_path / "all", [first, second])
    assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    first, _ = with_run(tmp_path / "1", made_up_row())
    (tmp_path / "all").mkdir()
    assert len(merge(tmp_path / "all", [first]).evaluation.results) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"1", "all"}
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(EvaluationError, match="cannot write to .*link: .*; name a new directory"):
        merge(tmp_path / "link", [first])


def test_a_torn_line_stays_as_it_is(tmp_path: Path) -> None:
    first = directory(tmp_path / "1", made_up_row())
    with (first / "results.jsonl").open("a") as file:
        file.write('{"torn')
    before = contents(first)
    assert len(merge(tmp_path / "all", [first]).evaluation.results) == 1
    assert contents(first) == before


def test_a_run_that_somebody_resumes_is_not_copied(tmp_path: Path) -> None:
    first, run = with_run(tmp_path / "1", made_up_row())
    with database.locked(run), pytest.raises(RunError, match="another process works on the run"):
        merge(tmp_path / "all", [first])
    assert not (tmp_path / "all").exists()


READ_ONLY = """
import os, sys
from codegrove.evaluation.merging import merge
if not os.geteuid():
    os.setgid(65534), os.setuid(65534)
print(len(merge(sys.argv[1] + "/all", [sys.argv[2]]).evaluation.results))
"""


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_shards_that_are_read_only_can_be_merged(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        home = Path(open_to_all)
        home.chmod(0o777)
        first, _ = with_run(home / "1", made_up_row())
        for path in [*first.rglob("*"), first]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            command = [sys.executable, "-P", "-c", READ_ONLY, str(home), str(first)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert done.stdout == "1\n", done.stderr
            assert all(path.stat().st_mode & 0o200 for path in (home / "all").rglob("*"))
        finally:
            for path in [first, *first.rglob("*")]:
                path.chmod(0o755)
