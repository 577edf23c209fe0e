"""Retrying helps where it can, waits as told, and ends."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import ModelError, UsageError
from codegrove.models.port import Message, Model, Price, Request
from codegrove.models.retry import RetryingModel
from codegrove.models.scripted import Answer, ScriptedModel

REQUEST = Request(messages=(Message("user", "?"),), role="coder")


def failure(retry_after: float | None = None) -> ModelError:
    return ModelError("down", kind="server", retryable=True, retry_after=retry_after)


class Sleep:
    """Remembers the waits instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_it_asks_until_there_is_an_answer() -> None:
    inner, sleep = ScriptedModel([failure(), failure(), "done"]), Sleep()
    model = RetryingModel(inner, sleep=sleep, rng=random.Random(1))
    assert (await model.complete(REQUEST)).text == "done"
    assert len(inner.requests) == 3
    first, second = sleep.waits
    assert 0.25 <= first <= 0.5 and 0.5 <= second <= 1.0


async def test_it_gives_up_and_tells_how_often_it_tried() -> None:
    inner, sleep = ScriptedModel([failure(9)] * 4), Sleep()
    with pytest.raises(ModelError, match=r"down \(gave up after 3 attempts\)") as caught:
        await RetryingModel(inner, attempts=3, sleep=sleep).complete(REQUEST)
    assert (caught.value.kind, caught.value.retryable, caught.value.retry_after) == ("server", True, 9)
    assert len(inner.requests) == 3 and sleep.waits == [9, 9]


@pytest.mark.parametrize("kind", ["auth", "bad_request", "refused", "other"])
async def test_what_cannot_pass_is_not_repeated(kind: str) -> None:
    problem = ModelError("no", kind=kind)
    inner, sleep = ScriptedModel([problem]), Sleep()
    with pytest.raises(ModelError) as caught:
        await RetryingModel(inner, sleep=sleep).complete(REQUEST)
    assert caught.value is problem
    assert len(inner.requests) == 1 and not sleep.waits


async def test_other_exceptions_pass_through() -> None:
    inner: list[Answer] = [KeyError("bug"), "never"]
    with pytest.raises(KeyError):
        await RetryingModel(ScriptedModel(inner)).complete(REQUEST)


async def test_a_provider_that_asks_for_too_long_is_not_asked_again() -> None:
    inner, sleep = ScriptedModel([failure(3600), "never"]), Sleep()
    with pytest.raises(ModelError, match=r"gave up after 1 attempt; the provider asks to wait 3600 s"):
        await RetryingModel(inner, sleep=sleep).complete(REQUEST)
    assert not sleep.waits


@given(
    attempts=st.integers(1, 12),
    base=st.floats(0.01, 5),
    longest=st.floats(0.1, 60),
    asked=st.lists(st.none() | st.floats(0, 100), min_size=12, max_size=12),
    seed=st.integers(),
)
async def test_every_wait_is_within_its_bounds(
    attempts: int, base: float, longest: float, asked: list[float | None], seed: int
) -> None:
    inner, sleep = ScriptedModel([failure(seconds) for seconds in asked]), Sleep()
    model = RetryingModel(
        inner, attempts=attempts, base_delay=base, max_delay=longest, sleep=sleep, rng=random.Random(seed)
    )
    with pytest.raises(ModelError):
        await model.complete(REQUEST)
    assert len(inner.requests) == attempts
    assert len(sleep.waits) == attempts - 1
    for attempt, (wait, wanted) in enumerate(zip(sleep.waits, asked, strict=False)):
        backoff = min(base * 2**attempt, longest)
        assert max(backoff / 2, wanted or 0) <= wait <= max(backoff, wanted or 0)


def test_it_shows_the_model_inside() -> None:
    model = RetryingModel(ScriptedModel([], spec="x", price=Price(1, 2)))
    assert isinstance(model, Model)
    assert (model.spec, model.price) == ("x", Price(1, 2))
    with pytest.raises(UsageError, match="attempts=0"):
        RetryingModel(ScriptedModel([]), attempts=0)
