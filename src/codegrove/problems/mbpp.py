"""Problems in MBPP format: the full set and the sanitized one, whose prompts and asserts differ."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from codegrove.errors import TaskError
from codegrove.problem import Problem
from codegrove.problems.asserts import assert_test, functions_under_test
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.python_fields import parsed
from codegrove.problems.rows import Text
from codegrove.task import AssertTest, Origin, Task


def notes(visible_asserts: VisibleAsserts) -> tuple[str, ...]:
    """Return what must be said beside results on MBPP."""
    shown = f"{visible_asserts} of the asserts shown to the search"
    if not visible_asserts:
        return (f"{shown}; the function's name still is",)
    return (f"{shown}; as is custom, the hidden tests are all asserts, those shown included",)


class _MbppRow(ProblemRow):
    source: ClassVar[str]
    prefix: ClassVar[str]
    """Of ids. The same number stands for different prompts and tests in different variants."""

    task_id: int
    code: Text
    test_list: Annotated[list[Text], Field(min_length=1)]

    @property
    def id(self) -> str:
        """The problem's id, e.g. ``MBPP/11``."""
        return f"{self.prefix}/{self.task_id}"

    def _load(
        self,
        where: str,
        *,
        statement: str,
        setup: str,
        visible_asserts: VisibleAsserts,
        hidden: Sequence[str] | None = None,
    ) -> LoadedProblem:
        """Return the row as a problem; `hidden` are its hidden tests, where these are not the asserts.

        Raises:
            TaskError: when code or asserts are not Python, or do not name a common function.
        """
        program = parsed(self.code, where, "code")
        parsed(setup, where, "test_setup_code or test_imports")
        asserts = [parsed(code, where, f"test_list.{n}") for n, code in enumerate(self.test_list)]
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
        if hidden is None:
            hidden = [f"{setup}\n{code}".strip() for code in self.test_list]
        return LoadedProblem(
            problem=Problem(
                task=task,
                hidden=tuple(AssertTest(code=code, origin=Origin.HIDDEN) for code in hidden),
                reference=self.code,
                source=self.source,
            ),
            forms=("assert",) * len(shown),
        )


class FullRow(_MbppRow):
    """One line of ``mbpp.jsonl``."""

    source = "mbpp"
    prefix = "MBPP"

    text: Text
    test_setup_code: str = ""

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        """Return the row as a problem, see `_MbppRow._load`."""
        return self._load(
            where,
            statement=self.text,
            setup=self.test_setup_code.strip(),
            visible_asserts=visible_asserts,
        )


class SanitizedRow(_MbppRow):
    """One entry of ``sanitized-mbpp.json``."""

    source = "mbpp-sanitized"
    prefix = "MBPP-sanitized"

    prompt: Text
    test_imports: list[str] = Field(default_factory=list)

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        """Return the row as a problem, see `_MbppRow._load`."""
        return self._load(
            where,
            statement=self.prompt,
            setup="\n".join(self.test_imports).strip(),
            visible_asserts=visible_asserts,
        )
