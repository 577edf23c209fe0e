"""Asking again when a model fails in a way that may pass."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from codegrove.errors import BudgetExceeded, ModelError, NotSent, UsageError
from codegrove.models.failures import UNBILLED
from codegrove.models.passage import Passage, current_passage
from codegrove.models.port import Model, Price, Reply, Request
from codegrove.models.throttle import Gate, Lane


class RetryingModel:
    """Takes a turn for each call, and repeats calls that failed with a retryable `ModelError`.

    How long to wait after a refusal for too many calls (429) is up to the gate, which all its callers share.
    After any other failure, the wait before attempt n + 1 is drawn uniformly from the upper half of
    ``base_delay * 2 ** (n - 1)`` seconds, which is capped at `max_delay`; where the provider said how long to
    wait, it is at least that long. A provider that asks for more than `patience` seconds is not asked again,
    and nothing is repeated once the run has ended, or where its budget has no room for sending the prompt again.

    Args:
        model: whom to ask.
        lane: where to take turns; by default a gate of its own without a limit.
        attempts: how often at most, the first time included; refusals do not count.
        refusals: a call is given up when it was refused so often, or when the provider has refused everybody so
            often with hardly an answer between (`Gate.refusals`).
        base_delay: seconds, see above.
        max_delay: longest wait in seconds of our own choice.
        patience: longest wait in seconds a provider may ask for.
        sleep: how to wait. Passed in so that tests need not wait.
        rng: random numbers for the jitter. They decide when a call is repeated, never what it says, so they
            are drawn apart from the run's seed unless given.
        clock: seconds from any fixed point, monotonic. Passed in so that tests need not wait.
    """

    def __init__(
        self,
        model: Model,
        *,
        lane: Lane | None = None,
        attempts: int = 4,
        refusals: int = 8,
        base_delay: float = 0.5,
        max_delay: float = 30.0,
        patience: float = 120.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if attempts < 1:
            raise UsageError(f"attempts={attempts}: expected 1 or more")
        if refusals < 1:
            raise UsageError(f"refusals={refusals}: expected 1 or more")
        self._model = model
        self._lane = lane or Lane(Gate())
        self._attempts = attempts
        self._refusals = refusals
        self._base_delay = base_delay
        self._max_delay = max_delay
        self._patience = patience
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._clock = clock

    @property
    def spec(self) -> str:
        """The wrapped model's: retrying does not change what it says."""
        return self._model.spec

    @property
    def model(self) -> Model:
        """The wrapped model."""
        return self._model

    @property
    def price(self) -> Price | None:
        """The wrapped model's."""
        return self._model.price

    async def complete(self, request: Request) -> Reply:
        """Answer one request, asking again where that can help.

        Raises:
            NotSent: if the run ended while the call was waiting for its first turn.
            ModelError: the last failure; its message tells how many attempts were made.
        """
        passage = current_passage()
        passage.unsent = True
        number: int | None = None
        failed = refused = 0
        problem: ModelError | None = None
        while True:
            try:
                turn = await self._lane.enter(passage, number=number)
            except NotSent:
                if problem is None:
                    raise
                raise self._given_up(problem, failed + refused, "the run has ended") from problem
            passage.unsent = False
            passage.attempts += 1
            number = turn.number
            with turn:
                try:
                    reply = await self._model.complete(request)
                except ModelError as error:
                    problem = error
                    passage.free += error.kind in UNBILLED
                    if not error.retryable:
                        raise
                    if (error.retry_after or 0.0) > self._patience:
                        why = f"the provider asks to wait {error.retry_after:g} s"
                        raise self._given_up(error, failed + refused + 1, why) from error
                    if error.kind == "rate_limit":
                        turn.refused(error.retry_after)
                else:
                    turn.answered()
                    return reply
            if problem.kind == "rate_limit":
                refused += 1
                if max(refused, self._lane.gate.refusals) >= self._refusals:
                    raise self._given_up(problem, failed + refused) from problem
            else:
                failed += 1
                if failed == self._attempts:
                    raise self._given_up(problem, failed + refused) from problem
                try:
                    passage.reserve()
                except BudgetExceeded:
                    why = "the budget has no room to send it again"
                    raise self._given_up(problem, failed + refused, why) from problem
                await self._back_off(failed, problem.retry_after or 0.0, passage)

    async def _back_off(self, failed: int, asked_to_wait: float, passage: Passage) -> None:
        backoff = min(self._base_delay * 2 ** (failed - 1), self._max_delay) * self._rng.uniform(0.5, 1.0)
        since = self._clock()
        try:
            await passage.halt.sleep(self._sleep(max(backoff, asked_to_wait)))
        finally:
            passage.waited += self._clock() - since

    @staticmethod
    def _given_up(problem: ModelError, attempts: int, why: str = "") -> ModelError:
        tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        return ModelError(
            f"{problem} (gave up after {tries}{'; ' + why if why else ''})",
            kind=problem.kind,
            retryable=problem.retryable,
            retry_after=problem.retry_after,
        )
