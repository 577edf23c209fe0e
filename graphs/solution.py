"""What a run comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from html import escape

from codegrove.budget import Spend
from codegrove.candidate import Candidate
from codegrove.graphs.end import Ended
from codegrove.search.tree import SearchTree
from codegrove.verdict import Verdict

HUMAN = "human"
"""Stands for the model of a program that a human has edited."""
SIMULATED = "answers came from the simulated programmer, not from a language model"
"""What everything that shows a simulated run says of it."""


def edited_program(program: str, language: str) -> Candidate:
    """Return a program as a human left it."""
    return Candidate(program=program, action="edit", model=HUMAN, language=language)


class Result(StrEnum):
    """How a run ended, as far as the task's own tests can tell."""

    SOLVED = "solved"
    """The program passes every visible test."""
    UNSOLVED = "unsolved"
    """It does not, or there is no program."""
    UNVERIFIED = "unverified"
    """There is a program, but no visible test to judge it by (or it could not be judged, or a human has yet to
    approve of it)."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a search came to, before a human has seen it."""

    node: int | None
    candidate: Candidate | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The best program of a run, what is known about it, and what it cost."""

    task_id: str
    recipe: str
    result: Result
    reason: str
    """Why the run ended, in words: the search was done, a budget was used up, the model failed."""
    ended: Ended
    """The same to decide by."""
    resource: str = ""
    """What was used up, e.g. ``calls``, where a budget ended it; see `codegrove.errors.BudgetExceeded`."""
    candidate: Candidate | None = None
    verdict: Verdict | None = None
    """Verdict on the visible tests; None where there are none or they could not be run."""
    node: int | None = None
    """The candidate's node in the tree. (Of a program that a human has edited, the node of what was edited.)"""
    spend: Spend = field(default_factory=Spend)
    simulated: bool = False
    """Whether any answer came from the simulated programmer, not from a language model."""
    tree: SearchTree | None = field(default=None, repr=False, compare=False)

    @property
    def program(self) -> str | None:
        """The program's text."""
        return self.candidate.program if self.candidate else None

    @property
    def edited(self) -> bool:
        """Whether the program is not its node's, because a human has edited it."""
        return self.candidate is not None and self.candidate.model == HUMAN

    @property
    def solved(self) -> bool:
        """Whether the program passes every visible test."""
        return self.result is Result.SOLVED

    def summary(self) -> str:
        """Return what a reader wants to know first, in a few lines."""
        spend = self.spend
        tests = "not judged" if self.candidate is not None else "no program"
        if self.verdict is not None and self.verdict.results:
            tests = f"{self.verdict.passed_count} of {len(self.verdict.results)} visible tests passed"
        money = f", ${spend.dollars:.4f}" if spend.dollars else ""
        money += f", {spend.unpriced_calls} calls of unknown price" if spend.unpriced_calls else ""
        edited = [f"a human edited the program of node #{self.node}"] if self.edited else []
        lines = [
            f"{self.task_id}: {self.result.value} with recipe {self.recipe} ({tests})",
            f"ended because: {self.reason}",
            *edited,
            f"spent: {spend.calls} calls, {spend.tokens} tokens{money}, {spend.executions} executions"
            f" ({spend.reused} reused), {spend.seconds:.1f} s",
        ]
        if self.simulated:
            lines.append(SIMULATED)
        return "\n".join(lines)

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        from codegrove.search import drawing  # only displays need it

        plain = self.summary()
        if self.tree is None:
            return {"text/plain": plain}
        return {
            "text/plain": f"{plain}\n{drawing.text(self.tree, answer=self.node, most=60)}",
            "text/html": f"<pre>{escape(plain)}</pre>{drawing.svg(self.tree, answer=self.node)}",
        }
