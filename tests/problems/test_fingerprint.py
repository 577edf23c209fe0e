"""Two sets of problems that ask, show or grade anything else are never taken for the same."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from codegrove.problem import HiddenInputs, Problem
from codegrove.problems import ProblemSet, load_problems
from codegrove.problems.load_report import LoadedProblem
from codegrove.task import AssertTest, Origin, Task
from tests.problems import rows_of_benchmarks as rows


def _problem(**changes: Any) -> Problem:
    task = Task(id="p", statement="Double it.", entry_point="double")
    return replace(Problem(task=task, inputs=HiddenInputs(calls=("(1,)",))), **changes)


CHANGES: dict[str, Any] = {
    "task": Task(id="p", statement="Double it!", entry_point="double"),
    "hidden": (AssertTest(code="assert double(1) == 2", origin=Origin.HIDDEN),),
    "reference": "def double(x): return 2 * x",
    "wrong": ("def double(x): return x",),
    "level": "easy",
    "source": "ours",
    "inputs": HiddenInputs(calls=("(2,)",)),
    "preamble": "import math",
    "packages": ("numpy",),
    "test_seconds": 2.0,
    "memory_mb": 64,
    "date": "2024-05-04",
}


def test_whatever_differs_between_problems_of_ones_own_their_hash_differs() -> None:
    def sha256(problem: Problem) -> str:
        made = ProblemSet({"p": lambda: LoadedProblem(problem=problem)}, source="ours", format="ours")
        assert made.sha256 == made.report.sha256
        return made.sha256

    assert set(CHANGES) == {field.name for field in fields(Problem)}, "give the new field a value here"
    assert sha256(_problem()) == sha256(_problem())
    assert len(
        {sha256(_problem()), *(sha256(_problem(**{name: CHANGES[name]})) for name in CHANGES)}
    ) == 1 + len(CHANGES)


def _file(folder: Path, entry: rows.Row) -> Path:
    path = folder / "benchmark.jsonl"
    path.write_text(json.dumps(entry) + "\n")
    return path


def test_other_visible_asserts_of_the_same_file_are_another_benchmark(tmp_path: Path) -> None:
    path = _file(tmp_path, rows.MBPP)
    none, one, three = (load_problems(path, visible_asserts=count) for count in (0, 1, 3))
    assert none.sha256 == one.sha256 == three.sha256
    assert len({none.fingerprint, one.fingerprint, three.fingerprint}) == 3
    assert load_problems(path).fingerprint == one.fingerprint


def test_visible_asserts_make_no_difference_where_there_are_none(tmp_path: Path) -> None:
    path = _file(tmp_path, rows.HUMANEVAL)
    assert load_problems(path, visible_asserts=3).fingerprint == load_problems(path).fingerprint


def test_another_format_of_the_same_file_is_another_benchmark(tmp_path: Path) -> None:
    path = _file(tmp_path, rows.BIGCODEBENCH)
    complete, in_words = load_problems(path), load_problems(path, format="bigcodebench-instruct")
    assert complete.sha256 == in_words.sha256 and complete.fingerprint != in_words.fingerprint
    assert load_problems(path, format="bigcodebench").fingerprint == complete.fingerprint


def test_a_copy_under_another_name_is_the_same_benchmark(tmp_path: Path) -> None:
    path = _file(tmp_path, rows.HUMANEVAL)
    copy = path.with_name("copy.jsonl")
    copy.write_bytes(path.read_bytes())
    assert load_problems(copy).fingerprint == load_problems(path).fingerprint
    assert len(load_problems("bundled").fingerprint) == 16
