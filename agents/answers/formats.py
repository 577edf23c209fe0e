"""The forms an answer can have: how each is asked for, read, and what stands in for an unreadable one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codegrove.agents.answers.code import read_code
from codegrove.agents.answers.lists import read_numbered
from codegrove.agents.answers.parts import LONGEST, Parts, Question
from codegrove.agents.answers.scores import read_last_line_bool, read_last_line_score, read_number
from codegrove.agents.answers.tagged import read_confidence, read_exemplars
from codegrove.agents.answers.thoughts import read_blocks, read_thoughts
from codegrove.agents.answers.written_tests import read_tests
from codegrove.errors import UnreadableAnswer
from codegrove.outcome import Proposal, Review


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFormat:
    """One form of answers."""

    wanted: str
    """The form in words, as the end of a sentence that begins with "Expected is"."""
    read: Callable[[str, Question], Parts]
    """Raises `UnreadableAnswer` where the answer has another form."""
    neutral: Callable[[str, Question], Parts] | None = None
    """What an unreadable answer counts as where a neutral value makes sense; None where there is none."""


def read_answer(name: str, answer: str, question: Question) -> Parts:
    """Read an answer in the form it was asked for. Takes any text; only the first million characters count.

    Raises:
        UnreadableAnswer: if it has another form; says what was expected.
    """
    try:
        return FORMATS[name].read(answer, question)
    except UnreadableAnswer as error:
        if question.truncated and "token limit" not in str(error):
            raise UnreadableAnswer(f"{error} (the answer is cut off at the token limit)") from None
        raise


def _read_text(answer: str, question: Question) -> Parts:
    text = answer[:LONGEST].strip()
    if not text:
        raise UnreadableAnswer("the answer is empty")
    if question.role == "critic":
        return Parts(review=Review(text=text))
    return Parts(proposals=(Proposal(text=text),))


def _no_opinion(answer: str, question: Question) -> Parts:
    return Parts(review=Review(text=answer[:LONGEST].strip()))


def _zero(answer: str, question: Question) -> Parts:
    return Parts(review=Review(text=answer[:LONGEST].strip(), score=0.0))


def _empty_thoughts(answer: str, question: Question) -> Parts:
    """As many thoughts as were asked for, each a line break and equally likely."""
    count = 1 if question.width is None else question.most
    return Parts(proposals=(Proposal(text="\n", score=1 / count),) * count)


def _as_set(answer: str, question: Question) -> Parts:
    accepted = question.if_unreadable == "accept"
    return Parts(review=Review(text=answer[:LONGEST].strip(), accepted=accepted))


FORMATS: Mapping[str, AnswerFormat] = {
    "text": AnswerFormat(wanted="plain text", read=_read_text),
    "code": AnswerFormat(wanted="the whole program in one fenced `python` block", read=read_code),
    "tests": AnswerFormat(
        wanted="one fenced block: for functions a `python` block of `assert` statements, for programs that read "
        'standard input a `json` block with a list of objects {"input": "...", "output": "..."}',
        read=read_tests,
    ),
    "numbered": AnswerFormat(wanted="a numbered list, one item per line", read=read_numbered),
    "thoughts_json": AnswerFormat(
        wanted='a JSON list of objects {"thought": "...", "reasonableness": 0.5}',
        read=read_thoughts,
        neutral=_empty_thoughts,
    ),
    "exemplars": AnswerFormat(
        wanted="<root>, in it for each problem <problem><description>...</description><code>...</code>"
        "<planning>...</planning></problem>, then <algorithm>...</algorithm> and </root>",
        read=read_exemplars,
    ),
    "confidence": AnswerFormat(
        wanted="<root><explanation>...</explanation><confidence>a number from 0 to 100</confidence></root>",
        read=read_confidence,
        neutral=_no_opinion,
    ),
    "last_line_score": AnswerFormat(
        wanted="your analysis, and a last line that holds nothing but a digit from 0 to 5",
        read=read_last_line_score,
        neutral=_no_opinion,
    ),
    "last_line_bool": AnswerFormat(
        wanted="your analysis, and a last line that holds nothing but `true` or `false`",
        read=read_last_line_bool,
        neutral=_as_set,
    ),
    "number": AnswerFormat(wanted="a single number from -1 to 1", read=read_number, neutral=_zero),
    "blocks_json": AnswerFormat(
        wanted='one JSON object per line, {"block": "BLOCK-0", "correct": true, "explanation": "..."}',
        read=read_blocks,
        neutral=_no_opinion,
    ),
}
"""All forms by the name that prompts use for them in ``answer:``."""
