"""What a judgement gets: the program with its tests, and somebody who runs jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from codegrove.task import Test
from codegrove.tools.sandbox.port import Limits
from codegrove.tools.sandbox.rules import Rules, RunEnd
from codegrove.tools.sandbox.runs import Run


class Interrupted(Exception):
    """Nobody waits for the verdict any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What is to be judged."""

    program: str
    tests: Sequence[Test]
    entry_point: str | None
    limits: Limits
    fail_fast: bool = False
    trace: bool = False
    split: bool = True
    """Whether two runs can be connected, so that test text need not run together with the program."""
    coverage: int = 0
    """The last line whose executions are counted, for programs that are; the executor has the place for that."""


class Execute(Protocol):
    """Runs jobs. May raise `Interrupted` or `SandboxError`."""

    def __call__(
        self, job: dict[str, Any], stdin: bytes | None, rules: Rules, on_record: Callable[[bytes], bool]
    ) -> RunEnd:
        """Run one job; `on_record` gets the lines of its report, and returns False to end it."""
        ...

    def pair(self, candidate: Run, tests: Run, grace_seconds: float) -> tuple[RunEnd, RunEnd]:
        """Run two jobs that are connected; the candidate's is ended when that of the tests has ended."""
        ...
