"""Why a process ended before it had answered: what its end says about the program."""

from __future__ import annotations

import signal
from typing import NamedTuple

from codegrove.tools.sandbox.port import Limits
from codegrove.tools.sandbox.rules import RunEnd
from codegrove.verdict import ErrorInfo, Status


class Explanation(NamedTuple):
    """What an end without an answer means for the tests that have none."""

    status: Status
    error: ErrorInfo
    limit: str = ""
    """The limit that was hit, as in `Verdict.limit`."""


LIMITS = {
    "output": ("OutputLimit", "more than {0.output_bytes} bytes of output"),
    "processes": ("ProcessLimit", "more than {0.processes} processes and threads"),
    "memory": ("MemoryError", "more than {0.memory_mb} MiB of memory"),
    "disk": ("DiskLimit", "more than {0.scratch_mb} MiB of files"),
}
"""Type and message of an error, by the limit that stopped a run."""
_CPU = Explanation(Status.TIMED_OUT, ErrorInfo(type="CpuLimit", message="too much processor time"), "cpu")
_SIGKILL, SIGXCPU = 9, 24
"""By number: not every system that imports this knows the names, and all that have them call them that."""


def explain(end: RunEnd, limits: Limits, *, closed: bool = False) -> Explanation:
    """Say why a process ended before it had answered.

    Args:
        limits: what it was bound to.
        closed: it was ended by us after it had closed its connection.
    """
    match end.stopped:
        case "wall":
            why = f"the run took {limits.wall_seconds:g} seconds"
            return Explanation(Status.TIMED_OUT, ErrorInfo(type="TimeLimit", message=why), "wall")
        case "step":
            why = f"no result within {limits.test_seconds:g} seconds, and it could not be interrupted"
            return Explanation(Status.TIMED_OUT, ErrorInfo(type="TimeLimit", message=why))
        case "output" | "processes" | "memory" | "disk":
            kind, words = LIMITS[end.stopped]
            return _crashed(kind, words.format(limits), end.stopped)
        case "cpu":
            return _CPU
        case "records":
            return false_report("the process reported something that is no result of this test")
        case "lost":
            return _crashed("EarlyExit", f"it ended the interpreter that watched it ({end.problem})")
    if end.exit_code is not None and end.exit_code < 0:
        number = -end.exit_code
        if closed and number == _SIGKILL:
            return _crashed("EarlyExit", "the process stopped answering before it gave a result")
        if number == SIGXCPU:
            return _CPU
        return _crashed("Killed", f"the process was killed by {signal_name(number)}")
    return _crashed("EarlyExit", f"the process ended (exit code {end.exit_code}) before it gave a result")


def false_report(why: str) -> Explanation:
    """Explain a process that answered what nobody can have asked for."""
    return _crashed("FalseReport", why)


def _crashed(kind: str, why: str, limit: str = "") -> Explanation:
    return Explanation(Status.CRASHED, ErrorInfo(type=kind, message=why), limit)


def signal_name(number: int) -> str:
    """Return the name of a signal, or its number in words."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
