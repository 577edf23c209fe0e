"""``codegrove eval``, ``grade``, ``export``, ``merge``: output, exit codes, and one message for bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from codegrove import evaluate
from codegrove.evaluation.directory import ResultWriter
from tests.cli.test_cli import Cli
from tests.support.made_up_evaluation import made_up_header, made_up_row
from tests.support.small_benchmark import humaneval_file


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(capsys, monkeypatch)


def test_graded_samples_are_data_and_notes_are_not(cli: Cli, tmp_path: Path) -> None:
    problems = humaneval_file(tmp_path, size=3)
    samples = tmp_path / "samples.jsonl"
    rows = [
        {"task_id": "Sums/1", "completion": "    return x + 1\n"},
        {"task_id": "Sums/1", "completion": "    return x\n"},
        {"task_id": "Sums/7", "completion": ""},
    ]
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = cli("grade", samples, "--problem", problems, "--k", "1,5")
    assert done.code == 1  # a sample for a problem that there is not
    assert done.out == "1 correct, 1 wrong, 0 could not be judged\nproblems: 1 of 3\npass@1: 0.5000\n"
    for text in (
        f"results: {samples}_results.jsonl",
        "pass@5 is not defined: a problem has 2 judged samples",
        "2 problems have no sample and are in no rate, e.g. Sums/0",
        "1 samples are for problems that sums.jsonl does not have, e.g. ",
        "line 3: Sums/7",
    ):
        assert text in done.err
    report = json.loads(cli("grade", samples, "-p", problems, "--json", "--out", tmp_path / "o").out)
    assert (report["correct"], report["wrong"], report["pass@1"], report["pass@10"]) == (1, 1, 0.5, None)
    assert len((tmp_path / "o").read_text().splitlines()) == 3


def test_an_evaluation_from_end_to_end(cli: Cli, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for part, out in (("1/2", first), ("2/2", second)):
        done = cli(
            "eval", "bundled", "-r", "direct", "--limit", "2", "--shard", part, "--out", out, "--quiet"
        )
        assert done.code == 0, done.err
        assert "direct" in done.out
    refused = cli("export", first, "--to", "evalplus", "--out", tmp_path / "samples.jsonl")
    assert refused.code == 2 and "1 of 2 attempts of direct are not there" in refused.err
    merged = cli("merge", tmp_path / "all", first, second)
    assert merged.out == f"{tmp_path / 'all'}: 2 attempts, 0 missing\n"
    exported = cli("export", tmp_path / "all", "--to", "evalplus", "--out", tmp_path / "samples.jsonl")
    assert (exported.code, exported.out) == (0, f"{tmp_path / 'samples.jsonl'}: 2 answers\n")
    done = cli("grade", tmp_path / "samples.jsonl", "-p", "bundled", "--json")
    rows = "".join((shard / "results.jsonl").read_text() for shard in (first, second)).splitlines()
    verdicts = [json.loads(row)["hidden"] == "passed" for row in rows]
    assert json.loads(done.out)["correct"] == sum(verdicts)


def test_the_report_of_an_evaluated_run_has_the_hidden_verdict(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "eval"
    assert cli("eval", "bundled", "-r", "direct", "--limit", "1", "--out", out, "--quiet").code == 0
    row = json.loads((out / "results.jsonl").read_text())
    run = next(out.rglob("run.sqlite")).parent
    graded = f"hidden tests: {row['hidden_passed']} of {row['hidden_total']} passed (not seen by the search)"

    def plain(*arguments: str | Path) -> str:
        done = cli("report", *arguments)
        assert done.code == 0, done.err
        return Path(done.out.strip()).read_text(encoding="utf-8").partition("<noscript>")[2]

    assert row["hidden_total"] > 0 and graded in plain(run)
    monkeypatch.chdir(run)
    assert graded in plain(".", "--out", tmp_path / "elsewhere.html")
    monkeypatch.chdir(tmp_path)
    # A row speaks of the answer that was graded; a run that went on may have another one.
    (out / "results.jsonl").write_text(json.dumps({**row, "program": "x = 1"}) + "\n")
    assert "hidden tests: not graded" in plain(run)
    (out / "results.jsonl").write_text("")
    assert "hidden tests: not graded" in plain(run)
    shutil.copytree(run, tmp_path / "alone")
    assert "hidden tests: not graded" in plain(tmp_path / "alone")
    (out / "results.jsonl").write_text("{}\n")
    done = cli("report", run)
    assert done.code == 2 and "results.jsonl, line 1" in done.err


def test_a_run_of_an_evaluation_goes_on_from_another_directory(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = humaneval_file(tmp_path, size=1)
    monkeypatch.chdir(tmp_path)
    given = ("eval", problems.name, "-r", "direct", "-m", "sim:", "-q")
    assert cli(*given, "--out", "by-command").code == 0
    evaluate(problems.name, "direct", out="from-python", model="sim:")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in ("by-command", "from-python"):
        (run,) = (path.parent for path in (tmp_path / name).rglob("run.sqlite"))
        done = cli("resume", run, "-q")
        assert done.code in (0, 3), done.err


def test_what_merge_has_to_say(cli: Cli, tmp_path: Path) -> None:
    for name, calls in (("1", 4), ("2", 5)):
        rows = [made_up_row(calls=calls), made_up_row(problem=f"p{name}")]
        with ResultWriter(tmp_path / name, made_up_header(rows)) as writer:
            for row in rows:
                writer.append(row)
        header = json.loads((tmp_path / name / "eval.json").read_text())
        (tmp_path / name / "eval.json").write_text(
            json.dumps({**header, "problems": ["p0", "p1", "p2", "p3"]})
        )
    done = cli("merge", tmp_path / "all", tmp_path / "1", tmp_path / "2")
    assert done.out == f"{tmp_path / 'all'}: 3 attempts, 1 missing\n"
    assert (
        "1 attempts were different in several directories, and the last one counts: grove p0 seed 0"
        in done.err
    )
    assert "1 attempts are missing: grove p3 seed 0" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grade", "no.jsonl", "-p", "bundled"), "there is no file no.jsonl"),
        (("grade", "no.jsonl", "-p", "bundled", "--k", "0"), "--k 0: expected numbers from 1 on"),
        (("grade", "no.jsonl", "-p", "bundled", "--format", "x"), "there is no format of samples 'x'"),
        (("export", "no", "--to", "evalplus", "--out", "x"), "no holds no evaluation"),
        (("merge", "out", "no"), "no holds no evaluation"),
        (("eval", "bundled", "-r", "direct", "--out", "e", "--shard", "3/2"), "shard 3/2: expected a number"),
        (("eval", "bundled", "-r", "direct", "--out", "e", "--shard", "x"), "--shard x: expected a part"),
        (
            ("eval", "bundled", "-r", "direct", "-r", "direct", "--out", "e"),
            "two recipes are called 'direct'",
        ),
        (
            ("eval", "bundled", "-r", "direct", "--out", "e", "--id", "lift-log", "--limit", "1"),
            "--id and --limit 1 both say which problems; give one of them",
        ),
    ],
)
def test_bad_input_gets_one_message(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli(*arguments)
    assert done.code == 2 and done.out == ""
    assert done.err.startswith("codegrove: ") and message in done.err
    assert len(done.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
