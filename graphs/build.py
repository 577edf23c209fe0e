"""Turns a recipe into a compiled LangGraph graph: a task goes in, a solution comes out."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Checkpointer, Send

from codegrove.errors import CheckpointError
from codegrove.graphs.answer import finish, settle, solution_request
from codegrove.graphs.asking import ask, can_interrupt
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.picture import draw
from codegrove.graphs.portal import run_sync
from codegrove.graphs.session import RunContext, Session
from codegrove.graphs.state import BranchState, SearchInput, SearchOutput, SearchState, read_task
from codegrove.graphs.step import Step
from codegrove.graphs.worker import APPROVE, WorkerGraph, build_worker

PREPARE, WORKER, ANSWER, FINISH = "prepare", "worker", "answer", "finish"
NO_LIMIT = 10**9
"""LangGraph's own step limit cannot know how long a search may be; the budget does."""

Work = Callable[[SearchState, Any], Coroutine[Any, Any, Mapping[str, Any]]]


class RecipeGraph(CompiledStateGraph[SearchState, RunContext, SearchInput, SearchOutput]):
    """A compiled recipe. In a notebook it shows itself as mermaid text, without a web service."""

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = draw(self)._repr_mimebundle_()
        return bundle


class _Sessions:
    """The open sessions of one compiled graph. One that waits for a human stays until the graph is resumed."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}

    def add(self, session: Session) -> str:
        """Keep a session under a new name, which states carry."""
        run = uuid.uuid4().hex
        self._open[run] = session
        return run

    def find(self, state: BranchState | SearchState) -> Session:
        """Return the session a state belongs to.

        Raises:
            CheckpointError: if it is not open in this process.
        """
        session = self._open.get(state.run)
        if session is None:
            raise CheckpointError(
                "the search of this thread is not open in this process: it has ended, was broken off, or ran in a"
                " process that is gone. A checkpoint holds the steps of the workers, not the search. If the run"
                " was recorded (out=DIR), go on with codegrove.resume(DIR); else give the thread its task again"
            )
        return session

    async def close(self, run: str) -> None:
        """Close a session, unless somebody outside the graph owns it."""
        session = self._open.pop(run, None)
        if session is not None and not session.shared:
            await session.aclose()

    def guarded(self, work: Work) -> Work:
        """Wrap a step behind which no other would close the session when it fails."""

        async def guarded(state: SearchState, context: Any) -> Mapping[str, Any]:
            try:
                return await work(state, context)
            except (GraphBubbleUp, CheckpointError):
                raise
            except BaseException:
                await self.close(state.run)
                raise

        return guarded


def build_graph(
    assembly: Assembly, *, checkpointer: Checkpointer = None, name: str | None = None
) -> RecipeGraph:
    """Compile the graph of an assembled recipe.

    The graph takes ``{"task": Task}`` and gives ``{"solution": Solution}``. It works with `invoke`, `ainvoke`,
    `stream` and `astream`, and as a node of a larger graph whose state has `task` and `solution`. Every run
    opens its own `Session`, unless one is passed as runtime context.

    Where the recipe wants approval and there is no approver, the graph is interrupted for every question; that
    needs a checkpointer.

    Args:
        assembly: recipe, models and everything else a session is opened from.
        checkpointer: LangGraph checkpointer for the small worker states, if wanted.
        name: name of the compiled graph; the recipe's by default.
    """
    sessions = _Sessions()
    policy, approve = assembly.new_policy(), assembly.recipe.approve
    worker = build_worker(
        policy.actions.values(), sessions.find, traces=getattr(policy, "traces", False), approve=approve
    )
    graph = StateGraph(
        SearchState, context_schema=RunContext, input_schema=SearchInput, output_schema=SearchOutput
    )

    def add(name: str, work: Work) -> None:
        graph.add_node(name, Step(name, work, SearchState), input_schema=SearchState)

    add(PREPARE, _prepare(assembly, sessions))
    graph.add_node(WORKER, _without_step_limit(worker, sessions), input_schema=BranchState)
    add(FINISH, sessions.guarded(_finish(sessions)))
    graph.add_edge(START, PREPARE)
    graph.add_conditional_edges(PREPARE, _start_workers(sessions), [WORKER])
    if "solution" in approve:
        add(ANSWER, sessions.guarded(_answer(sessions)))
        add(APPROVE, sessions.guarded(_approve(sessions)))
        graph.add_edge(WORKER, ANSWER)
        graph.add_edge(ANSWER, APPROVE)
        graph.add_edge(APPROVE, FINISH)
    else:
        graph.add_edge(WORKER, FINISH)
    graph.add_edge(FINISH, END)
    compiled = graph.compile(checkpointer=checkpointer, name=name or assembly.recipe.name)
    recipe_graph = RecipeGraph(**vars(compiled))  # the way compiled graphs copy themselves
    # Under `invoke` every worker holds a thread; LangGraph's own pool has the processor count plus four.
    return recipe_graph.with_config({"max_concurrency": assembly.workers + 1})


def _without_step_limit(worker: WorkerGraph, sessions: _Sessions) -> RunnableLambda[BranchState, Any]:
    """Run the worker under a step limit of its own, and clean up when it is broken off.

    LangGraph hands a caller's `recursion_limit` down to subgraphs, where it would cut a search short. The
    worker stays visible in drawings because it is a variable of both functions.

    A worker that is interrupted keeps its session for when it is resumed, and a checkpoint that does not fit the
    search any more is no reason to close it.
    """

    def run(state: BranchState, config: RunnableConfig) -> Any:
        try:
            return worker.invoke(state, {**config, "recursion_limit": NO_LIMIT})
        except (GraphBubbleUp, CheckpointError):
            raise
        except BaseException:
            run_sync(sessions.close(state.run))
            raise

    async def arun(state: BranchState, config: RunnableConfig) -> Any:
        try:
            return await worker.ainvoke(state, {**config, "recursion_limit": NO_LIMIT})
        except (GraphBubbleUp, CheckpointError):
            raise
        except BaseException:  # cancelled, or its stream was left: no later step will close the session
            await sessions.close(state.run)
            raise

    return RunnableLambda(run, afunc=arun, name=WORKER)


def _prepare(assembly: Assembly, sessions: _Sessions) -> Work:
    async def prepare(state: SearchState, context: Any) -> Mapping[str, Any]:
        task = read_task(state.task)  # through an HTTP interface it comes as plain data
        given = context.session if isinstance(context, RunContext) else None
        if given is None:
            # In a thread: finding out what sandboxes there are takes a moment, and servers have more to do.
            session = await asyncio.to_thread(assembly.open_session, task, interrupts=can_interrupt())
        else:
            session = given
        session.shared = given is not None
        run = sessions.add(session)
        session.account.start()
        return {"run": run, "task": task, "decision": None, "solution": None}

    return prepare


def _start_workers(sessions: _Sessions) -> Callable[[SearchState], list[Send]]:
    def start_workers(state: SearchState) -> list[Send]:
        workers = sessions.find(state).workers
        return [
            Send(WORKER, BranchState(task=state.task, run=state.run, worker=number))
            for number in range(workers)
        ]

    return start_workers


def _answer(sessions: _Sessions) -> Work:
    async def answer(state: SearchState, context: Any) -> Mapping[str, Any]:
        await settle(sessions.find(state))
        return {}

    return answer


def _approve(sessions: _Sessions) -> Work:
    async def approve(state: SearchState, context: Any) -> Mapping[str, Any]:
        session = sessions.find(state)
        request = solution_request(session)
        return {"decision": None if request is None else await ask(session.approvals, request)}

    return approve


def _finish(sessions: _Sessions) -> Work:
    async def close(state: SearchState, context: Any) -> Mapping[str, Any]:
        solution = await finish(sessions.find(state), state.decision)
        await sessions.close(state.run)
        return {"solution": solution}

    return close
