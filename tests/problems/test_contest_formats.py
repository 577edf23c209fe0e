"""APPS and CodeContests on entries of our own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import TaskError
from codegrove.problems import load_problems
from codegrove.problems.overlap import shared
from codegrove.problems.statement_samples import statement_samples
from codegrove.task import CallTest, StdioTest
from tests.problems import rows_of_benchmarks as rows
from tests.problems.rows_of_benchmarks import Row
from tests.problems.test_benchmarks import loaded, one, report


def test_samples_in_the_statement_are_visible_unless_the_tests_contradict_them(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows.APPS_STDIN)
    problem = found.problems[0]
    assert [(test.stdin, test.expected) for test in problem.task.tests if isinstance(test, StdioTest)] == [
        ("1 2\n", "3\n")
    ]
    assert [test.stdin for test in problem.hidden if isinstance(test, StdioTest)] == ["1 2\n", "5 5", "0 0"]
    assert found.report.shared == 1 and "contradicted by the hidden tests" in found.report.dropped[0]
    assert found.report.forms == {"sample in the statement": 1}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("-----Sample Input-----\n1\n\n-----Sample Output-----\n2\n", [("1\n", "2\n")]),
        (
            "-----Sample Input 1-----\na\n-----Sample Output 1-----\nb\n-----Sample Input 2-----\nc\n"
            "-----Sample Output 2-----\nd",
            [("a\n", "b\n"), ("c\n", "d\n")],
        ),
        (
            "-----Example-----\nInput\n1 2\n3\n\nOutput\n6\n\n-----Note-----\nInput\nx\nOutput\ny\n",
            [("1 2\n3\n", "6\n")],
        ),
        ("-----Examples-----\nInput\n\nOutput\n3\n", []),
        ("-----Input-----\n1\n-----Output-----\n2\n", []),
        ("Input\n1\nOutput\n2\n", []),
        ("-----Sample Output-----\n1\n-----Sample Input-----\n2\n", []),
    ],
)
def test_pairs_in_statements(text: str, wanted: list[tuple[str, str]]) -> None:
    assert statement_samples(text) == wanted


def test_samples_that_the_judge_would_accept_contradict_nothing(tmp_path: Path) -> None:
    samples = "-----Examples-----\nInput\n1\n\nOutput\n0.50 Yes\n\nInput\n2\n\nOutput\n0.51 yes\n"
    tests = {"inputs": ["1", "2"], "outputs": ["0.5 YES", "0.5 YES"]}
    found = loaded(tmp_path, {**rows.APPS_STDIN, "question": samples, "input_output": json.dumps(tests)})
    (visible,) = found.problems[0].task.tests
    assert isinstance(visible, StdioTest) and visible.expected == "0.50 Yes\n"
    assert found.report.shared == 1 and len(found.report.dropped) == 1


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        ("Yes\n\nThe third character of the text is a hyphen.\n", "Yes\n"),
        ("2\n2\n3\n\nLook at k = 1 first.\n\nThere are two ways to choose, so print 2.\n", "2\n2\n3\n"),
        ("1 3\n\nIf x = (1, 3),\n - a = 1\nand we have what is asked.\n", "1 3\n"),
        ("6\n\n20\n\n16\n", "6\n\n20\n\n16\n"),
        ("6\n\n20\n\nThe sums of both parts.\n", "6\n\n20\n"),
        ("YES\n1 2\n\nNO\n", "YES\n1 2\n\nNO\n"),
        ("the quick brown fox\njumps over the dog\n", "the quick brown fox\njumps over the dog\n"),
        ("8\n\n2^3 = 8\n", None),
        ("8\n\n2^3 = 8\n\nThis is the largest of all.\n", None),
        ("you are all right\n\nThis is what they print.\n", None),
    ],
)
def test_an_explanation_behind_a_sample_is_no_output(output: str, wanted: str | None) -> None:
    pairs = [] if wanted is None else [("1\n", wanted)]
    assert statement_samples(f"-----Sample Input-----\n1\n\n-----Sample Output-----\n{output}") == pairs
    assert statement_samples(f"-----Example-----\nInput\n1\n\nOutput\n{output}\n-----Note-----\nx") == pairs


@given(st.lists(st.lists(st.floats(allow_nan=False).map(str), min_size=1).map(" ".join), min_size=1))
def test_numbers_are_outputs_however_they_are_spaced(lines: list[str]) -> None:
    output = "\n\n".join(lines) + "\n"
    assert statement_samples(f"-----Sample Input-----\n1\n-----Sample Output-----\n{output}") == [
        ("1\n", output)
    ]


def test_an_example_rounded_as_people_do_contradicts_nothing(tmp_path: Path) -> None:
    entry = {
        **rows.HUMANEVAL,
        "prompt": 'def third(x):\n    """\n    >>> third(1)\n    0.333333\n    >>> third(2)\n    0.6\n    """\n',
        "entry_point": "third",
        "canonical_solution": "    return x / 3\n",
        "test": "def check(f):\n    assert f(1) == 0.3333333\n    assert f(2) == 0.6666667\n",
    }
    found = loaded(tmp_path, entry)
    assert found.problems[0].task.tests == (CallTest(args="(1,)", expected="0.333333", tolerance=1e-6),)
    assert [line.split(": ")[-1] for line in found.report.dropped] == ["contradicted by the hidden tests"]


@pytest.mark.parametrize("tests", ["", '{"inputs": [], "outputs": []}', '{ "outputs": [],\n"inputs" : [ ] }'])
def test_apps_problems_without_tests_are_skipped_and_reported(tmp_path: Path, tests: str) -> None:
    found = report(tmp_path, rows.APPS_STDIN, {**rows.APPS_UNTESTED, "input_output": tests})
    assert found.problems == 1 and found.skipped == ("APPS/15: the benchmark has no tests for it",)
    assert "skipped problems: 1" in str(found)


def test_apps_from_the_folders_of_its_authors(tmp_path: Path) -> None:
    for number, entry in (
        ("0000", rows.APPS_STDIN),
        ("0010", rows.APPS_FUNCTION),
        ("0002", rows.APPS_METHOD),
    ):
        folder = tmp_path / "test" / number
        folder.mkdir(parents=True)
        (folder / "question.txt").write_text(entry["question"])
        (folder / "input_output.json").write_text(entry["input_output"])
        (folder / "solutions.json").write_text(entry["solutions"])
        if entry["starter_code"]:
            (folder / "starter_code.py").write_text(entry["starter_code"])
    about = {"difficulty": "introductory", "url": "https://example.org/11"}
    (tmp_path / "test" / "0000" / "metadata.json").write_text(json.dumps(about))
    found = load_problems(tmp_path / "test")
    assert found.ids == ("APPS/0", "APPS/2", "APPS/10")
    assert [problem.level for problem in found] == ["introductory", "", ""]
    assert [problem.task.entry_point for problem in found] == [None, "Solution", "total"]
    (tmp_path / "test" / "0002" / "metadata.json").write_text("[]")
    with pytest.raises(TaskError, match=r"0002.*metadata\.json.*expected an object with the difficulty"):
        load_problems(tmp_path / "test")
    (tmp_path / "test" / "0002" / "metadata.json").unlink()
    (tmp_path / "test" / "notes").mkdir()
    with pytest.raises(TaskError, match="notes: expected a folder named by the number of a problem"):
        load_problems(tmp_path / "test")


def test_public_tests_of_codecontests_are_never_hidden(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows.CODECONTESTS)
    problem = found.problems[0]
    assert problem.id == "Codeforces/1_A. Halve"
    assert [test.stdin for test in problem.hidden if isinstance(test, StdioTest)] == ["3\n", "10\n"]
    assert shared(problem) == 0 and found.report.repeated == 2 and found.report.shared == 0
    assert problem.reference.startswith("n = int") and problem.wrong == ("print(int(input()) // 2)\n",)
    assert (problem.test_seconds, problem.memory_mb, problem.level) == (2.5, 244, "800")


def as_objects(entry: Row) -> Row:
    """An entry of CodeContests with lists of objects, as its protocol buffers have them."""
    fields = ("public_tests", "private_tests", "generated_tests", "solutions", "incorrect_solutions")

    def objects(columns: Row) -> list[Row]:
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    return {**entry, **{field: objects(entry[field]) for field in fields}}


def test_codecontests_with_lists_of_objects(tmp_path: Path) -> None:
    entry = as_objects({**rows.CODECONTESTS, "time_limit": "seconds: 1\nnanos: 500000000\n"})
    problem, columns = one(tmp_path, entry), one(tmp_path, rows.CODECONTESTS)
    assert problem.test_seconds == 1.5
    assert replace(problem, test_seconds=2.5) == columns


@pytest.mark.parametrize(
    ("number", "in_columns", "in_objects"),
    [
        (0, "Unknown", "Unknown"),
        (1, "CodeChef", "CodeChef"),
        (2, "Codeforces", "Codeforces"),
        (3, "HackerEarth", "HackerEarth"),
        (4, "CodeJam", "CodeJam"),
        (5, "AtCoder", "5"),
        (6, "Aizu", "AtCoder"),
        (7, "7", "Aizu"),
        (8, "8", "8"),
        (-1, "-1", "-1"),
    ],
)
def test_contests_have_other_numbers_on_the_hub_than_in_protocol_buffers(
    tmp_path: Path, number: int, in_columns: str, in_objects: str
) -> None:
    entry = {**rows.CODECONTESTS, "source": number}
    assert one(tmp_path, entry).id == f"{in_columns}/1_A. Halve"
    assert one(tmp_path, as_objects(entry)).id == f"{in_objects}/1_A. Halve"


@pytest.mark.parametrize(
    ("number", "level"),
    [(0, ""), (1, "easy"), (6, "external"), (7, "A"), (17, "K"), (18, ""), (19, "L"), (29, "V"), (30, "")],
)
def test_difficulty_has_one_numbering_everywhere(tmp_path: Path, number: int, level: str) -> None:
    entry = {**rows.CODECONTESTS, "difficulty": number, "cf_rating": 0}
    assert one(tmp_path, entry).level == one(tmp_path, as_objects(entry)).level == level


def test_codecontests_that_cannot_be_graded_are_skipped(tmp_path: Path) -> None:
    files = {**rows.CODECONTESTS, "input_file": "in.txt"}
    output = {**rows.CODECONTESTS, "name": "c", "output_file": "out.txt"}
    untested = {
        **rows.CODECONTESTS,
        "name": "b",
        "private_tests": {"input": ["4"], "output": ["2"]},
        "generated_tests": {"input": [], "output": []},
    }
    assert report(tmp_path, files, output, untested).skipped == (
        "Codeforces/1_A. Halve: it reads the file 'in.txt', not stdin",
        "Codeforces/c: it writes the file 'out.txt', not stdout",
        "Codeforces/b: it has no hidden tests",
    )
