"""Problems in LiveCodeBench format (code generation): programs that read stdin, and methods of ``Solution``."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from codegrove.errors import TaskError
from codegrove.problem import Problem
from codegrove.problems import granted_imports
from codegrove.problems.call_texts import call_assert
from codegrove.problems.json_values import BadJson, parse_json
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.pickled_text import NoText, unpack_text
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.python_fields import json_field, wrong_field
from codegrove.problems.rows import Text
from codegrove.task import AssertTest, Origin, StdioTest, Task

NOTES = (
    "visible tests are the public ones; the official grader runs public and private ones, and so the public ones "
    "are among the hidden tests here too",
    "the benchmark has no reference solutions",
    "compare only results on problems published after a model's training data, and say which dates",
)


class _Case(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, defer_build=True)

    input: str
    output: str
    testtype: Literal["stdin", "functional"]


class LiveCodeBenchRow(ProblemRow):
    """One line of ``test.jsonl``."""

    verbatim = frozenset({"public_test_cases", "private_test_cases"})

    question_id: Text
    question_title: str = ""
    question_content: Text
    platform: str = ""
    contest_date: str | datetime.datetime = ""
    starter_code: str = ""
    difficulty: str = ""
    public_test_cases: str
    private_test_cases: str
    metadata: str = "{}"

    @property
    def id(self) -> str:
        """The question's id; `export` needs it unchanged."""
        return self.question_id

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        public = list(self._cases(self.public_test_cases, where, "public_test_cases"))
        private = list(self._cases(self._private(where), where, "private_test_cases"))
        if not private and not public:
            raise wrong_field(where, "private_test_cases", "at least one test", private)
        kinds = {case.testtype for case in (*public, *private)}
        if len(kinds) > 1:
            raise wrong_field(where, "private_test_cases", "tests of one testtype", sorted(kinds))
        function = self._function(where) if kinds == {"functional"} else None
        visible = self._tests(public, function, where, "public_test_cases", Origin.VISIBLE)
        hidden = [
            *self._tests(public, function, where, "public_test_cases", Origin.HIDDEN),
            *self._tests(private, function, where, "private_test_cases", Origin.HIDDEN),
        ]
        task = Task(
            id=self.id,
            statement=self.question_content,
            entry_point="Solution" if function else None,
            stub=f"{granted_imports.FOR_STUBS}\n{self.starter_code}" if function else "",
            tests=tuple(dict.fromkeys(visible)),
        )
        return LoadedProblem(
            problem=Problem(
                task=task,
                hidden=tuple(dict.fromkeys(hidden)),
                level=self.difficulty,
                source="livecodebench",
                preamble=granted_imports.LIVECODEBENCH,
                test_seconds=6.0,
                date=self._date(where),
            ),
            forms=("public test",) * len(task.tests),
        )

    def _private(self, where: str) -> str:
        if self.private_test_cases.lstrip().startswith("["):
            return self.private_test_cases
        try:
            return unpack_text(self.private_test_cases)
        except NoText as error:
            raise TaskError(
                f"{where}, field 'private_test_cases': expected JSON, or JSON packed with base64, zlib and "
                f"pickle; {error}"
            ) from None

    def _cases(self, text: str, where: str, field: str) -> Iterator[_Case]:
        cases = json_field(text, where, field)
        if not isinstance(cases, list):
            raise wrong_field(where, field, "a list of tests", cases)
        for number, case in enumerate(cases):
            try:
                yield _Case.model_validate(case)
            except ValidationError as error:
                name = ".".join(str(part) for part in error.errors()[0]["loc"]) or "it"
                raise wrong_field(
                    where, f"{field}.{number}", f"input, output and testtype as text ({name} is not)", case
                ) from None

    def _function(self, where: str) -> str:
        metadata = json_field(self.metadata, where, "metadata")
        name = metadata.get("func_name") if isinstance(metadata, dict) else None
        if not isinstance(name, str) or not name.isidentifier():
            raise wrong_field(where, "metadata.func_name", "the name of a method", name)
        return name

    def _tests(
        self, cases: list[_Case], function: str | None, where: str, field: str, origin: Origin
    ) -> list[AssertTest | StdioTest]:
        if function is None:
            return [
                StdioTest(stdin=case.input, expected=case.output, comparison="decimals", origin=origin)
                for case in cases
            ]
        tests: list[AssertTest | StdioTest] = []
        for number, case in enumerate(cases):
            try:
                arguments = [parse_json(line) for line in case.input.split("\n")]
                expected = parse_json(case.output)
            except BadJson:
                raise wrong_field(
                    where,
                    f"{field}.{number}",
                    "one JSON value a line as input, and one as output",
                    case.input,
                ) from None
            tests.append(call_assert(f"Solution().{function}", arguments, [expected], origin=origin))
        return tests

    def _date(self, where: str) -> str:
        if isinstance(self.contest_date, datetime.datetime):
            return self.contest_date.date().isoformat()
        if not self.contest_date:
            return ""
        try:
            return datetime.datetime.fromisoformat(self.contest_date).date().isoformat()
        except ValueError:
            raise wrong_field(where, "contest_date", "a date in ISO format", self.contest_date) from None
