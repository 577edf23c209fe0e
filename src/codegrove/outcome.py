"""What carrying out one step of a search brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from codegrove.candidate import Candidate
from codegrove.errors import BudgetExceeded
from codegrove.task import Test
from codegrove.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One plan, strategy, thought or reflection that a planner offers."""

    text: str
    score: float | None = None
    """Confidence or prior as the model gave it; None when it gave none."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Further named parts of the answer, e.g. a recalled exemplar's description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a critic said."""

    text: str
    score: float | None = None
    accepted: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an expansion brought nothing, or not all of it."""

    kind: Literal["model", "unreadable", "budget", "sandbox", "step", "rejected"]
    """``rejected``: a human did not approve of what came."""
    message: str
    resource: str = ""
    """What a budget has no room for, see `codegrove.errors.BudgetExceeded.kind`; empty for other kinds."""
    shared: bool = False
    """Whether that budget is not the run's own, but its sweep's."""

    @staticmethod
    def over(limit: BudgetExceeded) -> Failure:
        """Return the failure of an expansion that the budget did not allow."""
        return Failure(kind="budget", message=str(limit), resource=limit.kind, shared=bool(limit.whose))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What carrying out an expansion brought. Fields that do not apply stay empty."""

    answer: str = ""
    """The model's raw reply."""
    proposals: tuple[Proposal, ...] = ()
    program: Candidate | None = None
    tests: tuple[Test, ...] = ()
    review: Review | None = None
    verdict: Verdict | None = None
    trace: str = ""
    """Executed blocks with variable values, where the action asked for them."""
    failure: Failure | None = None
    """Set when a step failed; other fields may still hold what came before it."""
