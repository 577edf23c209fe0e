"""Answers between tags. They look like XML, but their content may hold anything: ``<``, ``&``, code fences."""

from __future__ import annotations

import re

from codegrove.agents.answers.fences import find_fences
from codegrove.agents.answers.parts import LONGEST, Parts, Question
from codegrove.agents.answers.scores import first_number
from codegrove.errors import UnreadableAnswer
from codegrove.outcome import Proposal, Review

_FIELDS = "description|code|planning|algorithm|explanation|confidence"
_TAG = re.compile(rf"<[ \t]{{0,3}}(/?)[ \t]{{0,3}}(root|problem|{_FIELDS})[ \t]{{0,3}}>", re.I | re.A)
_LOOSE_CONFIDENCE = re.compile(r"\bconfidence\b[^0-9\n]{0,30}([0-9]{1,3}(?:\.[0-9]{1,6})?)", re.I | re.A)


def read_exemplars(answer: str, question: Question) -> Parts:
    """Return recalled problems: text is the plan, data holds description, code and algorithm.

    The algorithm is one text for all of them. Closing tags and the root may be missing.

    Raises:
        UnreadableAnswer: if there is no problem with a description or a plan.
    """
    text = answer[:LONGEST]
    tags = _tags(text)
    algorithm = ""
    proposals: list[Proposal] = []
    fields: dict[str, str] = {}

    def finish() -> None:
        if fields.get("description") or fields.get("planning"):
            data = {"description": fields.get("description", ""), "code": _unfenced(fields.get("code", ""))}
            proposals.append(Proposal(text=fields.get("planning", ""), data=data))
        fields.clear()

    for name, content in _contents(text, tags):
        if name == "problem" or name in fields:
            finish()
        if name == "algorithm":
            algorithm = content
        elif name in ("description", "code", "planning"):
            fields[name] = content
    finish()
    if not proposals:
        raise UnreadableAnswer("expected <problem> elements with <description> and <planning>, found none")
    return Parts(
        proposals=tuple(
            Proposal(text=p.text, data={**p.data, "algorithm": algorithm}) for p in proposals[: question.most]
        )
    )


def read_confidence(answer: str, question: Question) -> Parts:
    """Return the confidence as a review with a score from 0 to 100.

    A fraction such as 0.85 is taken as a share of 100.

    Raises:
        UnreadableAnswer: if there is no number for it.
    """
    text = answer[:LONGEST]
    contents = dict(_contents(text, _tags(text)))
    number = first_number(contents.get("confidence", ""))
    if number is None:
        match = _LOOSE_CONFIDENCE.search(_TAG.sub(" ", text))
        if match is None:
            raise UnreadableAnswer("expected a number from 0 to 100 in <confidence>, found none")
        number = match[1]
    value = float(number)
    if "." in number and 0 <= value <= 1:
        value *= 100
    said = contents.get("explanation") or text.strip()
    return Parts(review=Review(text=said, score=min(max(value, 0.0), 100.0)))


def _tags(text: str) -> list[re.Match[str]]:
    return list(_TAG.finditer(text))


def _contents(text: str, tags: list[re.Match[str]]) -> list[tuple[str, str]]:
    """Return the fields in order, each with its content: up to its closing tag, else up to the next tag.

    A ``problem`` element appears with empty content where it opens.
    """
    found: list[tuple[str, str]] = []
    closing = _next_closing(tags)
    skip_to = 0
    for index, tag in enumerate(tags):
        if index < skip_to or tag[1]:
            continue
        name = tag[2].lower()
        if name in ("root", "problem"):
            found.append((name, ""))
            continue
        end = closing[index]
        if end is None:
            stop = tags[index + 1].start() if index + 1 < len(tags) else len(text)
        else:
            stop, skip_to = tags[end].start(), end
        found.append((name, _plain(text[tag.end() : stop])))
    return found


def _next_closing(tags: list[re.Match[str]]) -> list[int | None]:
    """For each opening tag, the index of the tag that closes it; None if the same field opens again before."""
    result: list[int | None] = [None] * len(tags)
    seen: dict[str, int | None] = {}
    for index in range(len(tags) - 1, -1, -1):
        name = tags[index][2].lower()
        if tags[index][1]:
            seen[name] = index
            continue
        result[index] = seen.get(name)
        seen[name] = None
        if name == "problem":
            # A field does not reach into the next problem.
            seen.clear()
    return result


def _plain(content: str) -> str:
    content = content.strip()
    if content.startswith("<![CDATA["):
        content = content.removeprefix("<![CDATA[").removesuffix("]]>").strip()
    return content


def _unfenced(code: str) -> str:
    fences = find_fences(code)
    return fences[0].text.rstrip("\n") if fences else code
