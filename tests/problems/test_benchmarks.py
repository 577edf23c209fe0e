"""Every benchmark format on entries of our own: recognised, counted, and refused with place and field."""

from __future__ import annotations

import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from codegrove.errors import TaskError
from codegrove.problem import Problem
from codegrove.problems import LoadReport, ProblemSet, load_problems
from codegrove.problems.evalplus_inputs import restored
from codegrove.task import AssertTest, CallTest, Origin
from tests.problems import rows_of_benchmarks as rows
from tests.problems.rows_of_benchmarks import ENTRIES, FORMATS, Row, packed


def loaded(tmp_path: Path, *entries: Row, **settings: Any) -> ProblemSet:
    path = tmp_path / "benchmark.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return load_problems(path, **settings)


def one(tmp_path: Path, entry: Row, **settings: Any) -> Problem:
    return loaded(tmp_path, entry, **settings).problems[0]


def report(tmp_path: Path, *entries: Row) -> LoadReport:
    return loaded(tmp_path, *entries).report


def refusal(tmp_path: Path, entry: Row, **changes: Any) -> str:
    with pytest.raises(TaskError) as error:
        assert loaded(tmp_path, {**entry, **changes}).report is None
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{tmp_path / 'benchmark.jsonl'}, ")


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("layout", ["lines", "packed", "list", "columns"])
def test_formats_are_recognised_in_every_kind_of_file(tmp_path: Path, name: str, layout: str) -> None:
    entry = ENTRIES[name]
    content = {
        "lines": json.dumps(entry) + "\n",
        "packed": json.dumps(entry) + "\n",
        "list": json.dumps([entry], indent=1),
        "columns": json.dumps({field: [value] for field, value in entry.items()}),
    }[layout].encode()
    path = tmp_path / "some file"
    path.write_bytes(gzip.compress(content) if layout == "packed" else content)
    found = load_problems(path)
    assert found.format == FORMATS[name]
    (problem,) = found.problems
    assert problem.hidden_count > 0
    assert all(test.origin is Origin.HIDDEN for test in problem.hidden)
    assert str(found.report) and found.report.problems == 1
    assert json.loads(json.dumps(found.report.as_dict()))["hidden"] == problem.hidden_count


def test_the_same_number_has_another_id_in_every_variant_of_mbpp(tmp_path: Path) -> None:
    entries = (rows.MBPP, rows.MBPP_SANITIZED, rows.MBPP_PLUS, rows.MBPP_PLUS_LAYOUT)
    assert [one(tmp_path, entry).id for entry in entries] == [
        "MBPP/7",
        "MBPP-sanitized/7",
        "Mbpp/2",
        "Mbpp/9",
    ]
    assert len({one(tmp_path, entry).source for entry in entries}) == 3


def test_plus_inputs_have_no_values_and_are_counted_as_such(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows.HUMANEVAL_PLUS)
    problem = found.problems[0]
    assert problem.hidden == () and problem.inputs is not None
    assert problem.inputs.calls == (
        "([1.0, 2.0],)",
        "([3.0],)",
        "([0.1, 0.2, 0.3],)",
        "([1000000000.0, 1.0],)",
    )
    assert problem.task.tests == (CallTest(args="([1.0, 2.0],)", expected="1.5", tolerance=1e-6),)
    assert (found.report.hidden, found.report.computed, found.report.shared) == (4, 4, 1)
    assert "without a value: 4: the reference is run" in str(found.report)


def test_json_lost_the_types_of_mbpp_inputs(tmp_path: Path) -> None:
    problem = one(tmp_path, rows.MBPP_PLUS)
    assert problem.inputs is not None
    assert problem.inputs.calls == ("((1, 2), (2, 3))", "((5, 6, 7), (7, 6))", "((), ())")
    assert problem.inputs.claim == "set(result) == set(expected)"
    assert problem.task.statement == "Write a function for what two tuples share."
    assert problem.task.tests == (
        AssertTest(code="assert set(similar_elements((1, 2), (2, 3))) == set((2,))"),
    )
    assert one(tmp_path, rows.MBPP_PLUS, visible_asserts=0).task.tests == ()


