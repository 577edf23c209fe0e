"""The planner: says in words what to try."""

from __future__ import annotations

from typing import Any, ClassVar

from codegrove.agents.role import Agent
from codegrove.outcome import Outcome
from codegrove.task import Task


class Planner(Agent):
    """Plans, lists strategies, recalls examples or thinks ahead, as its prompt says."""

    role: ClassVar[str] = "planner"
    default_prompt: ClassVar[str] = "planner/plan"

    async def plan(
        self, task: Task, *, action: str = "", draw: int = 0, seed: int = 0, **inputs: Any
    ) -> Outcome:
        """Return what the planner proposes, in `proposals`.

        Args:
            task: what is to be planned.
            action: what for; by default ``planner``.
            draw: which of several independent samples this is.
            seed: the run's seed, for simulated models.
            inputs: what the prompt needs besides the task, e.g. ``thoughts`` or ``width``.

        Raises:
            BudgetExceeded, PromptError: as `Agent.act`.
        """
        return await self.act(task, inputs, action=action, draw=draw, seed=seed)
