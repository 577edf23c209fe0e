"""Sample inputs and outputs in the statement of a contest problem."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^-----[ \t]*(.+?)[ \t]*-----[ \t]*$", re.MULTILINE)
_KIND = re.compile(
    r"(?:sample|example)s?(?: tests?| cases?)?(?: (?P<side>input|output))?s?[ #]*\d*:?", re.IGNORECASE
)
_GAP = re.compile(r"\n[ \t]*\n")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SENTENCE = 3
"""Words on one line from which on it is read as an explanation."""
_SIDE = re.compile(r"^(input|output)[ \t]*\d*:?[ \t]*$", re.IGNORECASE | re.MULTILINE)


def statement_samples(statement: str) -> list[tuple[str, str]]:
    """Return pairs of input and output that a statement shows, in order.

    Two ways of writing are known, both with headings between dashes: a section of examples with lines ``Input``
    and ``Output`` in it, and sections of their own for either. An explanation that follows the output after a
    blank line, as in statements of AtCoder, is no part of it. Whatever is not clearly a pair is left out.
    """
    parts = _HEADING.split(statement)
    pieces: list[tuple[str, str]] = []
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        kind = _KIND.fullmatch(title)
        if kind is None:
            continue
        if kind["side"]:
            pieces.append((kind["side"].lower(), body))
        else:
            sides = _SIDE.split(body)
            pieces += [(side.lower(), text) for side, text in zip(sides[1::2], sides[2::2], strict=True)]
    pairs: list[tuple[str, str]] = []
    for (side, text), (other_side, other) in zip(pieces, pieces[1:], strict=False):
        output = _without_explanation(other.strip())
        if (side, other_side) == ("input", "output") and text.strip() and output:
            pairs.append((text.strip() + "\n", output + "\n"))
    return pairs


def _without_explanation(text: str) -> str:
    """Return the output at the beginning of a text; nothing if it is not clear where it ends."""
    first, *others = _GAP.split(text)
    explanation = next((number for number, other in enumerate(others) if _is_prose(other)), None)
    if explanation is not None and _is_prose(first):
        return ""
    more = others[:explanation]
    if _is_numeric(first) and not all(map(_is_numeric, more)):
        return ""  # a formula that explains the number, or output of another kind
    return "\n\n".join([first, *more])


def _is_prose(paragraph: str) -> bool:
    lines = paragraph.split("\n")
    return not _is_numeric(paragraph) and any(len(_WORD.findall(line)) >= _SENTENCE for line in lines)


def _is_numeric(paragraph: str) -> bool:
    try:
        for word in paragraph.split():
            float(word)
    except ValueError:
        return False
    return True
