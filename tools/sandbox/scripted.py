"""A sandbox that runs nothing and gives verdicts decided beforehand: for tests and for controller research."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegrove.task import Test
from codegrove.tools.sandbox.port import Block, BlockTrace, Limits
from codegrove.verdict import Status, TestResult, Verdict, overall

Decide = Callable[[str, Sequence[Test]], "Verdict | float | Sequence[bool]"]
"""Says how a program does: a whole verdict, the share of tests it passes, or one flag per test."""


class ScriptedSandbox:
    """Judges by a function of the program's text.

    Args:
        decide: says how a program does on some tests. A share is rounded down to whole tests, first ones first.
        traceable: whether `trace` gives one made-up block, or no trace.
    """

    level = "scripted"
    guarantees: tuple[str, ...] = ()
    exempt_from_self_test = True
    """Its verdicts are made up on purpose."""

    def __init__(self, decide: Decide, *, traceable: bool = True) -> None:
        self._decide = decide
        self._traceable = traceable
        self.judged: list[tuple[str, tuple[Test, ...]]] = []
        """Programs judged, with their tests, in order."""
        self.traced: list[tuple[str, Test]] = []
        """Programs traced, with the test, in order."""

    async def judge(
        self,
        program: str,
        tests: Sequence[Test],
        *,
        entry_point: str | None = None,
        limits: Limits | None = None,
        fail_fast: bool = False,
    ) -> Verdict:
        """Return what the script decides."""
        self.judged.append((program, tuple(tests)))
        decided = self._decide(program, tests)
        if isinstance(decided, Verdict):
            return decided
        if isinstance(decided, int | float):
            passing = int(decided * len(tests) + 1e-9)
            decided = [index < passing for index in range(len(tests))]
        results = tuple(
            TestResult(status=Status.PASSED if passed else Status.FAILED, output="" if passed else "wrong")
            for passed in decided
        )
        return Verdict(status=overall(r.status for r in results), results=results, level=self.level)

    async def trace(
        self, program: str, test: Test, *, entry_point: str | None = None, limits: Limits | None = None
    ) -> BlockTrace:
        """Return one made-up block, or nothing."""
        self.traced.append((program, test))
        if not self._traceable:
            return BlockTrace()
        block = Block(index=0, lines=(1, 1), source=program.split("\n")[0], before=(), after=(("x", "1"),))
        return BlockTrace(blocks=(block,), total=1)

    def for_language(self, language: str) -> ScriptedSandbox:
        """Return this one: whoever decides beforehand knows every language."""
        return self

    async def aclose(self) -> None:
        """Nothing was started."""
