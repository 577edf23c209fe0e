"""Whether a sandbox tells right from wrong on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from codegrove.task import CallTest
from codegrove.tools.sandbox.known_programs import FIRST_USE, MORE, Known, refusal
from codegrove.tools.sandbox.port import Limits, Sandbox
from codegrove.verdict import Status, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestLine:
    """One program and what became of it."""

    name: str
    expected: Status
    found: Status
    seconds: float
    right: bool
    """Whether a right program passed, or a wrong one did not, in whatever way."""
    note: str = ""
    """What the verdict says about itself, e.g. why there is none."""

    @property
    def ok(self) -> bool:
        """Whether the verdict is the known one. A wrong program may be seen to be wrong in another way."""
        return self.right

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


async def self_test(sandbox: Sandbox) -> SelfTestReport:
    """Judge programs that are known to be right, wrong, hostile, endless and malformed, one after another."""
    lines = []
    for known in (*FIRST_USE[:-1], *MORE, FIRST_USE[-1]):
        verdict = await _judge(sandbox, known)
        lines.append(
            SelfTestLine(
                name=known.name,
                expected=known.expected,
                found=verdict.status,
                seconds=verdict.seconds,
                right=not known.complaint(verdict),
                note=verdict.note,
            )
        )
    return SelfTestReport(level=sandbox.level, guarantees=sandbox.guarantees, lines=tuple(lines))


SCIENTIFIC = ("numpy", "pandas", "scipy")
"""Packages that programs often want."""
_PATIENCE = Limits(wall_seconds=60.0, test_seconds=60.0)
_SLOW_IMPORT = Limits().test_seconds / 2


async def about_packages(sandbox: Sandbox, names: Sequence[str] = SCIENTIFIC) -> list[str]:
    """Return a line for each package: whether programs can import it, and how long that takes them."""
    lines = []
    for name in names:
        program = f"def add(a, b):\n    import {name}\n    return a + b\n"
        test = CallTest(args="(3, 4)", expected="7")
        verdict = await sandbox.judge(program, [test], entry_point="add", limits=_PATIENCE)
        lines.append(f"{name}: {_about_import(verdict, name)}")
    return lines


def _about_import(verdict: Verdict, name: str) -> str:
    result = verdict.results[0]
    if not result.passed:
        error = result.error or verdict.error
        missing = error is not None and error.message == f"No module named {name!r}"
        return "programs do not have it" if missing else f"programs cannot import it: {error or verdict.note}"
    line = f"programs can import it, in {result.seconds:.1f} s"
    if result.seconds > _SLOW_IMPORT:
        line += (
            "; that counts as time of their tests. If nobody compiled the package (some installers do not, and"
            " programs cannot), `python -m compileall` on its folder makes it faster"
        )
    return line


_complaints: weakref.WeakKeyDictionary[Sandbox, str] = weakref.WeakKeyDictionary()


async def why_distrust(sandbox: Sandbox) -> str:
    """Return why a sandbox must not be used; nothing if there is no reason.

    Found out once per object, by a handful of programs whose verdict is known. Not asked is a sandbox with an
    attribute ``exempt_from_self_test`` that is true: because it does the same itself, or because its verdicts are
    made up on purpose.
    """
    if getattr(sandbox, "exempt_from_self_test", False):
        return ""
    with contextlib.suppress(TypeError):  # it may have no hash, or allow no weak reference
        if sandbox in _complaints:
            return _complaints[sandbox]
    *first, last = FIRST_USE
    verdicts = [
        *await asyncio.gather(*(_judge(sandbox, known) for known in first)),
        await _judge(sandbox, last),
    ]
    found = [known.complaint(verdict) for known, verdict in zip(FIRST_USE, verdicts, strict=True)]
    why = refusal(wrong) if (wrong := list(filter(None, found))) else ""
    with contextlib.suppress(TypeError):
        _complaints[sandbox] = why
    return why


async def _judge(sandbox: Sandbox, known: Known) -> Verdict:
    return await sandbox.judge(
        known.program, [known.test], entry_point=known.entry_point, limits=known.limits
    )
