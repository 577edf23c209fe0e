"""Questions to a human as steps of a graph: to the approver, or by interrupting the graph.

Each asks at most one question and does nothing that costs before it: a step that was interrupted starts again from
its top when the graph is resumed.
"""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.constants import CONFIG_KEY_CHECKPOINTER
from langgraph.errors import GraphInterrupt
from langgraph.types import interrupt

from codegrove.approval import ApprovalRequest, Decision, read_decision
from codegrove.errors import UsageError
from codegrove.graphs.approvals import Approvals


def parked() -> GraphInterrupt:
    """Return what to raise to give a worker's place back until the graph is resumed. It asks nothing."""
    return GraphInterrupt(())


async def ask(approvals: Approvals, request: ApprovalRequest) -> Decision | None:
    """Return the answer to a question; None when the run ended without one.

    Raises:
        GraphInterrupt: if whoever runs the graph has to answer. The graph is resumed with
            ``Command(resume=...)``: a `Decision`, or anything `read_decision` reads; what it cannot read is asked
            again, with the ``problem``.
    """
    approvals.unsuspend(request)
    decision = await approvals.decide(request)
    if decision is not None or approvals.approver is not None:
        return decision
    try:
        decision = _interrupt(request)
    except GraphInterrupt:
        approvals.suspend(request)
        raise
    approvals.take(request, decision)
    return decision


def can_interrupt() -> bool:
    """Whether the graph that runs this step has a checkpointer, so that it can be interrupted and resumed."""
    try:
        config: RunnableConfig = get_config()
    except RuntimeError:  # outside a graph
        return False
    return bool(config.get("configurable", {}).get(CONFIG_KEY_CHECKPOINTER))


def _interrupt(request: ApprovalRequest) -> Decision:
    question: dict[str, Any] = request.to_data()
    while True:
        try:
            return read_decision(interrupt(question))
        except UsageError as problem:
            question = {**request.to_data(), "problem": str(problem)}
