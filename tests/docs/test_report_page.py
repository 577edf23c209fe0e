"""The page on reports: its pictures are there, and its limits are the code's."""

from __future__ import annotations

import re
from pathlib import Path

from codegrove.report.pack import MOST_CHARACTERS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "report.md").read_text(encoding="utf-8")


def test_the_pictures_are_there_and_small() -> None:
    names = re.findall(r"\]\((images/.*?)\)", PAGE)
    assert len(names) == 2
    for name in names:
        assert 10_000 < (DOCS / name).stat().st_size < 200_000


def test_the_longest_text_is_as_the_page_says() -> None:
    assert f"a text above {MOST_CHARACTERS:,} characters" in PAGE
