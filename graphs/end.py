"""Why a run ended: a kind to decide by, and a sentence to read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from codegrove.errors import BudgetExceeded
from codegrove.outcome import Failure


class Ended(StrEnum):
    """What ended a run."""

    DONE = "done"
    """The search: its policy had nothing left to do. After anything else a run can go on."""
    BUDGET = "budget"
    """A limit of the run itself."""
    SWEEP = "sweep"
    """A limit of all the runs that it belongs to."""
    MODEL = "model"
    """Models that could not be reached, or did not answer."""
    ERROR = "error"
    """Something else that failed: the sandbox, the policy, an approver, the disk."""
    INTERRUPTED = "interrupted"
    """The user, with Ctrl-C or a signal."""
    STOPPED = "stopped"
    """Whoever called `Session.stop`, for a reason in their own words."""
    REJECTED = "rejected"
    """A human who did not approve of the program."""
    OPEN = "open"
    """Nothing on record: the run was killed, or is at work."""

    @property
    def broken_off(self) -> bool:
        """Whether the run did not get as far as its budget allows."""
        return self in (Ended.INTERRUPTED, Ended.MODEL, Ended.ERROR)


@dataclass(frozen=True, slots=True)
class End:
    """Why a run ended. Decide by `kind` and `resource`; `reason` is for people, and may be reworded."""

    kind: Ended
    reason: str
    resource: str = ""
    """What was used up, as `BudgetExceeded.kind` names it; empty where nothing was."""

    @staticmethod
    def over(limit: BudgetExceeded | Failure) -> End:
        """Return the end of a run that was refused something by its budget, or by that of its sweep."""
        if isinstance(limit, BudgetExceeded):
            limit = Failure.over(limit)
        kind = Ended.SWEEP if limit.shared else Ended.BUDGET
        return End(kind, f"budget: {limit.message}", limit.resource)

    @staticmethod
    def model(message: object) -> End:
        """Return the end of a run whose models failed."""
        return End(Ended.MODEL, f"model: {message}")

    @staticmethod
    def error(message: object) -> End:
        """Return the end of a run in which something else failed."""
        return End(Ended.ERROR, f"error: {message}")

    @staticmethod
    def rejected(comment: str) -> End:
        """Return the end of a run whose program a human rejected."""
        return End(Ended.REJECTED, f"rejected: {comment or 'no comment'}")


DONE = End(Ended.DONE, "the search is done")
INTERRUPTED = End(Ended.INTERRUPTED, "interrupted")
NOT_ENDED = End(Ended.OPEN, "killed, or still at work")
