"""The tester: writes tests without seeing a program."""

from __future__ import annotations

from typing import Any, ClassVar

from codegrove.agents.role import Agent
from codegrove.agents.variables import DEFAULT_WIDTH
from codegrove.outcome import Outcome
from codegrove.task import Task


class Tester(Agent):
    """Writes tests from the statement. Its prompts leave out the examples, so that its tests are its own."""

    __test__ = False  # not a test class, whatever its name suggests to pytest

    role: ClassVar[str] = "tester"
    default_prompt: ClassVar[str] = "tester/write_tests"

    async def write_tests(
        self,
        task: Task,
        *,
        width: int = DEFAULT_WIDTH,
        action: str = "",
        draw: int = 0,
        seed: int = 0,
        **inputs: Any,
    ) -> Outcome:
        """Return generated tests, in `tests`. They may be wrong.

        Args:
            task: what the program under test must do.
            width: how many tests to ask for; the answer may hold more or fewer.
            action: what for; by default ``tester``.
            draw: which of several independent samples this is.
            seed: the run's seed, for simulated models.
            inputs: what other prompts need.

        Raises:
            BudgetExceeded, PromptError: as `Agent.act`.
        """
        return await self.act(task, {"width": width, **inputs}, action=action, draw=draw, seed=seed)
