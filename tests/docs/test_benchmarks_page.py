"""The page on benchmarks names every format."""

from __future__ import annotations

import re
from pathlib import Path

from codegrove.problems.formats import FORMATS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_every_format_is_on_the_page() -> None:
    named = set(re.findall(r"`([\w+-]+)`", PAGE))
    assert {format.key for format in FORMATS} <= named
