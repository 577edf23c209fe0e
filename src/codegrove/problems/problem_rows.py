"""What an entry of every benchmark format can do."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

from codegrove.problem import Problem
from codegrove.problems.load_report import LoadedProblem
from codegrove.problems.rows import Row

VisibleAsserts = Literal[0, 1, 3]
"""How many of a problem's asserts the search may see, where a benchmark has nothing but asserts. Results with
different numbers are not comparable."""


class ProblemRow(Row):
    """One entry of a benchmark, its fields checked."""

    @property
    @abstractmethod
    def id(self) -> str:
        """The problem's id."""

    @abstractmethod
    def load(self, where: str, visible_asserts: VisibleAsserts = 1) -> LoadedProblem:
        """Return the entry as a problem; nothing is executed.

        Args:
            where: file and line, for messages.
            visible_asserts: see `VisibleAsserts`; formats that have other visible tests take no notice.

        Raises:
            TaskError: when a field does not hold what the format asks for.
        """

    def graded(self, where: str, visible_asserts: VisibleAsserts = 1) -> Problem:
        """Return what `load` does, except that visible tests may be missing where it takes long to find them.

        Raises:
            TaskError: as `load`.
        """
        return self.load(where, visible_asserts).problem

    def unusable(self) -> str:
        """Say why nobody can be graded on this problem; empty for nearly all."""
        return ""
