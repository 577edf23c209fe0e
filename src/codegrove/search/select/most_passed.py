"""The programs that pass most tests, whichever tests these are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from codegrove.search.select.matrix import OutcomeMatrix, Row
from codegrove.search.select.ranking import Group, Tie, group_of


@dataclass(frozen=True, slots=True)
class MostPassed:
    """Groups of programs that pass the same NUMBER of tests; inside a group the earlier draw comes first.

    Picking several programs takes one from each level, unlike `FirstPassing`, where the best ones go first.
    """

    tie: ClassVar[Tie] = "first"

    def rank(self, matrix: OutcomeMatrix) -> list[Group]:
        """Return one group per number of passed tests; that number is the score."""
        levels: dict[int, list[Row]] = {}
        for row in sorted(matrix.rows, key=lambda row: (-row.passed_count, not row.loaded, row.id)):
            levels.setdefault(row.passed_count, []).append(row)
        return [group_of(rows, float(count)) for count, rows in levels.items()]
