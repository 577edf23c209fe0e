"""Evaluation files: nothing is lost, nothing is misread, and every refusal says where."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.budget import Budget, Spend
from codegrove.candidate import Candidate
from codegrove.errors import BrokenOff, EvaluationError, UsageError
from codegrove.evaluation.directory import HEADER, RESULTS, ResultWriter, load_evaluation
from codegrove.evaluation.graded_rows import ResultFile
from codegrove.evaluation.results import EvalResult, fingerprint, limits
from codegrove.graphs.end import Ended
from codegrove.graphs.solution import Result, Solution
from codegrove.verdict import Status, TestResult, Verdict
from tests.support.made_up_evaluation import made_up_header, made_up_row


def written(folder: Path, *rows: EvalResult) -> Path:
    """An evaluation directory with these rows."""
    with ResultWriter(folder, made_up_header(rows)) as writer:
        for row in rows:
            writer.append(row)
    return folder


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = (
        made_up_row(),
        made_up_row(problem="p1", hidden=Status.UNJUDGED, hidden_passed=0, dollars=None),
        made_up_row(problem="p2", program=None, hidden=None, result="unsolved", seed=-1),
        made_up_row(problem="p3", program="x = '\ud800\x00'\n", reason="lone \udfff"),
    )
    read = load_evaluation(written(tmp_path / "e", *rows))
    assert read.results == rows
    assert read.notes == ()
    assert read.header.problems == ("p0", "p1", "p2", "p3")


def test_an_evaluation_is_continued(tmp_path: Path) -> None:
    written(tmp_path, made_up_row())
    with ResultWriter(tmp_path, made_up_header([made_up_row(benchmark="other")])) as writer:
        assert writer.header.benchmark == "made-up"
        assert writer.results == (made_up_row(),)
        writer.append(made_up_row(seed=1))
    assert [row.seed for row in load_evaluation(tmp_path).results] == [0, 1]


@pytest.mark.parametrize("kept", [1, 40, -2, -1])
def test_a_torn_last_line_is_reported_and_then_cut_off(tmp_path: Path, kept: int) -> None:
    written(tmp_path, made_up_row(), made_up_row(seed=1))
    first, second, _ = (tmp_path / RESULTS).read_bytes().split(b"\n")
    (tmp_path / RESULTS).write_bytes(first + b"\n" + (second[:kept] if kept != -1 else second))
    read = load_evaluation(tmp_path)
    assert [row.seed for row in read.results] == [0]
    assert "torn" in read.notes[0]
    written(tmp_path, made_up_row(seed=2))
    read = load_evaluation(tmp_path)
    assert [row.seed for row in read.results] == [0, 2]
    assert read.notes == ()


def test_the_last_row_of_an_attempt_counts(tmp_path: Path) -> None:
    graded = made_up_row().graded(Verdict(status=Status.FAILED, results=(TestResult(status=Status.FAILED),)))
    read = load_evaluation(written(tmp_path, made_up_row(hidden=None), graded))
    assert read.results == (graded,)
    assert "1 rows were replaced" in read.notes[0]


def test_only_one_process_writes(tmp_path: Path) -> None:
    header = made_up_header([made_up_row()])
    with ResultWriter(tmp_path, header), pytest.raises(EvaluationError, match="in use"):
        ResultWriter(tmp_path, header)
    ResultWriter(tmp_path, header).__exit__(None, None, None)


@contextmanager
def no_room(most: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_row_without_room_is_taken_back_and_no_mistake_of_the_caller(tmp_path: Path) -> None:
    first, second = made_up_row(), made_up_row(seed=1)
    with ResultWriter(tmp_path, made_up_header([first])) as writer:
        writer.append(first)
        size = (tmp_path / RESULTS).stat().st_size
        with no_room(size + 20), pytest.raises(BrokenOff, match="cannot write to .*File too large"):
            writer.append(second)
        assert (tmp_path / RESULTS).stat().st_size == size
        writer.append(second)
    assert load_evaluation(tmp_path).results == (first, second)
    assert not issubclass(BrokenOff, UsageError)  # exit code 1, not 2


def test_graded_rows_without_room_leave_no_file(tmp_path: Path) -> None:
    with no_room(20), pytest.raises(BrokenOff, match="cannot write to .*out: File too large"):  # noqa: SIM117
        with ResultFile(tmp_path / "out") as results:
            results.write({"program": "x" * 1000})
    assert not (tmp_path / "out").exists()
    with pytest.raises(EvaluationError, match="cannot write to .*No such file"):
        ResultFile(tmp_path / "none" / "out").__enter__()


def test_keys_of_later_versions_are_ignored(tmp_path: Path) -> None:
    written(tmp_path, made_up_row())
    for name in (HEADER, RESULTS):
        data = json.loads((tmp_path / name).read_text())
        (tmp_path / name).write_text(json.dumps(data | {"from_the_future": [1]}) + "\n")
    assert load_evaluation(tmp_path).results == (made_up_row(),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"calls": "4"}, r"line 2, field calls: .*integer, found '4'"),
        ({"dollars": -1}, r"line 2, field dollars: "),
        ({"seconds": float("nan")}, r"line 2, field seconds: "),
        ({"hidden": "perhaps"}, r"line 2, field hidden: .*'unjudged'"),
        ({"program": 3}, r"line 2, field program: "),
        ({"visible_passed": 4}, r"line 2, field record: .*visible_passed is 4, but visible_total is 3"),
        ({"simulated": "no", "seed": 1.5}, r"line 2, field \w+: .*\(and 1 more\)"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    written(tmp_path, made_up_row())
    row = json.loads((tmp_path / RESULTS).read_text())
    with (tmp_path / RESULTS).open("a") as file:
        file.write(json.dumps(row | change) + "\n")
    with pytest.raises(EvaluationError, match=message):
        load_evaluation(tmp_path)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    written(tmp_path, made_up_row())
    row = json.loads((tmp_path / RESULTS).read_text())
    del row["problem"]
    (tmp_path / RESULTS).write_text(json.dumps(row) + "\n")
    with pytest.raises(EvaluationError, match="line 1, field problem: Field required$"):
        load_evaluation(tmp_path)


@pytest.mark.parametrize("line", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    written(tmp_path, made_up_row())
    with (tmp_path / RESULTS).open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(EvaluationError, match="line 2: "):
        load_evaluation(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": "codegrove-eval", "version": 2}', "has version 2, and this codegrove reads version 1"),
        ('{"format": "other", "version": 1}', "is no evaluation"),
        ("[]", "is no evaluation"),
        ("{", "not JSON"),
        ('{"format": "codegrove-eval", "version": 1}', "field codegrove: Field required"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / HEADER).write_text(content)
    with pytest.raises(EvaluationError, match=message):
        load_evaluation(tmp_path)


def test_a_directory_without_an_evaluation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds no evaluation"):
        load_evaluation(tmp_path)


@pytest.mark.parametrize(
    ("changes", "correct"),
    [
        ({}, True),
        ({"hidden": Status.FAILED}, False),
        ({"hidden": Status.TIMED_OUT}, False),
        ({"hidden": Status.UNJUDGED}, None),
        ({"hidden": None}, None),
        ({"hidden": None, "program": None}, False),
    ],
)
def test_what_is_correct(changes: dict[str, Any], correct: bool | None) -> None:
    assert made_up_row(**changes).correct is correct


def test_a_row_is_made_from_a_solution() -> None:
    verdict = Verdict(status=Status.PASSED, results=(TestResult(status=Status.PASSED),))
    solution = Solution(
        task_id="p0",
        recipe="grove",
        result=Result.SOLVED,
        reason="the search is done",
        ended=Ended.DONE,
        candidate=Candidate(program="x = 1"),
        verdict=verdict,
        spend=Spend(calls=3, input_tokens=5, output_tokens=7, dollars=0.5, unpriced_calls=1, seconds=2.0),
    )
    hidden = Verdict(status=Status.UNJUDGED, note="no room")
    row = EvalResult.of(solution, made_up_row().arm, problem="p0", seed=4, sandbox="basic", hidden=hidden)
    assert (row.visible_passed, row.visible_total, row.calls, row.tokens) == (1, 1, 3, 12)
    assert row.dollars is None, "a part of the price is unknown"
    assert (row.hidden, row.hidden_note, row.program) == (Status.UNJUDGED, "no room", "x = 1")
    assert row.arm == made_up_row().arm


def test_limits_name_what_is_set() -> None:
    assert limits(Budget(calls=5, role_calls={"critic": 2})) == {"calls": 5, "role_calls.critic": 2}


@given(st.dictionaries(st.text(), st.integers() | st.text(), max_size=5))
def test_a_fingerprint_ignores_the_order_of_keys(data: dict[str, Any]) -> None:
    assert fingerprint(data) == fingerprint(dict(reversed(data.items())))
    assert fingerprint(data) != fingerprint(data | {"one more": 1.5})
