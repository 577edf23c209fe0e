"""What a run is bound to from outside, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stopped = Literal["", "wall", "step", "output", "processes", "disk", "memory", "cpu", "records", "lost"]

START_SECONDS = 30.0
"""How long an interpreter may take to start and to make a process ready. Never counted against a candidate."""

GRACE_SECONDS = 3.0
"""After a kill was asked for, how long it may take until everything is dead; then nobody waits any more."""

LONGEST_WAIT = 3600.0
"""Seconds. The system takes no number of any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended, as seen from outside of it."""

    stopped: Stopped
    """Why it was killed: a limit, `records` (the receiver of records had enough) or `lost` (the interpreter
    itself is gone). Empty: it ended by itself, or was interrupted."""
    started: bool
    """Whether a process was forked for it."""
    exit_code: int | None
    """Negative for a signal; None when nobody knows."""
    cpu_seconds: float
    memory_bytes: int
    """Peak resident memory of its largest process."""
    seconds: float
    """From the fork to the end of the last process."""
    stdout: bytes
    stderr: bytes
    untouched: bool = False
    """Whether it was killed, and not from here, before it had reported anything: it may not have had its job."""
    problem: str = ""
    """What the interpreter said when it was lost."""
    held_up: float | None = None
    """For how many seconds at least others had the processor although a thread of the run could have gone on, and
    at most the run waited for the disk; None when nobody knows. What its threads take from each other does not
    count. Where nobody measures it, an upper limit from how often that happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Limits of one run that are kept from outside."""

    wall_seconds: float
    """From the fork to the end."""
    step_seconds: float
    """From the start, or the last record, to the next record."""
    output_bytes: int
    processes: int
    scratch_mb: int = 64
    """What the scratch folder may hold, on the strict levels."""
    children: bool = False
    """Whether the run may start processes and programs, on the strict levels."""
    memory_mb: int | None = None
    """What all processes of such a run may hold together, looked at now and then. Each of them has a limit of its
    own in any case."""
    stage: str = ""
    """Kind of run with rules of its own, see `Containment.stages`; empty for a program of this interpreter."""
    sampled: bool = False
    """Whether `memory_mb` is looked at even if the run starts no processes."""
