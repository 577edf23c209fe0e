"""Language files: what ships, what is refused, and with which message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import LanguageError, TaskError
from codegrove.languages import language_names, load_language, solution_file, wording
from codegrove.languages.loading import parse_language
from codegrove.task import CallTest, StdioTest, Task

GOOD = """\
name: shout
title: Shout
fences: [Shout, sh]
file: program.txt
version: [cat, --version]
run:
  command: [cat, "{source}"]
check:
  program: hello
  expected: hello
"""


def refused(text: str) -> str:
    """The message with which a file is refused."""
    with pytest.raises(LanguageError) as caught:
        parse_language(text, "my.yaml")
    return str(caught.value)


def test_shipped_languages_are_read() -> None:
    assert language_names() == ("bash", "cpp", "javascript")
    for name in language_names():
        language = load_language(name)
        assert language.name == name
        assert wording(name).fences[0] == language.fences[0]
        assert solution_file(name) == "solution" + Path(language.file).suffix
    labels = [label for name in language_names() for label in load_language(name).fences]
    assert len(set(labels)) == len(labels)


def test_python_is_built_in() -> None:
    assert wording("python").title == "Python 3"
    assert solution_file("python") == "solution.py"


def test_a_file_of_ones_own_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "shout.yaml"
    path.write_text(GOOD)
    language = load_language(path)
    assert (language.fences, language.compile, language.run.forks) == (("shout", "sh"), None, False)
    assert load_language(str(path)) is load_language(path)
    path.write_text(GOOD.replace("Shout\n", "Loud words\n"))
    assert load_language(path).title == "Loud words"
    assert solution_file(str(path)) == "solution.txt"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title: Shout\n", ""), "my.yaml:1: the field 'title' is missing"),
        (("title:", "titel:"), "my.yaml:2: unknown field 'titel'; did you mean 'title'?"),
        (("check:", "checks: x\ncheck:"), "my.yaml:8: unknown field 'checks'; did you mean 'check'?"),
        (("  command:", "  fork: true\n  command:"), "my.yaml:7: unknown field 'run.fork'; did you mean"),
        (("name: shout", "name: Shout It"), "my.yaml:1: name: found 'Shout It'; string should match pattern"),
        (("name: shout", "name: python"), "my.yaml:1: name: found 'python'; expected another name"),
        (("[Shout, sh]", "[]"), "my.yaml:3: fences:"),
        (("[Shout, sh]", "sh"), "my.yaml:3: fences: found 'sh'; input should be a list"),
        (("[Shout, sh]", "[sh, 3]"), "my.yaml:3: fences.1: found 3; input should be a valid string"),
        (("program.txt", "../x"), "my.yaml:4: file: found '../x'; expected a file name without a folder"),
        (('"{source}"', '"{sauce}"'), "my.yaml:1: unknown placeholder {sauce} in the command of 'run'"),
        (('"{source}"', '"{binary}"'), "'run' uses {binary}, but no command of 'compile' makes it"),
        (('"{source}"', "x"), "neither {source} nor {binary}"),
        (("  command:", "  reads: [/]\n  command:"), "my.yaml:7: run.reads.0: found '/'; expected the absolute"),
        (("  command:", "  reads: [lib]\n  command:"), "my.yaml:7: run.reads.0: found 'lib'; expected"),
        (("  command:", "  memory: rss\n  command:"), "my.yaml:7: run.memory: found 'rss'; input should be"),
        (("run:\n", "run: [\n"), "my.yaml:8:1: not YAML"),
        ((GOOD, "- a\n"), "my.yaml:1: expected a mapping"),
        ((GOOD, ""), "my.yaml:1: expected a mapping"),
    ],
)  # fmt: skip
def test_one_message_says_where_and_what_was_expected(change: tuple[str, str], message: str) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    found = refused(text)
    assert message in found
    assert "\n" not in found.strip()


@given(st.text() | st.sampled_from([GOOD[:n] for n in range(0, len(GOOD), 7)]))
def test_no_text_makes_the_reader_crash(text: str) -> None:
    try:
        parse_language(text, "x.yaml")
    except LanguageError as error:
        assert str(error).startswith("x.yaml")


def test_the_documented_example_is_a_language() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    example = re.search(r"^```yaml\n(name: cpp.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert example is not None
    language, shipped = parse_language(example[1], "sandbox.md"), load_language("cpp")
    assert (language.name, language.file, language.version) == (shipped.name, shipped.file, shipped.version)
    assert language.compile is not None and shipped.compile is not None
    assert language.compile.programs == shipped.compile.programs
    assert language.model_fields_set >= {
        "name",
        "title",
        "fences",
        "file",
        "version",
        "compile",
        "run",
        "check",
        "notes",
    }
    assert language.run.model_fields_set == type(language.run).model_fields.keys()


def test_unknown_names_and_files(tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match=r"no language is called 'c\+\+'.*\.yaml"):
        load_language("c++")
    with pytest.raises(LanguageError, match=r"none\.yaml: cannot be read: No such file"):
        load_language(tmp_path / "none.yaml")
    (tmp_path / "bin.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LanguageError, match=r"bin\.yaml: cannot be read"):
        load_language(tmp_path / "bin.yaml")


def test_tasks_in_other_languages_are_stdin_programs() -> None:
    test = StdioTest(stdin="1", expected="2")
    assert Task(id="t", statement="s", tests=(test,), language="cpp").kind == "stdio"
    with pytest.raises(TaskError, match=r"'cpp', but has the entry point 'f'.*'stdio'"):
        Task(id="t", statement="s", entry_point="f", language="cpp")
    with pytest.raises(TaskError, match=r"'cpp', but has a test of kind 'call'"):
        Task(id="t", statement="s", tests=(CallTest(args="()", expected="1"),), language="cpp")