@pytest.mark.parametrize(
    ("number", "given", "wanted"),
    [
        (1, [[1], 2], ([1], 2)),
        (2, [[1], [2]], ((1,), (2,))),
        (63, [[[1, 2], [3]]], ([(1, 2), (3,)],)),
        (75, [[[1], [2]], 3], ([(1,), (2,)], 3)),
        (106, [[1], [2]], ([1], (2,))),
        (115, [[[1, 2], [], 3]], ([{1, 2}, {}, {}],)),
        (124, ["1", "2+1j"], (1.0, 2 + 1j)),
        (252, ["1+2j"], (1 + 2j,)),
        (250, [[1], 2], ((1,), 2)),
        (307, [[1], 2, 3], ((1,), 2, 3)),
        (259, [[[1], [2]]], (((1,), (2,)),)),
        (278, [[1, [2]]], ((1, (2,)),)),
        (722, [{"a": [1]}, 2], ({"a": (1,)}, 2)),
        (580, [[1, [2, [3]]]], ((1, (2, (3,))),)),
    ],
)
def test_types_of_each_shape_are_restored(number: int, given: list[Any], wanted: tuple[Any, ...]) -> None:
    assert repr(restored(number, given)) == repr(wanted)


def test_livecodebench_counts_public_tests_as_its_grader_does(tmp_path: Path) -> None:
    found = report(tmp_path, rows.LCB_STDIN, rows.LCB_METHOD)
    assert (found.visible, found.hidden, found.shared, found.references) == (2, 4, 2, 0)
    assert found.dates == ("2023-08-21", "2024-05-04")
    problem = one(tmp_path, rows.LCB_METHOD)
    assert problem.task.entry_point == "Solution" and "from typing import" in problem.task.stub
    assert "Solution().twice([1, 2], 2)" in problem.task.tests[0].describe("Solution")


def test_hostile_private_tests_are_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, rows.LCB_STDIN, private_test_cases="gAR9lC4=")
    assert message.startswith("line 1, field 'private_test_cases': expected JSON, or JSON packed with base64")
    assert "field 'private_test_cases': expected JSON as text" in refusal(
        tmp_path, rows.LCB_STDIN, private_test_cases=packed("{")
    )


def test_bigcodebench_in_words_must_be_asked_for(tmp_path: Path) -> None:
    complete = one(tmp_path, rows.BIGCODEBENCH)
    in_words = one(tmp_path, rows.BIGCODEBENCH, format="bigcodebench-instruct")
    assert complete.task.statement == rows.BIGCODEBENCH["complete_prompt"]
    assert in_words.task.statement == rows.BIGCODEBENCH["instruct_prompt"]
    assert (
        complete.task.tests == in_words.task.tests == (CallTest(args="('ab',)", expected="{'a': 1, 'b': 1}"),)
    )
    needs = one(tmp_path, {**rows.BIGCODEBENCH, "libs": "['pandas', 're', 'sklearn.svm']"})
    assert needs.packages == ("pandas", "sklearn")


def test_classeval_has_a_hidden_test_for_each_class_and_both_spellings(tmp_path: Path) -> None:
    old = {
        **rows.CLASSEVAL,
        "sketch": rows.CLASSEVAL["skeleton"],
        "imports": rows.CLASSEVAL["import_statement"],
    }
    del old["skeleton"], old["import_statement"]
    for entry in (rows.CLASSEVAL, old):
        problem = one(tmp_path, entry)
        assert len(problem.hidden) == 2 and problem.task.tests == ()
        first, second = (test.code for test in problem.hidden if isinstance(test, AssertTest))
        assert "CounterTestDay" not in first and "CounterTestAdd" not in second


def test_a_format_can_be_forced(tmp_path: Path) -> None:
    assert one(tmp_path, rows.HUMANEVAL_PLUS_LAYOUT, format="humaneval").source == "humaneval"
    with pytest.raises(TaskError, match="line 1, field 'problem_id': expected a value; it is missing"):
        loaded(tmp_path, rows.HUMANEVAL, format="apps")
    with pytest.raises(
        TaskError, match=r"no benchmark format 'human-eval'; did you mean 'humaneval'\?; known: "
    ):
        loaded(tmp_path, rows.HUMANEVAL, format="human-eval")


def test_fields_of_two_formats_at_once_are_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, {**rows.CLASSEVAL, **rows.CODECONTESTS})
    assert "are those of several formats (CodeContests, ClassEval)" in message
    assert "--format: codecontests, classeval" in message


def test_nearly_a_known_format_is_said_to_be(tmp_path: Path) -> None:
    entry = {name: value for name, value in rows.HUMANEVAL.items() if name != "test"}
    assert "HumanEval would also have test; supported: " in refusal(tmp_path, entry)


