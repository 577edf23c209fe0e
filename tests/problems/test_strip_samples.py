"""Statements of stdin programs without their samples, in the forms that contest sites use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.agents.variables import derive
from codegrove.examples import strip_samples
from codegrove.task import StdioTest, Task

TELL = "Add two numbers.\n\n{0}Input{0}\nThe only line holds a and b.\n\n{0}Output{0}\nPrint a + b.\n"
SAMPLES = ("11 22\n", "33\n", "5\n6 7\n", "\n18 \n")

CODEFORCES = "\nExamples\nInput\n11 22\nOutput\n33\nInput\n5\n6 7\nOutput\n18\n"
APPS = (
    "\n-----Examples-----\nInput\n11 22\n\nOutput\n33\n\nInput\n5\n6 7\n\nOutput\n18\n\n"
    "-----Note-----\nIt is a sum.\n"
)
OLD_APPS = "\n-----Sample Input-----\n11 22\n\n-----Sample Output-----\n33\n"
ATCODER = (
    "\nSample Input 1\n\n11 22\n\nSample Output 1\n\n33\n\nIt is a sum.\n\n"
    "Sample Input 2\n\n5\n6 7\n\nSample Output 2\n\n18\n"
)
MARKDOWN = "\n### Example 1:\n\n**Input**\n\n    11 22\n\n**Output:**\n\n    33\n"
INLINE = "\nExample 1:\nInput: 11 22\nOutput: 33\n"
PRE = "\n### Sample Input 1\n<pre>\n11 22\n</pre>\n### Sample Output 1\n<pre>\n33\n</pre>\n"
COPIED = "\nExample\ninputCopy\n11 22\noutputCopy\n33\n"
FENCED = "\n## Example\n### Input\n```\n11 22\n```\n### Output\n```text\n33\n```\n"


@pytest.mark.parametrize(
    "samples", [CODEFORCES, APPS, OLD_APPS, ATCODER, MARKDOWN, INLINE, PRE, COPIED, FENCED]
)
@pytest.mark.parametrize("mark", ["", "-----", "### ", "**"])
def test_samples_go_and_the_description_stays(samples: str, mark: str) -> None:
    told = TELL.format(mark)
    bare = strip_samples(told + samples, SAMPLES)
    assert not {"11 22", "33", "6 7", "18"} & {line.strip(" -`") for line in bare.split("\n")}
    assert "11 22" not in bare and "33" not in bare
    rest = bare.removeprefix(told)
    assert rest != bare, "everything before the samples is as it was"
    assert ("It is a sum." in rest) == ("It is a sum." in samples)
    if samples not in (FENCED, ATCODER, APPS):
        assert not rest.strip(), "and their headings are gone"
    assert "ample" not in rest or samples is FENCED


def test_what_is_no_sample_stays() -> None:
    text = "Print 33 if you can.\n\nInput\n11 22 33\nOutput\n34\n\nNumbers such as\n33\nare fine.\n```\nkeep\n```"
    assert strip_samples(text, SAMPLES) == text
    assert strip_samples(text, []) == text
    assert strip_samples("Input: 11 22 is odd", SAMPLES) == "Input: 11 22 is odd"


def test_a_tester_does_not_see_them() -> None:
    task = Task(
        id="s", statement=TELL.format("") + CODEFORCES, tests=(StdioTest(stdin="11 22\n", expected="33\n"),)
    )
    bare = str(derive(["bare_statement"], task, {})["bare_statement"])
    assert "11 22" not in bare and "33" not in bare and bare.startswith("Add two numbers.")


LINES = st.lists(st.sampled_from(["", "1", "1 2", "Input", "Output:", "Example", "<pre>", "</pre>", "words"]))


@given(LINES, st.lists(st.sampled_from(["1", "1 2", "1\n1 2", "", "\n"])))
def test_only_whole_lines_go_and_never_words(lines: list[str], samples: list[str]) -> None:
    text = "\n".join(lines)
    bare = strip_samples(text, samples)
    kept = iter(lines)
    assert not bare or all(any(line == other for other in kept) for line in bare.split("\n"))
    assert bare.count("words") == text.count("words")
