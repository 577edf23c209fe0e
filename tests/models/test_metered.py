"""A metered model keeps within its account and reports what was sent."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.account import Account, Sweep
from codegrove.budget import Budget
from codegrove.errors import BudgetExceeded, ModelError, UsageError
from codegrove.models.journal import SharedAnswer
from codegrove.models.metered import CallRecord, MeteredModel, check_priced
from codegrove.models.port import Message, Model, Price, Reply, Request, Sampling
from codegrove.models.retry import RetryingModel
from codegrove.models.scripted import Answer, ScriptedModel
from codegrove.models.tokens import bound_prompt, estimate_prompt

REQUEST = Request(messages=(Message("user", "x" * 400),), role="coder", action="write")
DOLLAR_PER_MILLION = Price(1.0, 2.0)


class Clock:
    """Moves on by a second at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


async def nothing_in_flight(account: Account) -> None:
    """Fail if the account still waits for something."""
    await asyncio.wait_for(account.released(), 0.1)


async def test_reported_use_is_booked_and_recorded() -> None:
    inner = ScriptedModel([Reply(text="hi", input_tokens=1000, output_tokens=50)], price=DOLLAR_PER_MILLION)
    account, records = Account(), list[CallRecord]()
    model = MeteredModel(inner, account, on_call=records.append, clock=Clock())
    reply = await model.complete(REQUEST)
    spend = account.spend
    assert (spend.calls, spend.input_tokens, spend.output_tokens, spend.estimated_calls) == (1, 1000, 50, 0)
    assert spend.dollars == pytest.approx(0.0011)
    assert spend.calls_by_role == {"coder": 1}
    (record,) = records
    assert record.reply is reply and record.error is None
    assert (record.spec, record.request, record.max_tokens) == ("scripted:", REQUEST, None)
    assert (record.seconds, record.usage.input_tokens) == (1.0, 1000)


class Silent:
    """A model that reports whatever it is told to as its token use."""

    spec = "silent"
    price: Price | None = None

    def __init__(self, input_tokens: object, output_tokens: object, text: str = "y" * 40) -> None:
        self.reply = Reply(text=text, input_tokens=input_tokens, output_tokens=output_tokens)  # type: ignore[arg-type]

    async def complete(self, request: Request) -> Reply:
        return self.reply


@pytest.mark.parametrize(
    ("reported", "booked", "estimated"),
    [
        ((None, None), (100, 10), True),
        ((0, 0), (100, 10), True),
        ((-5, -7), (100, 10), True),
        (("12", 3.5), (100, 10), True),
        ((True, False), (100, 10), True),
        ((77, None), (77, 10), True),
        ((None, 7), (100, 7), True),
        ((77, 7), (77, 7), False),
    ],
)
async def test_counts_that_cannot_be_right_are_estimated(
    reported: tuple[object, object], booked: tuple[int, int], estimated: bool
) -> None:
    account = Account()
    await MeteredModel(Silent(*reported), account).complete(REQUEST)
    spend = account.spend
    assert (spend.input_tokens, spend.output_tokens, spend.estimated_calls) == (*booked, estimated)
    assert (spend.dollars, spend.unpriced_calls) == (0.0, 1)


async def test_an_empty_answer_needs_no_estimate() -> None:
    account = Account()
    await MeteredModel(Silent(77, 0, text=""), account).complete(REQUEST)
    assert (account.spend.output_tokens, account.spend.estimated_calls) == (0, 0)


async def test_the_answer_is_capped_to_what_the_budget_leaves() -> None:
    inner = ScriptedModel("ok")
    account = Account(Budget(tokens=bound_prompt(REQUEST) + 300))
    records: list[CallRecord] = []
    wanted = replace(REQUEST, sampling=Sampling(max_tokens=1000, temperature=0.5))
    await MeteredModel(inner, account, on_call=records.append).complete(wanted)
    assert inner.requests[0].sampling == Sampling(max_tokens=300, temperature=0.5)
    assert records[0].request == wanted and records[0].max_tokens == 300


async def test_without_limits_the_request_is_sent_as_it_is() -> None:
    inner = ScriptedModel("ok")
    await MeteredModel(inner, Account(Budget(calls=1))).complete(REQUEST)
    assert inner.requests == [REQUEST]


async def test_a_spent_budget_sends_nothing() -> None:
    inner, records = ScriptedModel("ok"), list[CallRecord]()
    model = MeteredModel(inner, Account(Budget(calls=0)), on_call=records.append)
    with pytest.raises(BudgetExceeded):
        await model.complete(REQUEST)
    assert not inner.requests and not records


