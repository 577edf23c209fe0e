"""Counting tokens where the model does not, and distrusting counts that cannot be right."""

from __future__ import annotations

from codegrove.models.port import Request


def estimate_tokens(text: str) -> int:
    """Return the usual rough count of four characters per token."""
    return len(text) // 4


def estimate_prompt(request: Request) -> int:
    """Return the rough token count of all messages."""
    return sum(estimate_tokens(message.text) for message in request.messages)


def bound_prompt(request: Request) -> int:
    """Return a count that the prompt should not pass, for reservations.

    Three bytes of UTF-8 per token: program text and languages outside Latin script take more tokens per
    character than English prose. The 8 are for what chat formats add around each message.
    """
    return sum(-(-len(message.text.encode("utf-8", "replace")) // 3) + 8 for message in request.messages)


def reported_tokens(count: object) -> int | None:
    """Return a count as a model reported it, or None if it is missing or cannot be right.

    A prompt or an answer of 0 tokens is taken as "not reported": servers that do not count send 0.
    """
    if isinstance(count, int) and not isinstance(count, bool) and count > 0:
        return count
    return None
