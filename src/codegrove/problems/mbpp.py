"""Problems in MBPP format: the full set and the sanitized one, whose prompts and asserts differ."""

from __future__ import annotations

import ast
from typing import Annotated, Literal

from pydantic import Field

from codegrove.errors import TaskError
from codegrove.examples.source import UNREADABLE, parse_quietly
from codegrove.problem import Problem
from codegrove.problems.asserts import assert_test, functions_under_test
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.rows import Row
from codegrove.task import AssertTest, Origin, Task

VisibleAsserts = Literal[0, 1, 3]
"""How many of a problem's asserts the search may see. Results with different numbers are not comparable."""

_Text = Annotated[str, Field(min_length=1)]


def notes(visible_asserts: VisibleAsserts) -> tuple[str, ...]:
    """Return what must be said beside results on MBPP."""
    shown = f"{visible_asserts} of the asserts shown to the search"
    if not visible_asserts:
        return (f"{shown}; the function's name still is",)
    return (f"{shown}; as is custom, the hidden tests are all asserts, those shown included",)


class _MbppRow(Row):
    task_id: int
    code: _Text
    test_list: Annotated[list[_Text], Field(min_length=1)]

    @property
    def id(self) -> str:
        """The problem's id, e.g. ``MBPP/11``."""
        return f"MBPP/{self.task_id}"

    def _load(
        self, where: str, *, statement: str, setup: str, visible_asserts: VisibleAsserts, source: str
    ) -> LoadedProblem:
        """Return the row as a problem; nothing is executed.

        Raises:
            TaskError: when code or asserts are not Python, or do not name a common function.
        """
        program = _parsed(self.code, where, "code")
        _parsed(setup, where, "test_setup_code or test_imports")
        asserts = [_parsed(code, where, f"test_list.{n}") for n, code in enumerate(self.test_list)]
        functions = {n.name for n in program.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
        entry_points = functions_under_test(asserts, known=functions)
        if not entry_points or not functions:
            raise TaskError(
                f"{where}, field 'test_list': expected asserts that call a function defined in 'code' "
                f"({', '.join(sorted(functions)) or 'none there'}); found {self.test_list[0][:80]!r}"
            )
        entry_point = entry_points[0]
        shown = self.test_list[:visible_asserts]
        task = Task(
            id=self.id,
            statement=statement,
            entry_point=entry_point,
            tests=tuple(assert_test(code, entry_point, prelude=setup) for code in shown),
        )
        hidden = tuple(
            AssertTest(code=f"{setup}\n{code}".strip(), origin=Origin.HIDDEN) for code in self.test_list
        )
        return LoadedProblem(
            problem=Problem(task=task, hidden=hidden, reference=self.code, source=source),
            forms=("assert",) * len(shown),
        )


class FullRow(_MbppRow):
    """One line of ``mbpp.jsonl``."""

    text: _Text
    test_setup_code: str = ""

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        """Return the row as a problem, see `_MbppRow._load`."""
        return self._load(
            where,
            statement=self.text,
            setup=self.test_setup_code.strip(),
            visible_asserts=visible_asserts,
            source="mbpp",
        )


class SanitizedRow(_MbppRow):
    """One entry of ``sanitized-mbpp.json``."""

    prompt: _Text
    test_imports: list[str] = Field(default_factory=list)

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        """Return the row as a problem, see `_MbppRow._load`."""
        return self._load(
            where,
            statement=self.prompt,
            setup="\n".join(self.test_imports).strip(),
            visible_asserts=visible_asserts,
            source="mbpp-sanitized",
        )


def _parsed(code: str, where: str, field: str) -> ast.Module:
    try:
        return parse_quietly(code)
    except UNREADABLE as error:
        raise TaskError(f"{where}, field {field!r}: expected Python; it does not parse: {error}") from None
