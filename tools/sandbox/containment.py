"""Which walls an interpreter is told to raise around its runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["isolated", "restricted", "limited", "basic"]

LEVELS: tuple[Level, ...] = ("isolated", "restricted", "limited", "basic")
"""Levels of this machine's own processes, strongest first."""


GUARANTEES: dict[Level, tuple[str, ...]] = {
    "basic": ("G2", "G5", "G12", "G13"),
    "limited": ("G2", "G4", "G5", "G6", "G7", "G12", "G13"),
    "restricted": ("G2", "G4", "G5", "G6", "G7", "G8", "G9", "G11", "G12", "G13"),
    "isolated": ("G2", "G4", "G5", "G6", "G7", "G8", "G9", "G10", "G11", "G12", "G13"),
}
"""What holds for every run of a level, whatever the tests. G1 and G3 depend on the kind of test."""


def _own_folder() -> str:
    """Return the folder of this package: it may lie among the third-party packages that candidates can read, and
    holds problems with their hidden tests."""
    return str(Path(__file__).parents[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What one kind of run may read and execute, where a run is a program of another language or its compiler."""

    name: str
    execute: tuple[str, ...] = ()
    """Files. Nothing else can be executed."""
    read: tuple[str, ...] = ()
    """Files and folders."""
    own_programs: bool = False
    """Whether files in the scratch folder can be executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """What `child_supervise` needs to know before the first run."""

    level: Level = "basic"
    readable: tuple[str, ...] = ()
    """Folders candidates may read, besides the interpreter and the system's libraries."""
    hidden: tuple[str, ...] = ()
    """Folders below those that they may not read all the same."""
    stages: tuple[Stage, ...] = ()
    """Kinds of runs with rules of their own."""


def containment(level: Level, readable: tuple[str, ...], stages: tuple[Stage, ...] = ()) -> Containment:
    """Return the containment of a level that shows some folders, but never this package."""
    own = Path(_own_folder())
    hidden = tuple({str(own), str(own.resolve())})
    return Containment(level=level, readable=readable, hidden=hidden, stages=stages)
