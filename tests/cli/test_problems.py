"""``codegrove problems``: the report as a table and as JSON, and formats that are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import Cli
from tests.problems.rows_of_benchmarks import APPS_STDIN, APPS_UNTESTED, BIGCODEBENCH, MBPP


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(capsys, monkeypatch)


def write(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "file.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_table_says_what_was_found(cli: Cli, tmp_path: Path) -> None:
    done = cli("problems", write(tmp_path, APPS_STDIN, APPS_UNTESTED))
    assert done.code == 0 and done.err == ""
    for text in (
        "file.jsonl: APPS",
        "1, in 1 of 1 problems",
        "sample in the statement (1)",
        "1: the benchmark shows some of its own tests",
        "skipped problems: 1",
        "APPS/15: the benchmark has no tests for it",
        "note: visible tests are the samples",
        "sha256 ",
    ):
        assert text in done.out


def test_the_report_as_json(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, MBPP)
    report = json.loads(cli("problems", path, "--json", "--visible-asserts", "3").out)
    assert (report["problems"], report["visible"], report["hidden"], report["shared"]) == (1, 3, 3, 3)
    assert cli("problems", path, "--ids").out == "MBPP/7\n"
    assert json.loads(cli("problems", path, "--ids", "--json").out) == ["MBPP/7"]


def test_bad_input_gets_one_message(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, MBPP, {**MBPP, "task_id": 8, "code": "def ("})
    for arguments, message in [
        ((path,), "file.jsonl, line 2, field 'code': expected Python"),
        ((path, "--visible-asserts", "2"), "--visible-asserts 2: expected 0, 1 or 3"),
        ((path, "--format", "nope"), "there is no benchmark format 'nope'; known: apps, bigcodebench,"),
        ((tmp_path / "missing.jsonl",), "there is no file"),
        (("hf:x y",), "is no data set"),
    ]:
        done = cli("problems", *arguments)
        assert done.code == 2 and done.out == "" and message in done.err
        assert done.err.count("\n") == 1


def test_a_format_can_be_asked_for_when_solving(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path, BIGCODEBENCH)
    done = cli(
        "solve", "--problem", path, "--id", "0", "--format", "bigcodebench-instruct", "-r", "direct", "-q"
    )
    assert done.code in (0, 3) and "def task_func" in done.out
    done = cli("solve", "--format", "apps")
    assert done.code == 2 and "--format apps needs --problem FILE" in done.err
