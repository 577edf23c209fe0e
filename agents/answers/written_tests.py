"""Tests in answers: assert statements for functions, input and output for stdin programs."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from codegrove.agents.answers.asserts import extract_asserts
from codegrove.agents.answers.fences import find_fences
from codegrove.agents.answers.json_text import find_objects
from codegrove.agents.answers.parts import LONGEST, MOST_PARTS, Parts, Question
from codegrove.agents.answers.python_source import bound_names, read_program, used_names
from codegrove.errors import UnreadableAnswer
from codegrove.task import AssertTest, Origin, StdioTest, Test

_INPUT_KEYS = ("input", "stdin", "inputs")
_OUTPUT_KEYS = ("output", "expected", "expected_output", "stdout", "outputs")


def read_tests(answer: str, question: Question) -> Parts:
    """Return the tests in an answer, all of origin ``generated``, in order and with repetitions.

    Raises:
        UnreadableAnswer: if there is none.
    """
    entry_point = question.task.entry_point
    text = answer[:LONGEST]
    tests = _function_tests(text, entry_point) if entry_point else _stdio_tests(text)
    if not tests:
        wanted = f"assert statements that call {entry_point!r}" if entry_point else "tests as JSON objects"
        raise UnreadableAnswer(f"expected {wanted}, found none")
    return Parts(tests=tests)


def _function_tests(text: str, entry_point: str) -> tuple[Test, ...]:
    fences = find_fences(text)
    blocks = [fence.text for fence in fences if fence.is_python or not fence.label]
    source = "\n".join(blocks)
    codes = extract_asserts(source, entry_point) if blocks else ()
    if not codes:
        source = text
        codes = extract_asserts(text, entry_point)
    imports = _imports(source)
    return tuple(AssertTest(code=_with_imports(code, imports), origin=Origin.GENERATED) for code in codes)


def _imports(source: str) -> list[tuple[set[str], str]]:
    """Return the imports of the tests, with the names they bind. Lines are read one by one."""
    found = []
    for line in source.split("\n"):
        if line.startswith(("import ", "from ")) and len(line) < 200:
            tree = read_program(line)
            if tree and len(tree.body) == 1 and isinstance(tree.body[0], ast.Import | ast.ImportFrom):
                found.append((bound_names(tree.body[0]), line.rstrip()))
    return found


def _with_imports(code: str, imports: list[tuple[set[str], str]]) -> str:
    """Put the imports a test uses before it: the program under test need not have them."""
    if not imports:
        return code
    tree = read_program(code)
    used = used_names(tree) if tree else set()
    needed = dict.fromkeys(line for names, line in imports if names & used)
    return "\n".join([*needed, code])


def _stdio_tests(text: str) -> tuple[Test, ...]:
    tests: list[Test] = []
    for item in find_objects(text, MOST_PARTS):
        stdin, expected = _text_at(item, _INPUT_KEYS), _text_at(item, _OUTPUT_KEYS)
        if stdin is not None and expected is not None:
            tests.append(StdioTest(stdin=stdin, expected=expected, origin=Origin.GENERATED))
    return tuple(tests)


def _text_at(item: Mapping[str, object], keys: tuple[str, ...]) -> str | None:
    """Return the text under the first of the keys; a list counts as lines, a number as its digits."""
    for key in keys:
        value = item.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and all(isinstance(line, str | int | float) for line in value):
            return "\n".join(map(str, value))
        if isinstance(value, int | float):
            return str(value)
    return None
