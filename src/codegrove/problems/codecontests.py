"""Problems in CodeContests format: programs that read stdin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from codegrove.problem import Problem
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.overlap import without_shared
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.task import Origin, StdioTest, Task

NOTES = (
    "visible tests are the public ones; hidden tests are the private and the generated ones, without those that "
    "are public as well",
    "there are no checkers: outputs are compared word by word, numbers within 1e-5, so that a right program can "
    "fail where several outputs are right",
    "time limits are those of the contest, which were made for C++",
    "problems with files instead of stdin or stdout, and those without hidden tests, cannot be graded here and "
    "are skipped",
)
_IN_COLUMNS = ("Unknown", "CodeChef", "Codeforces", "HackerEarth", "CodeJam", "AtCoder", "Aizu")
_IN_OBJECTS = (*_IN_COLUMNS[:5], "", *_IN_COLUMNS[5:])
"""Contests by their number. The authors' contest_problem.proto reserves 5: AtCoder is 6 there, Aizu 7. The data
set on the hub, whose tests are columns, counts without a gap: so say its card and programs of several hands that
read it, and a published look at the statistics of its files found 5 and 6 used and no 7. The proto file, the
card and those notes were read for this; the data itself was not."""
_LEVELS = ("", "easy", "medium", "hard", "harder", "hardest", "external", *"ABCDEFGHIJK", "", *"LMNOPQRSTUV")
"""By their number in the proto file, which has no 18. The same look found it in the hub's files, too (problem L of
contest 1575 under 19), although its card counts without a gap."""
_PYTHON3 = (3, "PYTHON3")
_MOST_WRONG = 3
_DURATION = re.compile(r"(seconds|nanos): (\d+)")


class _Columns(BaseModel):
    """Two columns of equal length; a list of objects is turned into them."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, defer_build=True)

    names: ClassVar[tuple[str, str]]

    were_objects: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_objects(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            columns = {name: [item.get(name) for item in value] for name in cls.names}
            return {**columns, "were_objects": True}
        return value

    @model_validator(mode="after")
    def _equal_lengths(self) -> _Columns:
        if len({len(getattr(self, name)) for name in self.names}) > 1:
            raise ValueError(f"columns of the same length ({' and '.join(self.names)})")
        return self


class _Tests(_Columns):
    names = ("input", "output")

    input: list[str] = Field(default_factory=list)
    output: list[str] = Field(default_factory=list)


class _Solutions(_Columns):
    names = ("language", "solution")

    language: list[int | str] = Field(default_factory=list)
    solution: list[str] = Field(default_factory=list)


class CodeContestsRow(ProblemRow):
    """One problem of CodeContests."""

    name: Annotated[str, Field(min_length=1)]
    description: Annotated[str, Field(min_length=1)]
    public_tests: _Tests
    private_tests: _Tests
    generated_tests: _Tests
    source: int = 0
    difficulty: int = 0
    solutions: _Solutions = _Solutions()
    incorrect_solutions: _Solutions = _Solutions()
    cf_rating: int | None = None
    time_limit: dict[str, int | None] | str | None = None
    memory_limit_bytes: int | None = None
    input_file: str | None = None
    output_file: str | None = None

    @property
    def id(self) -> str:
        """Contest and name: names alone are not unique, e.g. ``Codeforces/1575_A. Sorting``."""
        contests = _IN_OBJECTS if self.public_tests.were_objects else _IN_COLUMNS
        contest = contests[self.source] if 0 <= self.source < len(contests) else ""
        return f"{contest or self.source}/{self.name}"

    def unusable(self) -> str:
        """Some problems read and write files, some have no tests but the public ones."""
        if self.input_file:
            return f"it reads the file {self.input_file!r}, not stdin"
        if self.output_file:
            return f"it writes the file {self.output_file!r}, not stdout"
        return "" if self._hidden() else "it has no hidden tests"

    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        visible = _stdio(self.public_tests, Origin.VISIBLE)
        references = self._in_python(self.solutions)
        level = str(self.cf_rating) if self.cf_rating else self._level()
        hidden = self._hidden()
        given = len(self.private_tests.input) + len(self.generated_tests.input)
        return LoadedProblem(
            problem=Problem(
                task=Task(id=self.id, statement=self.description, tests=visible),
                hidden=hidden,
                reference=references[0] if references else "",
                wrong=tuple(self._in_python(self.incorrect_solutions)[:_MOST_WRONG]),
                level=level,
                source="codecontests",
                test_seconds=self._seconds(),
                memory_mb=(self.memory_limit_bytes or 0) // (1024 * 1024) or None,
            ),
            forms=("public test",) * len(visible),
            repeated=given - len(hidden),
        )

    def _hidden(self) -> tuple[StdioTest, ...]:
        tests = [*_stdio(self.private_tests, Origin.HIDDEN), *_stdio(self.generated_tests, Origin.HIDDEN)]
        visible = _stdio(self.public_tests, Origin.VISIBLE)
        return tuple(
            test
            for test in without_shared(tuple(dict.fromkeys(tests)), visible)
            if isinstance(test, StdioTest)
        )

    def _in_python(self, solutions: _Solutions) -> Sequence[str]:
        pairs = zip(solutions.language, solutions.solution, strict=True)
        return [text for language, text in pairs if language in _PYTHON3]

    def _level(self) -> str:
        return _LEVELS[self.difficulty] if 0 <= self.difficulty < len(_LEVELS) else ""

    def _seconds(self) -> float | None:
        limit = self.time_limit
        if isinstance(limit, str):
            limit = {name: int(number) for name, number in _DURATION.findall(limit)}
        seconds = (limit or {}).get("seconds") or 0
        return seconds + ((limit or {}).get("nanos") or 0) / 1e9 or None


def _stdio(tests: _Tests, origin: Origin) -> tuple[StdioTest, ...]:
    return tuple(
        StdioTest(stdin=given, expected=expected, comparison="tokens", tolerance=1e-5, origin=origin)
        for given, expected in zip(tests.input, tests.output, strict=True)
    )
