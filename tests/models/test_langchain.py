"""The adapter: what goes into a chat model, and what is made of whatever comes out."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from codegrove.errors import ModelError
from codegrove.models.failures import model_error
from codegrove.models.langchain import LangChainModel
from codegrove.models.port import Message, Model, Price, Request, Sampling

REQUEST = Request(messages=(Message("system", "be brief"), Message("user", "hi"), Message("assistant", "ho")))


class Fake(BaseChatModel):
    """Answers with what `answer` returns, and remembers how it was called."""

    answer: Callable[[], BaseMessage]
    calls: list[dict[str, Any]] = []

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        settings = self.model_dump(exclude={"answer", "calls"}, include=set(_SETTINGS))
        self.calls.append({"messages": messages, "stop": stop, "settings": settings, **kwargs})
        return ChatResult(generations=[ChatGeneration(message=self.answer())])


class FakeWithFields(Fake):
    """Keeps settings in fields, under Ollama's names, and refuses them as arguments."""

    temperature: float | None = None
    top_p: float | None = None
    num_predict: int | None = None

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        assert not kwargs
        return super()._generate(messages, stop, run_manager)


_SETTINGS = ("temperature", "top_p", "num_predict")


def adapt(chat_model: Any, **arguments: Any) -> LangChainModel:
    return LangChainModel(chat_model, homes={}, **arguments)


def says(message: BaseMessage | str) -> Fake:
    answer = AIMessage(message) if isinstance(message, str) else message
    return Fake(answer=lambda: answer)


def fails(problem: BaseException) -> Fake:
    def answer() -> BaseMessage:
        raise problem

    return Fake(answer=answer)


async def test_messages_are_converted() -> None:
    fake = says("fine")
    reply = await adapt(fake).complete(REQUEST)
    assert reply.text == "fine"
    assert fake.calls[0]["messages"] == [SystemMessage("be brief"), HumanMessage("hi"), AIMessage("ho")]
    assert fake.calls[0]["stop"] is None


ALL_SETTINGS = Sampling(temperature=0.0, top_p=0.9, max_tokens=5, stop=("END",))


async def test_settings_that_are_not_set_are_not_sent() -> None:
    fake = says("x")
    await adapt(fake).complete(REQUEST)
    assert not set(fake.calls[0]) & {"temperature", "top_p", "max_tokens"}


async def test_settings_without_a_field_go_as_arguments() -> None:
    fake = says("x")
    await adapt(fake).complete(Request(messages=REQUEST.messages, sampling=ALL_SETTINGS))
    call = fake.calls[0]
    assert (call["temperature"], call["top_p"], call["max_tokens"], call["stop"]) == (0.0, 0.9, 5, ["END"])


async def test_settings_with_a_field_go_into_a_copy() -> None:
    fake = FakeWithFields(answer=lambda: AIMessage("x"), temperature=0.7)
    model = adapt(fake)
    await model.complete(Request(messages=REQUEST.messages, sampling=ALL_SETTINGS))
    await model.complete(REQUEST)
    settings = [call["settings"] for call in fake.calls]
    assert settings == [
        {"temperature": 0.0, "top_p": 0.9, "num_predict": 5},
        {"temperature": 0.7, "top_p": None, "num_predict": None},
    ]


class Rejected(Exception):
    """A provider's error answer."""

    def __init__(self, message: str, status_code: int = 400) -> None:
        super().__init__(message)
        self.status_code = status_code


async def test_a_setting_that_the_model_refuses_is_left_out_from_then_on() -> None:
    fake = says("x")

    def answer() -> BaseMessage:
        if "temperature" in fake.calls[-1]:
            raise Rejected("Unsupported value: 'temperature' does not support 0.2 with this model.")
        return AIMessage("x")

    fake.answer = answer
    model = adapt(fake)
    request = Request(messages=REQUEST.messages, sampling=Sampling(temperature=0.2, max_tokens=9))
    assert [(await model.complete(request)).text for _ in range(2)] == ["x", "x"]
    assert ["temperature" in call for call in fake.calls] == [True, False, False]
    assert [call["max_tokens"] for call in fake.calls] == [9, 9, 9]


@pytest.mark.parametrize(
    "problem",
    [
        Rejected("Unsupported parameter: 'max_tokens' is not supported with this model."),
        Rejected("temperature is not supported", 500),
        Rejected("the prompt is too long for this temperature"),
        Rejected("Unsupported value: 'top_p' is not supported"),  # was not sent
    ],
)
async def test_other_refusals_are_errors(problem: Exception) -> None:
    request = Request(messages=REQUEST.messages, sampling=Sampling(temperature=0.2, max_tokens=9))
    fake = fails(problem)
    with pytest.raises(ModelError):
        await adapt(fake).complete(request)
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", ""),
        ([], ""),
        (["a", "b"], "ab"),
        (
            [
                {"type": "thinking", "thinking": "hm", "text": "not this"},
                {"type": "text", "text": "one "},
                {"type": "output_text", "text": "two"},
                {"type": "image_url", "image_url": "data:"},
                {"type": "text", "text": None},
                {"type": "text"},
            ],
            "one two",
        ),
    ],
)
async def test_text_is_found_in_blocks(content: str | list[str | dict[Any, Any]], text: str) -> None:
    assert (await adapt(says(AIMessage(content))).complete(REQUEST)).text == text


