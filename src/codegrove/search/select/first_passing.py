"""The earliest program that passes every test; failing that, the one that passes most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from codegrove.search.select.matrix import OutcomeMatrix
from codegrove.search.select.ranking import Group, Tie, group_of


@dataclass(frozen=True, slots=True)
class FirstPassing:
    """Every program on its own, by how many tests it passes; the earlier draw wins.

    A program that passes all tests passes most, so one order covers both cases. Of programs that pass
    nothing, those that could not be run at all come last.
    """

    tie: ClassVar[Tie] = "first"

    def rank(self, matrix: OutcomeMatrix) -> list[Group]:
        """Return one group per program; the score is the number of tests passed."""
        rows = sorted(matrix.rows, key=lambda row: (-row.passed_count, not row.loaded, row.id))
        return [group_of([row], float(row.passed_count)) for row in rows]
