"""Scripted answers come in order, by key, and say so when they run out."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from codegrove.errors import ModelError, UsageError
from codegrove.models.port import FREE, Message, Model, Price, Reply, Request
from codegrove.models.scripted import AnswerList, ScriptedModel, Then


def ask(text: str = "12345678", *, role: str = "coder", action: str = "write", prompt: str = "") -> Request:
    return Request(messages=(Message("user", text),), role=role, action=action, prompt=prompt)


async def texts(model: Model, *requests: Request) -> list[str]:
    return [(await model.complete(request)).text for request in requests]


async def test_a_list_is_used_up_in_order_and_requests_are_kept() -> None:
    model = ScriptedModel(["one", "two"])
    assert await texts(model, ask("first"), ask("second")) == ["one", "two"]
    assert [request.messages[0].text for request in model.requests] == ["first", "second"]
    with pytest.raises(
        ModelError, match=r"has 2 answers, all given; action 'debug' of role 'debugger'"
    ) as caught:
        await model.complete(ask(role="debugger", action="debug"))
    assert (caught.value.kind, caught.value.retryable) == ("other", False)
    assert len(model.requests) == 3


@pytest.mark.parametrize(
    ("then", "expected"), [("cycle", ["a", "b", "a", "b", "a"]), ("repeat_last", ["a", "b", "b", "b", "b"])]
)
async def test_what_follows_the_last_answer(then: Then, expected: list[str]) -> None:
    assert await texts(ScriptedModel(["a", "b"], then=then), *[ask()] * 5) == expected
    assert await texts(ScriptedModel({"write": AnswerList(("a", "b"), then)}), *[ask()] * 5) == expected


async def test_the_most_special_key_answers() -> None:
    model = ScriptedModel(
        {"codetree/score": ["by prompt"], "score": ["by action"], "critic": ["by role"], "*": "by rest"}
    )
    critic = [
        ask(role="critic", action="score", prompt="codetree/score"),
        ask(role="critic", action="score", prompt="other/score"),
        ask(role="critic", action="verify"),
        ask(role="planner", action="plan"),
        ask(role="planner", action="plan"),
    ]
    assert await texts(model, *critic) == ["by prompt", "by action", "by role", "by rest", "by rest"]


async def test_each_key_counts_for_itself() -> None:
    model = ScriptedModel({"planner": ["p1", "p2"], "coder": ["c1", "c2"]})
    roles = ["planner", "coder", "coder", "planner"]
    assert await texts(model, *[ask(role=role, action="") for role in roles]) == ["p1", "c1", "c2", "p2"]


async def test_a_missing_key_names_what_there_is() -> None:
    with pytest.raises(
        ModelError, match="no answers for action 'write' of role 'coder'; did you mean 'wrote'"
    ):
        await ScriptedModel({"wrote": ["x"]}).complete(ask())


async def test_functions_may_be_async_and_may_fail() -> None:
    async def later(request: Request) -> Reply:
        return Reply(text=request.role, output_tokens=7, finish="length")

    def at_once(request: Request) -> str | Awaitable[Reply]:
        return later(request) if request.action == "later" else "now"

    model = ScriptedModel(at_once)
    assert await texts(model, ask()) == ["now"]
    reply = await model.complete(ask(action="later"))
    assert (reply.text, reply.output_tokens, reply.finish) == ("coder", 7, "length")
    failing = ScriptedModel({"coder": lambda _: ModelError("down", kind="server", retryable=True)})
    with pytest.raises(ModelError, match="down"):
        await failing.complete(ask())


async def test_exceptions_are_raised_in_their_turn() -> None:
    model = ScriptedModel(["fine", TimeoutError("late"), "fine again"])
    assert await texts(model, ask()) == ["fine"]
    with pytest.raises(TimeoutError, match="late"):
        await model.complete(ask())
    assert await texts(model, ask()) == ["fine again"]


async def test_token_use_is_reported_unless_the_reply_says_otherwise() -> None:
    model = ScriptedModel(["x" * 41, Reply(text="x" * 41, input_tokens=-3)])
    first, second = [await model.complete(ask("y" * 80)) for _ in range(2)]
    assert (first.input_tokens, first.output_tokens) == (20, 10)
    assert (second.input_tokens, second.output_tokens) == (-3, 10)


async def test_latency_goes_through_the_given_sleep() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    model = ScriptedModel("x", latency=lambda request: len(request.messages[0].text) / 2, sleep=sleep)
    await texts(model, ask("abc"), ask("abcde"))
    assert slept == [1.5, 2.5]


def test_it_is_a_model_with_a_price() -> None:
    assert isinstance(ScriptedModel([]), Model)
    assert ScriptedModel([]).price == FREE
    assert ScriptedModel([], price=None).price is None
    assert ScriptedModel([], price=Price(1, 2), spec="mine").spec == "mine"


async def test_wrong_kinds_of_answers_are_refused() -> None:
    with pytest.raises(UsageError, match="found int 3"):
        ScriptedModel({"coder": 3})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="found NoneType"):
        await ScriptedModel([None]).complete(ask())  # type: ignore[list-item]
    with pytest.raises(ModelError, match="has 0 answers"):
        await ScriptedModel([], then="cycle").complete(ask())
