"""Job objects of Windows: structures as Microsoft documents them, and what is asked of the system when."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from codegrove.tools.sandbox import windows_job
from codegrove.tools.sandbox.windows_job import (
    Accounting,
    BasicLimits,
    ExtendedLimits,
    IoCounters,
    WindowsJob,
)

WIDE = ctypes.sizeof(ctypes.c_void_p) == 8

# From winnt.h: LARGE_INTEGER 8 bytes, DWORD 4, SIZE_T and ULONG_PTR as a pointer, each aligned to its size.
LAYOUT: list[tuple[type[ctypes.Structure], int, dict[str, int]]] = [
    (
        BasicLimits,
        64,
        {
            "PerProcessUserTimeLimit": 0,
            "PerJobUserTimeLimit": 8,
            "LimitFlags": 16,
            "MinimumWorkingSetSize": 24,
            "MaximumWorkingSetSize": 32,
            "ActiveProcessLimit": 40,
            "Affinity": 48,
            "PriorityClass": 56,
            "SchedulingClass": 60,
        },
    ),
    (IoCounters, 48, {"ReadOperationCount": 0, "WriteTransferCount": 32, "OtherTransferCount": 40}),
    (
        ExtendedLimits,
        144,
        {
            "BasicLimitInformation": 0,
            "IoInfo": 64,
            "ProcessMemoryLimit": 112,
            "JobMemoryLimit": 120,
            "PeakProcessMemoryUsed": 128,
            "PeakJobMemoryUsed": 136,
        },
    ),
    (
        Accounting,
        48,
        {
            "TotalUserTime": 0,
            "TotalKernelTime": 8,
            "ThisPeriodTotalUserTime": 16,
            "ThisPeriodTotalKernelTime": 24,
            "TotalPageFaultCount": 32,
            "TotalProcesses": 36,
            "ActiveProcesses": 40,
            "TotalTerminatedProcesses": 44,
        },
    ),
]


@pytest.mark.skipif(not WIDE, reason="the numbers are those of 64 bits")
@pytest.mark.parametrize(("structure", "size", "offsets"), LAYOUT)
def test_structures_are_laid_out_as_documented(
    structure: type[ctypes.Structure], size: int, offsets: dict[str, int]
) -> None:
    assert ctypes.sizeof(structure) == size
    assert {name: getattr(structure, name).offset for name in offsets} == offsets


class Kernel:
    """Writes down what is asked of kernel32."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.calls: list[tuple[Any, ...]] = []
        self.limits: list[ExtendedLimits] = []

    def __getattr__(self, name: str) -> Any:
        assert name in windows_job._FUNCTIONS, name
        _, arguments = windows_job._FUNCTIONS[name]

        def call(*given: Any) -> int:
            assert len(given) == len(arguments)
            self.calls.append((name, *given))
            if name == "SetInformationJobObject":
                assert given[1:2] + given[3:] == (9, 144)
                self.limits.append(ExtendedLimits.from_buffer_copy(given[2]._obj))
            if name == "QueryInformationJobObject" and given[1] == 1:
                given[2]._obj.TotalUserTime, given[2]._obj.TotalKernelTime = 15_000_000, 5_000_000
            if name == "QueryInformationJobObject" and given[1] == 9:
                given[2]._obj.PeakProcessMemoryUsed = 77
            return 0 if name == self.refuses else 1000 + len(self.calls)

        return call

    def names(self) -> list[str]:
        """Return the functions in the order of the calls."""
        return [call[0] for call in self.calls]


def process(code: int = 0) -> Any:
    return SimpleNamespace(pid=321, wait=lambda: code, returncode=code)


def test_a_process_is_held_limited_and_ended() -> None:
    kernel = Kernel()
    job = WindowsJob(kernel)
    job.take(process())
    job.limit(memory_mb=256, processes=1, cpu_seconds=7)
    assert job.wait() == 0
    usage = job.close()
    job.kill()  # too late, and so not at all
    assert kernel.names() == [
        "CreateJobObjectW",
        "SetInformationJobObject",
        "OpenProcess",
        "AssignProcessToJobObject",
        "CloseHandle",
        "SetInformationJobObject",
        "TerminateJobObject",
        "QueryInformationJobObject",
        "QueryInformationJobObject",
        "CloseHandle",
    ]
    first, second = kernel.limits
    assert first.BasicLimitInformation.LimitFlags == 0x2000 | 0x400
    basic = second.BasicLimitInformation
    assert basic.LimitFlags == 0x2000 | 0x400 | 0x200 | 0x100 | 0x8 | 0x4
    assert (basic.ActiveProcessLimit, basic.PerJobUserTimeLimit) == (1, 70_000_000)
    assert second.ProcessMemoryLimit == second.JobMemoryLimit == 256 << 20
    assert (usage.cpu_seconds, usage.memory_bytes, usage.held_up) == (2.0, 77, None)
    assert not usage.cpu_used_up


def test_the_exit_code_tells_that_the_time_of_a_job_is_used_up() -> None:
    job = WindowsJob(Kernel())
    job.take(process(1816))
    assert job.wait() == 1816
    assert job.close().cpu_used_up


@pytest.mark.parametrize(
    "refuses", ["CreateJobObjectW", "SetInformationJobObject", "OpenProcess", "AssignProcessToJobObject"]
)
def test_what_the_system_refuses_is_an_error_that_leaves_nothing_open(refuses: str) -> None:
    kernel = Kernel(refuses)
    with pytest.raises(OSError, match=refuses.removesuffix("W")):
        WindowsJob(kernel).take(process())
    opened = {"CreateJobObjectW": 0, "SetInformationJobObject": 1, "AssignProcessToJobObject": 1}
    assert kernel.names().count("CloseHandle") == opened.get(refuses, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="there it works")
def test_elsewhere_there_are_no_job_objects() -> None:
    with pytest.raises(OSError, match="on Windows only"):
        WindowsJob()


@pytest.mark.skipif(sys.platform != "win32", reason="needs Windows")
def test_a_closed_job_ends_its_processes() -> None:
    job = WindowsJob()
    sleeping = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], **job.arguments)
    job.take(sleeping)
    assert sleeping.poll() is None
    job.close()
    sleeping.wait(10)
