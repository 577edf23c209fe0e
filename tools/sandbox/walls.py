"""What stands between a candidate and the machine, by level. One object lives in the interpreter that forks.

``limited``: a profile of macOS, put on before, and limits. ``basic``: nothing but limits. The strict levels are in
`isolated` and `restricted`.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codegrove.tools.sandbox import linux, macos, view
from codegrove.tools.sandbox.files_below import stats_below
from codegrove.tools.sandbox.limiting import limit
from codegrove.tools.sandbox.process_table import ProcessTable

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

UNAVAILABLE = 71
"""Exit code of an interpreter that cannot raise the walls it was told to. The reason is on its stderr."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run may do, as far as the walls keep it."""

    scratch: str
    """Empty where the walls make it."""
    processes: int
    scratch_mb: int
    children: bool
    memory_mb: int | None
    """Of all processes together, where a run may start some or its memory has no other limit."""
    stage: str = ""
    """Kind of run with rules of its own, see `Walls.add_stages`; empty for a program of this interpreter."""
    sampled: bool = False
    """Whether the memory of the run is looked at now and then, also if it cannot start processes."""
    ahead: bool = False
    """Whether the next run is prepared as soon as this one has ended. Where the walls make the scratch folder."""


class Walls:
    """No walls: level ``basic``."""

    level = "basic"
    id_of_runs: int | None = None
    """The id that the first process of every run has in its pid namespace; None if nobody knows before."""

    def __init__(self) -> None:
        self.layers: list[str] = []
        """Mechanisms in use, in words."""
        self.table = ProcessTable.of_this_process()
        self._run = 0
        if linux.available:
            with contextlib.suppress(OSError):
                linux.adopt_orphans()

    def scratch(self, settings: RunSettings) -> str:
        """Return the scratch folder of a run as the run will see it."""
        return settings.scratch

    def fork(self, settings: RunSettings, stdin: int) -> int:
        """Fork. In the child nothing is restricted yet, see `lock`.

        Args:
            stdin: descriptor that will be the standard input of the child.

        Raises:
            OSError: if that fails. No process of the run is left then.
        """
        self._run = linux.fork() if linux.available else os.fork()
        return self._run

    def lock(self, settings: RunSettings, parent: int) -> None:
        """Restrict this process, a forked child, for good, and go to its scratch folder.

        Raises:
            OSError: if that fails. The process must end then.
        """
        if linux.available:
            with contextlib.suppress(OSError):
                linux.die_with_parent()
        if os.getppid() != parent:
            os._exit(70)
        os.chdir(settings.scratch)

    def is_helper(self, pid: int) -> bool:
        """Whether a child of this process is no part of the run."""
        return False

    def kill(self, pid: int) -> None:
        """Kill the processes of a run, as many as can be reached at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)

    def to_kill(self) -> list[int]:
        """Return ids, in this pid namespace, of what is left when `kill` has done its work."""
        return self.table.children()

    def tasks(self) -> int:
        """Count processes and threads of the run that is going on; 0 when nobody knows."""
        return self.table.tasks_below()

    def add_stages(self, stages: Sequence[Mapping[str, Any]]) -> None:
        """Take the rules for kinds of runs, see `codegrove.tools.sandbox.containment.Stage`."""

    def overfull(self, settings: RunSettings) -> bool:
        """Whether the scratch folder holds too much, where the kernel does not prevent that."""
        return False

    def too_large(self, settings: RunSettings) -> bool:
        """Whether the processes of a run that may start some hold too much memory together; on macOS, which keeps
        no such limit, whether its first process does."""
        if sys.platform == "darwin" and settings.memory_mb is not None:
            return macos.footprint(self._run) > settings.memory_mb << 20
        if settings.memory_mb is None or not (settings.children or settings.sampled):
            return False
        held = self.table.private_bytes_below()
        if settings.sampled and not settings.children:  # nobody else has what it shares
            held += self.table.shared_bytes_below()
        return held > settings.memory_mb << 20


class Limited(Walls):
    """The profile that the interpreter was started in, no new processes, and a scratch folder that is watched."""

    level = "limited"

    def __init__(self) -> None:
        super().__init__()
        self.layers.append("sandbox profile")

    def lock(self, settings: RunSettings, parent: int) -> None:
        """Restrict this process."""
        if not settings.children:
            limit(resource.RLIMIT_NPROC, 1)  # counts processes of the user, so that one more is too many
        super().lock(settings, parent)

    def overfull(self, settings: RunSettings) -> bool:
        """Whether the files of the run take too much room; those it has deleted and holds open are not seen."""
        try:  # with what lies beside its folder, where it may write as well
            files = stats_below(os.path.dirname(settings.scratch), view.MOST_FILES)
        except OSError:
            return True
        size = sum(item.st_blocks * 512 for item in files if stat.S_ISREG(item.st_mode))
        return len(files) > view.MOST_FILES or size > settings.scratch_mb << 20
