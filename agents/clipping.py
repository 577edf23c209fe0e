"""Shortening text for prompts, always with a mark where something is missing."""

from __future__ import annotations


def clip(text: str, limit: int) -> str:
    """Return the text with at most `limit` characters, mark included; the end is cut."""
    if len(text) <= limit:
        return text
    kept = max(0, limit - len(f"... [{len(text)} more characters]"))
    return f"{text[:kept]}... [{len(text) - kept} more characters]"[:limit]


def clip_middle(text: str, kept: int) -> str:
    """Return a text longer than `kept` characters as its first and last halves with a mark between them."""
    if len(text) <= kept:
        return text
    return f"{text[: kept - kept // 2]} ... [cut] ... {text[len(text) - kept // 2 :]}"
