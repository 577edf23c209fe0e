"""Roles and the sandbox as steps for graphs that users wire by hand.

graph = StateGraph(BranchState)
graph.add_node("coder", role_step(Coder(model)))
graph.add_node("execute", execute_step(sandbox))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codegrove.agents.role import Agent
from codegrove.errors import SandboxError
from codegrove.graphs.state import BranchState
from codegrove.graphs.step import Step
from codegrove.languages import PYTHON
from codegrove.tools.sandbox.native import sandbox_for
from codegrove.tools.sandbox.port import Limits, Sandbox
from codegrove.tools.self_test import why_distrust


def role_step(agent: Agent, *, name: str | None = None) -> Step[BranchState]:
    """Return a step in which an agent reads the branch state and writes what it brought.

    The agent sees plan, program, verdict, tests, review and everything in `extra`. The step updates `outcome`,
    and `plan`, `program`, `tests` or `review` where the outcome has them. A failed call changes `outcome` only.

    Args:
        agent: who works.
        name: the step's name in errors; the agent's role by default.
    """

    async def work(state: BranchState, context: Any) -> Mapping[str, Any]:
        inputs = {
            "plan": state.plan,
            "program": state.program,
            "verdict": state.verdict,
            "tests": (*state.task.tests, *state.tests),
            "review": state.review,
            **state.extra,
        }
        outcome = await agent.act(state.task, inputs, draw=state.calls)
        update: dict[str, Any] = {"outcome": outcome, "calls": state.calls + 1}
        if outcome.proposals:
            update["plan"] = outcome.proposals[0].text
        if outcome.program is not None:
            update["program"] = outcome.program.program
        if outcome.tests:
            update["tests"] = (*state.tests, *outcome.tests)
        if outcome.review is not None:
            update["review"] = outcome.review.text
        return update

    return Step(name or agent.role, work, BranchState)


def execute_step(sandbox: Sandbox, *, limits: Limits | None = None) -> Step[BranchState]:
    """Return a step that judges the program on the task's tests and the ones written along the way.

    The step raises `SandboxError` if the sandbox misjudges programs whose verdict is known, see `why_distrust`.
    """

    async def execute(state: BranchState, context: Any) -> Mapping[str, Any]:
        tests = (*state.task.tests, *state.tests)
        entry_point = state.task.entry_point
        if state.task.language == PYTHON and (why := await why_distrust(sandbox)):
            raise SandboxError(f"the sandbox cannot be trusted: {why}")
        judge = sandbox_for(sandbox, state.task.language).judge
        verdict = await judge(state.program, tests, entry_point=entry_point, limits=limits)
        return {"verdict": verdict}

    return Step("execute", execute, BranchState)
