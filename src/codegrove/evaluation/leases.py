"""Shares of a sweep's budget for attempts that are made elsewhere, where no account can be asked call by call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from codegrove.account import Sweep
from codegrove.budget import Budget, Spend
from codegrove.errors import UsageError
from codegrove.evaluation.results import Arm, limits


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """What one attempt may use of the sweep's budget."""

    budget: Budget
    held: Mapping[str, float] = field(default_factory=dict)


class Leases:
    """Gives every attempt its share before it begins, and takes back what it has not used.

    An attempt that may use up all that is left in one go waits until the others have ended; so the sweep's limits
    hold as they do in one process, and the last attempts are made one after the other.

    Args:
        sweep: the account of all attempts. What leases have used is booked to it when they are given back.
        arms: the methods, with the limits of one attempt.

    Raises:
        UsageError: if the sweep limits something that single attempts do not.
    """

    def __init__(self, sweep: Sweep, arms: Sequence[Arm]) -> None:
        self._sweep = sweep
        self._limits = {name: limit for name, limit in limits(sweep.budget).items() if name != "seconds"}
        self._held: list[Lease] = []
        self._changed = asyncio.Event()
        for name in self._limits:
            missing = [arm.recipe for arm in arms if name not in arm.budget]
            if missing:
                raise UsageError(
                    f"engine ray: all attempts together are limited in {name}, and an attempt of {missing[0]!r} is"
                    " not; it is given its share before it begins, so limit that as well"
                )

    async def take(self, arm: Arm) -> Lease:
        """Wait until there is room for an attempt, and reserve it."""
        while True:
            room = {name: limit - self._used(name) for name, limit in self._limits.items()}
            held = {name: min(arm.budget[name], max(0.0, left)) for name, left in room.items()}
            if not self._held or all(room[name] >= arm.budget[name] for name in room):
                lease = Lease(self._budget(held), held)
                self._held.append(lease)
                return lease
            self._changed.clear()
            await self._changed.wait()

    def give_back(self, lease: Lease, used: Spend | None) -> None:
        """End a lease.

        Args:
            lease: what `take` returned.
            used: what the attempt used; None where nobody knows, and then it counts as all of it.
        """
        self._held.remove(lease)
        if used is None:
            used = Spend(
                calls=int(lease.held.get("calls", 0)),
                input_tokens=int(lease.held.get("tokens", 0)),
                dollars=lease.held.get("dollars", 0.0),
                executions=int(lease.held.get("executions", 0)),
            )
        self._sweep.spend.add(used)
        self._changed.set()

    def _used(self, name: str) -> float:
        return float(getattr(self._sweep.spend, name) + sum(lease.held[name] for lease in self._held))

    def _budget(self, held: Mapping[str, float]) -> Budget:
        whole = {name: value if name == "dollars" else int(value) for name, value in held.items()}
        limit = self._sweep.budget.seconds
        seconds = None if limit is None else max(0.0, limit - self._sweep.seconds)
        return Budget(seconds=seconds, **whole)  # type: ignore[arg-type]
