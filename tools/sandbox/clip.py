"""Cutting of long text: beginning and end stay, the middle is counted."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def clip(text: str, limit: int) -> str:
    """Return text of at most `limit` characters (50 or more); a marker says how many were cut."""
    if len(text) <= limit:
        return text
    marker = f" ...[{len(text)} characters, middle cut]... "
    keep = limit - len(marker)
    tail = keep // 2
    return text[: keep - tail] + marker + text[len(text) - tail :]


def without_addresses(text: str) -> str:
    """Replace addresses of objects, which differ from run to run and would make equal runs look different."""
    return _ADDRESS.sub("at 0x...", text)
