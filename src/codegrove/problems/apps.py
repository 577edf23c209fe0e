"""Problems in APPS format: programs that read stdin, and functions or methods to be called."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from codegrove.problem import Problem
from codegrove.problems import granted_imports
from codegrove.problems.call_texts import call_assert
from codegrove.problems.json_values import BadJson, parse_json
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.overlap import contradicted, stated_values
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.python_fields import json_field, wrong_field
from codegrove.problems.statement_samples import statement_samples
from codegrove.task import AssertTest, Origin, StdioTest, Task

NOTES = (
    "visible tests are the samples that statements of stdin problems show; many of them are hidden tests as well",
    "outputs are compared word by word, numbers with the tolerance of the official grader; outputs in another "
    "order, which that accepts, are wrong here",
    "problems without any test cannot be graded and are skipped",
)
_ABSOLUTE, _RELATIVE = 1e-8, 1e-5  # of numpy.allclose, which the official grader calls

_LONGEST_EMPTY = 200
"""Characters of JSON without tests, at most."""


class AppsRow(ProblemRow):
    """One problem of APPS."""

    verbatim = frozenset({"input_output"})

    problem_id: int = Field(validation_alias=AliasChoices("problem_id", "id"))
    question: Annotated[str, Field(min_length=1)]
    input_output: str | None
    solutions: str | None = None
    starter_code: str | None = None
    difficulty: str | None = None

    @property
    def id(self) -> str:
        """The problem's id, e.g. ``APPS/42``."""
        return f"APPS/{self.problem_id}"

    def unusable(self) -> str:
        """A few problems have no tests at all."""
        return "the benchmark has no tests for it" if _is_empty((self.input_output or "").strip()) else ""

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        inputs, outputs, function = self._tests(where)
        starter = self.starter_code or ""
        solutions = self._solutions(where)
        if function is None:
            return self._stdin_problem(where, inputs, outputs, solutions)
        is_method = "class Solution" in (starter or (solutions or [""])[0])
        called = f"Solution().{function}" if is_method else function
        hidden = [
            self._call(called, given, expected, where, number)
            for number, (given, expected) in enumerate(zip(inputs, outputs, strict=True))
        ]
        task = Task(
            id=self.id,
            statement=self.question,
            entry_point="Solution" if is_method else function,
            stub=f"{granted_imports.FOR_STUBS}\n{starter}" if starter.strip() else "",
        )
        return LoadedProblem(problem=self._problem(task, tuple(hidden), solutions))

    def _stdin_problem(
        self, where: str, inputs: list[Any], outputs: list[Any], solutions: list[str]
    ) -> LoadedProblem:
        hidden = tuple(
            self._stdio(
                _text(given, where, f"inputs.{n}"), _text(expected, where, f"outputs.{n}"), Origin.HIDDEN
            )
            for n, (given, expected) in enumerate(zip(inputs, outputs, strict=True))
        )
        stated = stated_values(hidden)
        shown = [
            self._stdio(given, expected, Origin.VISIBLE)
            for given, expected in statement_samples(self.question)
        ]
        right = tuple(dict.fromkeys(test for test in shown if not contradicted(test, stated)))
        task = Task(id=self.id, statement=self.question, tests=right)
        return LoadedProblem(
            problem=self._problem(task, hidden, solutions),
            forms=("sample in the statement",) * len(right),
            dropped=tuple(
                f"sample {test.stdin[:40]!r}: contradicted by the hidden tests"
                for test in shown
                if contradicted(test, stated)
            ),
        )

    def _problem(
        self, task: Task, hidden: tuple[AssertTest | StdioTest, ...], solutions: list[str]
    ) -> Problem:
        return Problem(
            task=task,
            hidden=hidden,
            reference=solutions[0] if solutions else "",
            level=self.difficulty or "",
            source="apps",
            preamble=granted_imports.APPS,
            test_seconds=4.0,
        )

    def _tests(self, where: str) -> tuple[list[Any], list[Any], str | None]:
        found = json_field(self.input_output or "", where, "input_output")
        if not isinstance(found, dict):
            raise wrong_field(where, "input_output", "an object with inputs and outputs", found)
        for name in ("inputs", "outputs"):
            if not isinstance(found.get(name), list):
                raise wrong_field(where, f"input_output.{name}", "a list", found.get(name))
        inputs, outputs, function = found["inputs"], found["outputs"], found.get("fn_name")
        if len(inputs) != len(outputs):
            raise wrong_field(
                where, "input_output.outputs", f"{len(inputs)} values, one for each input", outputs
            )
        if function is not None and not (isinstance(function, str) and function.isidentifier()):
            raise wrong_field(where, "input_output.fn_name", "the name of a function", function)
        return inputs, outputs, function

    def _solutions(self, where: str) -> list[str]:
        if not (self.solutions or "").strip():
            return []
        found = json_field(self.solutions or "", where, "solutions")
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise wrong_field(where, "solutions", "a list of programs", found)
        return found

    def _stdio(self, given: str, expected: str, origin: Origin) -> StdioTest:
        return StdioTest(
            stdin=given,
            expected=expected,
            comparison="tokens",
            tolerance=_ABSOLUTE,
            relative=_RELATIVE,
            origin=origin,
        )

    def _call(self, called: str, given: Any, expected: Any, where: str, number: int) -> AssertTest:
        if isinstance(given, str):
            given = list(given)
        if not isinstance(given, list):
            raise wrong_field(where, f"input_output.inputs.{number}", "a list of arguments", given)
        if given and isinstance(given[0], dict):
            given = [_with_integer_keys(given[0]), *given[1:]]
        expected = _with_integer_keys(expected)
        values = [expected]
        if isinstance(expected, list) and expected:
            inner = _with_integer_keys(expected[0])
            values = [[inner, *expected[1:]], inner]
        return call_assert(called, given, values, deep=True)


def _is_empty(tests: str) -> bool:
    """Whether the JSON of tests has none. Any that is broken is not: that is said when it is read."""
    if len(tests) > _LONGEST_EMPTY:
        return False
    try:
        found = parse_json(tests) if tests else {}
    except BadJson:
        return False
    return isinstance(found, dict) and found.get("inputs", []) == found.get("outputs", []) == []


def _with_integer_keys(value: Any) -> Any:
    """Undo what JSON did to a dict with integers as keys, as the official grader does."""
    if isinstance(value, dict):
        try:
            return {int(key): item for key, item in value.items()}
        except ValueError:
            return value
    return value


def _text(value: Any, where: str, field: str) -> str:
    """Return text for stdin or from stdout; lists are lists of lines."""
    if isinstance(value, list):
        return "\n".join(_text(item, where, field) for item in value)
    if isinstance(value, (str, int, float)):
        return str(value)
    raise wrong_field(where, f"input_output.{field}", "text or a list of lines", value)
