"""The real client path, langchain-openai over HTTP, against a server that behaves well or badly."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from codegrove.account import Account
from codegrove.errors import ModelError
from codegrove.models.langchain import Homes, LangChainModel
from codegrove.models.metered import MeteredModel
from codegrove.models.openai import CompatibleChat
from codegrove.models.port import Message, Model, Request, Sampling
from codegrove.models.retry import RetryingModel
from codegrove.models.specs import make_model
from tests.support.openai_server import Action, Answer, Cut, Failure, OpenAIServer, Raw, Slow

REQUEST = Request(messages=(Message("system", "You write Python."), Message("user", "x" * 83)), role="coder")
PROSE = Answer("I would rather talk about the weather.")


def plain(server: OpenAIServer, timeout: float = 10.0) -> Model:
    return make_model(f"openai:small@{server.base_url}", timeout=timeout, environ={})


def streaming(server: OpenAIServer, timeout: float = 10.0) -> Model:
    chat = CompatibleChat(
        model="small",
        base_url=server.base_url,
        api_key=SecretStr("x"),
        max_retries=0,
        timeout=timeout,
        streaming=True,
        stream_usage=True,
    )
    return LangChainModel(chat, homes={})


Build = Callable[[OpenAIServer, float], Model]
both = pytest.mark.parametrize("build", [plain, streaming])


class Sleep:
    """Remembers the waits instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_a_normal_answer_and_what_was_sent() -> None:
    with OpenAIServer([Answer("```python\nx = 1\n```")]) as server:
        sampling = Sampling(temperature=0.25, top_p=0.5, max_tokens=77, stop=("END",))
        reply = await plain(server).complete(Request(messages=REQUEST.messages, sampling=sampling))
        assert reply.text == "```python\nx = 1\n```"
        assert (reply.input_tokens, reply.output_tokens, reply.finish, reply.model) == (
            25,
            4,
            "stop",
            "small",
        )
        (received,) = server.requests
    assert received.path == "/v1/chat/completions"
    assert received.texts == ["You write Python.", "x" * 83]
    sent = {name: value for name, value in received.body.items() if name not in ("messages", "stream")}
    assert sent == {"model": "small", "temperature": 0.25, "top_p": 0.5, "max_tokens": 77, "stop": ["END"]}


@both
async def test_settings_that_are_not_set_are_not_sent(build: Build) -> None:
    with OpenAIServer([PROSE]) as server:
        await build(server, 10.0).complete(REQUEST)
        assert set(server.requests[0].body) <= {"model", "messages", "stream", "stream_options"}