@pytest.mark.parametrize(
    ("metadata", "finish", "name"),
    [
        ({}, "stop", ""),
        ({"finish_reason": "length", "model_name": "m-1"}, "length", "m-1"),
        ({"stop_reason": "end_turn", "model": "m-2"}, "stop", "m-2"),
        ({"stop_reason": "max_tokens"}, "length", ""),
        ({"done_reason": "stop"}, "stop", ""),
        ({"finish_reason": "MAX_TOKENS"}, "length", ""),
        ({"finish_reason": "content_filter"}, "content_filter", ""),
        ({"finish_reason": None, "model_name": None}, "stop", ""),
    ],
)
async def test_why_it_ended_and_who_answered(metadata: dict[str, Any], finish: str, name: str) -> None:
    reply = await adapt(says(AIMessage("x", response_metadata=metadata))).complete(REQUEST)
    assert (reply.finish, reply.model) == (finish, name)


@given(usage=st.none() | st.text() | st.fixed_dictionaries({}, optional={
    "input_tokens": st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans()),
    "output_tokens": st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans()),
}))  # fmt: skip
async def test_any_usage_is_survived(usage: Any) -> None:
    message = AIMessage("x")
    message.usage_metadata = usage
    reply = await adapt(says(message)).complete(REQUEST)
    for count in (reply.input_tokens, reply.output_tokens):
        assert count is None or (type(count) is int and count > 0)


async def test_good_usage_is_reported() -> None:
    message = AIMessage("x", usage_metadata={"input_tokens": 5, "output_tokens": 7, "total_tokens": 12})
    reply = await adapt(says(message)).complete(REQUEST)
    assert (reply.input_tokens, reply.output_tokens) == (5, 7)


async def test_a_refusal_is_an_error_only_without_text() -> None:
    refusal = {"refusal": "I will not"}
    with pytest.raises(ModelError, match="refused: I will not") as caught:
        await adapt(says(AIMessage("", additional_kwargs=refusal))).complete(REQUEST)
    assert (caught.value.kind, caught.value.retryable) == ("refused", False)
    reply = await adapt(says(AIMessage("fine", additional_kwargs=refusal))).complete(REQUEST)
    assert reply.text == "fine"


async def test_runnables_around_chat_models_work() -> None:
    fallback = fails(Rejected("down", 500)).with_fallbacks([says("second")])
    assert (await adapt(fallback).complete(REQUEST)).text == "second"


class Response:
    """An HTTP response as clients attach it to their exceptions."""

    def __init__(self, status_code: int | None = None, headers: dict[str, str] | None = None) -> None:
        self.status_code = status_code
        self.headers = headers or {}


def problem(
    name: str = "SomeError", bases: Sequence[type[Exception]] = (Exception,), /, **attributes: Any
) -> Exception:
    raised = type(name, tuple(bases), {})("what happened")
    for attribute, value in attributes.items():
        setattr(raised, attribute, value)
    assert isinstance(raised, Exception)
    return raised


def caused_by(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("raised", "kind", "retryable"),
    [
        (problem(status_code=429), "rate_limit", True),
        (problem(status_code=429, code="insufficient_quota"), "rate_limit", False),
        (problem(status_code=401), "auth", False),
        (problem(status_code=403), "auth", False),
        (problem(status_code=400), "bad_request", False),
        (problem(status_code=404), "bad_request", False),
        (problem(status_code=422), "bad_request", False),
        (problem(status_code=408), "timeout", True),
        (problem(status_code=409), "server", True),
        (problem(status_code=500), "server", True),
        (problem(status_code=529), "server", True),
        (problem(status_code=-1), "other", False),
        (problem(code=503), "server", True),
        (problem(code="503"), "other", False),
        (problem(response=Response(502)), "server", True),
        (problem(response={"ResponseMetadata": {"HTTPStatusCode": 429}}), "rate_limit", True),
        (ValueError({"code": 502, "message": "upstream"}), "server", True),
        (problem("ReadTimeout"), "timeout", True),
        (problem("APITimeoutError", [ConnectionError]), "timeout", True),
        (TimeoutError("late"), "timeout", True),
        (ConnectionResetError("reset"), "connection", True),
        (problem("RemoteProtocolError"), "connection", True),
        (problem("ConnectError"), "connection", True),
        (problem("ResourceExhausted"), "rate_limit", True),
        (problem("AuthenticationError"), "auth", False),
        (json.JSONDecodeError("bad", "<html>", 0), "server", True),
        (KeyError("choices"), "other", False),
        (caused_by(problem("Wrapped"), problem(status_code=500)), "server", True),
        (caused_by(problem(status_code=400), problem("ReadTimeout")), "bad_request", False),
    ],
)
async def test_failures_are_told_apart(raised: Exception, kind: str, retryable: bool) -> None:
    with pytest.raises(ModelError) as caught:
        await adapt(fails(raised), spec="some:model").complete(REQUEST)
    error = caught.value
    assert (error.kind, error.retryable) == (kind, retryable)
    assert str(error).startswith(f"some:model: {type(raised).__name__}: ")
    assert type(error.__cause__) is type(raised)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    raised = problem(response=Response(429, headers))
    assert model_error("m", raised, now=lambda: 60.0).retry_after == seconds
    assert model_error("m", caused_by(problem(), raised), now=lambda: 60.0).retry_after == seconds


