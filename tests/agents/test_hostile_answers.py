"""No answer crashes a parser, and none takes long to read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegrove.agents.answers import FORMATS, Question, read_answer
from codegrove.errors import UnreadableAnswer
from codegrove.task import Task

TASKS = (
    Task(id="t", statement="Write f.", entry_point="f", stub="import math\n\ndef f(x):\n    '''Doc.'''\n"),
    Task(id="s", statement="Add two numbers."),
)

FRAGMENTS = st.sampled_from(
    [
        "```python\n",
        "```\n",
        "~~~",
        "def f(x):\n",
        "    return x\n",
        "assert f(1) == ",
        "import math\n",
        "1. step\n",
    ]
    + [
        "- item\n",
        '{"thought": "a", ',
        '"reasonableness": 0.5}',
        '{"block": "BLOCK-0", "correct": true}',
        "[{",
        "}]",
    ]
    + [
        "<root>",
        "<problem>",
        "</problem>",
        "<description>",
        "</description>",
        "<planning>",
        "<confidence>",
        "85",
        "\n",
    ]
    + ["true", "false", "> ", "\t", "\x00", "\ud800", "\r\n", "'''", '"""', "\\", "\u2028", "(", "]"]
)


@settings(max_examples=150)
@given(st.one_of(st.text(max_size=300), st.lists(FRAGMENTS, max_size=30).map("".join)), st.booleans())
def test_any_text_is_read_or_unreadable(text: str, truncated: bool) -> None:
    for name in FORMATS:
        for task in TASKS:
            try:
                parts = read_answer(name, text, Question(task=task, width=3, truncated=truncated))
            except UnreadableAnswer as error:
                assert str(error)
            else:
                assert len(parts.proposals) <= 3
                assert parts.proposals or parts.program or parts.tests or parts.review


HOSTILE = {
    "one long line": "a" * 1_000_000,
    "long line of code": "```python\nx = [" + "1," * 500_000 + "]\n```",
    "long program": "```python\n" + "def f(x):\n    return x\n" * 5000 + "```",
    "many fences": "```\n" * 25_000,
    "many programs": "```python\nx=(\n```\n" * 5_000,
    "quotes": ">" * 100_000,
    "list in list": "- " * 50_000,
    "long list": "1. abcdef\n" * 10_000,
    "brackets": "```python\n" + "(" * 100_000 + "\n```",
    "attributes": "```python\nx" + ".a" * 50_000 + "\n```",
    "operators": "```python\nx = " + "1+" * 40_000 + "1\n```",
    "negations": "```python\n" + "not " * 20_000 + "1\n```",
    "asserts": "assert f(1) == 1\n" * 6_000,
    "open asserts": "assert f(\n1,\n" * 8_000,
    "assert on assert": "assert f(" * 11_000,
    "deep objects": '{"a":' * 20_000,
    "deep lists": "[" * 100_000,
    "empty objects": "{}" * 50_000,
    "broken objects": '{ "' * 30_000,
    "tags": "<problem><description>" * 4_000,
    "open tag": "<" + " " * 1_000_000,
    "spaces": " " * 1_000_000 + "x",
    "digits": "9" * 1_000_000,
    "confidence": "confidence " * 10_000,
    "imports": "import a\n" * 10_000,
    "null bytes": "```python\ndef f():\n" + "\x00" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_in_bounded_time(name: str) -> None:
    started = time.process_time()
    for form in FORMATS:
        for task in TASKS:
            try:
                read_answer(form, HOSTILE[name], Question(task=task, width=3))
            except UnreadableAnswer as error:
                assert len(str(error)) < 500
    # 0.05 to 0.6 s measured for all forms together; what is not bounded takes minutes.
    assert time.process_time() - started < 10


def test_a_long_but_honest_answer_is_read() -> None:
    words = "I think about it for a while.\n" * 3_500
    answer = f"{words}\n```python\ndef f(x):\n    return x\n```\n{words}"
    assert read_answer("code", answer, Question(task=TASKS[0])).program == "def f(x):\n    return x\n"
