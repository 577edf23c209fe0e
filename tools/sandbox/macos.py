"""What macOS tells about a process. Written from its headers, and not run there.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import struct
import sys

_RUSAGE_INFO_V0 = 0
_LAYOUT = struct.Struct("=16s10Q")
"""``rusage_info_v0`` of ``<sys/resource.h>``: an id, then times, wake-ups, page-ins, wired and resident size,
physical footprint, and two times more."""
_FOOTPRINT = 8


def footprint_of(record: bytes) -> int:
    """Return the memory that a record charges its process with, in bytes."""
    return int(_LAYOUT.unpack(record[: _LAYOUT.size])[_FOOTPRINT])


def footprint(pid: int) -> int:
    """Return the memory a process is charged with, in bytes; 0 where nobody can tell."""
    if sys.platform != "darwin":
        return 0
    import ctypes

    record = ctypes.create_string_buffer(_LAYOUT.size)
    try:
        failed = ctypes.CDLL(None).proc_pid_rusage(ctypes.c_int(pid), _RUSAGE_INFO_V0, record)
    except (AttributeError, OSError):
        return 0
    return 0 if failed else footprint_of(record.raw)