def test_a_long_message_is_cut_and_a_circle_of_causes_ends() -> None:
    outer, inner = ValueError("x" * 10_000), ValueError("inner")
    outer.__cause__, inner.__cause__ = inner, outer
    error = model_error("m", outer)
    assert len(str(error)) < 600 and error.kind == "other"


async def test_cancelling_passes_through() -> None:
    started = asyncio.Event()

    class Hanging(Fake):
        async def _agenerate(
            self,
            messages: list[BaseMessage],
            stop: list[str] | None = None,
            run_manager: AsyncCallbackManagerForLLMRun | None = None,
            **kwargs: Any,
        ) -> ChatResult:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    task = asyncio.create_task(adapt(Hanging(answer=lambda: AIMessage(""))).complete(REQUEST))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class LoopBound(Fake):
    """Has an asynchronous client that works in one event loop only, and a synchronous one."""

    homes: list[asyncio.AbstractEventLoop] = []
    ways: list[str] = []

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        self.ways.append(threading.current_thread().name)
        return super()._generate(*args, **kwargs)

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        loop = asyncio.get_running_loop()
        self.homes.append(loop)
        if self.homes[0] is not loop:
            raise Rejected("Connection error.") from RuntimeError("Event loop is closed")
        self.ways.append("async")
        return super()._generate(messages)


def test_a_provider_is_asked_asynchronously_in_one_event_loop_only() -> None:
    fake, homes = LoopBound(answer=lambda: AIMessage("x")), dict[Any, Any]()
    for _ in range(3):  # a new adapter each time, as three calls of solve() have
        assert asyncio.run(LangChainModel(fake, homes=homes).complete(REQUEST)).text == "x"
    assert fake.ways == ["async", "codegrove-model", "codegrove-model"]
    assert len(fake.homes) == 1


def test_a_client_that_its_user_tied_to_another_loop_is_noticed() -> None:
    fake = LoopBound(answer=lambda: AIMessage("x"))
    asyncio.run(fake.ainvoke("hi"))
    assert asyncio.run(adapt(fake).complete(REQUEST)).text == "x"
    assert fake.ways == ["async", "codegrove-model"]


def test_a_model_without_a_synchronous_client_is_asked_asynchronously_anyway() -> None:
    class AsyncOnly(Fake):
        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
            raise NotImplementedError

        async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
            return super()._generate(messages)

    model = adapt(AsyncOnly(answer=lambda: AIMessage("x")))
    assert [asyncio.run(model.complete(REQUEST)).text for _ in range(2)] == ["x", "x"]


def test_failures_in_a_thread_are_the_same_and_context_is_kept() -> None:
    variable = contextvars.ContextVar("variable", default="lost")

    def answer() -> BaseMessage:
        if variable.get() == "fail":
            raise StopIteration
        return AIMessage(variable.get())

    async def in_context(model: Model, value: str) -> str:
        variable.set(value)
        return (await model.complete(REQUEST)).text

    model = adapt(Fake(answer=answer))
    assert [asyncio.run(in_context(model, "kept")) for _ in range(2)] == ["kept", "kept"]
    with pytest.raises(ModelError):
        asyncio.run(in_context(model, "fail"))


def test_cancelling_returns_at_once_although_a_thread_goes_on() -> None:
    asked, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def answer() -> BaseMessage:
        if fake.calls[1:]:
            asked.set()
            go_on.wait(10)
            ended.set()
        return AIMessage("x")

    async def cancel() -> None:
        task = asyncio.create_task(model.complete(REQUEST))
        await asyncio.to_thread(asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not ended.is_set()

    fake = Fake(answer=answer)
    model = adapt(fake)
    asyncio.run(model.complete(REQUEST))
    asyncio.run(cancel())
    go_on.set()
    assert ended.wait(10)


def test_name_and_price() -> None:
    class Named(Fake):
        model_name: str = "m-1"

    model = adapt(Named(answer=lambda: AIMessage("")), price=Price(1, 2))
    assert isinstance(model, Model)
    assert (model.spec, model.price) == ("langchain:Named:m-1", Price(1, 2))
    assert adapt(says("")).spec == "langchain:Fake"
    assert adapt(says(""), spec="mine:x").price is None
