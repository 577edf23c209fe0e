"""What the workers of one run share: the search, the agents, the sandbox and the account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from loguru import logger

from codegrove.agents.role import Agent
from codegrove.budget import Account
from codegrove.candidate import Candidate
from codegrove.errors import BudgetExceeded
from codegrove.graphs.solution import Result, Solution
from codegrove.models.metered import CallRecord
from codegrove.outcome import Failure, Outcome
from codegrove.search.policy import ActionKind, Expansion, Policy, Signal
from codegrove.search.search import Search
from codegrove.search.tree import Node
from codegrove.task import Task, Test
from codegrove.tools.sandbox.port import BlockTrace, Limits, Sandbox
from codegrove.verdict import Status, TestResult, Verdict, overall

FAILURES_IN_A_ROW = 6
"""Failed model calls without a good one between them after which a run gives up."""
HOPELESS = frozenset({"auth"})
"""Kinds of model failure after which no further call can succeed."""


_PAID_BY_CALLS = frozenset({"calls", "tokens", "dollars"})


class Observer(Protocol):
    """Watches a run. Called from the run's event loop; must not block."""

    def asked(self, session: Session, expansion: Expansion) -> None:
        """The policy asked for an expansion."""

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        """An expansion was answered; the tree has it."""

    def called(self, session: Session, record: CallRecord) -> None:
        """A model call ended."""


