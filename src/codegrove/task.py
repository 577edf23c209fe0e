"""What is asked: a task and its visible tests. Hidden tests have no place here (see `problem`)."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from codegrove.errors import TaskError


class Origin(StrEnum):
    """Where a test comes from, hence how far it may be trusted and who may see it."""

    VISIBLE = "visible"
    """Given with the task; search may use it."""
    GENERATED = "generated"
    """Written by a model during the search; may be wrong."""
    INPUT_ONLY = "input_only"
    """An input without an expected output."""
    PROPERTY = "property"
    """A statement that must hold for many inputs."""
    HIDDEN = "hidden"
    """For the final grade only; never inside a `Task`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTest:
    """One call of the entry point with literal arguments and a literal expected value.

    Values are Python literals as text, so that tests can be stored, hashed and sent without being executed.
    """

    args: str
    """Positional arguments: a Python tuple literal such as ``"([1, 2], 3)"``."""
    expected: str
    """Expected return value: a Python literal."""
    kwargs: str = "{}"
    """Keyword arguments: a Python dict literal with string keys."""
    tolerance: float = 0.0
    """Absolute tolerance for floats anywhere in the value; 0 means exact equality."""
    relative: float = 0.0
    """Tolerance as a fraction of the expected number; it is added to `tolerance`."""
    origin: Origin = Origin.VISIBLE
    kind: Literal["call"] = "call"

    def describe(self, entry_point: str | None) -> str:
        """Return the test as one line of Python, e.g. ``f(1, 2) == 3``."""
        return f"{entry_point or 'f'}({self._inner_arguments()}) == {self.expected}"

    def _inner_arguments(self) -> str:
        inner = self.args.strip()[1:-1].strip().removesuffix(",")
        named = ast.literal_eval(self.kwargs)
        return ", ".join([*([inner] if inner else []), *(f"{k}={v!r}" for k, v in named.items())])


@dataclass(frozen=True, slots=True, kw_only=True)
class StdioTest:
    """One run of the whole program: text on standard input, expected text on standard output."""

    stdin: str
    expected: str
    comparison: Literal["lines", "decimals", "tokens"] = "lines"
    """When two outputs agree. ``lines``: equal without white space at line ends and blank lines at the end.
    ``decimals``: the same number of lines between the first and the last, each equal without white space around
    it or made of the same decimal numbers. ``tokens``: the same words between white space, without regard to case
    (ASCII); two numbers may differ by `tolerance` and `relative`."""
    tolerance: float = 0.0
    """Absolute, for ``tokens``."""
    relative: float = 0.0
    """Fraction of the expected number, added to `tolerance`."""
    origin: Origin = Origin.VISIBLE
    kind: Literal["stdio"] = "stdio"

    def describe(self, entry_point: str | None) -> str:
        """Return input and expected output as readable text."""
        return f"input:\n{self.stdin.rstrip()}\nexpected output:\n{self.expected.rstrip()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertTest:
    """Python statements that raise when the program is wrong; they name the entry point directly."""

    code: str
    origin: Origin = Origin.VISIBLE
    kind: Literal["assert"] = "assert"

    def describe(self, entry_point: str | None) -> str:
        """Return the statements as they stand."""
        return self.code.strip()


Test = CallTest | StdioTest | AssertTest


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a program has to do.

    Raises:
        TaskError: on an empty id or statement, or a hidden test among `tests`.
    """

    id: str
    statement: str
    """The request in words (for function tasks usually with signature and docstring)."""
    entry_point: str | None = None
    """Name of the function to write; None for a program that reads stdin and writes stdout."""
    stub: str = ""
    """Code the answer continues from: imports, helpers, the signature."""
    tests: tuple[Test, ...] = ()
    """Visible tests only."""
    language: str = "python"
    """Name of the programming language, or the path of its file (see `codegrove.languages`). Programs in other
    languages than Python read stdin."""

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise TaskError("a task needs an id; found an empty one")
        if not self.statement.strip():
            raise TaskError(f"task {self.id!r} has an empty statement; say in words what the program must do")
        if self.language != "python":
            self._require_stdio()
        for test in self.tests:
            if test.origin is Origin.HIDDEN:
                raise TaskError(f"task {self.id!r} was given a hidden test; hidden tests belong to a Problem")
            if isinstance(test, StdioTest) != (self.entry_point is None) and not isinstance(test, AssertTest):
                kind = "a function" if self.entry_point else "a stdin program"
                raise TaskError(f"task {self.id!r} asks for {kind}, but has a test of kind {test.kind!r}")

    def _require_stdio(self) -> None:
        other = next((test.kind for test in self.tests if not isinstance(test, StdioTest)), None)
        found = (
            f"the entry point {self.entry_point!r}"
            if self.entry_point
            else other and f"a test of kind {other!r}"
        )
        if found:
            raise TaskError(
                f"task {self.id!r} asks for a program in {self.language!r}, but has {found}; programs in other"
                " languages than Python read stdin and write stdout, and their tests are of kind 'stdio'"
            )

    @property
    def kind(self) -> Literal["function", "stdio"]:
        """``function`` when there is an entry point, else ``stdio``."""
        return "function" if self.entry_point else "stdio"