def test_a_second_format_in_the_same_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"line 2, field 'text': expected a value; it is missing"):
        loaded(tmp_path, rows.MBPP, rows.MBPP_SANITIZED)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("humaneval+", {"base_input": []}, "field 'base_input': expected a list with at least one entry"),
        ("humaneval+", {"plus_input": [3]}, "field 'plus_input.0': expected a list; found int 3"),
        ("humaneval+", {"atol": "x"}, "field 'atol': expected a number"),
        ("humaneval+", {"canonical_solution": "    ("}, "field 'canonical_solution': expected Python"),
        ("mbpp+", {"plus_input": [[1, 2]]}, "field 'plus_input.0': expected arguments as task 2 takes them"),
        ("mbpp+", {"task_id": "x"}, "field 'task_id': expected an id that ends in a number"),
        ("mbpp+", {"assertion": "assert ("}, "field 'assertion': expected Python"),
        ("mbpp+layout", {"test": "("}, "field 'test': expected Python"),
        ("apps-stdin", {"input_output": "{"}, "field 'input_output': expected JSON as text"),
        ("apps-stdin", {"input_output": "[]"}, "field 'input_output': expected an object with inputs"),
        ("apps-stdin", {"input_output": '{"inputs": [1]}'}, "field 'input_output.outputs': expected a list"),
        (
            "apps-stdin",
            {"input_output": '{"inputs": ["1"], "outputs": []}'},
            "expected 1 values, one for each",
        ),
        ("apps-stdin", {"input_output": '{"inputs": [null], "outputs": ["1"]}'}, "input_output.inputs.0'"),
        ("apps-function", {"input_output": '{"inputs": [[1]], "outputs": [1], "fn_name": "a b"}'}, "fn_name"),
        (
            "apps-function",
            {"input_output": '{"inputs": [3], "outputs": [3], "fn_name": "f"}'},
            "a list of arg",
        ),
        ("apps-stdin", {"solutions": "{}"}, "field 'solutions': expected a list of programs"),
        (
            "codecontests",
            {"private_tests": {"input": ["1"], "output": []}},
            "field 'private_tests': expected ",
        ),
        (
            "codecontests",
            {"private_tests": {"input": [1], "output": ["1"]}},
            "field 'private_tests.input.0': exp",
        ),
        ("codecontests", {"private_tests": 3}, "field 'private_tests': expected an object"),
        ("lcb-stdin", {"public_test_cases": "{}"}, "field 'public_test_cases': expected a list of tests"),
        (
            "lcb-stdin",
            {"public_test_cases": '[{"input": "1"}]'},
            "'public_test_cases.0': expected input, output",
        ),
        ("lcb-stdin", {"contest_date": "May"}, "field 'contest_date': expected a date in ISO format"),
        ("lcb-stdin", {"public_test_cases": "[]", "private_test_cases": "[]"}, "at least one test"),
        ("lcb-method", {"metadata": "{}"}, "field 'metadata.func_name': expected the name of a method"),
        (
            "lcb-method",
            {"private_test_cases": '[{"input": "x", "output": "1", "testtype": "functional"}]'},
            "field 'private_test_cases.0': expected one JSON value a line",
        ),
        ("bigcodebench", {"libs": "pandas"}, "field 'libs': expected a list of modules"),
        ("bigcodebench", {"test": "x = 1"}, "field 'test': expected a definition of the class TestCases"),
        (
            "bigcodebench",
            {"complete_prompt": "def f("},
            "field 'complete_prompt': expected Python that defines",
        ),
        (
            "classeval",
            {"test_classes": ["Other"]},
            "field 'test_classes.0': expected a class that is defined",
        ),
        (
            "classeval",
            {"class_name": "Other"},
            "field 'solution_code': expected a definition of the class Other",
        ),
    ],
)
def test_what_a_format_does_not_allow_is_named(tmp_path: Path, name: str, changes: Row, message: str) -> None:
    found = refusal(tmp_path, ENTRIES[name], **changes)
    assert found.startswith("line 1, ") and message in found


def test_dates_may_be_dates(tmp_path: Path) -> None:
    from codegrove.problems.livecodebench import LiveCodeBenchRow
    from codegrove.problems.rows import read_row

    entry = {**rows.LCB_STDIN, "contest_date": datetime.datetime(2024, 5, 4, 3)}
    assert read_row(LiveCodeBenchRow, entry, "here").load("here").problem.date == "2024-05-04"


def test_large_sets_are_not_kept_in_memory(tmp_path: Path) -> None:
    from codegrove.problems.directories import open_path
    from codegrove.problems.files import problem_set
    from codegrove.problems.json_files import JsonFile

    path = tmp_path / "f.jsonl"
    path.write_text("".join(json.dumps({**rows.MBPP, "task_id": n}) + "\n" for n in range(5)))
    assert open_path(path, expected="x").name == "f.jsonl"
    found = problem_set(JsonFile(path, expected="x", kept_mb=0), called="f")
    first = found.by_id(0)
    assert found.by_id(0) is first and found.by_id(4).id == "MBPP/4"
    assert found.by_id(0) is not first and found.by_id(0) == first
    assert [problem.id for problem in found] == list(found.ids)
