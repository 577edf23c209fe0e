"""Defects of the bundled problems that change nothing: programs with one of them pass all hidden tests.

`benchmarks/sim_defects.py` found them by running every single defect, and wrote the file. Drafts that are meant to
be wrong leave them out. Nothing is known of other problems; there a defect may turn out to be none.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TypedDict

from codegrove.problem import Problem

FILE = "harmless.json"


def harmless(problem: Problem, count: int) -> frozenset[int]:
    """Return which of a problem's defects, by their place in the list of all, are known to change nothing.

    Args:
        problem: told apart by its reference, not by its name.
        count: how many defects there are. With another number the list is not the one that was run.
    """
    entry = entries().get(fingerprint(problem))
    return frozenset(entry["harmless"]) if entry is not None and entry["defects"] == count else frozenset()


def fingerprint(problem: Problem) -> str:
    """Return a short name for a problem's reference."""
    return hashlib.sha256(problem.reference.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Entry(TypedDict):
    """What was found for one problem."""

    problem: str
    reference: str
    """Fingerprint of its reference."""
    defects: int
    """How many were run."""
    harmless: list[int]
    """Those that pass all hidden tests, by their place among all."""


@cache
def entries() -> dict[str, Entry]:
    """Return what was found, by the fingerprint of the reference."""
    loaded: list[Entry] = json.loads((files("codegrove.models.sim") / FILE).read_text(encoding="utf-8"))
    return {entry["reference"]: entry for entry in loaded}
