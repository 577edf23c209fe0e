"""``codegrove compare`` as a user calls it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from codegrove.evaluation.directory import ResultWriter
from tests.support.made_up_evaluation import made_up_header, made_up_rows


def compare(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    code = "from codegrove.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, "compare", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods on ten problems."""
    folder = tmp_path_factory.mktemp("evaluation")
    rows = made_up_rows("weak", problems=10, skill=0.1) + made_up_rows("strong", problems=10, skill=0.9)
    with ResultWriter(folder, made_up_header(rows)) as writer:
        for row in rows:
            writer.append(row)
    return folder


def test_a_table_by_default(evaluation: Path) -> None:
    done = compare(evaluation)
    assert (done.returncode, done.stderr) == (0, "")
    assert "strong" in done.stdout and "p (Holm)" in done.stdout


def test_the_ending_of_the_file_says_the_format(evaluation: Path, tmp_path: Path) -> None:
    for name, start in (("c.html", "<!doctype html>"), ("c.csv", "method,"), ("c.json", '{"kind"')):
        done = compare(evaluation, "--out", tmp_path / name)
        assert (done.returncode, done.stdout) == (0, f"{tmp_path / name}\n")
        assert (tmp_path / name).read_text().startswith(start)


def test_formats_on_stdout(evaluation: Path) -> None:
    assert len(json.loads(compare(evaluation, "--format", "json", "--k", "1,3").stdout)["methods"]) == 2
    assert len(list(csv.reader(compare(evaluation, "-f", "csv").stdout.splitlines()))) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{empty}"], "holds no evaluation"),
        (["{evaluation}", "{evaluation}"], "given 2 times"),
        (["{evaluation}", "--k", "1,x"], "--k 1,x: expected numbers from 1 on"),
        (["{evaluation}", "--k", "0"], "--k 0: expected numbers from 1 on"),
        # before anything is computed: the directory holds nothing that could be compared
        (["{empty}", "--out", "{empty}/c.pdf"], ".pdf names no format; the endings are .csv, .json, .html"),
        (["{empty}", "--out", "{empty}/c"], "no ending names no format"),
        (["{evaluation}", "--out", "{empty}/no/such.html"], "cannot write"),
    ],
)
def test_bad_input_is_one_message(
    arguments: list[str], message: str, evaluation: Path, tmp_path: Path
) -> None:
    done = compare(*(argument.format(empty=tmp_path, evaluation=evaluation) for argument in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