class Session:
    """One run in progress.

    All workers use it from one event loop, hence no locks. It ends when the policy is done, when the budget is
    used up, when the models keep failing, or when `stop` is called; never with an exception for any of these.
    """

    def __init__(
        self,
        task: Task,
        policy: Policy,
        agents: Mapping[str, Agent],
        sandbox: Sandbox,
        *,
        recipe: str = "",
        account: Account | None = None,
        limits: Limits | None = None,
        workers: int = 1,
        seed: int = 0,
        simulated: bool = False,
        observers: Sequence[Observer] = (),
        on_close: Callable[[], object] | None = None,
    ) -> None:
        self.task = task
        self.search = Search(task, policy, seed=seed)
        self.agents = agents
        self.sandbox = sandbox
        self.recipe = recipe
        self.account = account or Account()
        self.limits = limits
        self.workers = workers
        self.seed = seed
        self.simulated = simulated
        self.observers = list(observers)
        self.stop_reason: str | None = None
        self._executions: dict[tuple[str, tuple[Test, ...]], asyncio.Task[Verdict]] = {}
        self._changed = asyncio.Event()
        self._failures_in_a_row = 0
        self._executes_on_its_own = ActionKind.EXECUTE in policy.actions.values()
        self._on_close = on_close

    def stop(self, reason: str) -> None:
        """End the run: expansions in flight finish, nothing new starts. The first reason counts."""
        if self.stop_reason is None:
            self.stop_reason = reason
            logger.info("stopping: {}", reason)
        self._wake()

    async def next_expansion(self) -> Expansion | None:
        """Return what to do next, waiting while only others' results can open something; None at the end."""
        while self.stop_reason is None:
            choice = self.search.ask()
            if choice is Signal.DONE:
                return None
            if choice is Signal.WAIT:
                await self._changed.wait()
                continue
            assert isinstance(choice, Expansion)
            for observer in self.observers:
                observer.asked(self, choice)
            # Asked only now: a policy that is done ends for that reason, whatever is left of the budget.
            exhausted = self.account.exhausted()
            if exhausted is None or self._needs_no_more_of(exhausted, choice):
                return choice
            self.tell(choice, Outcome(failure=Failure(kind="budget", message=str(exhausted))))
            if not self._may_still_execute(exhausted):
                self.stop(f"budget: {exhausted}")
        return None

    def tell(self, expansion: Expansion, outcome: Outcome) -> None:
        """Hand an expansion's outcome to the tree and wake whoever waits for it."""
        self.search.tell(expansion.id, outcome)
        self.account.spend.nodes = len(self.search.tree) - 1
        if outcome.failure is not None:
            logger.info("{} at node {}: {}", expansion.action, expansion.node, outcome.failure.message)
        for observer in self.observers:
            observer.told(self, expansion, outcome)
        self._wake()

    def kind_of(self, expansion: Expansion) -> ActionKind:
        """Return who carries an expansion out."""
        return self.search.policy.actions[expansion.action]

    async def ask_agent(self, expansion: Expansion, inputs: Mapping[str, object]) -> Outcome:
        """Let the expansion's agent work; every failure of it is an outcome."""
        agent = self.agents[expansion.action]
        try:
            return await agent.act(
                self.task, inputs, action=expansion.action, draw=expansion.draw, seed=self.seed
            )
        except BudgetExceeded as reason:
            return Outcome(failure=Failure(kind="budget", message=str(reason)))
        except Exception as error:  # noqa: BLE001  an agent may be a stranger's; its bugs end a branch, not a run
            logger.opt(exception=True).warning("agent for {!r} failed", expansion.action)
            return Outcome(failure=Failure(kind="step", message=f"{type(error).__name__}: {error}"))

    async def execute(self, candidate: Candidate, tests: tuple[Test, ...]) -> Verdict:
        """Judge a program on tests; a program that was already judged on them is not run again.

        Raises:
            BudgetExceeded: if executions are used up.
        """
        key = (candidate.key, tests)
        known = self._executions.get(key)
        if known is not None and not (known.done() and _unusable(known)):
            self.account.spend.reused += 1
            return await asyncio.shield(known)
        self.account.open_execution()
        running = asyncio.ensure_future(self._judge(candidate, tests))
        self._executions[key] = running
        return await running

    async def trace(self, program: str, tests: Sequence[Test]) -> tuple[Test, BlockTrace] | None:
        """Trace the first of the tests that gives a trace; None when none does.

        A run that raised or hit a limit counts as no trace: its blocks break off where nobody can say why.
        """
        for test in tests:
            trace = await self.sandbox.trace(
                program, test, entry_point=self.task.entry_point, limits=self.limits
            )
            if trace.blocks and trace.error is None:
                return test, trace
        return None

    def note_call(self, record: CallRecord) -> None:
        """Book-keeping after each model call; gives up on models that only fail."""
        for observer in self.observers:
            observer.called(self, record)
        if record.error is None:
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        if record.error.kind in HOPELESS:
            self.stop(f"model: {record.error}")
        elif self._failures_in_a_row >= FAILURES_IN_A_ROW:
            self.stop(
                f"model: {self._failures_in_a_row} calls in a row failed, the last with: {record.error}"
            )

    async def finish(self) -> Solution:
        """Judge the answer on the task's tests if that is still open, and return the solution."""
        tree, node_id = self.search.tree, self.search.answer()
        candidate = verdict = None
        if node_id is not None:
            node = tree[node_id]
            candidate = node.program
            verdict = _on_own_tests(node, self.task)
            if candidate is not None and verdict is None and self.task.tests:
                verdict = await self._final_verdict(candidate)
        reason = self.stop_reason or "the search is done"
        return Solution(
            task_id=self.task.id,
            recipe=self.recipe,
            result=_result(candidate, verdict),
            reason=reason,
            candidate=candidate,
            verdict=verdict,
            node=node_id,
            spend=self.account.close(),
            simulated=self.simulated,
            tree=tree,
        )

    async def aclose(self) -> None:
        """Give back what the session owns. Safe to call twice."""
        for running in self._executions.values():
            running.cancel()
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            result = on_close()
            if asyncio.iscoroutine(result):
                await result

    async def _judge(self, candidate: Candidate, tests: tuple[Test, ...]) -> Verdict:
        try:
            return await self.sandbox.judge(
                candidate.program, tests, entry_point=self.task.entry_point, limits=self.limits
            )
        except Exception as error:  # noqa: BLE001  a sandbox may be a stranger's; its failure judges nobody
            logger.opt(exception=True).warning("the sandbox failed")
            unjudged = (TestResult(status=Status.UNJUDGED),) * len(tests)
            note = f"the sandbox failed with {type(error).__name__}: {error}"
            return Verdict(status=Status.UNJUDGED, results=unjudged, note=note)
        finally:
            self.account.close_execution()

    async def _final_verdict(self, candidate: Candidate) -> Verdict | None:
        try:
            return await self.execute(candidate, self.task.tests)
        except BudgetExceeded as reason:
            logger.info("the answer was not judged on the task's tests: {}", reason)
            return None

    def _needs_no_more_of(self, exhausted: BudgetExceeded, expansion: Expansion) -> bool:
        """Whether an expansion costs nothing of the resource that is used up."""
        return exhausted.kind in _PAID_BY_CALLS and self.kind_of(expansion) is ActionKind.EXECUTE

    def _may_still_execute(self, exhausted: BudgetExceeded) -> bool:
        """Whether the policy can still use what is left: programs may be executed without further calls."""
        return self._executes_on_its_own and exhausted.kind in _PAID_BY_CALLS

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(frozen=True, slots=True)
class RunContext:
    """LangGraph runtime context of a compiled recipe: pass one to run it on a session of your own."""

    session: Session


def _unusable(execution: asyncio.Task[Verdict]) -> bool:
    """Whether a finished execution says nothing: it was cancelled, failed, or our sandbox could not judge."""
    if execution.cancelled() or execution.exception() is not None:
        return True
    verdict = execution.result()
    return verdict.status is Status.UNJUDGED and bool(verdict.results)


def _on_own_tests(node: Node, task: Task) -> Verdict | None:
    """Return what is known of a node's program on the task's own tests, which come first among its tests."""
    verdict, count = node.verdict, len(task.tests)
    if verdict is None or node.tests[:count] != task.tests or len(verdict.results) < count:
        return None
    if len(node.tests) == count:
        return verdict
    results = verdict.results[:count]
    status = verdict.status if verdict.error is not None else overall(result.status for result in results)
    return replace(verdict, status=status, results=results)


def _result(candidate: Candidate | None, verdict: Verdict | None) -> Result:
    if candidate is None:
        return Result.UNSOLVED
    if verdict is None or verdict.status is Status.UNJUDGED:
        return Result.UNVERIFIED
    return Result.SOLVED if verdict.passed else Result.UNSOLVED
