"""The problems that ship with codegrove, one readable Markdown file each in the folder `bundled/`.

A file opens with front matter (`level`, `kind` and, for functions, `entry_point`), followed by the sections
Statement, Stub (functions only), Reference, Wrong (optional), Visible tests and Hidden tests, in this order.
Code and tests stand in one fenced block per section; under Wrong, every program has a `###` heading that
names its mistake. A function test is a line `f(arguments) == value` made of literals; a test of a stdin
program is a line of JSON, `[input, expected output]`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NoReturn

from codegrove.errors import TaskError, did_you_mean
from codegrove.parsing import parse_python
from codegrove.problem import Problem
from codegrove.task import CallTest, Origin, StdioTest, Task

LEVELS = ("easy", "medium", "hard")
"""Levels of difficulty, in rising order."""

_KINDS = ("function", "stdio")
_SUFFIX = ".md"
_SECTIONS = {
    "function": ("Statement", "Stub", "Reference", "Wrong", "Visible tests", "Hidden tests"),
    "stdio": ("Statement", "Reference", "Wrong", "Visible tests", "Hidden tests"),
}
_OPTIONAL = "Wrong"

_Line = tuple[int, str]
"""A line with its number in the file, from 1."""


def bundled_ids(level: str | None = None) -> list[str]:
    """Return the ids of the bundled problems in alphabetical order, of one level or of all.

    Raises:
        TaskError: for a level that does not exist.
    """
    if level is None:
        return list(_all_ids())
    if level not in LEVELS:
        raise TaskError(f"no bundled problem has the level {level!r}{did_you_mean(level, LEVELS)}")
    return [problem_id for problem_id in _all_ids() if _level_of(problem_id) == level]


def load_bundled(problem_id: str) -> Problem:
    """Return one bundled problem; reads no other file than its own.

    Raises:
        TaskError: for an unknown id, or a file that is malformed.
    """
    if problem_id not in _all_ids():
        raise TaskError(f"no bundled problem is called {problem_id!r}{did_you_mean(problem_id, _all_ids())}")
    return _load(problem_id)


def all_bundled() -> list[Problem]:
    """Return every bundled problem, in the order of `bundled_ids`. Files are read once per process."""
    return [_load(problem_id) for problem_id in _all_ids()]


def parse_bundled(text: str, problem_id: str) -> Problem:
    """Return the problem that a file's text describes. No program is executed.

    Raises:
        TaskError: for anything that does not have the form; names file, section and line.
    """
    return _File(text, problem_id).problem()


@cache
def _all_ids() -> tuple[str, ...]:
    names = (entry.name for entry in (files("codegrove.problems") / "bundled").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def _read(problem_id: str) -> str:
    return (files("codegrove.problems") / "bundled" / f"{problem_id}{_SUFFIX}").read_text(encoding="utf-8")


@cache
def _load(problem_id: str) -> Problem:
    return parse_bundled(_read(problem_id), problem_id)


@cache
def _level_of(problem_id: str) -> str:
    return _File(_read(problem_id), problem_id).level


class _File:
    """One problem file, checked from top to bottom. The constructor reads the front matter only."""

    def __init__(self, text: str, problem_id: str) -> None:
        self._id = problem_id
        self._section = "front matter"
        self._lines: list[_Line] = list(enumerate(text.split("\n"), start=1))
        body, values = self._front_matter()
        self._body = body
        self.level = self._choice(values, "level", LEVELS)
        self.kind = self._choice(values, "kind", _KINDS)
        self.entry_point = self._entry_point(values)

    def problem(self) -> Problem:
        """Parse the sections."""
        sections = self._sections()
        statement = "\n".join(line for _, line in self._enter("Statement", sections)).strip()
        if not statement:
            self._fail(sections["Statement"][0][0], "the section is empty; say in words what to write")
        stub = self._program("Stub", sections) if self.entry_point else ""
        reference = self._program("Reference", sections)
        wrong = self._wrong(sections)
        seen: dict[str, int] = {}
        visible = self._tests("Visible tests", sections, Origin.VISIBLE, seen)
        hidden = self._tests("Hidden tests", sections, Origin.HIDDEN, seen)
        return Problem(
            task=Task(
                id=self._id, statement=statement, entry_point=self.entry_point, stub=stub, tests=visible
            ),
            hidden=hidden,
            reference=reference,
            wrong=wrong,
            level=self.level,
            source="bundled",
        )

    def _fail(self, line: int, message: str) -> NoReturn:
        raise TaskError(f"bundled/{self._id}{_SUFFIX}, section {self._section!r}, line {line}: {message}")

    def _front_matter(self) -> tuple[int, dict[str, tuple[int, str]]]:
        """Return the index of the first line after the front matter, and its values with their lines."""
        if self._lines[0][1].strip() != "---":
            self._fail(1, "expected '---' to open the front matter")
        values: dict[str, tuple[int, str]] = {}
        for number, line in self._lines[1:]:
            if line.strip() == "---":
                return number, values
            key, colon, value = (part.strip() for part in line.partition(":"))
            if not colon or not value:
                self._fail(number, f"expected 'key: value', found {line!r}")
            if key not in (known := ("level", "kind", "entry_point")):
                self._fail(number, f"unknown key {key!r}{did_you_mean(key, known)}")
            if key in values:
                self._fail(number, f"the key {key!r} stands here twice")
            values[key] = (number, value)
        self._fail(self._lines[-1][0], "expected '---' to close the front matter")

    def _choice(self, values: dict[str, tuple[int, str]], key: str, allowed: Sequence[str]) -> str:
        number, value = values.get(key, (1, ""))
        if value not in allowed:
            found = f"found {value!r}" if value else "it is missing"
            self._fail(number, f"{key!r} must be one of {', '.join(allowed)}; {found}")
        return value

    def _entry_point(self, values: dict[str, tuple[int, str]]) -> str | None:
        number, name = values.get("entry_point", (1, ""))
        if self.kind == "stdio":
            if name:
                self._fail(number, "a stdio problem has no 'entry_point'")
            return None
        if not name.isidentifier():
            self._fail(number, f"'entry_point' must name the function to write; found {name!r}")
        return name

    def _sections(self) -> dict[str, list[_Line]]:
        """Return the lines of each section, its heading first. A `##` inside a fence is no heading."""
        sections: dict[str, list[_Line]] = {}
        expected = _SECTIONS[self.kind]
        fenced = False
        for number, line in self._lines[self._body :]:
            fenced ^= line.startswith("```")
            if line.startswith("## ") and not fenced:
                name = line[3:].strip()
                if name not in expected:
                    self._fail(number, f"unknown section {name!r}{did_you_mean(name, expected)}")
                if name in sections:
                    self._fail(number, f"the section {name!r} stands here twice")
                self._section = name
                sections[name] = [(number, line)]
            elif sections:
                sections[self._section].append((number, line))
            elif line.strip():
                self._fail(number, f"expected '## Statement' after the front matter, found {line!r}")
        last = self._lines[-1][0]
        if fenced:
            self._fail(last, "a fenced block is not closed")
        for name in expected:
            if name not in sections and name != _OPTIONAL:
                self._section = name
                self._fail(last, "the section is missing")
        order = [name for name in expected if name in sections]
        if list(sections) != order:
            self._fail(last, f"the sections must stand in this order: {', '.join(order)}")
        return sections

    def _enter(self, name: str, sections: dict[str, list[_Line]]) -> list[_Line]:
        """Make `name` the section that errors report, and return its lines without the heading."""
        self._section = name
        return sections[name][1:]

    def _blocks(self, lines: list[_Line]) -> list[tuple[str, list[_Line]]]:
        """Return each fenced block with the last text line above it; empty when there is none."""
        blocks: list[tuple[str, list[_Line]]] = []
        inside: list[_Line] | None = None
        title = ""
        for number, line in lines:
            if line.startswith("```"):
                if inside is not None:
                    blocks.append((title, inside))
                    inside, title = None, ""
                else:
                    inside = []
            elif inside is not None:
                inside.append((number, line))
            elif line.strip():
                if title:
                    self._fail(number, f"expected a fenced block after {title!r}, found {line!r}")
                title = line.strip()
        if title:
            self._fail(lines[-1][0], f"expected a fenced block after {title!r}, found nothing")
        return blocks

    def _only_block(self, name: str, sections: dict[str, list[_Line]]) -> list[_Line]:
        lines = self._enter(name, sections)
        blocks = self._blocks(lines)
        heading = sections[name][0][0]
        if len(blocks) != 1 or blocks[0][0]:
            self._fail(heading, f"expected one fenced block and no text, found {len(blocks)} blocks")
        return blocks[0][1]

    def _program(self, name: str, sections: dict[str, list[_Line]]) -> str:
        return self._checked_program(self._only_block(name, sections), sections[name][0][0])

    def _wrong(self, sections: dict[str, list[_Line]]) -> tuple[str, ...]:
        if _OPTIONAL not in sections:
            return ()
        lines = self._enter(_OPTIONAL, sections)
        heading = sections[_OPTIONAL][0][0]
        programs: list[str] = []
        for title, block in self._blocks(lines):
            if not title.startswith("### "):
                self._fail(heading, f"expected a '###' heading that names the mistake, found {title!r}")
            programs.append(self._checked_program(block, heading))
        if not programs:
            self._fail(heading, "expected at least one program; leave the section out when there is none")
        return tuple(programs)

    def _checked_program(self, block: list[_Line], heading: int) -> str:
        first = block[0][0] if block else heading
        program = "\n".join(line for _, line in block) + "\n"
        try:
            tree = parse_python(program)
        except SyntaxError as error:
            self._fail(first + (error.lineno or 1) - 1, f"the program does not parse: {error.msg}")
        if not tree.body:
            self._fail(first, "the program is empty")
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if self.entry_point and self.entry_point not in names:
            self._fail(first, f"the program does not define {self.entry_point!r}")
        return program

    def _tests(
        self, name: str, sections: dict[str, list[_Line]], origin: Origin, seen: dict[str, int]
    ) -> tuple[CallTest | StdioTest, ...]:
        """Parse the tests of a section. `seen` maps the inputs so far to their lines: none may come twice."""
        tests: list[CallTest | StdioTest] = []
        for number, line in self._only_block(name, sections):
            if not line.strip():
                continue
            test = (
                self._call_test(number, line, origin)
                if self.entry_point
                else self._stdio_test(number, line, origin)
            )
            given = test.args if isinstance(test, CallTest) else test.stdin
            if given in seen:
                self._fail(number, f"the same input stands in line {seen[given]}")
            seen[given] = number
            tests.append(test)
        if not tests:
            self._fail(sections[name][0][0], "expected at least one test, found none")
        return tuple(tests)

    def _call_test(self, number: int, line: str, origin: Origin) -> CallTest:
        form = f"expected '{self.entry_point}(arguments) == value', found {line!r}"
        try:
            node = parse_python(line.strip(), mode="eval").body
        except SyntaxError:
            self._fail(number, form)
        match node:
            case ast.Compare(
                left=ast.Call(func=ast.Name(id=called), args=arguments, keywords=[]),
                ops=[ast.Eq()],
                comparators=[value],
            ) if called == self.entry_point:
                try:
                    given = tuple(ast.literal_eval(argument) for argument in arguments)
                    expected = ast.literal_eval(value)
                except (ValueError, TypeError):
                    self._fail(number, f"arguments and value must be literals; {form}")
                return CallTest(args=repr(given), expected=repr(expected), origin=origin)
            case _:
                self._fail(number, form)

    def _stdio_test(self, number: int, line: str, origin: Origin) -> StdioTest:
        try:
            pair = json.loads(line)
        except ValueError as error:
            self._fail(number, f"the test is not JSON: {error}")
        match pair:
            case [str(stdin), str(expected)]:
                return StdioTest(stdin=stdin, expected=expected, origin=origin)
            case _:
                self._fail(number, f"expected [input, expected output], two strings; found {line!r}")