@both
@pytest.mark.parametrize(
    ("text", "finish"), [("", "stop"), (PROSE.text, "stop"), ("y" * 100_000, "stop"), ("cut he", "length")]
)
async def test_whatever_the_text_is_it_arrives(build: Build, text: str, finish: str) -> None:
    with OpenAIServer([Answer(text, finish=finish)]) as server:
        reply = await build(server, 10.0).complete(REQUEST)
    assert (reply.text, reply.finish) == (text, finish)
    assert (reply.input_tokens, reply.output_tokens) == (25, len(text) // 4 or None)


async def test_no_text_is_empty_text_and_a_refusal_is_an_error() -> None:
    with OpenAIServer([Answer(None), Answer(None, refusal="not that")]) as server:
        assert (await plain(server).complete(REQUEST)).text == ""
        with pytest.raises(ModelError, match="not that") as caught:
            await plain(server).complete(REQUEST)
    assert caught.value.kind == "refused"


@both
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(
    "usage",
    [
        ...,
        None,
        "lots",
        [1],
        {},
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": "many", "completion_tokens": "few", "total_tokens": "?"},
        {"prompt_tokens": 12, "completion_tokens": "3"},
        {"prompt_tokens": -12, "completion_tokens": -3, "total_tokens": -15},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 1.5, "completion_tokens": 2.5, "total_tokens": 4.0},
        {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_tokens_details": "x"},
    ],
)
async def test_wrong_token_counts_never_cost_the_answer(build: Build, usage: object) -> None:
    account = Account()
    with OpenAIServer([Answer("y" * 40, usage=usage)]) as server:
        reply = await MeteredModel(build(server, 10.0), account).complete(REQUEST)
    assert reply.text == "y" * 40
    assert (reply.input_tokens, reply.output_tokens) == (None, None)
    assert (account.spend.input_tokens, account.spend.output_tokens) == (24, 10)
    assert account.spend.estimated_calls == 1


FAILURES: list[tuple[Action, str, bool]] = [
    (Failure(429), "rate_limit", True),
    (Failure(429, code="insufficient_quota"), "rate_limit", False),
    (Failure(500), "server", True),
    (Failure(503), "server", True),
    (Failure(401, message="bad key"), "auth", False),
    (Failure(404, message="no such model"), "bad_request", False),
    (Failure(400, code="context_length_exceeded"), "bad_request", False),
    (Cut(Answer("y" * 400)), "connection", True),
    (Cut(Answer("y" * 400), after=60), "connection", True),
    (Raw(b"<html>bad gateway"), "server", True),
    (Raw(b"<html>bad gateway", "text/html"), "other", False),
    (Raw(b'{"error": {"code": 502, "message": "upstream"}}'), "server", True),
    (Raw(b'{"choices": []}'), "other", False),
    (Raw(b'{"choices": null}'), "other", False),
]


@pytest.mark.parametrize(("action", "kind", "retryable"), FAILURES)
async def test_failures_are_told_apart(action: Action, kind: str, retryable: bool) -> None:
    with OpenAIServer([action]) as server:
        with pytest.raises(ModelError) as caught:
            await plain(server).complete(REQUEST)
        assert len(server.requests) == 1, "the client must not retry on its own"
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    assert str(caught.value).startswith("openai:small@http://127.0.0.1:")


@pytest.mark.parametrize(
    ("action", "kind"), [row[:2] for row in FAILURES if isinstance(row[0], Failure | Cut)]
)
async def test_failures_of_streams_are_told_apart(action: Action, kind: str) -> None:
    with OpenAIServer([action]) as server, pytest.raises(ModelError) as caught:
        await streaming(server).complete(REQUEST)
    assert caught.value.kind == kind


@both
async def test_a_late_answer_is_a_timeout(build: Build) -> None:
    with OpenAIServer([Slow(PROSE, 60.0)]) as server, pytest.raises(ModelError) as caught:
        await build(server, 0.1).complete(REQUEST)
    assert (caught.value.kind, caught.value.retryable) == ("timeout", True)


async def test_cancelling_ends_a_call_at_once() -> None:
    arrived = threading.Event()

    def handler(body: dict[str, Any]) -> Action:
        arrived.set()
        return Slow(PROSE, 60.0)

    with OpenAIServer(handler) as server:
        task = asyncio.create_task(plain(server).complete(REQUEST))
        await asyncio.to_thread(arrived.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_no_server_is_a_connection_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ModelError) as caught:
            await make_model(f"openai:small@http://127.0.0.1:{port}/v1", environ={}).complete(REQUEST)
    assert (caught.value.kind, caught.value.retryable) == ("connection", True)


@both
async def test_retrying_gets_through_all_that_can_pass(build: Build) -> None:
    actions: list[Action] = [
        Failure(429, headers={"retry-after-ms": "50"}),
        Failure(500),
        Cut(PROSE),
        Cut(Answer("y" * 400), after=50),
        Failure(503, headers={"retry-after-ms": "1500"}),
        PROSE,
    ]
    sleep, account, started = Sleep(), Account(), time.monotonic()
    with OpenAIServer(actions) as server:
        retrying = RetryingModel(build(server, 10.0), attempts=6, base_delay=0.01, sleep=sleep)
        reply = await MeteredModel(retrying, account).complete(REQUEST)
        assert len(server.requests) == 6
    assert reply.text == PROSE.text
    assert time.monotonic() - started >= 0.05, "the refusal's wait is the gate's"
    assert len(sleep.waits) == 4 and sleep.waits[3] == 1.5
    assert max(sleep.waits[:3]) < 0.1
    assert (account.spend.calls, account.spend.failed_calls) == (1, 0)


async def test_a_server_that_stays_down_is_given_up() -> None:
    with OpenAIServer([Failure(500, message="out of order")]) as server:
        model = RetryingModel(plain(server), attempts=3, sleep=Sleep())
        with pytest.raises(ModelError, match=r"out of order \(gave up after 3 attempts\)"):
            await model.complete(REQUEST)
        assert len(server.requests) == 3


async def test_a_refused_temperature_is_left_out() -> None:
    def handler(body: dict[str, Any]) -> Action:
        if "temperature" in body:
            return Failure(
                400, message="Unsupported value: 'temperature' does not support 0.2 with this model."
            )
        return PROSE

    with OpenAIServer(handler) as server:
        model = plain(server)
        for _ in range(2):
            request = Request(messages=REQUEST.messages, sampling=Sampling(temperature=0.2))
            assert (await model.complete(request)).text == PROSE.text
        assert ["temperature" in received.body for received in server.requests] == [True, False, False]


async def test_calls_run_side_by_side() -> None:
    together = threading.Barrier(8, timeout=10)

    def handler(body: dict[str, Any]) -> Action:
        together.wait()
        return Answer(body["messages"][-1]["content"])

    with OpenAIServer(handler) as server:
        model = plain(server)
        requests = [Request(messages=(Message("user", str(number)),)) for number in range(8)]
        replies = await asyncio.gather(*(model.complete(request) for request in requests))
    assert [reply.text for reply in replies] == [str(number) for number in range(8)]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_proxy_in_the_environment_does_not_stand_before_this_machine(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with OpenAIServer([PROSE]) as server:
        assert (await plain(server).complete(REQUEST)).text == PROSE.text


def test_one_model_serves_one_event_loop_after_another() -> None:
    with OpenAIServer([PROSE]) as server:
        model = plain(server)
        for _ in range(3):
            assert asyncio.run(model.complete(REQUEST)).text == PROSE.text
        assert len(server.requests) == 3


def test_a_client_shared_behind_our_back_serves_one_event_loop_after_another() -> None:
    # langchain-openai gives chat models of the same address the same client, with its open connections.
    with OpenAIServer([PROSE], keep_alive=True) as server:
        homes: Homes = {}
        for _ in range(3):
            chat = CompatibleChat(
                model="small", base_url=server.base_url, api_key=SecretStr("x"), max_retries=0
            )
            assert asyncio.run(LangChainModel(chat, homes=homes).complete(REQUEST)).text == PROSE.text
        assert len(server.requests) == 3
