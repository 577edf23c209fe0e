"""Numbers and yes-or-no answers."""

from __future__ import annotations

import re

from codegrove.agents.answers.parts import LONGEST, Parts, Question
from codegrove.errors import UnreadableAnswer
from codegrove.outcome import Review

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?")
_WORD = re.compile(r"\b(true|false)\b", re.I)
_LONGEST_LINE = 2000
"""Characters looked at in a line that should hold a single word."""


def first_number(text: str) -> str | None:
    """Return the first number of a text as it is written (a minus sign of print becomes ASCII), or None."""
    match = _NUMBER.search(text.replace("\u2212", "-"))
    return match[0] if match else None


def read_number(answer: str, question: Question) -> Parts:
    """Return the first number of an answer, clipped to [-1, 1] (as RethinkMCTS rates programs).

    Raises:
        UnreadableAnswer: if there is none.
    """
    text = answer[:LONGEST]
    number = first_number(text)
    if number is None:
        raise UnreadableAnswer("expected a number from -1 to 1, found none")
    return Parts(review=Review(text=text.strip(), score=min(max(float(number), -1.0), 1.0)))


def read_last_line_score(answer: str, question: Question) -> Parts:
    """Return the largest digit from 0 to 5 on the last line (as CodeTree scores programs).

    Raises:
        UnreadableAnswer: if that line has none.
    """
    text = answer[:LONGEST].strip()
    line = _last_line(text)
    digits = [int(char) for char in line if char in "012345"]
    if not digits:
        raise UnreadableAnswer(f"expected a score from 0 to 5 on the last line, found {line[-60:]!r}")
    return Parts(review=Review(text=text, score=float(max(digits))))


def read_last_line_bool(answer: str, question: Question) -> Parts:
    """Return the ``true`` or ``false`` on the last line as acceptance.

    Raises:
        UnreadableAnswer: if that line has neither or both.
    """
    text = answer[:LONGEST].strip()
    line = _last_line(text)
    words = {word.lower() for word in _WORD.findall(line)}
    if len(words) != 1:
        found = "both" if words else repr(line[-60:])
        raise UnreadableAnswer(f"expected true or false on the last line, found {found}")
    return Parts(review=Review(text=text, accepted=words == {"true"}))


def _last_line(text: str) -> str:
    """Return the last line that is not blank and not just a fence."""
    for line in reversed(text.splitlines()):
        if line.strip(" \t`~"):
            return line[-_LONGEST_LINE:]
    return ""
