"""Scripts in YAML files: what is understood, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegrove.errors import ModelError, ModelSpecError
from codegrove.models.port import Message, Reply, Request
from codegrove.models.script_file import read_script
from codegrove.models.scripted import ScriptedModel


def ask(role: str) -> Request:
    return Request(messages=(Message("user", "?"),), role=role, action="")


def write(folder: Path, text: str) -> Path:
    path = folder / "answers.yaml"
    path.write_text(text, encoding="utf-8")
    return path


async def test_all_forms(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
planner: always this plan
coder:
  - |
    ```python
    x = 1
    ```
  - {text: cut, finish: length, input_tokens: 5, output_tokens: 6}
  - ""
critic: [0.5, yes, 5]
debugger:
  answers: [a, b]
  then: cycle
tester:
  - {error: rate_limit, message: slow down, retry_after: 1.5}
  - {error: auth}
""",
    )
    model = ScriptedModel(read_script(path))

    async def texts(role: str, count: int) -> list[str]:
        return [(await model.complete(ask(role))).text for _ in range(count)]

    assert await texts("planner", 3) == ["always this plan"] * 3
    assert await texts("coder", 1) == ["```python\nx = 1\n```\n"]
    assert await model.complete(ask("coder")) == Reply(
        text="cut", finish="length", input_tokens=5, output_tokens=6
    )
    assert await texts("coder", 1) == [""]
    assert await texts("critic", 3) == ["0.5", "yes", "5"]
    assert await texts("debugger", 3) == ["a", "b", "a"]
    with pytest.raises(ModelError, match="slow down") as limited:
        await model.complete(ask("tester"))
    assert (limited.value.kind, limited.value.retryable, limited.value.retry_after) == (
        "rate_limit",
        True,
        1.5,
    )
    with pytest.raises(ModelError, match="scripted auth") as refused:
        await model.complete(ask("tester"))
    assert not refused.value.retryable


async def test_a_bare_list_answers_everybody(tmp_path: Path) -> None:
    model = ScriptedModel(read_script(write(tmp_path, "- one\n- two\n")))
    assert [(await model.complete(ask(role))).text for role in ("coder", "critic")] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "found an empty file; expected a list of answers"),
        ("just words", ":1:1", "found 'just words'; expected a list of answers"),
        ("coder:\n", ":1:7", "found nothing; expected a text, a list of answers"),
        (
            "coder:\n  - a\n  -\n",
            ":3:4",
            "found nothing; expected a text, or a mapping with 'text' or 'error'",
        ),
        ("coder:\n  - [a]\n", ":2:5", "found a list; expected a text"),
        ("coder: []\n", ":1:8", "expected at least one answer"),
        ("coder: [a]\ncoder: [b]\n", ":2:1", "found 'coder'; this key stands here twice"),
        ("coder:\n  answer: [a]\n", ":2:3", "unknown key; did you mean 'answers'?"),
        ("coder: {then: cycle}\n", ":1:8", "expected the key 'answers'"),
        ("coder: {answers: a}\n", ":1:18", "found 'a'; expected a list of answers"),
        ("coder: {answers: [a], then: loop}\n", ":1:29", "found 'loop'; expected fail, cycle or repeat_last"),
        ("- {txt: a}\n", ":1:4", "unknown key; did you mean 'text'?"),
        ("- {text: a, input_tokens: -1}\n", ":1:27", "found '-1'; expected a number of tokens"),
        ("- {error: sever}\n", ":1:11", "did you mean 'server'?"),
        ("- {error: server, retry_after: soon}\n", ":1:32", "found 'soon'; expected seconds"),
        ("? [a]\n: b\n", ":1:3", "found a list; expected a name"),
        ("coder: [a\n", ":2:1", "not YAML"),
        ("coder: \x07\n", "", "not YAML"),
    ],
)
def test_a_malformed_file_is_told_with_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ModelSpecError) as caught:
        read_script(path)
    assert str(caught.value).startswith(f"{path}{place}: ")
    assert message in str(caught.value)


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelSpecError, match=r"none\.yaml: cannot read this file"):
        read_script(tmp_path / "none.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ModelSpecError, match="cannot read this file"):
        read_script(binary)
