"""What holds the processes of one run together where it is not forked: limits for all of them, and one end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any, Protocol

from codegrove.tools.sandbox.process_table import LONGEST_HOLD_UP_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the processes of a job have taken."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    """Peak of the largest process."""
    held_up: float | None = None
    """See `RunEnd.held_up`."""
    cpu_used_up: bool = False
    """Whether they were killed because they used more processor time than granted."""


class Job(Protocol):
    """Processes with a common fate."""

    @property
    def layers(self) -> list[str]:
        """Mechanisms in use, in words."""
        ...

    @property
    def arguments(self) -> dict[str, Any]:
        """What `subprocess.Popen` needs to know."""
        ...

    def take(self, process: subprocess.Popen[bytes]) -> None:
        """Take a process that was started with these arguments, and all that it will start.

        Raises:
            OSError: if the system refuses.
        """
        ...

    def limit(self, *, memory_mb: int | None, processes: int, cpu_seconds: float) -> None:
        """Set limits, as far as the system knows such for a job.

        Raises:
            OSError: if it refuses.
        """
        ...

    def wait(self) -> int:
        """Wait for the end of the first process; return its exit code, negative for a signal."""
        ...

    def kill(self) -> None:
        """Kill all of them. Callable from any thread, also when they have ended."""
        ...

    def close(self) -> Usage:
        """Let go of the job, with nothing left in it. Called once, after `wait`."""
        ...


class ProcessGroup:
    """The processes of a POSIX session. The child limits its memory and processor time itself; a process that
    leaves the session is not found."""

    layers: list[str] = []
    arguments: dict[str, Any] = {"start_new_session": True}

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._usage = Usage()

    def take(self, process: subprocess.Popen[bytes]) -> None:
        """See `Job`."""
        self._process = process

    def limit(self, *, memory_mb: int | None, processes: int, cpu_seconds: float) -> None:
        """See `Job`."""

    def wait(self) -> int:
        """See `Job`."""
        process = self._process
        assert process is not None
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its number stays its own
        self.kill()
        _, status, taken = os.wait4(process.pid, 0)
        with self._lock:
            process.returncode = os.waitstatus_to_exitcode(status)
        self._usage = Usage(
            cpu_seconds=taken.ru_utime + taken.ru_stime,
            memory_bytes=taken.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            held_up=LONGEST_HOLD_UP_SECONDS * (taken.ru_nivcsw + taken.ru_majflt + taken.ru_inblock),
        )
        return process.returncode

    def kill(self) -> None:
        """See `Job`."""
        with self._lock:
            if self._process is not None and self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> Usage:
        """See `Job`."""
        return self._usage