@pytest.mark.parametrize(
    ("kind", "tokens"),
    [("rate_limit", 0), ("auth", 0), ("bad_request", 0), ("timeout", 100), ("server", 100)],
)
async def test_a_failed_call_is_a_call_and_counts_what_may_have_been_read(kind: str, tokens: int) -> None:
    problem = ModelError("no", kind=kind)
    account, records = Account(), list[CallRecord]()
    inner = ScriptedModel([problem], price=DOLLAR_PER_MILLION)
    with pytest.raises(ModelError):
        await MeteredModel(inner, account, on_call=records.append).complete(REQUEST)
    spend = account.spend
    assert (spend.calls, spend.failed_calls, spend.tokens) == (1, 1, tokens)
    assert spend.dollars == pytest.approx(tokens / 1e6)
    assert records[0].error is problem and records[0].reply is None
    await nothing_in_flight(account)


async def test_retries_inside_are_one_call() -> None:
    async def sleep(seconds: float) -> None: ...

    down = ModelError("down", kind="server", retryable=True)
    account = Account(Budget(calls=1))
    model = MeteredModel(RetryingModel(ScriptedModel([down, down, "ok"]), sleep=sleep), account)
    assert (await model.complete(REQUEST)).text == "ok"
    assert (account.spend.calls, account.spend.failed_calls) == (1, 0)


async def no_sleep(seconds: float) -> None: ...


def failing(*kinds: str) -> list[Answer]:
    return [ModelError(kind, kind=kind, retryable=True) for kind in kinds]


@pytest.mark.parametrize(
    ("answers", "attempts", "tokens"),
    [
        (["y" * 40], 1, 110),
        ([*failing("timeout", "server"), "y" * 40], 3, 310),
        ([*failing("rate_limit", "connection"), "y" * 40], 3, 210),
        ([*failing("timeout"), Reply(text="y", input_tokens=50, output_tokens=5)], 2, 155),
        (failing("timeout", "server", "connection", "timeout"), 4, 400),
        ([*failing("timeout"), ModelError("no", kind="auth")], 2, 100),
    ],
)
async def test_every_attempt_that_may_have_been_read_is_booked(
    answers: list[Answer], attempts: int, tokens: int
) -> None:
    account, records = Account(), list[CallRecord]()
    inner = ScriptedModel(answers, price=DOLLAR_PER_MILLION)
    model = MeteredModel(RetryingModel(inner, sleep=no_sleep), account, on_call=records.append)
    with contextlib.suppress(ModelError):
        await model.complete(REQUEST)
    assert (account.spend.calls, account.spend.tokens) == (1, tokens)
    assert (records[0].attempts, records[0].usage.estimated) == (attempts, attempts > 1)
    assert records[0].usage.dollars == pytest.approx(
        (records[0].usage.input_tokens + 2 * records[0].usage.output_tokens) / 1e6
    )
    await nothing_in_flight(account)


async def test_a_call_is_not_repeated_where_the_budget_has_no_room_for_it() -> None:
    sweep = Sweep(Budget(tokens=2 * bound_prompt(REQUEST) + 64))
    for account in (Account(Budget(tokens=2 * bound_prompt(REQUEST) + 64)), Account(sweep=sweep)):
        inner = ScriptedModel(failing("timeout", "timeout", "timeout"))
        model = MeteredModel(RetryingModel(inner, sleep=no_sleep), account)
        wanted = replace(REQUEST, sampling=Sampling(max_tokens=64))
        with pytest.raises(
            ModelError, match=r"gave up after 2 attempts; the budget has no room to send it again"
        ):
            await model.complete(wanted)
        assert (len(inner.requests), account.spend.tokens) == (2, 200)
        await nothing_in_flight(account)


async def test_a_cancelled_call_is_booked_as_failed() -> None:
    started = asyncio.Event()

    async def never(request: Request) -> str:
        started.set()
        await asyncio.Event().wait()
        return "unreachable"

    account, records = Account(Budget(calls=2)), list[CallRecord]()
    task = asyncio.create_task(
        MeteredModel(ScriptedModel(never), account, on_call=records.append).complete(REQUEST)
    )
    await started.wait()
    task.cancel(object())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (account.spend.calls, account.spend.failed_calls) == (1, 1)
    assert str(records[0].error) == "the call was abandoned: CancelledError"
    await nothing_in_flight(account)


