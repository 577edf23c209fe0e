"""A task from a user's files: an unfinished Python file, or a statement with tests beside it."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TextIO

from codegrove.errors import TaskError
from codegrove.examples.source import ROW_ERRORS, parse_quietly
from codegrove.languages import PYTHON, load_language
from codegrove.problems.docstring_examples import example_tests
from codegrove.problems.json_files import JsonFile
from codegrove.problems.python_tests import PythonTests, read_tests
from codegrove.problems.reading import decode, read_text, reading
from codegrove.problems.rows import Row, read_row
from codegrove.problems.stub_files import read_stub
from codegrove.task import StdioTest, Task, Test

_LIMIT_MB = 4
_STATEMENTS = (".md", ".markdown", ".txt", ".rst", "")
_PAIRS = (".json", ".jsonl")
_TASK = "a Python file with an unfinished function, or a statement (.md, .txt, or - for standard input)"
_TESTS = "a Python file with asserts or test_ functions, or a .json or .jsonl file of input/output pairs"


def load_task(
    source: str | Path,
    *,
    tests: Path | None = None,
    entry_point: str | None = None,
    stdin: TextIO | None = None,
    language: str = PYTHON,
) -> Task:
    """Return the task that a user's files describe. Nothing of them is executed.

    Args:
        source: a ``.py`` file (its doctests, asserts and ``test_`` functions are visible tests); a statement as
            ``.md``, ``.txt`` or ``.rst``; or ``-`` for a statement on standard input.
        tests: a Python file with asserts or ``test_`` functions, whose calls tell the entry point; or ``.json`` or
            ``.jsonl`` with ``{"input": ..., "output": ...}`` entries for a program that reads standard input.
        entry_point: the function to write, where the files leave it open.
        stdin: read for ``-``; None for `sys.stdin`.
        language: in which the program is to be written: a name, or the path of a language file. With another one
            than Python, the task must be a statement and the tests input/output pairs.

    Raises:
        LanguageError: if there is no such language.
        TaskError: for anything that cannot be used, with file and line where there is one. A statement without
            tests is a task without tests.
    """
    if entry_point is not None and not entry_point.isidentifier():
        raise TaskError(f"the entry point must be the name of a function; found {entry_point!r}")
    if language != PYTHON:
        return _in_other_language(source, tests, entry_point, stdin, language)
    if str(source) == "-":
        return _statement_task(_read_stdin(stdin or sys.stdin), "stdin", "standard input", tests, entry_point)
    path = Path(source)
    suffix = path.suffix.lower()
    with reading(path, expected=_TASK):
        is_file = path.is_file()
    if is_file and suffix not in (".py", *_STATEMENTS):
        hint = (
            "; for a problem file use --problem FILE --id ID" if suffix in (".jsonl", ".json", ".gz") else ""
        )
        raise TaskError(f"{path} is no task; expected {_TASK}{hint}")
    text = read_text(path, limit_mb=_LIMIT_MB, expected=_TASK)
    if suffix == ".py":
        return _stub_task(text, path, tests, entry_point)
    return _statement_task(text, path.stem, str(path), tests, entry_point)


def _in_other_language(
    source: str | Path, tests: Path | None, entry_point: str | None, stdin: TextIO | None, language: str
) -> Task:
    title = load_language(language).title
    if entry_point is not None:
        raise TaskError(
            f"--entry-point {entry_point}: a program in {title} reads standard input; only Python functions can be"
            " called by tests"
        )
    if tests is not None and tests.suffix.lower() not in _PAIRS:
        raise TaskError(
            f"{tests} holds no tests for a program in {title}; expected a .json or .jsonl file of input/output"
            " pairs"
        )
    if str(source) == "-":
        text, task_id, name = _read_stdin(stdin or sys.stdin), "stdin", "standard input"
    else:
        path = Path(source)
        if path.suffix.lower() not in _STATEMENTS:
            raise TaskError(
                f"{path} is no task for a program in {title}; expected a statement (.md, .txt, or - for standard"
                " input)"
            )
        text, task_id, name = read_text(path, limit_mb=_LIMIT_MB, expected=_TASK), path.stem, str(path)
    if not text.strip():
        raise TaskError(f"{name} is empty; expected {_TASK}")
    found = _stdio_tests(tests) if tests is not None else ()
    return Task(id=task_id, statement=text, tests=found, language=language)


def _read_stdin(stdin: TextIO) -> str:
    try:
        data = stdin.read().encode("utf-8", "surrogateescape")
    except UnicodeDecodeError as error:
        raise TaskError(f"standard input is not UTF-8 text ({error.reason}); expected {_TASK}") from None
    return decode(data, "standard input", expected=_TASK)


def _stub_task(text: str, path: Path, tests: Path | None, asked: str | None) -> Task:
    file = read_stub(text, str(path), asked)
    if tests is not None and tests.suffix.lower() in _PAIRS:
        raise _pairs_for_a_function(tests, asked or ", ".join(file.functions))
    beside = _python_tests(tests, {path.stem}, asked) if tests is not None else None
    entry_point = file.entry_point(str(path), asked, beside.functions() if beside else ())
    found: list[Test] = list(example_tests(file.stub, entry_point).tests)
    found += file.tests.tests(entry_point, without=file.unfinished)
    if beside is not None:
        found += beside.tests(entry_point)
    return Task(
        id=path.stem, statement=file.stub, stub=file.stub, entry_point=entry_point, tests=_distinct(found)
    )


def _statement_task(text: str, task_id: str, name: str, tests: Path | None, asked: str | None) -> Task:
    if not text.strip():
        raise TaskError(f"{name} is empty; expected {_TASK}")
    if tests is not None and tests.suffix.lower() in _PAIRS:
        if asked is not None:
            raise _pairs_for_a_function(tests, asked)
        return Task(id=task_id, statement=text, tests=_stdio_tests(tests))
    stub, shown = _fenced_stub(text, asked)
    if tests is None:
        entry_point = asked or shown
        found = example_tests(text, entry_point).tests if entry_point else ()
        return Task(id=task_id, statement=text, stub=stub, entry_point=entry_point, tests=_distinct([*found]))
    read = _python_tests(tests, {task_id}, asked or shown)
    entry_point = asked or _function_under_test(read, str(tests), shown)
    return Task(
        id=task_id,
        statement=text,
        stub=stub if shown == entry_point else "",
        entry_point=entry_point,
        tests=_distinct([*read.tests(entry_point)]),
    )


def _pairs_for_a_function(tests: Path, function: str) -> TaskError:
    return TaskError(
        f"{tests} holds input/output pairs for a whole program, but a function ({function}) is to be written; "
        "give tests that call it, or a statement without an entry point"
    )


def _python_tests(path: Path, modules_under_test: set[str], entry_point: str | None) -> PythonTests:
    if path.suffix.lower() != ".py":
        raise TaskError(f"{path} holds no tests; expected {_TESTS}")
    text = read_text(path, limit_mb=_LIMIT_MB, expected=_TESTS)
    stem = path.stem
    modules = {*modules_under_test, stem.removeprefix("test_"), stem.removesuffix("_test")} - {stem}
    found = read_tests(text, str(path), modules_under_test=modules, entry_point=entry_point)
    if not found.pieces:
        raise TaskError(f"{path} holds no tests; expected asserts at top level or test_ functions")
    return found


def _function_under_test(tests: PythonTests, name: str, shown: str | None) -> str:
    """Return the function that all tests are about; where several could be, the one the statement shows."""
    possible = tests.functions()
    if shown in possible:
        return shown
    if len(possible) == 1:
        return possible[0]
    found = (
        f"several functions ({', '.join(possible)})" if possible else "no function but their own and builtins"
    )
    raise TaskError(f"{name}: the tests call {found}; say with --entry-point which one is to be written")


def _stdio_tests(path: Path) -> tuple[StdioTest, ...]:
    entries = JsonFile(path, expected=_TESTS, limit_mb=_LIMIT_MB).scan()
    rows = [read_row(_StdioRow, entry.data, entry.where) for entry in entries]
    if not rows:
        raise TaskError(f"{path} holds no tests; expected {_TESTS}")
    return tuple(StdioTest(stdin=row.input, expected=row.output) for row in rows)


class _StdioRow(Row):
    input: str
    output: str


def _fenced_stub(text: str, asked: str | None) -> tuple[str, str | None]:
    """Return the fenced Python in a statement that defines the function to write, and the function's name.

    Empty and None unless there is exactly one such function.
    """
    found: list[tuple[str, str]] = []
    for block in re.findall(r"(?ms)^[ \t]*(?:```|~~~)(?:python|py)?[ \t]*\n(.*?)^[ \t]*(?:```|~~~)", text):
        try:
            tree = parse_quietly(block)
        except ROW_ERRORS:
            continue
        names = [n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        found += [(block, name) for name in names if asked in (None, name)]
    return found[0] if len(found) == 1 else ("", None)


def _distinct(tests: list[Test]) -> tuple[Test, ...]:
    return tuple(dict.fromkeys(tests))
