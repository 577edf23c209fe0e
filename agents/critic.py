"""The critic: judges plans, programs and runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from codegrove.agents.role import Agent
from codegrove.candidate import Candidate
from codegrove.outcome import Outcome
from codegrove.task import Task, Test
from codegrove.verdict import Verdict


class Critic(Agent):
    """Judges in words, with a score or a yes or no where its prompt asks for one."""

    role: ClassVar[str] = "critic"
    default_prompt: ClassVar[str] = "critic/review"

    async def review(
        self,
        task: Task,
        *,
        program: str | Candidate = "",
        verdict: Verdict | None = None,
        tests: Sequence[Test] = (),
        action: str = "",
        draw: int = 0,
        seed: int = 0,
        **inputs: Any,
    ) -> Outcome:
        """Return a judgement, in `review`.

        Args:
            task: what the program must do.
            program: the program to judge.
            verdict: what its tests showed; None if it was not run.
            tests: tests the verdict speaks about; by default the task's own.
            action: what for; by default ``critic``.
            draw: which of several independent samples this is.
            seed: the run's seed, for simulated models.
            inputs: what other prompts need, e.g. ``plan`` or ``trace``.

        Raises:
            BudgetExceeded, PromptError: as `Agent.act`.
        """
        given = {"program": program, "verdict": verdict, "tests": tests, **inputs}
        return await self.act(task, given, action=action, draw=draw, seed=seed)
