"""Sample input and output in the statement of a program that reads standard input: text without them.

Known forms: a fenced block; lines of their own between headings, blank lines or ``<pre>`` tags, as contest sites
print them (``Examples`` / ``Input``, ``Sample Input 1``, ``-----Sample Input-----``, ``### Input:``); and a value
behind its heading (``Input: 1 2``). What is written in other ways, such as a sample inside a sentence, stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_FENCE = re.compile(r"^([`~]{3,})[^\n]*\n(.*?)^\1[ \t]*\n?", re.MULTILINE | re.DOTALL)
_MARK = r"[\s\-=#*_~:.()\[\]<>/|]*"
_NUMBER = r"(?:\s*#?\s*\d{1,3})?"
_PART = rf"(?:(?:sample|example|standard)s?\s*{_NUMBER}\s*[:\-]?\s*)?(?:input|output)s?(?:\s?copy)?{_NUMBER}"
_GROUP = rf"(?:sample|example)s?(?:\s+(?:cases?|tests?|data))?{_NUMBER}|<pre>|copy"
_HEADING = re.compile(rf"{_MARK}(?:{_PART}|{_GROUP}|</pre>){_MARK}", re.IGNORECASE)
"""What stands above a sample. The same words also head the description of the input, which stays."""
_GROUP_HEADING = re.compile(rf"{_MARK}(?:{_GROUP}){_MARK}", re.IGNORECASE)
_WITH_VALUE = re.compile(rf"[\s\-#*_]*{_PART}[\s*_]*[:=][\s*_`]*(?P<value>\S[^\n]*?)[\s`]*", re.IGNORECASE)
_LONGEST_LINE = 120
"""Characters of a line that may be a heading."""


def strip_samples(text: str, samples: Iterable[str]) -> str:
    """Return a statement without its samples, and without the headings above those that are not fenced.

    Args:
        text: the statement.
        samples: inputs and outputs as the tests have them.
    """
    known = {_lines(sample) for sample in samples} - {()}
    text = _FENCE.sub(lambda match: "" if _lines(match[2]) in known else match[0], text)
    lines = text.split("\n")
    gone: set[int] = set()
    for start, end in _places(lines, known):
        gone.update(range(start, end))
    for index, line in enumerate(lines):
        match = _WITH_VALUE.fullmatch(_plain(line)) if len(line) <= _LONGEST_LINE else None
        if match is not None and _lines(match["value"]) in known:
            gone.add(index)
    for index in sorted(gone):
        _drop_headings(lines, index, gone)
    gone |= {
        index for index, line in enumerate(lines) if line.strip().lower() == "</pre>" and index - 1 in gone
    }
    return "\n".join(line for index, line in enumerate(lines) if index not in gone)


def _lines(text: str) -> tuple[str, ...]:
    """Return a text's lines with single spaces, and without blank lines around the text."""
    return tuple(map(_plain, text.strip().split("\n"))) if text.strip() else ()


def _plain(line: str) -> str:
    """Return a line with single spaces only: on long runs of them the patterns would take long."""
    return " ".join(line.split())


def _places(lines: list[str], known: set[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
    """Yield where a sample stands by itself: from its first line up to the one after its last."""
    plain = [_plain(line) for line in lines]
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for sample in sorted(known, key=len, reverse=True):
        by_first.setdefault(sample[0], []).append(sample)
    start = 0
    last_end = 0
    while start < len(plain):
        end = start
        if start == last_end or _is_edge(plain[start - 1]):
            for sample in by_first.get(plain[start], ()):
                after = start + len(sample)
                if tuple(plain[start:after]) == sample and (after >= len(plain) or _is_edge(plain[after])):
                    yield start, after
                    end = last_end = after
                    break
        start = max(end, start + 1)


def _is_edge(line: str) -> bool:
    """Whether a sample can begin or end beside a line."""
    return not line or (len(line) <= _LONGEST_LINE and _HEADING.fullmatch(line) is not None)


def _drop_headings(lines: list[str], index: int, gone: set[int]) -> None:
    """Mark what stands directly above a line that is gone: one heading of its own, and those of the group."""
    own = True
    for above in range(index - 1, -1, -1):
        line = _plain(lines[above])
        if above in gone:
            return
        if not line:
            continue
        if not _is_edge(line):
            return
        if _GROUP_HEADING.fullmatch(line) is None:
            if not own:
                return
            own = False
        gone.add(above)
