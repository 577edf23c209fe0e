"""The debugger: repairs programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from codegrove.agents.role import Agent
from codegrove.candidate import Candidate
from codegrove.outcome import Outcome
from codegrove.task import Task, Test
from codegrove.verdict import Verdict


class Debugger(Agent):
    """Repairs a program, given what its tests showed."""

    role: ClassVar[str] = "debugger"
    default_prompt: ClassVar[str] = "debugger/repair"

    async def repair(
        self,
        task: Task,
        *,
        program: str | Candidate = "",
        verdict: Verdict | None = None,
        tests: Sequence[Test] = (),
        plan: str = "",
        action: str = "",
        draw: int = 0,
        seed: int = 0,
        **inputs: Any,
    ) -> Outcome:
        """Return the repaired program, in `program`.

        Args:
            task: what the program must do.
            program: the program to repair.
            verdict: what its tests showed; None if it was not run.
            tests: tests the verdict speaks about; by default the task's own.
            plan: the plan it was written after; empty for none.
            action: what for; by default ``debugger``.
            draw: which of several independent samples this is.
            seed: the run's seed, for simulated models.
            inputs: what other prompts need, e.g. ``reflection`` or ``previous``.

        Raises:
            BudgetExceeded, PromptError: as `Agent.act`.
        """
        given = {"program": program, "verdict": verdict, "tests": tests, "plan": plan, **inputs}
        return await self.act(task, given, action=action, draw=draw, seed=seed)
