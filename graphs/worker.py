"""The worker: controller, roles and tools as one LangGraph state machine.

The controller tells the tree what the last step brought, asks it what to do next, and routes to the role that
the expansion names. Programs go to `execute`, failing runs that a critic wants to see go through `trace` first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any, overload

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from loguru import logger

from codegrove.agents.variables import read_text
from codegrove.approval import What
from codegrove.candidate import Candidate
from codegrove.errors import BudgetExceeded, CheckpointError
from codegrove.graphs.asking import ask, parked
from codegrove.graphs.end import DONE, End
from codegrove.graphs.session import AllSuspended, RunContext, Session
from codegrove.graphs.state import BranchState, WorkerResult
from codegrove.graphs.step import Step, check_update, checked_route
from codegrove.outcome import Failure, Outcome
from codegrove.search.policy import ActionKind, Expansion
from codegrove.task import Test
from codegrove.verdict import Status, TestResult

CONTROLLER, EXECUTE, TRACE, APPROVE = "controller", "execute", "trace", "approve"

FindSession = Callable[[BranchState], Session]
"""Finds the session a state belongs to."""

WorkerGraph = CompiledStateGraph[BranchState, RunContext, BranchState, WorkerResult]


def build_worker(
    kinds: Iterable[ActionKind],
    find: FindSession,
    *,
    traces: bool = False,
    approve: Collection[What] = (),
) -> WorkerGraph:
    """Compile the worker for the given kinds of actions.

    Args:
        kinds: who takes part; only these roles appear in the graph.
        find: finds the session of a state.
        traces: whether some expansion asks for a trace, so that the graph needs that tool.
        approve: what humans approve of; with ``plan`` every plan goes through a step that asks.
    """
    present = set(kinds)
    asks = "plan" in approve and ActionKind.PLANNER in present
    roles = [kind.value for kind in ActionKind if kind in present and kind is not ActionKind.EXECUTE]
    writes_programs = bool(present & {ActionKind.CODER, ActionKind.DEBUGGER})
    graph = StateGraph(BranchState, context_schema=RunContext, output_schema=WorkerResult)

    graph.add_node(CONTROLLER, Step(CONTROLLER, _controller(find), BranchState), input_schema=BranchState)
    for role in roles:
        graph.add_node(role, Step(role, _role(find), BranchState), input_schema=BranchState)
    graph.add_node(EXECUTE, Step(EXECUTE, _execute(find), BranchState), input_schema=BranchState)
    if traces:
        graph.add_node(TRACE, Step(TRACE, _trace(find), BranchState), input_schema=BranchState)
    if asks:
        graph.add_node(APPROVE, Step(APPROVE, _approve(find), BranchState), input_schema=BranchState)

    graph.add_edge(START, CONTROLLER)
    first = [*roles, *([TRACE] if traces else []), *([EXECUTE] if ActionKind.EXECUTE in present else [])]
    _add_route(graph, CONTROLLER, _after_controller, {**{name: name for name in first}, "end": END})
    for role in roles:
        if role in (ActionKind.CODER.value, ActionKind.DEBUGGER.value):
            _add_route(graph, role, _after_program, {EXECUTE: EXECUTE, CONTROLLER: CONTROLLER})
        elif asks and role == ActionKind.PLANNER.value:
            _add_route(graph, role, _after_plan, {APPROVE: APPROVE, CONTROLLER: CONTROLLER})
        else:
            graph.add_edge(role, CONTROLLER)
    if asks:
        _add_route(graph, APPROVE, _after_approval, {APPROVE: APPROVE, CONTROLLER: CONTROLLER})
    if traces:
        readers = [role for role in roles if role in (ActionKind.CRITIC.value, ActionKind.DEBUGGER.value)]
        _add_route(graph, TRACE, _after_trace, {name: name for name in (*readers, CONTROLLER)})
    if writes_programs or ActionKind.EXECUTE in present:
        graph.add_edge(EXECUTE, CONTROLLER)
    return graph.compile(name="worker")


def _add_route(
    graph: StateGraph[BranchState, RunContext, Any, Any],
    source: str,
    route: Callable[..., str],
    targets: Mapping[str, str],
) -> None:
    path_map: dict[Hashable, str] = {outcome: target for outcome, target in targets.items()}
    graph.add_conditional_edges(source, checked_route(source, route, targets), path_map)


def _controller(find: FindSession) -> Callable[[BranchState, Any], Any]:
    async def controller(state: BranchState, context: Any) -> Mapping[str, Any]:
        session = find(state)
        told = _open_expansion(session, state, again=True)
        try:
            if told is not None:
                session.tell(told, state.outcome or Outcome())
            expansion = await session.next_expansion()
            if expansion is not None:
                return check_update(CONTROLLER, BranchState, _start(session, expansion))
        except AllSuspended:
            if state.expansion is not None:
                session.parked.add(state.expansion.id)  # this step starts again from its top
            raise parked() from None
        except Exception as error:  # noqa: BLE001  a policy or observer may be a stranger's; keep the best so far
            logger.opt(exception=True).error("the search policy failed")
            session.stop(End.error(f"the search policy failed with {type(error).__name__}: {error}"))
        reason = session.stop_reason or DONE.reason
        ended = {state.worker: reason}
        return {"expansion": None, "role": "", "outcome": None, "decisions": (), "ended": ended}

    return controller


def _start(session: Session, expansion: Expansion) -> dict[str, Any]:
    """Return the state with which an expansion begins."""
    inputs = expansion.inputs
    return {
        "expansion": expansion,
        "role": session.kind_of(expansion).value,
        "outcome": None,
        "decisions": (),
        "plan": read_text("plan", inputs),
        "program": read_text("program", inputs),
        "verdict": inputs.get("verdict"),
        "review": read_text("review", inputs),
        "extra": {},
    }


def _after_controller(state: BranchState) -> str:
    traces = state.expansion is not None and state.expansion.trace
    return TRACE if traces else state.role or "end"


def _role(find: FindSession) -> Callable[[BranchState, Any], Any]:
    async def role(state: BranchState, context: Any) -> Mapping[str, Any]:
        session = find(state)
        expansion = _open_expansion(session, state)
        outcome = await session.ask_agent(expansion, {**expansion.inputs, **state.extra})
        update: dict[str, Any] = {"outcome": outcome}
        if outcome.program is not None:
            update["program"] = outcome.program.program
        return update

    return role


def _after_program(state: BranchState) -> str:
    expansion, outcome = state.expansion, state.outcome
    wanted = expansion is not None and expansion.tests is not None
    return EXECUTE if wanted and outcome is not None and outcome.program is not None else CONTROLLER


def _execute(find: FindSession) -> Callable[[BranchState, Any], Any]:
    async def execute(state: BranchState, context: Any) -> Mapping[str, Any]:
        session = find(state)
        expansion, outcome = _open_expansion(session, state), state.outcome or Outcome()
        candidate = outcome.program or Candidate(
            program=state.program, action=expansion.action, language=state.task.language
        )
        try:
            verdict = await session.executions.execute(
                candidate, expansion.tests or (), expansion=expansion.id
            )
        except BudgetExceeded as reason:
            session.refuse(expansion, refusal := Failure.over(reason))
            return {"outcome": replace(outcome, failure=refusal)}
        return {"verdict": verdict, "outcome": replace(outcome, verdict=verdict)}

    return execute


def _trace(find: FindSession) -> Callable[[BranchState, Any], Any]:
    async def trace(state: BranchState, context: Any) -> Mapping[str, Any]:
        session = find(state)
        expansion = _open_expansion(session, state)
        results = _results(expansion)
        whole = [
            test for test in expansion.trace if test not in results or results[test].status is Status.FAILED
        ]
        try:
            found = await session.executions.trace(state.program, whole, expansion=expansion.id)
        except BudgetExceeded as reason:
            session.refuse(expansion, Failure.over(reason))
            found = None
        if found is None:
            return {"extra": {}}
        test, blocks = found
        return {"extra": {"trace": blocks, "test": test, "test_result": results.get(test)}}

    return trace


def _results(expansion: Expansion) -> dict[Test, TestResult]:
    """Return what is known of the program at work, by test; of equal tests the first."""
    verdict, tests = expansion.inputs.get("verdict"), expansion.inputs.get("tests", ())
    pairs = list(zip(tests, verdict.results if verdict else (), strict=False))
    return dict(reversed(pairs))


def _after_trace(state: BranchState) -> str:
    return state.role if state.extra else CONTROLLER


def _approve(find: FindSession) -> Callable[[BranchState, Any], Any]:
    """Ask about the next plan of the outcome; after the last one, leave of the outcome what was approved."""

    async def approve(state: BranchState, context: Any) -> Mapping[str, Any]:
        session = find(state)
        expansion, outcome = _open_expansion(session, state), state.outcome or Outcome()
        decisions = state.decisions
        request = session.plan_request(expansion, outcome, len(decisions))
        decision = None if request is None else await ask(session.approvals, request)
        if decision is not None:
            decisions = (*decisions, decision)
            if len(decisions) < len(outcome.proposals):
                return {"decisions": decisions}
        return {"decisions": (), "outcome": session.use_decisions(expansion, outcome, decisions)}

    return approve


def _after_plan(state: BranchState) -> str:
    return APPROVE if state.outcome is not None and state.outcome.proposals else CONTROLLER


def _after_approval(state: BranchState) -> str:
    return APPROVE if state.decisions else CONTROLLER


@overload
def _open_expansion(session: Session, state: BranchState) -> Expansion: ...
@overload
def _open_expansion(session: Session, state: BranchState, *, again: bool) -> Expansion | None: ...
def _open_expansion(session: Session, state: BranchState, *, again: bool = False) -> Expansion | None:
    """Return the expansion a state is about as the search knows it: a checkpoint may hold a paler copy.

    Args:
        session: whose search.
        state: of a worker.
        again: for the controller: None where there is no expansion, or it was told before the worker was parked.

    Raises:
        CheckpointError: if the search has moved on since the state was written.
    """
    if again and (state.expansion is None or state.expansion.id in session.parked):
        if state.expansion is not None:
            session.parked.discard(state.expansion.id)
        return None
    assert state.expansion is not None
    expansion = session.search.open.get(state.expansion.id)
    if expansion is None:
        raise CheckpointError(
            f"the search has moved on since this checkpoint: {state.expansion.action!r} (expansion"
            f" {state.expansion.id}) is answered. A checkpoint holds the steps of a worker, not the tree; to"
            " search again from the start, fork the thread before 'prepare', or solve(..., out=NEW, reuse=[OLD])"
        )
    return expansion
