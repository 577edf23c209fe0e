"""Problems in HumanEval format."""

from __future__ import annotations

import ast
from typing import ClassVar

from codegrove.errors import TaskError
from codegrove.examples.source import parse_stub
from codegrove.problem import Problem
from codegrove.problems.docstring_examples import ExampleTests, example_tests
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.overlap import contradicted, stated_values
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.python_fields import parsed
from codegrove.problems.rows import Text
from codegrove.task import AssertTest, Origin, Task, Test

NOTES = (
    "visible tests are examples in the docstrings; those that the hidden tests contradict are left out",
    "the program under test is a whole module; nothing is imported for it",
)


class HumanEvalRow(ProblemRow):
    """One line of ``HumanEval.jsonl``."""

    source: ClassVar[str] = "humaneval"

    task_id: Text
    prompt: Text
    entry_point: Text
    canonical_solution: str
    test: Text

    @property
    def id(self) -> str:
        """The problem's id."""
        return self.task_id

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        """Return the row as a problem; nothing is executed.

        The hidden test is the official one: the definition of ``check`` and its call with the entry point.

        Raises:
            TaskError: when prompt, solution or test are not the Python that the format asks for.
        """
        hidden, reference = self._checked(where)
        shown = docstring_tests(self.prompt, self.entry_point, stated_values([hidden]))
        return LoadedProblem(
            problem=self._problem(hidden, reference, shown.tests),
            forms=tuple(form.value for form in shown.forms),
            dropped=shown.dropped,
        )

    def graded(self, where: str, visible_asserts: VisibleAsserts = 1) -> Problem:
        """Return the row as a problem without the examples in its docstring; see `load`."""
        return self._problem(*self._checked(where), ())

    def _checked(self, where: str) -> tuple[AssertTest, str]:
        """Return the hidden test and the reference."""
        check_stub(self.prompt, self.entry_point, where)
        reference = self.prompt + self.canonical_solution if self.canonical_solution.strip() else ""
        parsed(reference, where, "canonical_solution", "a body that completes the prompt")
        test = parsed(self.test, where, "test", "Python that defines check(candidate)")
        if not any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in test.body):
            raise TaskError(f"{where}, field 'test': expected a definition of check(candidate); found none")
        return AssertTest(code=f"{self.test}\ncheck({self.entry_point})", origin=Origin.HIDDEN), reference

    def _problem(self, hidden: AssertTest, reference: str, visible: tuple[Test, ...]) -> Problem:
        task = Task(
            id=self.task_id,
            statement=self.prompt,
            stub=self.prompt,
            entry_point=self.entry_point,
            tests=visible,
        )
        return Problem(task=task, hidden=(hidden,), reference=reference, source=self.source, test_seconds=3.0)


def check_stub(prompt: str, entry_point: str, where: str, field: str = "prompt") -> None:
    """Check that a prompt is Python up to where it breaks off, and defines the function.

    Raises:
        TaskError: if not.
    """
    if parse_stub(prompt, entry_point) is None:
        raise TaskError(
            f"{where}, field {field!r}: expected Python that defines {entry_point!r} (the field "
            "'entry_point'); found text that does not parse or does not define it"
        )


def docstring_tests(prompt: str, entry_point: str, stated: dict[object, object]) -> ExampleTests:
    """Return the examples in a prompt as tests, without those that the hidden tests contradict.

    Args:
        stated: what the hidden tests say, see `stated_values`.
    """
    found = example_tests(prompt, entry_point)
    keep = [not contradicted(test, stated) for test in found.tests]
    dropped = [
        f"{test.describe(entry_point)}: contradicted by the hidden tests"
        for test, kept in zip(found.tests, keep, strict=True)
        if not kept
    ]
    return ExampleTests(
        tests=tuple(test for test, kept in zip(found.tests, keep, strict=True) if kept),
        forms=tuple(form for form, kept in zip(found.forms, keep, strict=True) if kept),
        dropped=(*found.dropped, *dropped),
    )
