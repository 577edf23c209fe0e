"""Takes keys out of texts that are recorded or shown: providers and proxies repeat them in their errors."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

HIDDEN = "[key]"
"""Stands where a key was."""

_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)S?$", re.IGNORECASE)
"""Environment variables that hold keys, by the end of their names."""

_SHORTEST = 6
"""Characters below which a variable's value is left alone: words such as "true" would be taken out everywhere."""

_SHAPES = (
    (re.compile(r"\bsk-[\w*.-]{6,}"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"\b((?:x-)?(?:api[-_]?)?key|access[-_]token|token|secret)=[^\s&\"'<>)]{6,}", re.IGNORECASE
        ),
        rf"\1={HIDDEN}",
    ),
    (re.compile(r"(https?://)[^\s/@\"']+@"), rf"\1{HIDDEN}@"),
)
"""What keys look like that stand in no variable, and what to write instead."""


def without_keys(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a text with `HIDDEN` in place of every key that can be told from other words.

    Those are the values of environment variables whose names end in KEY, TOKEN, SECRET or PASSWORD, and whatever
    has the shape of a key: ``sk-...``, ``Bearer ...``, ``?key=...``, ``https://user:password@``.
    """
    values = {value for name, value in environ.items() if len(value) >= _SHORTEST and _NAMES.search(name)}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text
