"""Problems in BigCodeBench format: functions that use many libraries, tested by `unittest` classes."""

from __future__ import annotations

import ast
import sys

from codegrove.problem import Problem
from codegrove.problems.humaneval import check_stub, docstring_tests
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.python_fields import parsed, wrong_field
from codegrove.problems.rows import Text
from codegrove.task import AssertTest, Origin, Task

NOTES = (
    "visible tests are the examples in the docstrings that use nothing but builtins and the prompt's names",
    "programs run behind the prompt's imports, as with the official grader's default (calibrated)",
    "problems need about 140 third-party packages; without them, references fail",
)


class BigCodeBenchRow(ProblemRow):
    """One line of BigCodeBench or BigCodeBench-Hard, asked for as the completion of code."""

    task_id: Text
    complete_prompt: Text
    instruct_prompt: Text
    code_prompt: Text
    canonical_solution: Text
    test: Text
    entry_point: Text
    libs: str = "[]"

    @property
    def id(self) -> str:
        """The problem's id."""
        return self.task_id

    @property
    def statement(self) -> str:
        """What is asked."""
        return self.complete_prompt

    @property
    def stub(self) -> str:
        """What the answer continues from."""
        return self.complete_prompt

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        check_stub(self.complete_prompt, self.entry_point, where, "complete_prompt")
        reference = f"{self.complete_prompt}\n{self.canonical_solution}"
        parsed(reference, where, "canonical_solution", "a body that completes the prompt")
        test = parsed(self.test, where, "test")
        if not any(isinstance(node, ast.ClassDef) and node.name == "TestCases" for node in test.body):
            raise wrong_field(where, "test", "a definition of the class TestCases", self.test)
        shown = docstring_tests(self.complete_prompt, self.entry_point, {})
        return LoadedProblem(
            problem=Problem(
                task=Task(
                    id=self.task_id,
                    statement=self.statement,
                    stub=self.stub,
                    entry_point=self.entry_point,
                    tests=shown.tests,
                ),
                hidden=(AssertTest(code=self.test, origin=Origin.HIDDEN),),
                reference=reference,
                source="bigcodebench",
                preamble=f"{self.code_prompt}\n    pass\n",
                packages=self._packages(where),
                test_seconds=30.0,
            ),
            forms=tuple(form.value for form in shown.forms),
            dropped=shown.dropped,
        )

    def _packages(self, where: str) -> tuple[str, ...]:
        try:
            names = ast.literal_eval(self.libs)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise wrong_field(where, "libs", "a list of modules as Python text", self.libs)
        return third_party(names)


class BigCodeBenchInstructRow(BigCodeBenchRow):
    """The same problem, asked for in words."""

    @property
    def statement(self) -> str:
        return self.instruct_prompt

    @property
    def stub(self) -> str:
        return self.code_prompt


def third_party(modules: list[str]) -> tuple[str, ...]:
    """Return the modules that do not come with Python, each by its first name, sorted."""
    first = {name.split(".")[0] for name in modules}
    return tuple(sorted(first - sys.stdlib_module_names))
