"""Turns at a provider: how many calls are in flight at once, and how all of them slow down together.

All calls to one model of a provider go through one `Gate`, whichever worker, run, event loop or thread they come
from. Without refusals a gate lets everybody through. Limits of the callers' own are gates as well, which a call
passes before (see `Lane`), so that a small limit holds up nobody who has a larger one. When the provider refuses a
call because there are too many (429):

- nobody starts for a while: as long as the provider asks for, or else for a time that doubles from wave to wave
  of refusals, and falls back with the answers;
- of the calls in flight, `CUT` are allowed from then on. Calls that were already in flight and are refused as
  well prove nothing new: one wave of refusals is one cut;
- a full round of answers, one for each call allowed, allows one call more (additive increase, multiplicative
  decrease, as in TCP's congestion avoidance);
- starts are spaced out with some chance, over about the time an answer takes, so that neither the callers nor
  several programs come back as one crowd.

The limit itself is never known, and need not be: it may be of requests per minute, of tokens, or shared with
programs elsewhere.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import TracebackType

from codegrove.errors import NotSent
from codegrove.models.passage import Passage, Wakeable, wake

FIRST_PAUSE = 0.5
"""Seconds nobody starts after a refusal that does not say how long to wait; doubled by each further one."""
LONGEST_PAUSE = 30.0
"""Seconds at which doubling ends. Most rate limits are per minute: longer pauses would miss their renewal."""
CUT = 0.75
"""What is left of the calls in flight after a refusal. On scripted limits of rate and of calls at once, 0.5 left
more of them unused, and 0.8 brought more refusals for no gain."""
PACE = 0.8
"""Part of an answer's mean time over which the calls allowed are started. Below 1, so that it is the number of
calls that limits them, and the pace only keeps them apart."""
MEMORY = 0.1
"""Weight of the latest answer in the running mean of how long answers take."""


@dataclass(slots=True, eq=False)
class _Waiter:
    """A call in the queue."""

    number: int
    woken: Wakeable


_NUMBERS = itertools.count()
"""Places in queues. One count for all gates: a call has the same place at each that it passes."""


class Gate:
    """Gives turns in the order they were asked for. Safe to share among threads and event loops.

    Only the first in the queue waits for time to pass or a turn to end; it wakes the next. Nothing polls.

    Args:
        limit: turns at once. None: as many as the provider lets through.
        clock: seconds from any fixed point, monotonic, at the event loop's pace. Passed in for tests.
        rng: random numbers for pauses and restarts. They decide when a call is sent, never what it says, so
            they are drawn apart from the run's seed unless given.
    """

    def __init__(
        self,
        limit: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self.limit = limit
        self.clock = clock
        self._rng = rng or random.Random()
        # Reentrant: an abandoned call may be finalised, and leave, while this thread is inside.
        self._lock = threading.RLock()
        self._queue: list[_Waiter] = []
        self._in_flight = 0
        self._allowed = math.inf
        self._round = 0
        """Cuts so far. A call belongs to the round it started in."""
        self._refusals = 0
        self._opens_at = -math.inf
        self._latency = 0.0
        """Running mean of the seconds from start to answer."""

    @property
    def in_flight(self) -> int:
        """Turns that are taken."""
        return self._in_flight

    @property
    def allowed(self) -> float:
        """Turns that may be taken at once, by what the provider let through; infinite before a refusal."""
        return math.inf if self._allowed == math.inf else int(self._allowed)

    @property
    def refusals(self) -> int:
        """Waves of refusals; half of them are forgotten with every answer."""
        return self._refusals

    async def enter(self, passage: Passage, *, number: int | None = None) -> Turn:
        """Wait for a turn and take it.

        Args:
            passage: the call; the seconds waited here are added to it.
            number: of an earlier turn of the same call, so that it keeps its place before later calls.

        Raises:
            NotSent: if the call's run ended before its turn came.
        """
        if passage.halt.ended:
            raise NotSent
        woken: Wakeable = asyncio.get_running_loop().create_future()
        with self._lock:
            waiter = _Waiter(next(_NUMBERS) if number is None else number, woken)
            bisect.insort(self._queue, waiter, key=lambda queued: queued.number)
        since = self.clock()
        try:
            while True:
                with self._lock:
                    first = self._queue[0] is waiter
                    delay = self._delay() if first else None
                    if delay == 0:
                        return self._start(waiter)
                    if waiter.woken.done():
                        waiter.woken = asyncio.get_running_loop().create_future()
                await passage.halt.wait(waiter.woken, delay)
                if passage.halt.ended:
                    raise NotSent
        finally:
            passage.waited += self.clock() - since
            with self._lock:
                if waiter in self._queue:
                    self._queue.remove(waiter)
                self._wake_first()

    def _delay(self) -> float | None:
        """Seconds until the first in the queue may start; None: when a turn ends."""
        if self._in_flight >= (self.allowed if self.limit is None else min(self.allowed, self.limit)):
            return None
        return max(self._opens_at - self.clock(), 0.0)

    def _start(self, waiter: _Waiter) -> Turn:
        self._in_flight += 1
        now = self.clock()
        if self._allowed < math.inf:
            self._opens_at = now + PACE * self._latency / self.allowed * self._rng.uniform(0.5, 1.5)
        return Turn(self, waiter.number, self._round, now)

    def _leave(self) -> None:
        with self._lock:
            self._in_flight -= 1
            self._wake_first()

    def _wake_first(self) -> None:
        while self._queue:
            try:
                wake(self._queue[0].woken)
            except RuntimeError:  # its event loop was closed over it: nobody waits there any more
                del self._queue[0]
            else:
                return

    def _refused(self, started_in: int, asked: float | None) -> None:
        with self._lock:
            now = self.clock()
            if started_in != self._round:
                self._opens_at = max(self._opens_at, now + (asked or 0.0))
                return
            self._round += 1
            self._refusals += 1
            self._allowed = max(self._in_flight * CUT, 1.0)
            pause = asked or 0.0
            if asked is None or self._refusals > 1:  # a provider whose word did not help is not trusted
                longest = min(FIRST_PAUSE * 2.0 ** min(self._refusals - 1, 30), LONGEST_PAUSE)
                pause = max(pause, longest * self._rng.uniform(0.5, 1.0))
            self._opens_at = max(self._opens_at, now + pause)

    def _answered(self, started_in: int, started: float) -> None:
        with self._lock:
            took = self.clock() - started
            self._latency += (took - self._latency) * (MEMORY if self._latency else 1.0)
            if started_in != self._round:
                return  # it started before the latest cut, and says nothing about it
            self._refusals //= 2  # not 0: a slow limit refuses several times between two answers
            if self._in_flight >= self.allowed:  # else nobody knows whether so many would be let through
                self._allowed += 1.0 / self._allowed


class Turn:
    """Permission to have one call in flight. Leave it, as a context manager, when the call has ended."""

    def __init__(self, gate: Gate, number: int, started_in: int, started: float) -> None:
        self.number = number
        """Place of the call among all that asked."""
        self.within: Turn | None = None
        """The turn at the limit before the gate; it ends with this one."""
        self._gate = gate
        self._started_in = started_in
        self._started = started

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate._leave()
        if self.within is not None:
            self.within._gate._leave()

    def answered(self) -> None:
        """The provider did what it was asked for."""
        self._gate._answered(self._started_in, self._started)

    def refused(self, retry_after: float | None = None) -> None:
        """The provider has too much to do. Everybody at this gate slows down.

        Args:
            retry_after: seconds it asks to wait, if it does.
        """
        self._gate._refused(self._started_in, retry_after)


@dataclass(frozen=True, slots=True)
class Lane:
    """The way to a provider: a gate, and the limit before it that is the callers' own."""

    gate: Gate
    limited: Gate | None = None
    """Passed first; counts the calls of those who set this limit. None: no limit."""

    async def enter(self, passage: Passage, *, number: int | None = None) -> Turn:
        """Wait for a turn and take it; see `Gate.enter`."""
        if self.limited is None:
            return await self.gate.enter(passage, number=number)
        within = await self.limited.enter(passage, number=number)
        try:
            turn = await self.gate.enter(passage, number=within.number)
        except BaseException:
            self.limited._leave()
            raise
        turn.within = within
        return turn


_IN_PROCESS = ("sim:", "scripted:")
"""Models behind which there is no provider; they share nothing unless they are told to."""


class Gates:
    """The gates of a process, by what they stand before."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}
        self._limited: dict[tuple[str, int], Gate] = {}
        self._lock = threading.Lock()

    def lane(self, spec: str, limits: Mapping[str, int] | None = None) -> Lane:
        """Return the lane of calls to a model.

        Providers count the calls to each model apart, so each specification (which holds the server's address,
        where one is given) has a gate of its own: all slow down together when it refuses. A limit is shared by
        all models that its pattern fits, and by all callers that set the same limit for the same pattern.

        Args:
            spec: of the model.
            limits: calls at once, by patterns of specifications, e.g. ``{"openai:*": 8}``; the first that fits
                counts.
        """
        with self._lock:
            gate = Gate() if spec.startswith(_IN_PROCESS) else self._gates.setdefault(spec, Gate())
            for pattern, limit in (limits or {}).items():
                if fnmatchcase(spec, pattern):
                    return Lane(gate, self._limited.setdefault((pattern, limit), Gate(limit)))
        return Lane(gate)


PROCESS_GATES = Gates()
"""Shared by all runs of this process, because a provider's limits are."""
