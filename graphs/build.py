"""Turns a recipe into a compiled LangGraph graph: a task goes in, a solution comes out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Checkpointer, Send

from codegrove.errors import CodegroveError
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.picture import draw
from codegrove.graphs.portal import run_sync
from codegrove.graphs.session import RunContext, Session
from codegrove.graphs.state import BranchState, SearchInput, SearchOutput, SearchState
from codegrove.graphs.step import Step
from codegrove.graphs.worker import WorkerGraph, build_worker

PREPARE, WORKER, FINISH = "prepare", "worker", "finish"
NO_LIMIT = 10**9
"""LangGraph's own step limit cannot know how long a search may be; the budget does."""


class RecipeGraph(CompiledStateGraph[SearchState, RunContext, SearchInput, SearchOutput]):
    """A compiled recipe. In a notebook it shows itself as mermaid text, without a web service."""

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = draw(self)._repr_mimebundle_()
        return bundle


def build_graph(
    assembly: Assembly, *, checkpointer: Checkpointer = None, name: str | None = None
) -> RecipeGraph:
    """Compile the graph of an assembled recipe.

    The graph takes ``{"task": Task}`` and gives ``{"solution": Solution}``. It works with `invoke`, `ainvoke`,
    `stream` and `astream`, and as a node of a larger graph whose state has `task` and `solution`. Every run
    opens its own `Session`, unless one is passed as runtime context.

    Args:
        assembly: recipe, models and everything else a session is opened from.
        checkpointer: LangGraph checkpointer for the small worker states, if wanted.
        name: name of the compiled graph; the recipe's by default.
    """
    sessions: dict[str, Session] = {}

    def find(state: BranchState | SearchState) -> Session:
        session = sessions.get(state.run)
        if session is None:
            raise CodegroveError(f"run {state.run!r} has no open session in this process")
        return session

    async def give_up(run: str) -> None:
        """Close the session of a run that will not reach `finish`."""
        session = sessions.pop(run, None)
        if session is not None and not session.shared:
            await session.aclose()

    policy = assembly.new_policy()
    worker = build_worker(policy.actions.values(), find, traces=getattr(policy, "traces", False))
    graph = StateGraph(
        SearchState, context_schema=RunContext, input_schema=SearchInput, output_schema=SearchOutput
    )
    graph.add_node(
        PREPARE, Step(PREPARE, _prepare(assembly, sessions), SearchState), input_schema=SearchState
    )
    graph.add_node(WORKER, _without_step_limit(worker, give_up), input_schema=BranchState)
    graph.add_node(FINISH, Step(FINISH, _finish(sessions, find), SearchState), input_schema=SearchState)
    graph.add_edge(START, PREPARE)
    graph.add_conditional_edges(PREPARE, _start_workers(find), [WORKER])
    graph.add_edge(WORKER, FINISH)
    graph.add_edge(FINISH, END)
    compiled = graph.compile(checkpointer=checkpointer, name=name or assembly.recipe.name)
    recipe_graph = RecipeGraph(**vars(compiled))  # the way compiled graphs copy themselves
    # Under `invoke` every worker holds a thread; LangGraph's own pool has the processor count plus four.
    return recipe_graph.with_config({"max_concurrency": assembly.workers + 1})


def _without_step_limit(
    worker: WorkerGraph, give_up: Callable[[str], Coroutine[Any, Any, None]]
) -> RunnableLambda[BranchState, Any]:
    """Run the worker under a step limit of its own, and clean up when it is broken off.

    LangGraph hands a caller's `recursion_limit` down to subgraphs, where it would cut a search short. The
    worker stays visible in drawings because it is a variable of both functions.
    """

    def run(state: BranchState, config: RunnableConfig) -> Any:
        try:
            return worker.invoke(state, {**config, "recursion_limit": NO_LIMIT})
        except BaseException:
            run_sync(give_up(state.run))
            raise

    async def arun(state: BranchState, config: RunnableConfig) -> Any:
        try:
            return await worker.ainvoke(state, {**config, "recursion_limit": NO_LIMIT})
        except BaseException:  # cancelled, or its stream was left: no later step will close the session
            await give_up(state.run)
            raise

    return RunnableLambda(run, afunc=arun, name=WORKER)


def _prepare(assembly: Assembly, sessions: dict[str, Session]) -> Callable[[SearchState, Any], Any]:
    async def prepare(state: SearchState, context: Any) -> Mapping[str, Any]:
        session = context.session if isinstance(context, RunContext) else assembly.open_session(state.task)
        session.shared = isinstance(context, RunContext)
        run = uuid.uuid4().hex
        sessions[run] = session
        session.account.start()
        return {"run": run}

    return prepare


def _start_workers(find: Callable[[SearchState], Session]) -> Callable[[SearchState], list[Send]]:
    def start_workers(state: SearchState) -> list[Send]:
        workers = find(state).workers
        return [
            Send(WORKER, BranchState(task=state.task, run=state.run, worker=number))
            for number in range(workers)
        ]

    return start_workers


def _finish(
    sessions: dict[str, Session], find: Callable[[SearchState], Session]
) -> Callable[[SearchState, Any], Any]:
    async def finish(state: SearchState, context: Any) -> Mapping[str, Any]:
        session = find(state)
        try:
            return {"solution": await session.finish()}
        finally:
            del sessions[state.run]
            if not session.shared:
                await session.aclose()

    return finish