async def test_a_record_that_cannot_be_read_holds_no_room() -> None:
    class Torn:
        def own(self, spec: str, request: Request) -> Reply | None:
            return None

        def shared(self, spec: str, request: Request) -> SharedAnswer | None:
            raise sqlite3.DatabaseError("malformed")

    account = Account(Budget(calls=1))
    with pytest.raises(sqlite3.DatabaseError):
        await MeteredModel(ScriptedModel("ok"), account, answers=Torn()).complete(REQUEST)
    await nothing_in_flight(account)
    assert (await MeteredModel(ScriptedModel("ok"), account).complete(REQUEST)).text == "ok"


async def test_a_call_waits_for_room_that_others_hold() -> None:
    gate = asyncio.Event()

    async def gated(request: Request) -> Reply:
        await gate.wait()
        return Reply(text="ok", input_tokens=10, output_tokens=10)

    inner = ScriptedModel(gated)
    account = Account(Budget(tokens=1000, answer_tokens=700))
    model = MeteredModel(inner, account)
    calls = [asyncio.create_task(model.complete(REQUEST)) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(inner.requests) == 1, "two of these calls could pass the limit"
    gate.set()
    assert [reply.text for reply in await asyncio.gather(*calls)] == ["ok"] * 3
    assert account.spend.tokens == 60


async def test_waiting_for_room_ends_when_it_is_used_up() -> None:
    gate = asyncio.Event()

    async def gated(request: Request) -> str:
        await gate.wait()
        return "ok"

    model = MeteredModel(ScriptedModel(gated), Account(Budget(calls=1)))
    calls = [asyncio.create_task(model.complete(REQUEST)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [Reply, BudgetExceeded, BudgetExceeded]


_answers = st.one_of(
    st.builds(lambda n: "y" * n, st.integers(0, 2000)),
    st.builds(
        lambda kind: ModelError("no", kind=kind, retryable=kind != "auth"),
        st.sampled_from(["auth", "server", "timeout"]),
    ),
)


@given(
    answers=st.lists(_answers, min_size=1, max_size=12),
    calls=st.integers(0, 10),
    tokens=st.integers(0, 3000),
    dollars=st.floats(0, 0.005),
)
async def test_no_limit_is_ever_passed(
    answers: list[Answer], calls: int, tokens: int, dollars: float
) -> None:
    def obedient(request: Request) -> Answer:
        answer = next(script, "")
        limit = request.sampling.max_tokens
        assert limit is not None
        return answer[: 4 * limit] if isinstance(answer, str) else answer

    script = iter(answers)
    account = Account(Budget(calls=calls, tokens=tokens, dollars=dollars))
    retrying = RetryingModel(ScriptedModel(obedient, price=DOLLAR_PER_MILLION), sleep=no_sleep)
    model = MeteredModel(retrying, account)
    await asyncio.gather(*(model.complete(REQUEST) for _ in answers), return_exceptions=True)
    assert account.spend.calls <= calls
    assert account.spend.tokens <= tokens
    assert account.spend.dollars <= dollars + 1e-12
    await nothing_in_flight(account)


@given(text=st.text(max_size=200))
def test_the_bound_covers_the_estimate(text: str) -> None:
    request = Request(messages=(Message("user", text), Message("assistant", text)))
    assert estimate_prompt(request) <= bound_prompt(request)


def test_a_dollar_limit_needs_known_prices() -> None:
    models: dict[str, Model] = {
        "coder": ScriptedModel([], spec="openai:a", price=None),
        "critic": ScriptedModel([], spec="sim:"),
    }
    check_priced(Budget(calls=3), models)
    check_priced(Budget(dollars=1), {"critic": models["critic"]})
    with pytest.raises(UsageError, match=r"limit of 1 dollars cannot be kept.*openai:a \(coder\);") as caught:
        check_priced(Budget(dollars=1), models)
    assert "critic" not in str(caught.value)


async def test_an_unknown_price_under_a_dollar_limit_sends_nothing() -> None:
    inner = ScriptedModel("ok", price=None)
    with pytest.raises(UsageError, match="price"):
        await MeteredModel(inner, Account(Budget(dollars=1.0))).complete(REQUEST)
    assert not inner.requests


def test_it_shows_the_model_inside() -> None:
    model = MeteredModel(ScriptedModel([], spec="x", price=DOLLAR_PER_MILLION), Account())
    assert isinstance(model, Model)
    assert (model.spec, model.price) == ("x", DOLLAR_PER_MILLION)


@pytest.mark.parametrize(("given", "written"), [(math.nan, 1), (1, math.inf), (-1, 1), (1, -0.5)])
def test_a_price_that_could_not_be_booked_is_refused(given: float, written: float) -> None:
    with pytest.raises(UsageError, match="expected two finite numbers of 0 or more"):
        Price(given, written)
