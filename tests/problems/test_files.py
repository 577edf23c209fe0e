"""Problem files: formats, looking up, reports, and one clear message for each way a file can be broken."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from codegrove.errors import TaskError
from codegrove.problems import lasting_source, load_problems
from codegrove.problems.directories import natural_order
from tests.problems.test_humaneval import ROW
from tests.problems.test_mbpp import FULL, SANITIZED

Rows = list[dict[str, Any]]


def humaneval(count: int = 3) -> Rows:
    return [{**ROW, "task_id": f"Own/{n}"} for n in range(count)]


def lines(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def write(folder: Path, content: str | bytes, name: str = "problems.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path | str) -> str:
    with pytest.raises(TaskError) as error:
        load_problems(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", lines(humaneval()).encode()),
        ("a.jsonl", b"\xef\xbb\xbf\n" + lines(humaneval()).replace("\n", "\r\n\r\n").encode()),
        ("a.jsonl.gz", gzip.compress(lines(humaneval()).encode())),
        ("a.jsonl", gzip.compress(lines(humaneval()).encode())),
        ("a.json", json.dumps(humaneval(), indent=1).encode()),
    ],
)
def test_one_object_per_line_or_one_list_packed_or_not(tmp_path: Path, name: str, content: bytes) -> None:
    problems = load_problems(write(tmp_path, content, name))
    assert problems.ids == ("Own/0", "Own/1", "Own/2")
    assert problems.format == "HumanEval"
    assert [p.id for p in problems.problems] == list(problems.ids)


@pytest.mark.parametrize(
    ("row", "format"), [(FULL, "MBPP"), (SANITIZED, "MBPP (sanitized)"), (ROW, "HumanEval")]
)
def test_the_format_is_told_by_the_fields(tmp_path: Path, row: dict[str, Any], format: str) -> None:
    problems = load_problems(str(write(tmp_path, lines([row]))))
    assert problems.format == problems.report.format == format
    assert len(problems) == 1


@pytest.mark.parametrize("wanted", ["MBPP/7", "mbpp/7", "7", 7, " 7 "])
def test_ids_in_short(tmp_path: Path, wanted: str | int) -> None:
    path = write(tmp_path, lines([{**FULL, "task_id": 17}, FULL]))
    assert load_problems(path).by_id(wanted).id == "MBPP/7"


def test_a_problem_for_grading_has_the_hidden_tests_of_the_problem(tmp_path: Path) -> None:
    problems = load_problems(write(tmp_path, lines(humaneval(3))))
    graded = problems.for_grading("1")
    assert graded is problems.for_grading("Own/1")
    assert graded.hidden == problems.by_id("1").hidden
    assert problems.for_grading("1") is problems.by_id("1")  # known by now
    with pytest.raises(TaskError, match="no problem"):
        problems.for_grading("99")
    assert load_problems("bundled").for_grading("barrel-ledger") == load_problems("bundled").by_id(
        "barrel-ledger"
    )


def test_an_unknown_id_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    problems = load_problems(write(tmp_path, lines(humaneval(30))))
    with pytest.raises(TaskError, match="problems.jsonl has no problem 'Own/2x'; did you mean 'Own/2'"):
        problems.by_id("Own/2x")
    with pytest.raises(TaskError, match="no problem 'zzz'; its 30 ids run from 'Own/0' to 'Own/29'"):
        problems.by_id("zzz")


def test_an_ambiguous_id_is_refused(tmp_path: Path) -> None:
    rows = [{**ROW, "task_id": "A/1"}, {**ROW, "task_id": "B/1"}]
    with pytest.raises(TaskError, match="several problems '1': A/1, B/1"):
        load_problems(write(tmp_path, lines(rows))).by_id("1")


def test_one_problem_is_loaded_without_the_others(tmp_path: Path) -> None:
    rows = humaneval()
    rows[2]["prompt"] = "no Python"
    problems = load_problems(write(tmp_path, lines(rows)))
    assert problems.by_id("0") is problems.by_id("Own/0")
    with pytest.raises(TaskError, match=r"problems\.jsonl, line 3, field 'prompt'"):
        problems.by_id("2")


def test_the_report_counts_and_says_how_visible_tests_were_obtained(tmp_path: Path) -> None:
    path = write(tmp_path, lines(humaneval(2)))
    report = load_problems(path).report
    assert (report.problems, report.visible, report.with_visible, report.hidden) == (2, 2, 2, 2)
    assert report.forms == {"doctest": 2}
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    text = str(report)
    assert "problems.jsonl: 2 problems in HumanEval format" in text
    assert "visible tests: 2, in 2 of 2 problems" in text
    assert "Own/1, area([1, 1]) == 2: contradicted by the hidden tests" in text
    assert "note: " in text and report.sha256 in text


def test_a_packed_file_has_the_hash_of_its_content(tmp_path: Path) -> None:
    plain, packed = lines(humaneval()).encode(), gzip.compress(lines(humaneval()).encode())
    one, two = write(tmp_path, plain, "a.jsonl"), write(tmp_path, packed, "a.jsonl.gz")
    assert load_problems(one).report.sha256 == load_problems(two).report.sha256


def test_the_report_on_mbpp_says_how_many_asserts_were_shown(tmp_path: Path) -> None:
    path = write(tmp_path, lines([FULL]))
    assert "3 of the asserts shown to the search" in str(load_problems(path, visible_asserts=3).report)


def test_a_lasting_source_means_the_same_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundled").mkdir()
    assert lasting_source("bundled") == "bundled"
    assert lasting_source("hf:owner/name") == "hf:owner/name"
    assert lasting_source("some.jsonl") == lasting_source(Path("some.jsonl")) == str(tmp_path / "some.jsonl")


def test_files_are_read_in_the_order_people_count() -> None:
    names = ["test.jsonl", "test2.jsonl", "test10.jsonl", "v1.2.json", "v1.10.json", "²"]
    assert [path.name for path in natural_order(Path(name) for name in reversed(names))] == names


def test_bundled_problems_load_by_name() -> None:
    problems = load_problems("bundled")
    assert len(problems) >= 40
    assert problems.by_id(problems.ids[0]).source == "bundled"
    with pytest.raises(TaskError, match="bundled has no problem"):
        problems.by_id("no such thing")


def test_the_bundled_problems_have_no_other_format() -> None:
    with pytest.raises(TaskError, match="no benchmark format 'no-such'"):
        load_problems("bundled", format="no-such")
    with pytest.raises(
        TaskError, match="^the bundled problems have a format of their own; found format 'apps'"
    ):
        load_problems("bundled", format="apps")


def test_bundled_report() -> None:
    report = load_problems("bundled").report
    assert report.with_visible == report.problems
    assert len(report.sha256) == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task_id": None}, "line 2, field 'task_id': expected text; found NoneType None"),
        ({"task_id": ""}, "line 2, field 'task_id': expected some text; found str ''"),
        ({"prompt": 3}, "line 2, field 'prompt': expected text; found int 3"),
        ({"test": ["x"] * 99}, "line 2, field 'test': expected text; found list ['x'"),
        ({"prompt": "a\ud800"}, "line 2, field 'prompt': expected text that can be written as UTF-8"),
        ({"task_id": "Own/0"}, "line 2, field 'task_id': 'Own/0' stands already at"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    rows = humaneval(2)
    rows[1] |= change
    path = write(tmp_path, lines(rows))
    assert refusal(path).startswith(f"{path}, {message}")


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    rows = humaneval(2)
    del rows[1]["canonical_solution"]
    path = write(tmp_path, lines(rows))
    assert refusal(path) == f"{path}, line 2, field 'canonical_solution': expected a value; it is missing"


def test_wrong_entries_of_a_list_are_named(tmp_path: Path) -> None:
    assert "field 'test_list.1': expected text; found int 2" in refusal(
        write(tmp_path, lines([{**FULL, "test_list": ["assert double(1)", 2]}]))
    )
    assert "field 'test_list': expected a list with at least one entry" in refusal(
        write(tmp_path, lines([{**FULL, "test_list": []}]))
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected 'bundled', a .jsonl"),
        (b" \n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is a binary file; expected"),
        ('{"task_id": "é"}'.encode("latin-1"), "line 1: byte 0xe9 is not UTF-8 text"),
        (b'{"task_id"\n', "line 1: not JSON (Expecting ':' delimiter at column 11)"),
        (lines(humaneval(1)).encode() + b"oops\n", "line 2: not JSON (Expecting value at column 1)"),
        (b"[1, 2]", "entry 1: expected a JSON object; found int"),
        (b"[]", "holds no problems"),
        (b"3\n", "line 1: expected a JSON object; found int"),
        (
            b'{"a": 1, "b": 2}\n',
            "line 1: the fields (a, b) are those of no known benchmark; supported: HumanEval, HumanEval+,",
        ),
        (b"{}\n", "line 1: the fields (none) are those of no known benchmark"),
        (b"[" * 200_000, "JSON that cannot be read"),
        (b'{"task_id": ' + b"9" * 5000 + b"}", "line 1: the fields (task_id) are those of no known"),
        (gzip.compress(lines(humaneval()).encode(), mtime=0)[:60], "is a broken gzip file"),
        (b"\x1f\x8bnot really", "is a broken gzip file"),
        (b"from x import y\n", "line 1: not JSON"),
    ],
)
def test_a_file_that_is_none_gets_one_clear_message(tmp_path: Path, content: bytes, message: str) -> None:
    path = write(tmp_path, content)
    assert message in refusal(path)
    assert str(path) in refusal(path)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train.jsonl", "test.jsonl"), "test, train"),
        (("Test.jsonl.gz", "test2.jsonl", "valid.json"), "test, valid"),
        (("mbpp_validation.jsonl", "mbpp-test.jsonl"), "test, validation"),
        (("prompt.jsonl", "test.jsonl"), "prompt, test"),
        (("dev.jsonl", "train-00000-of-00001.jsonl"), "dev, train"),
        (("train-00000-of-00002.jsonl", "test-00000-of-00001-0a1b.jsonl"), "test, train"),
    ],
)
def test_splits_are_not_one_data_set(tmp_path: Path, names: tuple[str, ...], splits: str) -> None:
    for number, name in enumerate(names):
        write(tmp_path, lines([{**FULL, "task_id": number}]), name)
    assert refusal(tmp_path).startswith(f"{tmp_path} holds several splits ({splits}); name the file of one")


@pytest.mark.parametrize(
    "names",
    [
        ("test.jsonl", "test2.jsonl", "test10.jsonl"),
        ("train-00000-of-00002.jsonl", "train-00001-of-00002.jsonl"),
        ("latest.jsonl", "contest.jsonl"),
        ("part1.jsonl", "part2.jsonl"),
    ],
)
def test_parts_of_one_split_are_one_data_set(tmp_path: Path, names: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        write(tmp_path, lines([{**FULL, "task_id": number}]), name)
    assert len(load_problems(tmp_path)) == len(names)


def test_a_place_that_is_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"{tmp_path} is a directory without problem files; expected")
    write(tmp_path, lines(humaneval()), "HumanEval.jsonl")
    missing = tmp_path / "HumanEvl.jsonl"
    assert refusal(missing).startswith(
        f"there is no file {missing}; did you mean 'HumanEval.jsonl'?; expected"
    )
    assert refusal("a\0b").startswith("a\0b cannot be read")
    assert "there is no file bundeld" in refusal("bundeld")


def test_a_packed_file_cannot_grow_without_limit(tmp_path: Path) -> None:
    from codegrove.problems.reading import read_data

    path = write(tmp_path, gzip.compress(b"x" * (3 * 1024 * 1024)), "a.gz")
    with pytest.raises(TaskError, match=r"a\.gz is larger than 2 MiB; expected a small file"):
        read_data(path, limit_mb=2, expected="a small file")
