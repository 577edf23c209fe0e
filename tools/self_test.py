"""Whether a sandbox tells right from wrong on this machine: programs whose verdicts are known."""

from __future__ import annotations

from dataclasses import dataclass

from codegrove.task import CallTest, StdioTest, Test
from codegrove.tools.sandbox.port import Limits, Sandbox
from codegrove.verdict import Status

_LIMITS = Limits(wall_seconds=10.0, test_seconds=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestLine:
    """One program and what became of it."""

    name: str
    expected: Status
    found: Status
    seconds: float
    note: str = ""
    """What the verdict says about itself, e.g. why there is none."""

    @property
    def ok(self) -> bool:
        """Whether the verdict is the known one."""
        return self.found is self.expected

    def __str__(self) -> str:
        outcome = "ok" if self.ok else f"expected {self.expected}"
        return f"{self.name}: {self.found}, {outcome}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestReport:
    """Result of a self-test."""

    level: str
    guarantees: tuple[str, ...]
    lines: tuple[SelfTestLine, ...]

    @property
    def ok(self) -> bool:
        """Whether every program got its known verdict."""
        return all(line.ok for line in self.lines)


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    program: str
    expected: Status
    test: Test = CallTest(args="(3, 4)", expected="7")
    entry_point: str | None = "add"


_KNOWN = (
    _Known("right function", "def add(a, b):\n    return a + b\n", Status.PASSED),
    _Known("wrong function", "def add(a, b):\n    return a - b\n", Status.FAILED),
    _Known("crashing function", "def add(a, b):\n    return a / 0\n", Status.CRASHED),
    _Known("early exit", "import os\ndef add(a, b):\n    os._exit(0)\n", Status.CRASHED),
    _Known("endless function", "def add(a, b):\n    while True:\n        pass\n", Status.TIMED_OUT),
    _Known("no program", "def add(a, b:\n", Status.INVALID),
    _Known("other function", "def sub(a, b):\n    return a - b\n", Status.INVALID),
    _Known(
        "right stdin program",
        "print(int(input()) + int(input()))\n",
        Status.PASSED,
        StdioTest(stdin="3\n4\n", expected="7\n"),
        None,
    ),
    _Known(
        "right function after all of these",
        "def add(a, b):\n    print('adding')\n    return a + b\n",
        Status.PASSED,
    ),
)


async def self_test(sandbox: Sandbox) -> SelfTestReport:
    """Judge programs that are known to be right, wrong, crashing, endless and malformed, one after another."""
    lines = []
    for known in _KNOWN:
        verdict = await sandbox.judge(
            known.program, [known.test], entry_point=known.entry_point, limits=_LIMITS
        )
        lines.append(
            SelfTestLine(
                name=known.name,
                expected=known.expected,
                found=verdict.status,
                seconds=verdict.seconds,
                note=verdict.note,
            )
        )
    return SelfTestReport(level=sandbox.level, guarantees=sandbox.guarantees, lines=tuple(lines))
