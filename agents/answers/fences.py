"""Fenced blocks of a Markdown text, by the rules of CommonMark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_PYTHON = frozenset({"python", "py", "python3", "py3", "pycon"})


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block. A block that is never closed reaches to the end of what it stands in."""

    label: str
    """First word after the opening fence, in lower case; empty when there is none."""
    text: str

    @property
    def is_python(self) -> bool:
        """Whether the label says Python."""
        return self.label in _PYTHON


def find_fences(text: str) -> list[Fence]:
    """Return the fenced blocks in order, those inside lists and quotes as well."""
    if "```" not in text and "~~~" not in text:
        return []
    fences = [token for token in _parser().parse(text) if token.type == "fence"]
    return [Fence((token.info.split() or [""])[0].strip("{}.").lower(), token.content) for token in fences]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # 50 ms that a program without agents need not spend

    # Without inline markup and HTML blocks, which could hide a fence, parsing is linear in the text.
    parser = MarkdownIt("zero").enable(["fence", "list", "blockquote"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser
