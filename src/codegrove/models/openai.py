"""Chat models for OpenAI and for the many servers that speak its protocol more or less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import openai
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI


class CompatibleChat(BaseChatOpenAI):
    """For other servers than OpenAI's own.

    Sends a length limit as ``max_tokens``, which all such servers know, instead of OpenAI's newer
    ``max_completion_tokens``. Drops token counts that are not numbers: LangChain fails on them, and the
    answer, which may have been paid for, would be lost.
    """

    def _create_chat_result(
        self, response: dict[str, Any] | openai.BaseModel, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        if isinstance(response, Mapping):
            response = _without_bad_usage(response)
        elif not _is_usage(getattr(response, "usage", None)):
            response = response.model_copy(update={"usage": None})
        return super()._create_chat_result(response, generation_info)

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type,
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        return super()._convert_chunk_to_generation_chunk(
            _without_bad_usage(chunk), default_chunk_class, base_generation_info
        )


class OpenAIChat(CompatibleChat, ChatOpenAI):
    """For OpenAI's own service."""


def _without_bad_usage(answer: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(answer)
    if not _is_usage(kept.get("usage")):
        kept["usage"] = None
    return kept


def _is_usage(usage: object) -> bool:
    """Return whether token counts can be read: every field a number, missing, or a group of such fields."""
    if isinstance(usage, openai.BaseModel):
        usage = dict(usage)
    if not isinstance(usage, Mapping):
        return usage is None
    return all(
        value is None or (isinstance(value, int) if name.endswith("_tokens") else _is_usage(value))
        for name, value in usage.items()
        if name.endswith(("_tokens", "_details"))
    )


def chat_model(
    name: str, *, base_url: str | None, api_key: str, timeout: float, bypass_proxy: bool
) -> BaseChatOpenAI:
    """Build a chat model that leaves retrying to us.

    Args:
        name: of the model, as the server knows it.
        base_url: None for OpenAI's own service.
        api_key: sent as the bearer token.
        timeout: seconds without any byte after which a call fails.
        bypass_proxy: ignore proxy settings of the environment, for a server on this machine.
    """
    settings: dict[str, Any] = {
        "model": name,
        "base_url": base_url,
        "api_key": api_key,
        "timeout": timeout,
        "max_retries": 0,
        # Clients of its own: those that LangChain shares between chat models may belong to another event loop.
        "http_client": openai.DefaultHttpxClient(trust_env=not bypass_proxy),
        "http_async_client": openai.DefaultAsyncHttpxClient(trust_env=not bypass_proxy),
    }
    return OpenAIChat(**settings) if base_url is None else CompatibleChat(**settings)
