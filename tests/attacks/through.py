"""Attacks on what else runs programs: interpreter sessions, the block tracer, line coverage.

The same programs as for the judge, except those that forge verdicts: none of these gives one. What each of them
says becomes a verdict that never passes, so that the evidence is looked at in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, get_args

from codegrove.task import CallTest, StdioTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.session_port import CellResult, CellStatus, SessionLimits
from codegrove.verdict import Status, TestResult, Verdict
from tests.attacks.attack import Attack

Through = Literal["judge", "session", "trace", "coverage"]
THROUGH: tuple[Through, ...] = get_args(Through)


def those_for(attacks: Sequence[Attack], through: Through) -> list[Attack]:
    """Return the attacks that make sense."""
    if through == "judge":
        return list(attacks)
    ways = ("call", "stdio") if through == "session" else ("call", "stdio", "split")
    chosen = [attack for attack in attacks if attack.category < 6 and attack.way in ways]
    return [attack for attack in chosen if attack.language == "python"]


async def expose(
    sandbox: ProcessSandbox,
    through: Through,
    program: str,
    tests: Sequence[Test],
    entry_point: str | None,
    limits: Limits,
) -> Verdict:
    """Run a program through anything but the judge; return all that was said about it."""
    if through == "session":
        return await _session(sandbox, program, tests, limits)
    if through == "trace":
        trace = await sandbox.trace(program, tests[0], entry_point=entry_point, limits=limits)
        values = [
            block.before + block.after for block in trace.blocks
        ]  # sources hold what an attack would claim
        return _verdict(sandbox, repr((values, trace.error)), str(trace.error))
    coverage = await sandbox.coverage(program, tests, entry_point=entry_point, limits=limits)
    return _verdict(sandbox, repr(coverage), str([test.result.error for test in coverage.tests]))


async def _session(sandbox: ProcessSandbox, program: str, tests: Sequence[Test], limits: Limits) -> Verdict:
    own = SessionLimits(
        cell_seconds=limits.test_seconds,
        wall_seconds=limits.wall_seconds,
        cpu_seconds=int(limits.wall_seconds) + 1,
        output_bytes=limits.output_bytes // 2,
        memory_mb=limits.memory_mb,
        processes=limits.processes,
        file_mb=limits.file_mb,
        scratch_mb=limits.scratch_mb,
        children=limits.children,
    )
    said: list[CellResult] = []
    async with sandbox.session(own) as session:
        said.append(await session.run(program))
        for test in tests:
            if isinstance(test, CallTest):
                said.append(await session.run(f"f(*{test.args})"))
            elif isinstance(test, StdioTest):
                said.append(await session.run("print('next')"))
    ended = [record for record in said if record.status is not CellStatus.NOT_RUN]
    return _verdict(sandbox, repr(said), str(ended[-1].error or ended[-1].shown))


def _verdict(sandbox: ProcessSandbox, everything: str, summary: str) -> Verdict:
    result = TestResult(status=Status.FAILED, output=everything)
    return Verdict(
        status=Status.FAILED,
        results=(result,),
        note=summary,
        level=sandbox.level,
        guarantees=sandbox.guarantees,
    )


async def neighbour(sandbox: ProcessSandbox, secret: str, seconds: float) -> None:
    """Somebody else's session, with a secret in its variables, its files and its output."""
    async with sandbox.session(SessionLimits(cell_seconds=6.0)) as session:
        await session.put({"secret": secret})
        await session.run("open('notes-' + secret, 'w').write(secret); print(secret)")
        await asyncio.sleep(seconds)
        await session.get("secret")
