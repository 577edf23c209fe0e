from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codegrove.tools.sandbox import Limits, ProcessSandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[ProcessSandbox]:
    """One sandbox for all tests: a run that damages it must show in the tests after it."""
    shared = ProcessSandbox(Limits(wall_seconds=20.0, test_seconds=5.0), workers=2)
    yield shared
    asyncio.run(shared.aclose())


@pytest.fixture(scope="session")
def is_alive() -> Callable[[int], bool]:
    """Whether a process still runs; one that is dead and waits to be collected by init does not."""

    def check(pid: int) -> bool:
        try:
            os.kill(pid, 0)
            if sys.platform != "linux":
                return True
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state not in "ZX"

    return check
