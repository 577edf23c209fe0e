"""The table in docs/exit-codes.md; what a Ctrl-C does is tested in tests/runs and tests/cli/test_cli.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codegrove.cli.eval_display import EvalDisplay
from codegrove.cli.exit_codes import ERROR, OF_EVAL, OF_GRADE, OF_RUNS, SOLVED, UNSOLVED, USAGE
from codegrove.evaluation.directory import ResultWriter, load_evaluation
from codegrove.tools.sandbox.factory import findings
from tests.cli.test_cli import Cli
from tests.support.made_up_evaluation import made_up_header, made_up_row
from tests.support.small_benchmark import humaneval_file

EVAL = ("eval", "bundled", "--limit", "1", "-r", "direct", "-q")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(capsys, monkeypatch)


PAGE = Path(__file__).resolve().parents[2] / "docs" / "exit-codes.md"


@pytest.mark.parametrize(
    ("skill", "limit", "code", "reason"),
    [
        ("1", "9", SOLVED, "the search is done"),
        ("0", "9", UNSOLVED, "the search is done"),
        ("0", "1", UNSOLVED, "budget for calls is used up: 1 of 1"),
    ],
)
def test_solve_and_resume(cli: Cli, tmp_path: Path, skill: str, limit: str, code: int, reason: str) -> None:
    run = tmp_path / "run"
    solve = ("solve", "--problem", "bundled", "--id", "lift-log", "-r", "loop", "--out", run)
    model = f"sim:pass_rate={skill},repair_rate=0"
    done = cli(*solve, "-m", model, "--max-calls", limit, "-q")
    assert done.code == code, done.err
    assert reason in done.err
    assert cli("resume", run, "-q").code == code


def test_a_run_that_is_finished_says_the_same_again(cli: Cli, tmp_path: Path) -> None:
    command = ("solve", "--problem", "bundled", "--id", "lift-log", "-r", "direct", "--out", tmp_path / "run")
    for more in (("-q",), ()):
        first, again = (cli(*command, "-m", "sim:pass_rate=1", *more) for _ in range(2))
        assert (again.code, again.out) == (first.code, first.out)
    quiet = cli(*command, "-m", "sim:pass_rate=1", "-q")
    assert quiet.err.startswith("lift-log: solved with recipe direct")
    assert f"run: {tmp_path / 'run'}" in quiet.err and "nothing was run" not in quiet.err
    assert "nothing was run" in again.err and "lift-log: solved with recipe direct" in again.err


def test_a_sandbox_level_that_is_not_here_is_an_error_and_one_that_is_nowhere_bad_usage(
    cli: Cli,
    tmp_path: Path,
) -> None:
    for command in (
        ("solve", "--problem", "bundled", "--id", "lift-log"),
        (*EVAL, "--out", tmp_path / "e"),
        ("grade", humaneval_file(tmp_path, size=1), "-p", "bundled"),
    ):
        assert cli(*command, "--require-sandbox", "total").code == USAGE
    strongest = findings()[0]
    if not strongest.available:
        done = cli("solve", "--problem", "bundled", "--id", "lift-log", "--require-sandbox", strongest.level)
        assert done.code == ERROR and len(done.err.splitlines()) == 1


def test_eval(cli: Cli, tmp_path: Path) -> None:
    wrong = cli(*EVAL, "-m", "sim:pass_rate=0", "--out", tmp_path / "wrong")
    assert wrong.code == 0, wrong.err
    assert "not judged" in wrong.out and "not finished" not in wrong.err
    stopped = cli(*EVAL, "--seeds", "3", "--total-calls", "1", "-j", "1", "--out", tmp_path / "stopped")
    assert stopped.code == ERROR and "the same command goes on" in stopped.err
    assert cli(*EVAL, "--out", tmp_path / "wrong", "-m", "sim:pass_rate=1").code == USAGE


def test_a_shard_without_problems_is_done_and_says_what_that_means(cli: Cli, tmp_path: Path) -> None:
    done = cli(*EVAL, "--shard", "5/5", "--out", tmp_path / "e")
    assert (done.code, done.out) == (0, "")
    assert "shard 5/5 has none of the 1 problems" in done.err and "merge needs nothing from it" in done.err
    first = cli(*EVAL, "--shard", "1/5", "--out", tmp_path / "f")
    assert first.code == 0
    merged = cli("merge", tmp_path / "all", tmp_path / "f", tmp_path / "e")
    assert merged.out == f"{tmp_path / 'all'}: 1 attempts, 0 missing\n"


def test_the_summary_keeps_two_variants_of_one_recipe_apart(
    cli: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(*EVAL, "-m", "sim:pass_rate=1", "--out", tmp_path / "e").code == 0
    results = tmp_path / "e" / "results.jsonl"
    row = json.loads(results.read_text())
    other = {**row, "models": dict.fromkeys(row["models"], "sim:pass_rate=0"), "hidden": "failed"}
    results.write_text(json.dumps(other) + "\n" + json.dumps(row) + "\n")
    EvalDisplay(quiet=True).summarise(load_evaluation(tmp_path / "e"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0].strip() for line in lines[1:]] == [
        "direct · sim:pass_rate=0",
        "direct · sim:pass_rate=1",
    ]


def test_compare_and_grade(cli: Cli, tmp_path: Path) -> None:
    rows = [made_up_row()]
    with ResultWriter(tmp_path / "e", made_up_header(rows)) as writer:
        writer.append(rows[0])
    assert cli("compare", tmp_path / "e").code == 0
    assert cli("compare", tmp_path).code == USAGE
    problems = humaneval_file(tmp_path, size=2)
    samples = tmp_path / "samples.jsonl"
    samples.write_text(json.dumps({"task_id": "Sums/1", "completion": "    return x\n"}) + "\n")
    assert cli("grade", samples, "-p", problems).code == 0  # though the program is wrong
    with samples.open("a") as file:
        file.write(json.dumps({"task_id": "Sums/9", "completion": ""}) + "\n")
    assert cli("grade", samples, "-p", problems).code == ERROR


def test_help_says_the_codes_and_the_page_has_them_all(cli: Cli) -> None:
    for command, text in (("solve", OF_RUNS), ("resume", OF_RUNS), ("eval", OF_EVAL), ("grade", OF_GRADE)):
        shown = " ".join(cli(command, "--help").out.split())
        assert text in shown
    page = PAGE.read_text()
    assert all(f"\n| {code} |" in page for code in (0, 1, 2, 3, 130))
