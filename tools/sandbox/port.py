"""What the rest of codegrove needs of a sandbox. Backends live beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from codegrove.task import Test
from codegrove.verdict import ErrorInfo, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one run. Each is enforced from outside the candidate where the platform can."""

    wall_seconds: float = 20.0
    """The whole run, all tests together."""
    test_seconds: float = 3.0
    """One test."""
    memory_mb: int = 1024
    """Address space of the run, in MiB."""
    output_bytes: int = 1_000_000
    """Standard output and error together; what is kept in the verdict is clipped further."""
    processes: int = 16
    """Processes and threads the run may have at once, itself included."""
    file_mb: int = 16
    """Largest file the run may write, in MiB."""
    scratch_mb: int = 64
    """All files of the run together, in MiB; kept on the strict levels."""
    kept_characters: int = 2000
    """What a result keeps of its test's output (50 or more); longer output is shown without its middle."""
    children: bool = False
    """Whether the run may start processes and programs. Always possible on level ``basic``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One execution of a basic block: its source, and the local variables around it."""

    index: int
    """Position in the order of execution, from 0."""
    lines: tuple[int, int]
    """First and last line in the program, both inclusive, from 1."""
    source: str
    before: tuple[tuple[str, str], ...]
    """Variable names and clipped values when the block was entered."""
    after: tuple[tuple[str, str], ...]
    """The same when it was left; a returned value appears as ``_ret``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTrace:
    """The basic blocks that one test executed, in order. No blocks but an error: there is no trace."""

    blocks: tuple[Block, ...] = ()
    total: int = 0
    """Blocks executed; `blocks` may hold only the first and the last of them."""
    complete: bool = True
    """False where the program took the tracer away, so that blocks are missing."""
    error: ErrorInfo | None = None
    """The exception or limit that ended the traced run."""


@runtime_checkable
class Sandbox(Protocol):
    """Runs programs that nobody trusts."""

    @property
    def level(self) -> str:
        """``isolated``, ``restricted``, ``limited``, ``basic`` or ``remote``, see docs/sandbox.md."""
        ...

    @property
    def guarantees(self) -> tuple[str, ...]:
        """Guarantees that are actively enforced."""
        ...

    async def judge(
        self,
        program: str,
        tests: Sequence[Test],
        *,
        entry_point: str | None = None,
        limits: Limits | None = None,
        fail_fast: bool = False,
    ) -> Verdict:
        """Run the program on the tests and judge it.

        The verdict has one result per test, in order. Every failure of the candidate is a verdict; a failure
        of the sandbox is a verdict too, with status ``unjudged`` and a note.

        Args:
            program: whole program text.
            tests: tests to run; with none, the program is only loaded (``unjudged`` if that works).
            entry_point: name of the function under test; None for stdin programs.
            limits: None for the sandbox's own.
            fail_fast: stop at the first test that does not pass; the rest is ``unjudged``.
        """
        ...

    async def trace(
        self, program: str, test: Test, *, entry_point: str | None = None, limits: Limits | None = None
    ) -> BlockTrace:
        """Run one test and record the basic blocks it executes with the variables around them."""
        ...

    async def aclose(self) -> None:
        """Stop everything that was started. Safe to call twice."""
        ...
