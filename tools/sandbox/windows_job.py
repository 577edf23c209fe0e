"""Job objects of Windows: processes that have limits together and end together.

Facts are from Microsoft's reference of `winnt.h` and `jobapi2.h`. The module can be imported anywhere; structures
have the same layout everywhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import subprocess
import threading
from typing import Any

from codegrove.tools.sandbox.job import Usage

_ACCOUNTING, _EXTENDED_LIMITS = 1, 9
"""Kinds of information about a job."""
_JOB_TIME, _ACTIVE_PROCESS, _PROCESS_MEMORY, _JOB_MEMORY = 0x4, 0x8, 0x100, 0x200
_DIE_ON_UNHANDLED_EXCEPTION, _KILL_ON_JOB_CLOSE = 0x400, 0x2000
_SET_QUOTA, _TERMINATE = 0x100, 0x1
_CREATE_NO_WINDOW = 0x08000000
_NOT_ENOUGH_QUOTA = 1816
"""Exit code of processes that are ended because the time of their job is used up."""
_KILLED = 0xC0DE
"""Exit code of processes that are ended from here. Any would do."""
_TICKS = 10_000_000
"""Of 100 nanoseconds, in a second."""


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = [
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", ctypes.c_uint32),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", ctypes.c_uint32),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", ctypes.c_uint32),
        ("SchedulingClass", ctypes.c_uint32),
    ]


class IoCounters(ctypes.Structure):
    """IO_COUNTERS."""

    _fields_ = [
        ("ReadOperationCount", ctypes.c_uint64),
        ("WriteOperationCount", ctypes.c_uint64),
        ("OtherOperationCount", ctypes.c_uint64),
        ("ReadTransferCount", ctypes.c_uint64),
        ("WriteTransferCount", ctypes.c_uint64),
        ("OtherTransferCount", ctypes.c_uint64),
    ]


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = [
        ("BasicLimitInformation", BasicLimits),
        ("IoInfo", IoCounters),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    ]


class Accounting(ctypes.Structure):
    """JOBOBJECT_BASIC_ACCOUNTING_INFORMATION."""

    _fields_ = [
        ("TotalUserTime", ctypes.c_int64),
        ("TotalKernelTime", ctypes.c_int64),
        ("ThisPeriodTotalUserTime", ctypes.c_int64),
        ("ThisPeriodTotalKernelTime", ctypes.c_int64),
        ("TotalPageFaultCount", ctypes.c_uint32),
        ("TotalProcesses", ctypes.c_uint32),
        ("ActiveProcesses", ctypes.c_uint32),
        ("TotalTerminatedProcesses", ctypes.c_uint32),
    ]


_HANDLE, _BOOL, _DWORD, _POINTER = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "CreateJobObjectW": (_HANDLE, [_POINTER, ctypes.c_wchar_p]),
    "SetInformationJobObject": (_BOOL, [_HANDLE, ctypes.c_int, _POINTER, _DWORD]),
    "QueryInformationJobObject": (_BOOL, [_HANDLE, ctypes.c_int, _POINTER, _DWORD, _POINTER]),
    "AssignProcessToJobObject": (_BOOL, [_HANDLE, _HANDLE]),
    "TerminateJobObject": (_BOOL, [_HANDLE, _DWORD]),
    "OpenProcess": (_HANDLE, [_DWORD, _BOOL, _DWORD]),
    "CloseHandle": (_BOOL, [_HANDLE]),
}
"""Result and arguments of what is called of kernel32."""


def kernel() -> Any:
    """Return kernel32 with the types of its functions.

    Raises:
        OSError: on another system than Windows.
    """
    kind = getattr(ctypes, "WinDLL", None)
    if kind is None:
        raise OSError("job objects exist on Windows only")
    library = kind("kernel32", use_last_error=True)
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class WindowsJob:
    """A job object. Its processes are killed when it is closed, also by the end of this process.

    Args:
        library: kernel32.

    Raises:
        OSError: if none can be made.
    """

    layers = ["job object"]
    arguments: dict[str, Any] = {"creationflags": _CREATE_NO_WINDOW}
    # Without a window there is no console that would pass Ctrl-C on to programs.

    def __init__(self, library: Any = None) -> None:
        self._kernel = library or kernel()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._job: int | None = self._kernel.CreateJobObjectW(None, None)
        if not self._job:
            raise self._error("CreateJobObject")
        try:
            self._set(
                ExtendedLimits(BasicLimits(LimitFlags=_KILL_ON_JOB_CLOSE | _DIE_ON_UNHANDLED_EXCEPTION))
            )
        except OSError:
            self._kernel.CloseHandle(self._job)
            raise

    def take(self, process: subprocess.Popen[bytes]) -> None:
        """See `Job`. The process must not have started others yet."""
        handle = self._kernel.OpenProcess(_SET_QUOTA | _TERMINATE, False, process.pid)
        if not handle:
            raise self._error("OpenProcess")
        try:
            if not self._kernel.AssignProcessToJobObject(self._job, handle):
                raise self._error("AssignProcessToJobObject")
        finally:
            self._kernel.CloseHandle(handle)
        self._process = process

    def limit(self, *, memory_mb: int | None, processes: int, cpu_seconds: float) -> None:
        """See `Job`. Memory is what is promised to a process, and to all of them together."""
        flags = _KILL_ON_JOB_CLOSE | _DIE_ON_UNHANDLED_EXCEPTION | _ACTIVE_PROCESS | _JOB_TIME
        limits = ExtendedLimits(
            BasicLimits(
                PerJobUserTimeLimit=int(cpu_seconds * _TICKS), ActiveProcessLimit=processes, LimitFlags=flags
            )
        )
        if memory_mb is not None:
            limits.BasicLimitInformation.LimitFlags |= _PROCESS_MEMORY | _JOB_MEMORY
            limits.ProcessMemoryLimit = limits.JobMemoryLimit = memory_mb << 20
        self._set(limits)

    def wait(self) -> int:
        """See `Job`."""
        assert self._process is not None
        code = self._process.wait()
        self.kill()
        return code

    def kill(self) -> None:
        """See `Job`."""
        with self._lock:
            if self._job:
                self._kernel.TerminateJobObject(self._job, _KILLED)

    def close(self) -> Usage:
        """See `Job`."""
        with self._lock:
            job, self._job = self._job, None
        try:
            times, limits = Accounting(), ExtendedLimits()
            with contextlib.suppress(OSError):  # then nobody knows
                self._query(job, _ACCOUNTING, times)
                self._query(job, _EXTENDED_LIMITS, limits)
        finally:
            self._kernel.CloseHandle(job)
        return Usage(
            cpu_seconds=(times.TotalUserTime + times.TotalKernelTime) / _TICKS,
            memory_bytes=limits.PeakProcessMemoryUsed,
            cpu_used_up=self._process is not None and self._process.returncode == _NOT_ENOUGH_QUOTA,
        )

    def _set(self, limits: ExtendedLimits) -> None:
        done = self._kernel.SetInformationJobObject(
            self._job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
        )
        if not done:
            raise self._error("SetInformationJobObject")

    def _query(self, job: int | None, kind: int, into: ctypes.Structure) -> None:
        if not self._kernel.QueryInformationJobObject(
            job, kind, ctypes.byref(into), ctypes.sizeof(into), None
        ):
            raise self._error("QueryInformationJobObject")

    def _error(self, function: str) -> OSError:
        number = getattr(ctypes, "get_last_error", int)()
        return OSError(number, f"{function} failed with Windows error {number}")
