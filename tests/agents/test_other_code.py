"""Programs in other languages in answers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.agents import AGENTS
from codegrove.agents.answers import Question, read_answer
from codegrove.candidate import Candidate
from codegrove.errors import UnreadableAnswer
from codegrove.models.scripted import ScriptedModel
from codegrove.task import Task

TASK = Task(id="sum", statement="Print the sum of two numbers.", language="cpp")
BASH = Task(id="sum", statement="Print the sum of two numbers.", language="bash")


def program(answer: str, task: Task = TASK, *, truncated: bool = False) -> str | None:
    """The program in an answer."""
    return read_answer("code", answer, Question(task=task, truncated=truncated)).program


@pytest.mark.parametrize("label", ["cpp", "c++", "C++", "cxx", "cc", "{.cpp}", "cpp title=main.cpp"])
def test_labels_of_the_language_are_known(label: str) -> None:
    assert program(f"So:\n```{label}\nint main() {{}}\n```\n") == "int main() {}\n"


def test_the_last_labelled_block_is_the_program() -> None:
    answer = (
        "```cpp\nint first;\n```\nbetter:\n```cpp\nint main() {}\n```\n"
        "Compile it:\n```bash\ng++ main.cpp\n```\nIt prints\n```\n7\n```\n"
    )
    assert program(answer) == "int main() {}\n"
    assert program(answer, BASH) == "g++ main.cpp\n"


def test_a_block_without_a_label_will_do() -> None:
    assert program("```\nint main() {}\n```\n```python\nprint(7)\n```") == "int main() {}\n"


def test_what_python_would_refuse_or_change_stays_as_it_is() -> None:
    assert program("```sh\n  x=1\nif [ $x ]; then echo; fi\n```", BASH) == "  x=1\nif [ $x ]; then echo; fi\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("", "the answer is empty"),
        ("int main() {}", "no fenced block labelled 'cpp' holds a C\\+\\+17 program; there is no fenced block"),
        ("```python\nprint(7)\n```", "found only blocks labelled 'python'"),
    ],
)  # fmt: skip
def test_answers_without_a_program_are_unreadable(answer: str, message: str) -> None:
    with pytest.raises(UnreadableAnswer, match=message):
        program(answer)


def test_a_program_that_was_cut_off_is_none() -> None:
    with pytest.raises(UnreadableAnswer, match="cut off"):
        program("```cpp\nint main() {", truncated=True)
    assert program("```cpp\nint main() {}\n```\n```\n7", truncated=True) == "int main() {}\n"


@given(st.text())
def test_no_answer_makes_the_reader_crash(answer: str) -> None:
    with contextlib.suppress(UnreadableAnswer):
        assert program(answer)


async def test_a_coder_is_asked_for_the_language_and_names_it() -> None:
    model = ScriptedModel(["```cpp\nint main() {}\n```"])
    outcome = await AGENTS["coder"](model, prompt="coder/direct").act(TASK, {}, action="write")
    text = "\n".join(message.text for message in model.requests[0].messages)
    assert "C++17" in text and "fenced `cpp`" in text and "-std=c++17" in text and "Python" not in text
    assert outcome.program is not None
    assert (outcome.program.program, outcome.program.language) == ("int main() {}\n", "cpp")


def test_layout_counts_where_only_python_may_ignore_it() -> None:
    def key(text: str, language: str) -> str:
        return Candidate(program=text, language=language).key

    assert key("x = 1\n", "python") == key("x=1  # one\n", "python")
    assert key("x = 1\n", "bash") != key("x=1\n", "bash")
    assert key("x = 1\n", "bash") == key("x = 1\n", "cpp") != key("x = 1\n", "python")
