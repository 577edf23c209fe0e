"""The coder: writes programs."""

from __future__ import annotations

from typing import Any, ClassVar

from codegrove.agents.role import Agent
from codegrove.outcome import Outcome
from codegrove.task import Task


class Coder(Agent):
    """Writes a program for a task, after a plan where there is one."""

    role: ClassVar[str] = "coder"
    default_prompt: ClassVar[str] = "coder/write"

    async def write(
        self, task: Task, *, plan: str = "", action: str = "", draw: int = 0, seed: int = 0, **inputs: Any
    ) -> Outcome:
        """Return a new program, in `program`.

        Args:
            task: what the program must do.
            plan: plan to follow; empty for none.
            action: what for; by default ``coder``.
            draw: which of several independent samples this is.
            seed: the run's seed, for simulated models.
            inputs: what other prompts need, e.g. ``strategy`` or ``thoughts``.

        Raises:
            BudgetExceeded, PromptError: as `Agent.act`.
        """
        return await self.act(task, {"plan": plan, **inputs}, action=action, draw=draw, seed=seed)
