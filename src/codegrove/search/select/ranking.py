"""What a selection strategy returns: programs in groups, best group first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from codegrove.search.select.matrix import OutcomeMatrix, Row

Tie = Literal["merge", "first"]
"""How equals are told apart. ``merge``: groups of equal score become one group, and programs are drawn from
it at random, by how often each was sampled. ``first``: nothing is random, the earlier program wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Programs that a strategy does not tell apart."""

    members: tuple[int, ...]
    """One node per unique program, see `Row.id`; never empty."""
    counts: tuple[int, ...]
    """How often each member was drawn."""
    score: float
    """Larger is better. Only comparable within one ranking."""

    @property
    def size(self) -> int:
        """Number of draws in the group."""
        return sum(self.counts)


def group_of(rows: list[Row], score: float) -> Group:
    """Return a group of whole rows, in the given order."""
    return Group(
        members=tuple(row.id for row in rows), counts=tuple(len(row.draws) for row in rows), score=score
    )


class Selector(Protocol):
    """A selection strategy. It looks at outcomes only: no program text, no model, no randomness."""

    @property
    def tie(self) -> Tie:
        """How the method tells equals apart when programs are picked from its ranking."""
        ...

    def rank(self, matrix: OutcomeMatrix) -> list[Group]:
        """Return the groups, best first. An empty list says that the method has no opinion."""
        ...
