"""Numbered lists in answers."""

from __future__ import annotations

import re

from codegrove.agents.answers.parts import LONGEST, Parts, Question
from codegrove.errors import UnreadableAnswer
from codegrove.outcome import Proposal

SHORTEST_ITEM = 5
"""Characters below which an item of a list says nothing (as in CodeTree)."""

_NUMBERED = re.compile(r"^([ \t]{0,40})(?:\*\*)?\(?[0-9]{1,3}[.):](?:\*\*)?(?![0-9])[ \t]*(.*)$")
_BULLET = re.compile(r"^([ \t]{0,40})[-*\u2022](?:[ \t]+|$)(.*)$")


def read_numbered(answer: str, question: Question) -> Parts:
    """Return the items of a numbered list, or of a bulleted one if nothing is numbered.

    Items shorter than `SHORTEST_ITEM` are dropped, the rest is cut to the number asked for. Lines that follow
    an item belong to it up to the next blank line, indented ones also after that.

    Raises:
        UnreadableAnswer: if there is no list, or nothing in it.
    """
    lines = answer[:LONGEST].splitlines()
    items = _items(lines, _NUMBERED) or _items(lines, _BULLET)
    texts = [item for item in items if len(item) >= SHORTEST_ITEM]
    if not texts:
        raise UnreadableAnswer(
            "expected a numbered list, found " + ("only items too short to say anything" if items else "none")
        )
    return Parts(proposals=tuple(Proposal(text=text) for text in texts[: question.most]))


def _items(lines: list[str], marker: re.Pattern[str]) -> list[str]:
    items: list[list[str]] = []
    base: int | None = None
    after_blank = False
    for line in lines:
        match = marker.match(line)
        if match is not None and (base is None or len(match[1]) <= base + 1):
            base = len(match[1]) if base is None else base
            items.append([match[2].strip()])
            after_blank = False
        elif not line.strip():
            after_blank = True
        elif items and (line[:1].isspace() or not after_blank):
            items[-1].append(line.strip())
    return ["\n".join(part for part in item if part) for item in items]
