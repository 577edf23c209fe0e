"""What prompts are filled with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.agents.variables import DERIVED, derive
from codegrove.candidate import Candidate
from codegrove.errors import PromptError
from codegrove.outcome import Proposal, Review
from codegrove.prompts import list_prompts
from codegrove.task import AssertTest, CallTest, Origin, StdioTest, Task, Test
from codegrove.tools.sandbox.port import Block, BlockTrace
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict

STUB = 'def add(a, b):\n    """Add two numbers.\n\n    >>> add(1, 2)\n    3\n    """\n'
CALLS = tuple(CallTest(args=f"({n}, {n})", expected=str(2 * n)) for n in range(4))
FUNCTION = Task(id="t", statement=STUB, entry_point="add", stub=STUB, tests=CALLS)
STDIO = Task(id="s", statement="Add two numbers.", tests=(StdioTest(stdin="1 2\n", expected="3\n"),))

PASSED = TestResult(status=Status.PASSED)
WRONG = TestResult(status=Status.FAILED, output="7")
RAISED = TestResult(status=Status.CRASHED, error=ErrorInfo(type="ValueError", message="no", line=2))
SLOW = TestResult(status=Status.TIMED_OUT)
SKIPPED = TestResult(status=Status.UNJUDGED)


def value(name: str, task: Task = FUNCTION, **inputs: object) -> object:
    """One variable."""
    return derive([name], task, inputs)[name]


def verdict(*results: TestResult, error: ErrorInfo | None = None, limit: str = "") -> Verdict:
    """A verdict with these results."""
    return Verdict(status=Status.FAILED, results=results, error=error, limit=limit)


def feedback(*results: TestResult, task: Task = FUNCTION, tests: tuple[Test, ...] | None = None) -> str:
    """Feedback on these results."""
    text = value("feedback", task, verdict=verdict(*results), tests=task.tests if tests is None else tests)
    assert isinstance(text, str)
    return text


def test_the_task_gives_statement_stub_form_and_examples() -> None:
    assert derive(["statement", "stub", "entry_point", "form", "examples"], FUNCTION, {}) == {
        "statement": STUB.strip(),
        "stub": STUB.strip(),
        "entry_point": "add",
        "form": "function",
        "examples": "add(0, 0) == 0\nadd(1, 1) == 2\nadd(2, 2) == 4\nadd(3, 3) == 6",
    }
    assert derive(["stub", "entry_point", "form", "examples"], STDIO, {}) == {
        "stub": "",
        "entry_point": "",
        "form": "stdio",
        "examples": "input:\n1 2\nexpected output:\n3",
    }


def test_10_bare_texts_have_no_examples() -> None:
    bare = derive(["bare_statement", "bare_stub"], FUNCTION, {})
    for text in bare.values():
        assert "Add two numbers." in str(text) and "def add(a, b):" in str(text)
        assert ">>>" not in str(text) and "3" not in str(text)


def test_10_samples_of_a_stdin_program_are_left_out_of_the_bare_statement() -> None:
    statement = "Add two numbers.\n\nInput:\n1 2\n\nOutput:\n3\n"
    assert value("bare_statement", Task(id="s", statement=statement)) == "Add two numbers."
    fenced = "Add.\n\n## In\n```\n1 2\n```\n## Out\n~~~text\n3\n~~~\n## Note\n```\nkeep\n```"
    bare = value("bare_statement", Task(id="s", statement=fenced, tests=STDIO.tests))
    assert bare == "Add.\n\n## In\n## Out\n## Note\n```\nkeep\n```"


def test_texts_are_as_given_and_empty_when_absent() -> None:
    assert value("plan") == ""
    assert value("plan", plan=" a\n") == " a\n"
    assert value("program", program=Candidate(program="x = 1")) == "x = 1"
    assert value("plan", plan=Proposal(text="p")) == "p"
    assert value("review", review=Review(text="r")) == "r"
    with pytest.raises(PromptError, match="input 'plan': expected text, found int 3"):
        value("plan", plan=3)


def test_thoughts_are_numbered_lines_without_the_empty_ones() -> None:
    assert value("thoughts", thoughts=("first\n  thing", "\n", "second")) == "1. first thing\n2. second"
    assert value("thoughts") == value("thoughts", thoughts=("\n",)) == ""


def test_width_has_a_default_and_is_checked() -> None:
    assert value("width") == 5
    assert value("width", width=2) == 2
    for wrong in (0, "3", 1.5, True):
        with pytest.raises(PromptError, match="input 'width': expected a whole number of 1 or more"):
            value("width", width=wrong)


def test_own_inputs_are_available_and_texts_win_over_what_is_derived() -> None:
    assert value("style", style="terse") == "terse"
    assert value("numbers", numbers=[1]) == [1]
    assert value("feedback", feedback="seen by hand", verdict=verdict(WRONG)) == "seen by hand"
    with pytest.raises(PromptError, match=r"prompt variable 'pln'.*did you mean 'plan'.*known: .*algorithm"):
        value("pln")


def test_only_what_is_asked_for_is_computed() -> None:
    assert derive(["plan"], FUNCTION, {"plan": "p", "verdict": "no verdict", "width": -1}) == {"plan": "p"}


def test_everything_the_shipped_prompts_declare_is_known() -> None:
    declared = {
        name for prompt in list_prompts() if prompt.id != "shared/repair_format" for name in prompt.variables
    }
    assert declared <= set(DERIVED)
    assert set(derive(DERIVED, FUNCTION, {})) == set(DERIVED)


class TestFeedback:
    def test_passed_tests_come_first_then_what_failing_ones_brought(self) -> None:
        assert feedback(WRONG, PASSED, RAISED, SLOW) == (
            "Passed tests (1 of 4):\nadd(1, 1) == 2\n\n"
            "Failed tests (3 of 4):\n"
            "add(0, 0) == 0\n    obtained: 7\n"
            "add(2, 2) == 4\n    raised: ValueError: no (line 2)\n"
            "add(3, 3) == 6\n    timed out"
        )

    def test_tests_that_were_not_judged_are_left_out(self) -> None:
        assert feedback(PASSED, SKIPPED, SKIPPED, SKIPPED) == "Passed tests (1 of 4):\nadd(0, 0) == 0"
        assert feedback(SKIPPED) == ""

    def test_no_verdict_gives_no_feedback(self) -> None:
        assert value("feedback") == value("report") == ""

    def test_stdin_tests_show_input_expected_and_obtained_output(self) -> None:
        assert feedback(TestResult(status=Status.FAILED, output=""), task=STDIO) == (
            "Failed tests (1 of 1):\ninput:\n1 2\nexpected output:\n3\nobtained output:\n(nothing)"
        )
        crashed = TestResult(status=Status.CRASHED, error=ErrorInfo(type="EOFError"))
        assert feedback(crashed, task=STDIO).endswith("expected output:\n3\nraised: EOFError")

    def test_a_failing_assert_says_so_and_generated_tests_are_marked(self) -> None:
        tests = (AssertTest(code="assert add(1, 1) == 3", origin=Origin.GENERATED),)
        text = feedback(TestResult(status=Status.FAILED), tests=tests)
        assert text.endswith(
            "assert add(1, 1) == 3  (a generated test; it may itself be wrong)\n"
            "    obtained: the assertion does not hold"
        )

    def test_one_cause_is_said_once(self) -> None:
        error = ErrorInfo(type="SyntaxError", message="invalid syntax", line=3)
        broken = TestResult(status=Status.INVALID, error=error)
        text = value("feedback", verdict=verdict(broken, broken, error=error))
        assert text == "The program failed as a whole: SyntaxError: invalid syntax (line 3)"
        limited = value("feedback", verdict=verdict(error=ErrorInfo(type="MemoryError"), limit="memory"))
        assert limited == "The program failed as a whole: MemoryError; it was stopped at its memory limit"

    def test_the_tasks_own_tests_are_the_default(self) -> None:
        assert "add(0, 0) == 0" in str(value("feedback", verdict=verdict(WRONG)))

    @given(st.lists(st.tuples(st.text(max_size=3000), st.sampled_from([PASSED, WRONG, SLOW])), max_size=12))
    def test_it_is_never_longer_than_promised_and_always_shows_a_failure(
        self, cases: list[tuple[str, TestResult]]
    ) -> None:
        tests = tuple(CallTest(args=f"({text!r},)", expected="1") for text, _ in cases)
        text = feedback(*(result for _, result in cases), tests=tests)
        assert len(text) <= 2500
        failed = sum(not result.passed for _, result in cases)
        assert (f"Failed tests ({failed} of {len(cases)})" in text) == bool(failed)

    def test_many_passing_tests_leave_room_for_the_failing_one(self) -> None:
        tests = tuple(CallTest(args=f"({n}, {n})", expected="1") for n in range(1000))
        text = feedback(*[PASSED] * 999, WRONG, tests=tests)
        assert "more)" in text and "add(999, 999) == 1\n    obtained: 7" in text


class TestReport:
    def test_functions_are_reported_without_what_was_obtained(self) -> None:
        text = value("report", verdict=verdict(WRONG, PASSED, RAISED))
        assert text == "Passed tests:\nadd(1, 1) == 2\n\nFailed tests:\nadd(0, 0) == 0\nadd(2, 2) == 4"

    def test_stdin_programs_with_each_part_cut(self) -> None:
        test = StdioTest(stdin="i" * 600, expected="e" * 500)
        result = TestResult(status=Status.FAILED, output="o" * 501)
        text = str(value("report", Task(id="s", statement="s", tests=(test,)), verdict=verdict(result)))
        lines = text.split("\n")
        assert lines[0::2] == ["Failed tests:", "i" * 475 + "... [125 more characters]", "e" * 500, lines[6]]
        assert lines[1::2] == ["input:", "expected output:", "obtained output:"]
        assert all(len(line) <= 500 for line in lines)

    def test_crashes_and_timeouts_of_stdin_programs_are_shown(self) -> None:
        assert str(value("report", STDIO, verdict=verdict(RAISED))).endswith("(ValueError: no (line 2))")
        assert str(value("report", STDIO, verdict=verdict(SLOW))).endswith("(timed out)")


class TestTrace:
    @staticmethod
    def block(index: int, value: str = "1") -> Block:
        return Block(index=index, lines=(1, 1), source="x = 1\n", before=(), after=(("x", value), ("y", "2")))

    def test_blocks_show_source_and_variables(self) -> None:
        trace = BlockTrace(blocks=(self.block(0),), total=1, error=ErrorInfo(type="KeyError"))
        assert value("trace", trace=trace) == (
            "[BLOCK-0]\nx = 1\nbefore: (no variables)\nafter: x=1  y=2\n\nThe run ended with KeyError"
        )

    @pytest.mark.parametrize(("count", "shown"), [(10, range(10)), (62, [*range(5), *range(57, 62)])])
    def test_2_of_a_long_run_ten_blocks_are_shown(self, count: int, shown: range | list[int]) -> None:
        trace = BlockTrace(blocks=tuple(self.block(n) for n in range(count)), total=count)
        text = str(value("trace", trace=trace))
        assert [n for n in range(count) if f"[BLOCK-{n}]" in text] == list(shown)
        assert ("(52 blocks left out)" in text) == (count == 62)

    def test_blocks_that_were_not_recorded_count_as_left_out(self) -> None:
        trace = BlockTrace(blocks=(self.block(0), self.block(8)), total=12)
        text = str(value("trace", trace=trace))
        assert "(7 blocks left out)" in text and text.endswith("(3 blocks left out)")

    def test_7_a_long_value_appears_as_a_hundred_characters_and_a_mark(self) -> None:
        trace = BlockTrace(blocks=(self.block(0, "a" * 150 + "b" * 150),), total=1)
        assert f"x={'a' * 50} ... [cut] ... {'b' * 50}  y=2" in str(value("trace", trace=trace))

    def test_no_trace_is_empty_and_a_text_is_as_given(self) -> None:
        assert value("trace") == ""
        assert value("trace", trace="as text") == "as text"
        with pytest.raises(PromptError, match="input 'trace': expected a BlockTrace"):
            value("trace", trace=3)


def test_the_failing_test_is_shown_with_what_it_brought() -> None:
    assert value("failing_test", test=CALLS[1], test_result=WRONG) == "add(1, 1) == 2\n    obtained: 7"
    assert value("failing_test", test=CALLS[1]) == "add(1, 1) == 2"
    assert value("failing_test") == ""
