"""Programs in other languages than Python in answers. A compiler says whether they are any."""

from __future__ import annotations

from codegrove.agents.answers.fences import Fence, find_fences
from codegrove.agents.answers.parts import LONGEST, Parts, Question
from codegrove.errors import UnreadableAnswer
from codegrove.languages import wording


def read_other_code(answer: str, question: Question) -> Parts:
    """Return the program in an answer: of several fenced blocks the last one labelled with the language, else the
    last one without a label.

    Raises:
        UnreadableAnswer: if there is no such block, or the answer was cut off inside the last one.
    """
    words = wording(question.task.language)
    fences = [fence for fence in find_fences(answer[:LONGEST]) if fence.text.strip()]
    labelled = [fence for fence in fences if fence.label in words.fences]
    chosen = labelled or [fence for fence in fences if not fence.label]
    if not chosen:
        raise UnreadableAnswer(_what_is_missing(answer, fences, words.title, words.fences[0]))
    if question.truncated and chosen[-1] is fences[-1]:
        raise UnreadableAnswer("the program is cut off at the token limit")
    return Parts(program=chosen[-1].text.strip("\n") + "\n")


def _what_is_missing(answer: str, fences: list[Fence], title: str, label: str) -> str:
    if not answer.strip():
        return "the answer is empty"
    wanted = f"no fenced block labelled {label!r} holds a {title} program"
    if fences:
        labels = ", ".join(sorted({repr(fence.label) for fence in fences}))
        return f"{wanted}; found only blocks labelled {labels}"
    return f"{wanted}; there is no fenced block"
