"""What reading an answer needs, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from codegrove.outcome import Proposal, Review
from codegrove.task import Task, Test

LONGEST = 1_000_000
"""Characters of an answer that are read; no parser looks beyond."""
MOST_PARTS = 200
"""Proposals, tests or verdicts taken from one answer, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the answer was asked for."""

    task: Task
    role: str = ""
    """Who asked; a critic's words are a review, everybody else's a proposal."""
    width: int | None = None
    """Proposals wanted; None for as many as there are."""
    truncated: bool = False
    """Whether the answer was cut off at its token limit."""
    if_unreadable: Literal["accept", "reject"] = "accept"
    """What stands in for an unreadable yes or no."""

    @property
    def most(self) -> int:
        """Proposals that are kept, at most."""
        return MOST_PARTS if self.width is None else min(self.width, MOST_PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of an answer. Those that its form does not have stay empty."""

    proposals: tuple[Proposal, ...] = ()
    program: str | None = None
    tests: tuple[Test, ...] = ()
    review: Review | None = None
