"""Limits of a run, and what it has used; `codegrove.account` keeps the one within the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from codegrove.errors import UsageError

LIMITS = ("calls", "tokens", "dollars", "executions", "seconds", "nodes")
"""Limits of a whole run, as `Budget` and `Spend` name them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one run. None means no limit. Every limit is inclusive: `calls=5` allows five calls.

    Calls and executions are never exceeded. Nodes are checked before each expansion, which may add several.
    Tokens and dollars are checked before each call with an upper estimate of that call (prompt length plus the
    call's `max_tokens`), including calls in flight, and before each further attempt at a call with its prompt once
    more; they can only be passed by a provider that bills more than it was asked for, or whose prompt turns out
    longer than estimated. Seconds are checked before each step; a step in flight is allowed to finish. The time in
    which a run only waits for a human is not counted.

    Raises:
        UsageError: if a limit is negative, infinite or not a number.
    """

    calls: int | None = None
    tokens: int | None = None
    """Input plus output tokens."""
    dollars: float | None = None
    executions: int | None = None
    """Programs executed; an execution that was reused costs nothing."""
    seconds: float | None = None
    nodes: int | None = None
    role_calls: Mapping[str, int] = field(default_factory=dict)
    """Limits on the calls of single roles, e.g. ``{"critic": 5}``."""
    answer_tokens: int = 8192
    """Output tokens allowed to a call that names no `max_tokens` itself, where tokens or dollars are limited.
    Without such a cap one call in flight would reserve all that is left, and none could run beside it."""

    def __post_init__(self) -> None:
        limits = {name: getattr(self, name) for name in LIMITS}
        limits |= {f"role_calls.{role}": limit for role, limit in self.role_calls.items()}
        for name, limit in limits.items():
            if limit is not None and not 0 <= limit < math.inf:
                raise UsageError(
                    f"budget {name}={limit!r}: expected a finite number of 0 or more; leave it out for no limit"
                )
        if not 1 <= self.answer_tokens < math.inf:
            raise UsageError(f"budget answer_tokens={self.answer_tokens!r}: expected 1 or more")

    def changed(self, over: Budget | None) -> Budget:
        """Return the limits that `over` has, and these where it has none (for `answer_tokens`: the default)."""
        if over is None:
            return self
        given = {name: getattr(over, name) for name in LIMITS if getattr(over, name) is not None}
        if over.answer_tokens != Budget().answer_tokens:
            given["answer_tokens"] = over.answer_tokens
        return replace(self, **given, role_calls={**self.role_calls, **over.role_calls})

    def extended(self, more: Budget, spend: Spend) -> Budget:
        """Return these limits with those of `more` added, to what is spent where there was none.

        `answer_tokens` is the size of one answer and not used up: it is replaced.
        """
        given = {}
        for name in LIMITS:
            if (added := getattr(more, name)) is not None:
                before = getattr(self, name)
                given[name] = (getattr(spend, name) if before is None else before) + added
        roles = {
            role: self.role_calls.get(role, spend.calls_by_role.get(role, 0)) + added
            for role, added in more.role_calls.items()
        }
        return self.changed(Budget(**given, role_calls=roles, answer_tokens=more.answer_tokens))


@dataclass(frozen=True, slots=True)
class Usage:
    """What one model call used."""

    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = 0.0
    """Cost; None when the price is unknown (which is never the same as free)."""
    estimated: bool = False
    """Whether the token counts are our estimate, because the model did not report any."""

    def __post_init__(self) -> None:
        if (
            self.input_tokens < 0
            or self.output_tokens < 0
            or (self.dollars is not None and not self.dollars >= 0)
        ):
            raise ValueError(f"usage cannot be negative: {self!r}")


@dataclass(slots=True)
class Spend:
    """What a run has used so far."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float = 0.0
    """Known cost; see `unpriced_calls` for what is missing from it."""
    unpriced_calls: int = 0
    """Calls whose price is unknown."""
    estimated_calls: int = 0
    """Calls whose token counts were estimated."""
    failed_calls: int = 0
    executions: int = 0
    reused: int = 0
    """Executions saved because the same program had already been run on the same tests."""
    nodes: int = 0
    seconds: float = 0.0
    calls_by_role: dict[str, int] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Input plus output tokens."""
        return self.input_tokens + self.output_tokens

    def add(self, other: Spend) -> None:
        """Add what another run has used, except for its seconds: runs go on at the same time."""
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for role, calls in other.calls_by_role.items():
            self.calls_by_role[role] = self.calls_by_role.get(role, 0) + calls


_SUMMED = tuple(field.name for field in fields(Spend) if field.name not in ("seconds", "calls_by_role"))
