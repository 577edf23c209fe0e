"""Problems in ClassEval format: whole classes, tested by several `unittest` classes each."""

from __future__ import annotations

import ast
from typing import Annotated

from pydantic import AliasChoices, Field

from codegrove.problem import Problem
from codegrove.problems.bigcodebench import third_party
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.python_fields import parsed, wrong_field
from codegrove.problems.rows import Text
from codegrove.task import AssertTest, Origin, Task

NOTES = (
    "no visible tests: the docstrings of the skeletons have examples, but many are no Python or state no value",
    "one hidden test for each test class; a problem counts as solved when all of them pass (class_success)",
    "programs run behind the imports of the skeleton, as with the official grader",
)


class ClassEvalRow(ProblemRow):
    """One entry of ``ClassEval_data.json``; older versions call two fields otherwise."""

    task_id: Text
    skeleton: Text = Field(validation_alias=AliasChoices("skeleton", "sketch"))
    import_statement: list[str] = Field(validation_alias=AliasChoices("import_statement", "imports"))
    class_name: Text
    test: Text
    test_classes: Annotated[list[Text], Field(min_length=1)]
    solution_code: Text

    @property
    def id(self) -> str:
        """The problem's id, e.g. ``ClassEval_0``."""
        return self.task_id

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        imports = "\n".join(self.import_statement)
        preamble = f"{imports}\n" if imports.strip() else ""
        names = _imported(parsed(imports, where, "import_statement"))
        reference = f"{preamble}{self.solution_code}"
        solution = parsed(reference, where, "solution_code")
        if not any(isinstance(node, ast.ClassDef) and node.name == self.class_name for node in solution.body):
            raise wrong_field(
                where, "solution_code", f"a definition of the class {self.class_name}", self.solution_code
            )
        test = parsed(self.test, where, "test")
        classes = {node.name for node in test.body if isinstance(node, ast.ClassDef)}
        for number, name in enumerate(self.test_classes):
            if name not in classes:
                raise wrong_field(where, f"test_classes.{number}", "a class that is defined in 'test'", name)
        hidden = tuple(
            AssertTest(code=f"{preamble}{_only(test, name, self.test_classes)}", origin=Origin.HIDDEN)
            for name in dict.fromkeys(self.test_classes)
        )
        task = Task(
            id=self.task_id,
            statement=f"Complete the class {self.class_name}.\n\n{self.skeleton.strip()}\n",
            stub=self.skeleton,
            entry_point=self.class_name,
        )
        return LoadedProblem(
            problem=Problem(
                task=task,
                hidden=hidden,
                reference=reference,
                source="classeval",
                preamble=preamble,
                packages=third_party(names),
                test_seconds=5.0,
            )
        )


def _only(test: ast.Module, name: str, test_classes: list[str]) -> str:
    """Return the module of tests with one of the test classes only."""
    others = set(test_classes) - {name}
    body = [node for node in test.body if not (isinstance(node, ast.ClassDef) and node.name in others)]
    return ast.unparse(ast.Module(body=body, type_ignores=[])) + "\n"


def _imported(module: ast.Module) -> list[str]:
    names: list[str] = []
    for node in module.body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names
