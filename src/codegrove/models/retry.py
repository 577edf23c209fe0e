"""Asking again when a model fails in a way that may pass."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from codegrove.errors import ModelError, UsageError
from codegrove.models.port import Model, Price, Reply, Request


class RetryingModel:
    """Repeats calls that failed with a retryable `ModelError`.

    The wait before attempt n + 1 is drawn uniformly from the upper half of ``base_delay * 2 ** (n - 1)``
    seconds, which is capped at `max_delay`; where the provider said how long to wait, it is at least that
    long. A provider that asks for more than `patience` seconds is not asked again.

    Args:
        model: whom to ask.
        attempts: how often at most, the first time included.
        base_delay: seconds, see above.
        max_delay: longest wait in seconds of our own choice.
        patience: longest wait in seconds a provider may ask for.
        sleep: how to wait. Passed in so that tests need not wait.
        rng: random numbers for the jitter. They decide when a call is repeated, never what it says, so they
            are drawn apart from the run's seed unless given.
    """

    def __init__(
        self,
        model: Model,
        *,
        attempts: int = 4,
        base_delay: float = 0.5,
        max_delay: float = 30.0,
        patience: float = 120.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        if attempts < 1:
            raise UsageError(f"attempts={attempts}: expected 1 or more")
        self._model = model
        self._attempts = attempts
        self._base_delay = base_delay
        self._max_delay = max_delay
        self._patience = patience
        self._sleep = sleep
        self._rng = rng or random.Random()

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
            ModelError: the last failure; its message tells how many attempts were made.
        """
        for attempt in range(1, self._attempts + 1):
            try:
                return await self._model.complete(request)
            except ModelError as problem:
                asked_to_wait = problem.retry_after or 0.0
                if not problem.retryable:
                    raise
                if attempt == self._attempts or asked_to_wait > self._patience:
                    raise self._given_up(problem, attempt) from problem
            backoff = min(self._base_delay * 2 ** (attempt - 1), self._max_delay)
            await self._sleep(max(backoff * self._rng.uniform(0.5, 1.0), asked_to_wait))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _given_up(self, problem: ModelError, attempts: int) -> ModelError:
        tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        wait = problem.retry_after or 0.0
        why = f"; the provider asks to wait {wait:g} s" if wait > self._patience else ""
        return ModelError(
            f"{problem} (gave up after {tries}{why})",
            kind=problem.kind,
            retryable=problem.retryable,
            retry_after=problem.retry_after,
        )
