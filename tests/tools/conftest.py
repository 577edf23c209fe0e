from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.containment import LEVELS, Level
from codegrove.tools.sandbox.examination import examine


def available_levels() -> list[Level]:
    """Levels of this machine, strongest first."""
    return [level for level in LEVELS if examine(level, sys.executable).available]


def levels_under_test() -> list[Level]:
    """The strongest level and the weakest; all of them where the environment asks for it."""
    found = available_levels()
    if os.environ.get("CODEGROVE_TEST_LEVELS") == "all":
        return found
    return [level for level in found if level in (found[0], found[-1])]


@pytest.fixture(scope="session", params=levels_under_test())
def sandbox(request: pytest.FixtureRequest) -> Iterator[ProcessSandbox]:
    """One sandbox for all tests of a level: a run that damages it must show in the tests after it."""
    shared = ProcessSandbox(Limits(wall_seconds=20.0, test_seconds=5.0), workers=2, level=request.param)
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
