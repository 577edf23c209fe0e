"""A place in memory where a program counts its lines. The judge reads it when the program's process is dead.

It is the judge's: of fixed size, made for one run. Whatever way the process ends, what it counted is there.
Loaded by `child` without the rest of codegrove: standard library only. What few runs need is imported by those.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

_EACH = struct.calcsize("=Q")


class Counts:
    """Counters of the lines up to the last one, seen from the judge."""

    def __init__(self, last_line: int) -> None:
        self._size = (last_line + 1) * _EACH
        self._descriptor = _make(self._size)

    def begin(self) -> int:
        """Set all counters to zero; return a descriptor for a process that is about to begin."""
        rest = self._size
        while rest > 0:
            rest -= os.pwrite(self._descriptor, bytes(min(rest, 1 << 16)), self._size - rest)
        return os.dup(self._descriptor)

    def read(self, lines: Iterable[int]) -> dict[int, int]:
        """Return the counts of those lines that were executed."""
        data = os.pread(self._descriptor, self._size, 0).ljust(self._size, b"\0")
        found = {line: struct.unpack_from("=Q", data, line * _EACH)[0] for line in lines}
        return {line: count for line, count in found.items() if count}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def _make(size: int) -> int:
    """Return a file without a name that cannot change its size, where the platform can prevent that."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            descriptor = os.memfd_create("counts", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            try:
                os.ftruncate(descriptor, size)
                seals = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
                fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor
    import tempfile

    with tempfile.TemporaryFile() as file:
        os.ftruncate(file.fileno(), size)
        return os.dup(file.fileno())


def attach(descriptor: int, last_line: int) -> Any:
    """Return the counters as something that can be a constant of a program: an array that can be hashed.

    Raises:
        OSError, ValueError: if the memory cannot be had.
    """
    import ctypes
    import mmap

    class Counters(ctypes.Array[ctypes.c_uint64]):
        _type_ = ctypes.c_uint64
        _length_ = last_line + 1
        __hash__ = object.__hash__  # code objects are hashed with their constants

    return Counters.from_buffer(mmap.mmap(descriptor, (last_line + 1) * _EACH))
