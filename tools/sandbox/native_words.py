"""Words for how a compiler or a program ended, from what it said and which limit it met."""

from __future__ import annotations

import re
from typing import Any

from codegrove.tools.sandbox.clip import clip

MOST_LINES = 12
"""Lines kept of what a compiler says."""
MOST_COMPILER_MESSAGE = 1500
"""Characters kept of it."""

_MOST_READ = 50_000
_MOST_LINE = 300
_TEMPORARY = re.compile(r"[^\s:'\"(\[]*/(?:cc|tmp)[A-Za-z0-9_]{6,8}(\.\w)")
"""Files that compilers make on the way. Their names are drawn at random, and equal programs get equal verdicts."""


class Numbers:
    """Limits, some of them replaced."""

    def __init__(self, limits: object, replaced: dict[str, int]) -> None:
        self._limits, self._replaced = limits, replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced[name] if name in self._replaced else getattr(self._limits, name)


def first_lines(data: bytes, file: str) -> str:
    """Return the beginning of what a compiler or a program said, with files named without what is different
    in every run."""
    text = data[:_MOST_READ].decode("utf-8", "replace")
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    left_out = f"\n... ({len(lines) - MOST_LINES} more lines)" if len(lines) > MOST_LINES else ""
    # short lines only: the time these patterns take grows with the square of a word's length
    kept = "\n".join(line[:_MOST_LINE] for line in lines[:MOST_LINES])
    kept = _TEMPORARY.sub(r"temporary\1", kept)
    kept = re.sub(rf"[^\s:'\"(\[]*/({re.escape(file)})\b", r"\1", kept)
    return clip(kept, MOST_COMPILER_MESSAGE) + left_out


def line_named(text: str, file: str) -> int | None:
    """Return the first line of a file that a message names."""
    found = re.search(rf"{re.escape(file)}:(?: line )?([0-9]{{1,7}})\b", text)
    return int(found[1]) if found else None
