"""Sample inputs and outputs in the statement of a contest problem."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^-----[ \t]*(.+?)[ \t]*-----[ \t]*$", re.MULTILINE)
_KIND = re.compile(
    r"(?:sample|example)s?(?: tests?| cases?)?(?: (?P<side>input|output))?s?[ #]*\d*:?", re.IGNORECASE
)
_SIDE = re.compile(r"^(input|output)[ \t]*\d*:?[ \t]*$", re.IGNORECASE | re.MULTILINE)


def samples(statement: str) -> list[tuple[str, str]]:
    """Return pairs of input and output that a statement shows, in order.

    Two ways of writing are known, both with headings between dashes: a section of examples with lines ``Input``
    and ``Output`` in it, and sections of their own for either. Whatever is not clearly a pair is left out.
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
        if (side, other_side) == ("input", "output") and text.strip() and other.strip():
            pairs.append((text.strip() + "\n", other.strip() + "\n"))
    return pairs
