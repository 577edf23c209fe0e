"""Processes below this one, as the table of Linux shows them. Elsewhere the table is empty.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

LONGEST_HOLD_UP_SECONDS = 0.1
"""What one change to another process, or one wait for the disk, can be made responsible for: a period of the group
scheduler, or a queue of some thirty processes. For where nobody measures how long it took."""


class ProcessTable:
    """The table behind a descriptor of ``/proc``. It need not be mounted any more; its ids are those of the pid
    namespace it was mounted in.
    """

    def __init__(self, folder: int | None) -> None:
        self.folder = folder
        """The descriptor; None where there is no table."""

    @classmethod
    def of_this_process(cls) -> ProcessTable:
        """Open the table that is mounted, if there is one."""
        with contextlib.suppress(OSError, AttributeError):
            return cls(os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        return cls(None)

    def children(self) -> list[int]:
        """Return the ids of the direct children of this process."""
        return self._children(self._own_id())

    def descendants(self) -> Iterator[int]:
        """Return the ids of all processes that descend from this one, parents first."""
        waiting = self.children()
        while waiting:
            pid = waiting.pop()
            yield pid
            waiting += self._children(pid)

    def tasks_below(self) -> int:
        """Count the processes and threads that descend from this process."""
        return sum(len(self._list(f"{pid}/task")) for pid in self.descendants())

    def private_bytes_below(self) -> int:
        """Sum up the memory of all descendants, without files and what they share on purpose. Pages that a fork
        left in common count for each."""
        pages = 0
        for pid in self.descendants():
            with contextlib.suppress(OSError, ValueError):
                fields = self._read(f"{pid}/statm").split()
                pages += int(fields[1]) - int(fields[2])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def shared_bytes_below(self) -> int:
        """Sum up the memory without files that descendants hold as shared; what several have counts for each."""
        found = 0
        for pid in self.descendants():
            with contextlib.suppress(OSError, ValueError, IndexError):
                found += int(self._read(f"{pid}/status").split(b"\nRssShmem:")[1].split()[0])
        return found << 10

    def longest_wanted_below(self) -> float:
        """Return for how long the thread below this process that wanted the processor most either had it or stood
        in the queue for it, in seconds; 0 where nobody knows. Also of a process that has ended and was not waited
        for."""
        longest = 0
        for pid in self.descendants():
            for thread in self._list(f"{pid}/task"):
                with contextlib.suppress(OSError, ValueError):
                    ran, queued, _ = self._read(f"{pid}/task/{thread}/schedstat").split()
                    longest = max(longest, int(ran) + int(queued))
        return longest / 1e9

    def deleted_files(self, pids: Iterable[int]) -> Iterator[os.stat_result]:
        """Return what is known of files without a name that processes hold open, as far as that may be seen."""
        for pid in pids:
            for name in self._list(f"{pid}/fd"):
                with contextlib.suppress(OSError):
                    found = os.stat(f"{pid}/fd/{name}", dir_fd=self.folder)
                    if found.st_nlink == 0:
                        yield found

    def _own_id(self) -> int:
        if self.folder is None:
            return 0
        with contextlib.suppress(OSError, ValueError):
            return int(os.readlink("self", dir_fd=self.folder))
        return 0

    def _children(self, pid: int) -> list[int]:
        found: list[int] = []
        for thread in self._list(f"{pid}/task"):
            with contextlib.suppress(OSError):
                found += map(int, self._read(f"{pid}/task/{thread}/children").split())
        return found

    def _list(self, path: str) -> list[str]:
        if self.folder is None:
            return []
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.folder)
            try:
                return os.listdir(descriptor)
            finally:
                os.close(descriptor)
        return []

    def _read(self, path: str) -> bytes:
        descriptor = os.open(path, os.O_RDONLY, dir_fd=self.folder)
        try:
            return os.read(descriptor, 1 << 16)
        finally:
            os.close(descriptor)
