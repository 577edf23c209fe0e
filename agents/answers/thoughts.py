"""Thoughts with priors, and verdicts on traced blocks: both are JSON objects among other text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from codegrove.agents.answers.json_text import find_objects
from codegrove.agents.answers.parts import LONGEST, MOST_PARTS, Parts, Question
from codegrove.errors import UnreadableAnswer
from codegrove.outcome import Proposal, Review

_PRIOR_KEYS = ("reasonableness", "prior", "score", "probability", "confidence")


def read_thoughts(answer: str, question: Question) -> Parts:
    """Return thoughts with priors as the model gave them; None for a prior that is missing or no number.

    Priors are expected in [0, 1]. If one is larger, all are taken as weights and divided by their sum.

    Raises:
        UnreadableAnswer: if there is no thought.
    """
    proposals = []
    for item in find_objects(answer[:LONGEST], MOST_PARTS):
        thought = item.get("thought")
        if isinstance(thought, str) and thought.strip():
            prior = next((item[key] for key in _PRIOR_KEYS if key in item), None)
            proposals.append(Proposal(text=thought.strip(), score=_weight(prior)))
    if not proposals:
        raise UnreadableAnswer('expected JSON objects with the key "thought", found none')
    return Parts(proposals=_as_shares(tuple(proposals[: question.most])))


def _weight(value: object) -> float | None:
    """Return a number that is not negative, or None."""
    if isinstance(value, str):
        percent = value.strip().endswith("%")
        match = re.fullmatch(r"[+-]?[0-9]{0,9}\.?[0-9]{0,20}", value.strip().removesuffix("%").strip())
        if match is None or not any(char.isdigit() for char in match[0]):
            return None
        return max(0.0, float(match[0]) / (100 if percent else 1))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        weight = float(value)
    except OverflowError:
        return None
    return max(0.0, weight) if math.isfinite(weight) and weight < 1e12 else None


def _as_shares(proposals: tuple[Proposal, ...]) -> tuple[Proposal, ...]:
    weights = [proposal.score for proposal in proposals if proposal.score is not None]
    if not weights or max(weights) <= 1:
        return proposals
    total = sum(weights)
    return tuple(p if p.score is None else replace(p, score=p.score / total) for p in proposals)


def read_blocks(answer: str, question: Question) -> Parts:
    """Return the verdicts on traced blocks as readable lines; whatever is no verdict is ignored.

    Raises:
        UnreadableAnswer: if there is no verdict.
    """
    lines = []
    for item in find_objects(answer[:LONGEST], MOST_PARTS):
        line = _verdict(item)
        if line is not None:
            lines.append(line)
    if not lines:
        raise UnreadableAnswer('expected JSON objects with the keys "block" and "correct", found none')
    return Parts(review=Review(text="\n".join(lines)))


def _verdict(item: Mapping[str, object]) -> str | None:
    block, correct = item.get("block"), item.get("correct")
    if isinstance(block, int) and not isinstance(block, bool):
        block = f"BLOCK-{block}"
    if isinstance(correct, str):
        correct = {"true": True, "false": False}.get(correct.strip().lower())
    if not isinstance(block, str) or not isinstance(correct, bool):
        return None
    explanation = item.get("explanation")
    said = " ".join(explanation.split()) if isinstance(explanation, str) else ""
    return f"{block.strip().strip('[]')}: {'correct' if correct else 'wrong'}. {said}".rstrip()
