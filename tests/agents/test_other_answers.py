"""Tests, lists, JSON, tags and scores in answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.agents.answers import FORMATS, Parts, Question, read_answer
from codegrove.errors import UnreadableAnswer
from codegrove.outcome import Review
from codegrove.prompts import ANSWER_FORMATS
from codegrove.task import AssertTest, Origin, StdioTest, Task

FUNCTION = Task(id="t", statement="Write f.", entry_point="f")
STDIO = Task(id="s", statement="Add two numbers.")


def read(form: str, answer: str, *, task: Task = FUNCTION, width: int | None = None, role: str = "") -> Parts:
    """Read an answer."""
    return read_answer(form, answer, Question(task=task, width=width, role=role))


def texts(form: str, answer: str, width: int | None = None) -> list[str]:
    """The texts of the proposals."""
    return [proposal.text for proposal in read(form, answer, width=width).proposals]


def review(form: str, answer: str) -> Review:
    """The review."""
    found = read(form, answer).review
    assert found is not None
    return found


def unreadable(form: str, answer: str, task: Task = FUNCTION) -> str:
    """The reason why an answer cannot be read."""
    with pytest.raises(UnreadableAnswer) as caught:
        read(form, answer, task=task)
    return str(caught.value)


def test_every_form_a_prompt_can_ask_for_can_be_read() -> None:
    assert set(FORMATS) == set(ANSWER_FORMATS)


class TestText:
    def test_is_one_proposal_or_a_critics_review(self) -> None:
        assert texts("text", " a plan\n") == ["a plan"]
        assert read("text", "a word", role="critic") == Parts(review=Review(text="a word"))
        assert unreadable("text", " \n") == "the answer is empty"


class TestTests:
    def test_asserts_are_generated_tests_with_the_imports_they_use(self) -> None:
        answer = (
            "Tests:\n```python\nimport math\nimport os\nassert f(1) == 2\nassert math.isclose(f(2), 0.1)\n```"
        )
        assert read("tests", answer).tests == (
            AssertTest(code="assert f(1) == 2", origin=Origin.GENERATED),
            AssertTest(code="import math\nassert math.isclose(f(2), 0.1)", origin=Origin.GENERATED),
        )

    def test_asserts_are_found_without_a_fence_and_in_several(self) -> None:
        assert len(read("tests", "Sure:\nassert f(1) == 2\nassert f(2) == 3\n").tests) == 2
        assert (
            len(read("tests", "```python\nassert f(1) == 2\n```\nand\n```\nassert f(2) == 3\n```").tests) == 2
        )
        assert len(read("tests", "```bash\nassert f(1) == 2\n```").tests) == 1

    def test_stdin_tests_are_json_objects(self) -> None:
        items = '[{"input": "1 2\\n", "output": "3\\n"}, {"Input": ["1", "2"], "expected_output": 3}]'
        answer = f"```json\n{items}\n```"
        assert read("tests", answer, task=STDIO).tests == (
            StdioTest(stdin="1 2\n", expected="3\n", origin=Origin.GENERATED),
            StdioTest(stdin="1\n2", expected="3", origin=Origin.GENERATED),
        )

    def test_a_list_that_is_cut_short_or_wrapped_keeps_what_is_whole(self) -> None:
        whole = '{"input": "1", "output": "1"}'
        for answer in (f'[{whole}, {{"input": "2", "out', f'{{"tests": [{whole}]}}', f"{whole}\n{whole[:9]}"):
            assert len(read("tests", answer, task=STDIO).tests) == 1

    def test_none_is_unreadable(self) -> None:
        assert (
            unreadable("tests", "assert g(1) == 2") == "expected assert statements that call 'f', found none"
        )
        assert unreadable("tests", '[{"input": "1"}]', STDIO) == "expected tests as JSON objects, found none"


class TestNumbered:
    def test_items_are_cut_to_the_width_and_short_ones_are_dropped(self) -> None:
        answer = "Strategies:\n\n1. Sort the numbers.\n2. abcd\n3) Use a heap.\n(4) Count them.\n\nGood luck!"
        assert texts("numbered", answer) == ["Sort the numbers.", "Use a heap.", "Count them."]
        assert texts("numbered", answer, 2) == ["Sort the numbers.", "Use a heap."]

    def test_lines_below_an_item_belong_to_it(self) -> None:
        answer = "**1.** Sort\nthe list.\n   - stable\n\n   1. inner\n\n2. Second way\n\nThat is all."
        assert texts("numbered", answer) == ["Sort\nthe list.\n- stable\n1. inner", "Second way"]

    def test_bullets_count_where_nothing_is_numbered(self) -> None:
        assert texts("numbered", "- first way\n* second way") == ["first way", "second way"]
        assert texts("numbered", "1. first way\n- not a way") == ["first way\n- not a way"]

    def test_no_list_is_unreadable(self) -> None:
        assert unreadable("numbered", "Sorry, I lost the thread here.").endswith("found none")
        assert unreadable("numbered", "1. a\n2. b").endswith("too short to say anything")
        assert unreadable("numbered", "3.14 is pi").endswith("found none")

    @given(st.lists(st.text(alphabet="abc d", min_size=5).filter(lambda s: len(s.strip()) >= 5), min_size=1))
    def test_what_is_listed_is_found(self, items: list[str]) -> None:
        answer = "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
        assert texts("numbered", answer) == [item.strip() for item in items][:200]


class TestThoughts:
    def test_priors_are_as_given(self) -> None:
        items = '[{"thought": " a ", "reasonableness": 0.7}, {"thought": "b", "reasonableness": "20%"}]'
        answer = f"```json\n{items}\n```"
        found = read("thoughts_json", answer).proposals
        assert [(p.text, p.score) for p in found] == [("a", 0.7), ("b", 0.2)]

    def test_weights_above_one_are_divided_by_their_sum(self) -> None:
        answer = json.dumps([{"thought": "a", "reasonableness": 60}, {"thought": "b", "reasonableness": 20}])
        assert [p.score for p in read("thoughts_json", answer).proposals] == [0.75, 0.25]

    @pytest.mark.parametrize("prior", ["null", "true", '"high"', '""', "NaN", "1e999", "[1]", "9" * 400])
    def test_a_prior_that_is_no_number_is_none(self, prior: str) -> None:
        found = read("thoughts_json", f'[{{"thought": "a", "reasonableness": {prior}}}]').proposals
        assert found[0].score is None

    def test_a_negative_prior_is_zero_and_a_missing_one_none(self) -> None:
        found = read("thoughts_json", '{"thought": "a", "reasonableness": -1}\n{"thought": "b"}').proposals
        assert [p.score for p in found] == [0.0, None]

    def test_a_list_that_is_cut_short_keeps_what_is_whole(self) -> None:
        assert texts("thoughts_json", '[{"thought": "a", "reasonableness": 0.5}, {"thought": "b", "rea') == [
            "a"
        ]

    def test_half_a_surrogate_pair_is_replaced(self) -> None:
        assert texts("thoughts_json", r'[{"thought": "a\ud800b"}]') == ["a?b"]

    def test_junk_is_unreadable(self) -> None:
        for answer in ("", "none", "[1, 2]", '[{"idea": "a"}]', '[{"thought": ""}]', '[{"thought": 3}]'):
            assert "found none" in unreadable("thoughts_json", answer)


class TestExemplars:
    PROBLEM = (
        "<problem>\n<description>\nIs a < b && c > d?\n</description>\n"
        "<code>\n```python\nif a<b: pass\n```\n</code>\n"
        "<planning>\n1. <compare> & return\n</planning>\n</problem>\n"
    )

    def test_content_may_look_like_markup(self) -> None:
        (found,) = read("exemplars", f"<root>{self.PROBLEM}<algorithm>greedy</algorithm></root>").proposals
        assert found.text == "1. <compare> & return"
        assert found.data == {
            "description": "Is a < b && c > d?",
            "code": "if a<b: pass",
            "algorithm": "greedy",
        }

    @pytest.mark.parametrize("count", [1, 3])
    def test_any_number_works_and_the_algorithm_is_shared(self, count: int) -> None:
        answer = "Sure!\n```xml\n<root>" + self.PROBLEM * count + "<algorithm>A</algorithm>\n</root>\n```"
        found = read("exemplars", answer, width=2).proposals
        assert len(found) == min(count, 2)
        assert {p.data["algorithm"] for p in found} == {"A"}

    def test_tags_may_be_missing(self) -> None:
        second = "<problem><description>two</description><planning>plan two"
        answer = f"<Problem><description>one<planning>plan one\n{second}"
        found = read("exemplars", answer).proposals
        assert [(p.data["description"], p.text) for p in found] == [("one", "plan one"), ("two", "plan two")]
        flat = "<description>one</description><planning>p</planning><description>two</description>"
        assert [p.data["description"] for p in read("exemplars", flat).proposals] == ["one", "two"]

    def test_character_data_sections_are_unwrapped(self) -> None:
        answer = "<problem><description><![CDATA[a < b]]></description></problem>"
        assert read("exemplars", answer).proposals[0].data["description"] == "a < b"

    def test_nothing_recalled_is_unreadable(self) -> None:
        assert "found none" in unreadable(
            "exemplars", "<root><problem></problem><algorithm>A</algorithm></root>"
        )


class TestConfidence:
    @pytest.mark.parametrize(
        ("answer", "score"),
        [
            ("<root><explanation>why</explanation><confidence>85</confidence></root>", 85),
            ("<root><explanation>why</explanation><confidence> 85% </confidence>", 85),
            ("<explanation>why</explanation><confidence>85/100</confidence>", 85),
            ("<explanation>why</explanation><Confidence>0.85</Confidence>", 85),
            ("<explanation>why</explanation><confidence>72.5", 72.5),
            ("<explanation>why</explanation><confidence>1</confidence>", 1),
            ("<explanation>why</explanation><confidence>150</confidence>", 100),
            ("<explanation>why</explanation><confidence>-5</confidence>", 0),
        ],
    )
    def test_number_and_explanation(self, answer: str, score: float) -> None:
        assert review("confidence", answer) == Review(text="why", score=score)

    def test_a_labelled_number_without_tags(self) -> None:
        assert review("confidence", "It has 3 steps.\n**Confidence:** 70%").score == 70
        assert "found none" in unreadable("confidence", "quite sure")
        assert "found none" in unreadable("confidence", "<confidence>high</confidence>")


class TestScores:
    @pytest.mark.parametrize(
        ("answer", "score"),
        [("why\n3", 3), ("3\n\n**Score: 4**\n", 4), ("why\n```\n2\n```", 2), ("0", 0), ("1 or 5", 5)],
    )
    def test_the_largest_digit_on_the_last_line(self, answer: str, score: int) -> None:
        assert review("last_line_score", answer) == Review(text=answer.strip(), score=score)

    def test_no_digit_on_the_last_line_is_unreadable(self) -> None:
        assert "found 'seven'" in unreadable("last_line_score", "3\nseven")
        assert "found '9'" in unreadable("last_line_score", "9")
        assert "found ''" in unreadable("last_line_score", "")

    @pytest.mark.parametrize(
        ("answer", "accepted"), [("why\ntrue", True), ("true\n**False**.", False), ("Answer: `TRUE`", True)]
    )
    def test_true_or_false_on_the_last_line(self, answer: str, accepted: bool) -> None:
        assert review("last_line_bool", answer) == Review(text=answer.strip(), accepted=accepted)

    def test_neither_or_both_is_unreadable(self) -> None:
        assert "found 'perhaps'" in unreadable("last_line_bool", "true\nperhaps")
        assert "found both" in unreadable("last_line_bool", "true or false")
        assert "found 'untrue'" in unreadable("last_line_bool", "untrue")

    @pytest.mark.parametrize(
        ("answer", "score"),
        [
            ("0.8", 0.8),
            ("about -0.5, or 1", -0.5),
            ("7", 1),
            ("-3", -1),
            (".5", 0.5),
            ("−1", -1),
            ("1e-1", 0.1),
            ("1e999", 1),
        ],
    )
    def test_6_the_first_number_clipped(self, answer: str, score: float) -> None:
        assert review("number", answer).score == score

    def test_no_number_is_unreadable(self) -> None:
        assert "found none" in unreadable("number", "good")


class TestBlocks:
    def test_verdicts_become_readable_lines_and_junk_is_ignored(self) -> None:
        answer = (
            "Let me see.\n"
            '{"block": "BLOCK-0", "correct": true, "explanation": "fine"}\n'
            "no json\n"
            '{"block": "[BLOCK-1]", "correct": "False", "explanation": "`total += 1`\\nis wrong"}\n'
            '{"block": 2, "correct": false}\n'
            '{"block": "BLOCK-3"}\n{"broken": '
        )
        assert review("blocks_json", answer).text == (
            "BLOCK-0: correct. fine\nBLOCK-1: wrong. `total += 1` is wrong\nBLOCK-2: wrong."
        )

    def test_a_list_in_a_fence_works_as_well(self) -> None:
        answer = '```json\n[{"block": "BLOCK-0", "correct": false, "explanation": "x"}]\n```'
        assert review("blocks_json", answer).text == "BLOCK-0: wrong. x"

    def test_no_verdict_is_unreadable(self) -> None:
        assert "found none" in unreadable("blocks_json", "All blocks are fine.")


def test_an_answer_cut_off_at_its_limit_says_so() -> None:
    question = Question(task=FUNCTION, truncated=True)
    for form in FORMATS:
        with pytest.raises(UnreadableAnswer, match="cut off at the token limit"):
            read_answer(form, "", question)
