"""Problems in HumanEval format."""

from __future__ import annotations

import ast
from typing import Annotated

from pydantic import Field

from codegrove.errors import TaskError
from codegrove.examples.source import UNREADABLE, is_literal, parse_expression, parse_quietly, parse_stub
from codegrove.problem import Problem
from codegrove.problems.docstring_examples import example_tests
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.rows import Row
from codegrove.task import AssertTest, CallTest, Origin, Task

NOTES = (
    "visible tests are examples in the docstrings; those that the hidden tests contradict are left out",
    "the program under test is a whole module; nothing is imported for it",
)

_Text = Annotated[str, Field(min_length=1)]


class HumanEvalRow(Row):
    """One line of ``HumanEval.jsonl``."""

    task_id: _Text
    prompt: _Text
    entry_point: _Text
    canonical_solution: str
    test: _Text

    @property
    def id(self) -> str:
        """The problem's id."""
        return self.task_id

    def load(self, where: str) -> LoadedProblem:
        """Return the row as a problem; nothing is executed.

        The hidden test is the official one: the definition of ``check`` and its call with the entry point.

        Raises:
            TaskError: when prompt, solution or test are not the Python that the format asks for.
        """
        if parse_stub(self.prompt, self.entry_point) is None:
            raise TaskError(
                f"{where}, field 'prompt': expected Python that defines {self.entry_point!r} (the field "
                "'entry_point'); found text that does not parse or does not define it"
            )
        reference = self.prompt + self.canonical_solution if self.canonical_solution.strip() else ""
        _parsed(reference, where, "canonical_solution", "a body that completes the prompt")
        test = _parsed(self.test, where, "test", "Python that defines check(candidate)")
        if not any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in test.body):
            raise TaskError(f"{where}, field 'test': expected a definition of check(candidate); found none")
        examples = example_tests(self.prompt, self.entry_point)
        known = _stated_values(test)
        right = [not (isinstance(t, CallTest) and _contradicts(t, known)) for t in examples.tests]
        dropped = [
            f"{t.describe(self.entry_point)}: contradicted by the hidden tests"
            for t, keep in zip(examples.tests, right, strict=True)
            if not keep
        ]
        task = Task(
            id=self.task_id,
            statement=self.prompt,
            stub=self.prompt,
            entry_point=self.entry_point,
            tests=tuple(t for t, keep in zip(examples.tests, right, strict=True) if keep),
        )
        hidden = AssertTest(code=f"{self.test}\ncheck({self.entry_point})", origin=Origin.HIDDEN)
        return LoadedProblem(
            problem=Problem(task=task, hidden=(hidden,), reference=reference, source="humaneval"),
            forms=tuple(form.value for form, keep in zip(examples.forms, right, strict=True) if keep),
            dropped=(*examples.dropped, *dropped),
        )


def _parsed(code: str, where: str, field: str, expected: str) -> ast.Module:
    try:
        return parse_quietly(code)
    except UNREADABLE as error:
        raise TaskError(
            f"{where}, field {field!r}: expected {expected}; it does not parse: {error}"
        ) from None


def _stated_values(test: ast.Module) -> dict[str, object]:
    """Return what the hidden tests say about calls with literal arguments, by the arguments' text."""
    values: dict[str, object] = {}
    for node in ast.walk(test):
        if (
            not isinstance(node, ast.Assert)
            or not isinstance(node.test, ast.Compare)
            or len(node.test.ops) != 1
        ):
            continue
        call, expected = node.test.left, node.test.comparators[0]
        if (
            isinstance(node.test.ops[0], ast.Eq)
            and isinstance(call, ast.Call)
            and not call.keywords
            and all(is_literal(arg) for arg in call.args)
            and is_literal(expected)
        ):
            values[repr([ast.literal_eval(arg) for arg in call.args])] = ast.literal_eval(expected)
    return values


def _contradicts(test: CallTest, known: dict[str, object]) -> bool:
    """Whether the benchmark's own tests state another value for the same call.

    A few published docstrings hold examples that their reference fails. A visible test like that would make every
    right program look wrong. Nothing of the hidden tests is shown: an example can only disappear.
    """
    arguments = repr(list(ast.literal_eval(test.args)))
    expected = parse_expression(test.expected)
    return arguments in known and expected is not None and known[arguments] != ast.literal_eval(expected)
