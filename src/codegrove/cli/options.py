"""Values of options that several commands have."""

from __future__ import annotations

from codegrove.errors import UsageError


def read_ks(text: str) -> list[int]:
    """Return the numbers that ``--k`` names.

    Raises:
        UsageError: unless they are whole numbers from 1 on, with commas between them.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) >= 1 for part in parts):
        raise UsageError(f"--k {text}: expected numbers from 1 on, e.g. 1,10")
    return [int(part) for part in parts]
