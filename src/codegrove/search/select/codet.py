"""Dual execution agreement: programs that agree, weighed with the tests they agree on.

Source: Chen et al., "CodeT: Code Generation with Generated Tests" (ICLR 2023), and its released code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from codegrove.search.select.matrix import OutcomeMatrix, Row
from codegrove.search.select.ranking import Group, Tie, group_of


@dataclass(frozen=True, slots=True)
class CodeT:
    """Groups of programs that pass exactly the same tests.

    With S the programs of a group and T the tests they pass, both counted as often as they were sampled:
    ``score = |S| ** code_exponent * |T|``. Programs that pass nothing are not ranked.

    Departure: the released code tells programs apart by their text, we by their syntax tree. Equal syntax
    trees behave alike, so groups and scores are the same; only fewer programs are executed.
    """

    tie: ClassVar[Tie] = "merge"
    code_exponent: float
    """1.0 is the paper's main definition; 0.5 as in the released code."""

    def rank(self, matrix: OutcomeMatrix) -> list[Group]:
        """Return the groups by score; equal scores keep the order in which they were first told."""
        agreeing: dict[int, list[Row]] = {}
        for row in matrix.rows:
            if row.passed:
                agreeing.setdefault(row.passed, []).append(row)
        groups = [
            group_of(rows, sum(len(row.draws) for row in rows) ** self.code_exponent * matrix.weight(passed))
            for passed, rows in agreeing.items()
        ]
        return sorted(groups, key=lambda group: -group.score)
