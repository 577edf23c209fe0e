from __future__ import annotations

from collections.abc import Sequence

from codegrove.task import Test
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.self_test import self_test
from codegrove.verdict import Status, Verdict


async def test_the_process_sandbox_tells_right_from_wrong(sandbox: ProcessSandbox) -> None:
    report = await self_test(sandbox)
    assert report.ok, report
    assert report.level == sandbox.level
    assert {line.expected for line in report.lines} == set(Status) - {Status.UNJUDGED}
    assert str(report.lines[0]) == "right function: passed, ok"


class AlwaysPasses(ProcessSandbox):
    async def judge(
        self,
        program: str,
        tests: Sequence[Test],
        *,
        entry_point: str | None = None,
        limits: Limits | None = None,
        fail_fast: bool = False,
    ) -> Verdict:
        return Verdict(status=Status.PASSED, note="sure")


async def test_a_sandbox_that_passes_everything_is_found_out() -> None:
    report = await self_test(AlwaysPasses())
    assert not report.ok
    assert [line.ok for line in report.lines].count(True) == 3
    assert str(report.lines[1]) == "wrong function: passed, expected failed (sure)"
