"""Any langchain-core chat model behind the model port."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import re
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from loguru import logger

from codegrove.errors import ModelError
from codegrove.models.failures import model_error, names_another_loop
from codegrove.models.port import Price, Reply, Request, Sampling
from codegrove.models.tokens import reported_tokens

_MESSAGES: dict[str, Callable[[str], BaseMessage]] = {
    "system": SystemMessage,
    "user": HumanMessage,
    "assistant": AIMessage,
}

_FIELDS = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "max_tokens": ("max_tokens", "max_output_tokens", "num_predict", "max_new_tokens"),
}
"""Names under which chat models keep a sampling setting."""

_UNSET: dict[str, Any] = {"temperature": None, "top_p": None, "stop": ()}
"""Settings that may be left out. A limit on the answer's length may not: the budget relies on it."""

_REFUSAL = re.compile(r"unsupported|not support|deprecated|cannot both|not allowed", re.IGNORECASE)

_TEXT_BLOCKS = frozenset({"text", "output_text"})

_CUT_SHORT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_ENDED = frozenset({"stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed"})


Homes = dict[str, weakref.ref[asyncio.AbstractEventLoop]]
"""The event loop in which a provider's asynchronous clients live, by the provider's package."""

_HOMES: Homes = {}


class LangChainModel:
    """Adapts a langchain-core chat model.

    Sampling settings are put into a copy of the chat model where it has a field for them, because not all
    providers accept them as arguments of a call (Ollama's raises on them); where it has no such field, they
    are passed as arguments, which is LangChain's convention. A temperature, top_p or stop that the model
    refuses (reasoning models do) is left out from then on.

    Asynchronous clients tie their connections to the event loop that made them, and LangChain's providers
    share clients between chat model objects. A connection of another loop that is reused sends the request,
    which is paid, and loses the answer. So the first event loop that asks a provider is served asynchronously;
    any other loop (of a notebook that awaits `asolve` and also calls `solve`, say) is served by the
    synchronous client in a thread. There, cancelling a call returns at once, but the thread goes on until the
    provider answers.

    LangChain's own tracing and caching apply as the user has configured them.

    Args:
        chat_model: what to ask; a runnable around a chat model (``with_fallbacks``) will do. Its own
            retries should be off (``max_retries=0``) where `RetryingModel` is used, or the two multiply.
        spec: name of this model in records; made from its class and model name if not given.
        price: price of its tokens; None when unknown.
        homes: remembers which event loop the clients of each provider live in. None: one memory for the whole
            process; a fresh one for a chat model whose client is shared with no other object.
        server: address it is asked at; taken from the chat model if not given.
    """

    def __init__(
        self,
        chat_model: BaseChatModel,
        *,
        spec: str | None = None,
        price: Price | None = None,
        homes: Homes | None = None,
        server: str | None = None,
    ) -> None:
        self._chat_model = chat_model
        self._spec = spec or _describe(chat_model)
        self._price = price
        self._homes = _HOMES if homes is None else homes
        self._refused: set[str] = set()
        self.server = server or _address(chat_model)
        """Address it is asked at; None when unknown."""

    @property
    def spec(self) -> str:
        """The name given, or ``langchain:CLASS:MODEL``."""
        return self._spec

    @property
    def price(self) -> Price | None:
        """The price given."""
        return self._price

    async def complete(self, request: Request) -> Reply:
        """Answer one request. An empty answer is a `Reply` with empty text.

        Raises:
            ModelError: for whatever the client raises, or if the provider refused to answer.
        """
        messages = [_MESSAGES[message.role](message.text) for message in request.messages]
        while True:
            sampling = replace(request.sampling, **{name: _UNSET[name] for name in self._refused})
            chat_model, arguments = _with_sampling(self._chat_model, sampling)
            try:
                answer = await self._ask(chat_model, messages, arguments)
            except Exception as problem:  # clients raise classes of their own, or from any library
                error = model_error(self._spec, problem)
                refused = _refused_setting(error, sampling)
                if refused is None:
                    raise error from problem
                logger.warning("{}: leaving out {} from now on: {}", self._spec, refused, error)
                self._refused.add(refused)
            else:
                return self._read(answer)

    async def _ask(
        self, chat_model: BaseChatModel, messages: list[BaseMessage], arguments: dict[str, Any]
    ) -> BaseMessage:
        loop = asyncio.get_running_loop()
        provider = type(self._chat_model).__module__.partition(".")[0]
        if self._homes.setdefault(provider, weakref.ref(loop))() is loop:
            try:
                return await chat_model.ainvoke(messages, **arguments)
            except Exception as problem:
                # The user may have called it in another loop, which we cannot know beforehand.
                if not names_another_loop(problem):
                    raise
        try:
            return await _in_thread(functools.partial(chat_model.invoke, messages, **arguments))
        except NotImplementedError:  # it has no synchronous client
            return await chat_model.ainvoke(messages, **arguments)

    def _read(self, answer: object) -> Reply:
        if not isinstance(answer, BaseMessage):
            raise ModelError(f"{self._spec}: expected a chat message, found {type(answer).__name__}")
        text = _text(answer.content)
        refusal = answer.additional_kwargs.get("refusal")
        if refusal and not text:
            raise ModelError(f"{self._spec}: the model refused: {refusal!s:.500}", kind="refused")
        usage = getattr(answer, "usage_metadata", None)
        usage = usage if isinstance(usage, Mapping) else {}
        metadata = answer.response_metadata
        return Reply(
            text=text,
            input_tokens=reported_tokens(usage.get("input_tokens")),
            output_tokens=reported_tokens(usage.get("output_tokens")),
            finish=_finish(metadata),
            model=str(metadata.get("model_name") or metadata.get("model") or ""),
        )


