"""Problems of EvalPlus: HumanEval+ and MBPP+, as released and in the layout of HumanEval and MBPP.

A released file has inputs without values: what is right, the reference decides when it is run.
"""

from __future__ import annotations

import ast
from typing import Annotated, Any, ClassVar

from pydantic import Field

from codegrove.problem import HiddenInputs, Problem
from codegrove.problems.asserts import assert_test
from codegrove.problems.evalplus_inputs import CLAIMS, FIND_ZERO, restored
from codegrove.problems.humaneval import HumanEvalRow, check_stub, docstring_tests
from codegrove.problems.json_values import python_literal
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.mbpp import SanitizedRow
from codegrove.problems.overlap import stated_values
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.python_fields import parsed, wrong_field
from codegrove.problems.rows import Text
from codegrove.task import AssertTest, Task

NOTES = (
    "what is right, the reference decides: it is run in the sandbox on every hidden input before grading",
    "base and plus inputs count alike: a problem is solved when all pass, as in EvalPlus' column for plus",
)
LAYOUT_NOTES = ("hidden tests import numpy, which the interpreter of the sandbox must have",)

_Inputs = list[list[Any]]


class _PlusRow(ProblemRow):
    verbatim = frozenset({"base_input", "plus_input"})

    task_id: Text
    prompt: Text
    entry_point: Text
    canonical_solution: Text
    base_input: Annotated[_Inputs, Field(min_length=1)]
    plus_input: _Inputs
    atol: float = 0.0

    @property
    def id(self) -> str:
        """The problem's id."""
        return self.task_id

    def _inputs(self, where: str, claim: str) -> HiddenInputs:
        calls = [
            python_literal(self._arguments(arguments, where, f"{field}.{number}"))
            for field, inputs in (("base_input", self.base_input), ("plus_input", self.plus_input))
            for number, arguments in enumerate(inputs)
        ]
        return HiddenInputs(
            calls=tuple(dict.fromkeys(calls)),
            tolerance=self.atol,
            float_tolerance=1e-6,
            relative=1e-7,
            claim=claim,
        )

    def _arguments(self, arguments: list[Any], where: str, field: str) -> tuple[Any, ...]:
        return tuple(arguments)

    def _problem(self, task: Task, source: str, inputs: HiddenInputs, reference: str) -> Problem:
        return Problem(
            task=task, reference=reference, source=source, inputs=inputs, test_seconds=4.0, memory_mb=4096
        )

    def _reference(self, where: str) -> str:
        reference = self.prompt + self.canonical_solution
        parsed(reference, where, "canonical_solution", "Python that completes the prompt")
        return reference


class HumanEvalPlusRow(_PlusRow):
    """One line of ``HumanEvalPlus.jsonl``."""

    test: str = ""

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        check_stub(self.prompt, self.entry_point, where)
        parsed(self.test, where, "test")
        shown = docstring_tests(self.prompt, self.entry_point, stated_values([AssertTest(code=self.test)]))
        task = Task(
            id=self.task_id,
            statement=self.prompt,
            stub=self.prompt,
            entry_point=self.entry_point,
            tests=shown.tests,
        )
        claim = FIND_ZERO.format(atol=self.atol) if self.entry_point == "find_zero" else ""
        return LoadedProblem(
            problem=self._problem(task, "humaneval+", self._inputs(where, claim), self._reference(where)),
            forms=tuple(form.value for form in shown.forms),
            dropped=shown.dropped,
        )


class MbppPlusRow(_PlusRow):
    """One line of ``MbppPlus.jsonl``."""

    assertion: str

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        asserts = [
            ast.unparse(statement)
            for statement in parsed(self.assertion, where, "assertion").body
            if isinstance(statement, ast.Assert)
        ]
        task = Task(
            id=self.task_id,
            statement=_statement(parsed(self.prompt, where, "prompt"), self.prompt),
            entry_point=self.entry_point,
            tests=tuple(assert_test(code, self.entry_point) for code in asserts[:visible_asserts]),
        )
        inputs = self._inputs(where, CLAIMS.get(self.entry_point, "").format(atol=self.atol))
        return LoadedProblem(
            problem=self._problem(task, "mbpp+", inputs, self._reference(where)),
            forms=("assert",) * len(task.tests),
        )

    def _arguments(self, arguments: list[Any], where: str, field: str) -> tuple[Any, ...]:
        number = self.task_id.rpartition("/")[2]
        if not number.isdigit():
            raise wrong_field(where, "task_id", "an id that ends in a number, e.g. Mbpp/2", self.task_id)
        try:
            return restored(int(number), arguments)
        except (TypeError, ValueError, IndexError, AttributeError):
            raise wrong_field(where, field, f"arguments as task {number} takes them", arguments) from None


def _statement(prompt: ast.Module, text: str) -> str:
    """Return what a prompt says in words; the assert under it is a test and shown as one."""
    words = ast.get_docstring(prompt)
    lines = [line for line in (words or text).split("\n") if not line.startswith("assert ")]
    return "\n".join(lines).strip() or text


class HumanEvalPlusLayoutRow(HumanEvalRow):
    """HumanEval+ in the layout of HumanEval: `check` holds all inputs with their values."""

    source: ClassVar[str] = "humaneval+"


class MbppPlusLayoutRow(SanitizedRow):
    """MBPP+ in the layout of MBPP, with one module of tests."""

    source = "mbpp+"
    prefix = "Mbpp"

    test: Text

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        parsed(self.test, where, "test")
        return self._load(
            where,
            statement=self.prompt,
            setup="\n".join(self.test_imports).strip(),
            visible_asserts=visible_asserts,
            hidden=[self.test],
        )
