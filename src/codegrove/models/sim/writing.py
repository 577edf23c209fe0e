"""The outer form of answers: the words around a program, fences of several kinds, answers that miss the point."""

from __future__ import annotations

import random
from collections.abc import Sequence

_BEFORE = (
    "Here is my solution.",
    "This should do it:",
    "I followed the steps above and came to this program.",
    "The idea is simple once the cases are clear. In code:",
    "Sure, see below.",
)
_AFTER = (
    "It runs through the input once per step described, and the examples come out as expected.",
    "Let me know if a case is missing.",
    "The smallest inputs are covered as well.",
)
_MISSED = (
    "I am not sure I understand what is asked for. Could you tell me more about the input?",
    "This looks like a well known exercise, and I would rather explain the theory behind it.",
    "Sorry, I lost the thread here.",
)


def code_answer(program: str, rng: random.Random, *, note: str = "") -> str:
    """Return a program in a fence, mostly with some words around it."""
    before = note or rng.choice(_BEFORE)
    style = rng.random()
    if style < 0.5:
        return f"{before}\n\n{fenced(program, 'python')}"
    if style < 0.7:
        return fenced(program, "python") if not note else f"{note}\n\n{fenced(program, 'python')}"
    if style < 0.85:
        return f"{before}\n\n{fenced(program, '')}"
    return f"{before}\n\n{fenced(program, 'python')}\n\n{rng.choice(_AFTER)}"


def fenced(text: str, language: str) -> str:
    """Return the text in a fence that is longer than any run of backticks inside it."""
    mark = "```"
    while mark in text:
        mark += "`"
    return f"{mark}{language}\n{text.rstrip()}\n{mark}"


def with_words(block: str, rng: random.Random, opening: str) -> str:
    """Return a block alone or, every third time, with a sentence before it."""
    return f"{opening}\n\n{block}" if rng.random() < 1 / 3 else block


def numbered(lines: Sequence[str]) -> str:
    """Return a numbered list."""
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def missed(rng: random.Random) -> str:
    """Return an answer in none of the forms that are ever asked for."""
    return rng.choice(_MISSED)