async def _in_thread(ask: Callable[[], BaseMessage]) -> BaseMessage:
    # No thread pool: its size would limit the calls in flight, and Python would not exit before abandoned
    # calls have ended.
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[BaseMessage | BaseException] = loop.create_future()

    def deliver(result: BaseMessage | BaseException) -> None:
        if not answered.done():
            answered.set_result(result)

    def run() -> None:
        result: BaseMessage | BaseException
        try:
            result = ask()
        except BaseException as problem:  # noqa: BLE001 - raised below, in the thread that asks
            result = problem
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, result)

    context = contextvars.copy_context()  # LangChain keeps callbacks and tracing there
    threading.Thread(target=context.run, args=(run,), name="codegrove-model", daemon=True).start()
    result = await answered
    if isinstance(result, BaseException):
        raise result
    return result


def _refused_setting(error: ModelError, sampling: Sampling) -> str | None:
    """Return the sampling setting because of which a model refused a call, if that is the reason."""
    text = str(error)
    if error.kind != "bad_request" or not _REFUSAL.search(text):
        return None
    sent = (name for name, unset in _UNSET.items() if getattr(sampling, name) != unset)
    return next((name for name in sent if re.search(rf"\b{name}\b", text)), None)


def _with_sampling(chat_model: BaseChatModel, sampling: Sampling) -> tuple[BaseChatModel, dict[str, Any]]:
    """Return the chat model with the settings it has fields for, and the others as call arguments."""
    fields = getattr(type(chat_model), "model_fields", {})  # a runnable may have none
    update: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    for setting, names in _FIELDS.items():
        value = getattr(sampling, setting)
        if value is None:
            continue
        name = next((name for name in names if name in fields), None)
        if name is None:
            arguments[setting] = value
        else:
            update[name] = value
    if sampling.stop:
        arguments["stop"] = list(sampling.stop)
    return (chat_model.model_copy(update=update) if update else chat_model), arguments


def _text(content: object) -> str:
    """Return the text of an answer, leaving out reasoning, images and other blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [
        block if isinstance(block, str) else block.get("text")
        for block in content
        if isinstance(block, str)
        or (isinstance(block, Mapping) and block.get("type", "text") in _TEXT_BLOCKS)
    ]
    return "".join(part for part in parts if isinstance(part, str))


def _finish(metadata: Mapping[str, Any]) -> str:
    for key in ("finish_reason", "stop_reason", "done_reason"):
        reason = metadata.get(key)
        if isinstance(reason, str) and reason:
            reason = reason.lower()
            return "length" if reason in _CUT_SHORT else "stop" if reason in _ENDED else reason
    return "stop"


_ADDRESSES = ("openai_api_base", "base_url", "azure_endpoint", "anthropic_api_url", "endpoint_url")
"""Names under which chat models keep their server's address."""


def _address(chat_model: object) -> str | None:
    """Return the address a chat model is set to, without what may be a key in it."""
    for name in _ADDRESSES:
        url = getattr(chat_model, name, None)
        if isinstance(url, str) and url:
            with contextlib.suppress(ValueError):
                parts = urlsplit(url)
                return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return None


def _describe(chat_model: BaseChatModel) -> str:
    names = (getattr(chat_model, field, None) for field in ("model_name", "model", "model_id"))
    name = next((name for name in names if isinstance(name, str) and name), "")
    return f"langchain:{type(chat_model).__name__}" + (f":{name}" if name else "")
