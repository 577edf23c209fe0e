"""What the workers of one run share: the search, the agents, the sandbox and the account."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from loguru import logger

from codegrove.agents.role import Agent
from codegrove.approval import ApprovalRequest, Approver, Decision, What
from codegrove.budget import Account
from codegrove.candidate import Candidate
from codegrove.errors import BudgetExceeded, SandboxError
from codegrove.graphs.approvals import Approvals, approved
from codegrove.graphs.recording import CURRENT, Recorder
from codegrove.graphs.solution import BROKEN_OFF, REJECTED, SEARCH_DONE, Result, Solution, edited_program
from codegrove.languages import PYTHON
from codegrove.models.metered import CallRecord
from codegrove.models.passage import Halt
from codegrove.outcome import Failure, Outcome
from codegrove.search.policy import ActionKind, Expansion, Policy, Signal
from codegrove.search.scoring import rank_key
from codegrove.search.search import Event, Search
from codegrove.search.tree import Node
from codegrove.task import Task, Test
from codegrove.tools.sandbox.native import sandbox_for
from codegrove.tools.sandbox.port import BlockTrace, Limits, Sandbox
from codegrove.tools.self_test import why_distrust
from codegrove.verdict import Status, TestResult, Verdict, overall

FAILURES_IN_A_ROW = 6
"""Failed model calls without a good one between them after which a run gives up (twice the workers, if that is
more: they may all meet the same hiccup)."""
UNJUDGED_IN_A_ROW = 5
"""Programs the sandbox could not judge, one after the other, after which a run gives up."""
HOPELESS = frozenset({"auth"})
"""Kinds of model failure after which no further call can succeed."""


_PAID_BY_CALLS = frozenset({"calls", "tokens", "dollars"})


class AllSuspended(Exception):
    """Nothing can go on until somebody outside answers: the worker has to give its place back as well."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the search came to, before a human has seen it."""

    node: int | None
    candidate: Candidate | None
    verdict: Verdict | None


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
        halt: Halt | None = None,
        workers: int = 1,
        seed: int = 0,
        simulated: bool = False,
        observers: Sequence[Observer] = (),
        recorder: Recorder | None = None,
        approve: Collection[What] = (),
        approver: Approver | None = None,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        self.task = task
        self.search = Search(task, policy, seed=seed)
        self.agents = agents
        self.sandbox = sandbox_for(sandbox, task.language)
        self.recipe = recipe
        self.account = account or Account()
        self.limits = limits
        self.workers = workers
        self.seed = seed
        self.simulated = simulated
        self.observers = list(observers)
        self.stop_reason: str | None = None
        self._halt = halt or Halt()
        self.shared = False
        """Whether somebody outside the graph owns this session and closes it."""
        self._recorder = recorder
        if recorder is not None:
            recorder.bind(
                seconds=lambda: self.account.seconds,
                on_failure=self.stop,
                task=task,
                limits=limits,
                sandbox=sandbox,
            )
        self._broken_off = asyncio.Event()
        self.approvals = Approvals(
            wanted=approve,
            approver=approver,
            account=self.account,
            recorder=recorder,
            stop=self.stop,
            broken_off=self._broken_off,
            wake=self._wake,
        )
        self.parked: set[int] = set()
        """Expansions that were told by workers which then found everything suspended, see `AllSuspended`."""
        self._settled: _Answer | None = None
        self._reopened: deque[Expansion] = deque()
        """What an earlier session of the run left open."""
        self._left_open: set[int] = set()
        """Expansions that could not be carried out because the run ended; a resumed run takes them up."""
        self._reused: set[int] = set()
        """Expansions whose program had been judged before."""
        self._executions: dict[tuple[str, tuple[Test, ...]], tuple[str, asyncio.Task[Verdict] | Verdict]] = {}
        """Programs judged, or being judged, by content hash and tests: the text that was run, and the verdict."""
        self._vetting: asyncio.Task[str] | None = None
        self._last_error = ""
        self._refused = ""
        """The latest call or execution that the budget did not allow, in words."""
        self._changed = asyncio.Event()
        self._failures_in_a_row = 0
        self._unjudged_in_a_row = 0
        self._executes_on_its_own = ActionKind.EXECUTE in policy.actions.values()
        self._on_close = on_close

    def resume(self, events: Iterable[Event]) -> None:
        """Rebuild the search from its log; expansions without an answer are handed out again, in order.

        Raises:
            TreeError: if the log does not fit this task, policy and seed.
        """
        self.search.replay(events)
        self._reopened.extend(self.search.open.values())
        self.account.spend.nodes = len(self.search.tree) - 1

    def stop(self, reason: str) -> None:
        """End the run: expansions in flight finish, nothing new starts. The first reason counts."""
        if self.stop_reason is None:
            self.stop_reason = reason
            if reason.startswith(BROKEN_OFF):
                self._broken_off.set()
            logger.info("stopping: {}", reason)
        self._send_nothing_more()
        self._wake()

    async def next_expansion(self) -> Expansion | None:
        """Return what to do next, waiting while only others' results can open something; None at the end.

        Raises:
            AllSuspended: if all of these others stand still until the graph is resumed.
        """
        while self.stop_reason is None:
            if self._reopened:
                choice: Expansion | Signal = self._reopened.popleft()
            else:
                choice = self.search.ask()
                if choice is Signal.DONE:
                    self._send_nothing_more()
                    return None
                if choice is Signal.WAIT:
                    if self.approvals.block(self.search.open):
                        raise AllSuspended
                    await self._changed.wait()
                    continue
                assert isinstance(choice, Expansion)
                if self._recorder is not None:
                    self._recorder.asked(choice)
            assert isinstance(choice, Expansion)
            self._notify("asked", choice)
            # Asked only now: a policy that is done ends for that reason, whatever is left of the budget.
            exhausted = self.account.exhausted()
            if exhausted is None or self._needs_no_more_of(exhausted, choice):
                return choice
            if not self._may_still_execute(exhausted):
                self._left_open.add(choice.id)
                self.stop(f"budget: {exhausted}")
            self.tell(choice, Outcome(failure=Failure(kind="budget", message=str(exhausted))))
        return None

    def tell(self, expansion: Expansion, outcome: Outcome) -> None:
        """Hand an expansion's outcome to the tree and wake whoever waits for it.

        One that could not be carried out because the run is at its end stays open instead: to the policy it
        would be a failed attempt, and a run that goes on later takes it up again.
        """
        if outcome.failure is not None:
            logger.info("{} at node {}: {}", expansion.action, expansion.node, outcome.failure.message)
            if outcome.failure.kind == "budget":
                self._refused = outcome.failure.message
        if expansion.id in self._left_open:
            return
        self.search.tell(expansion.id, outcome)
        self.account.count_nodes(len(self.search.tree) - 1)
        if self._recorder is not None:
            self._recorder.told(expansion, outcome, reused=expansion.id in self._reused)
        self._notify("told", expansion, outcome)
        self._watch_sandbox(outcome)
        self._wake()

    def kind_of(self, expansion: Expansion) -> ActionKind:
        """Return who carries an expansion out."""
        return self.search.policy.actions[expansion.action]

    async def ask_agent(self, expansion: Expansion, inputs: Mapping[str, object]) -> Outcome:
        """Let the expansion's agent work; every failure of it is an outcome."""
        agent = self.agents[expansion.action]
        CURRENT.set(expansion.id)
        try:
            outcome = await agent.act(
                self.task, inputs, action=expansion.action, draw=expansion.draw, seed=self.seed
            )
            if not isinstance(outcome, Outcome):
                raise TypeError(f"the agent returned {type(outcome).__name__}; expected an Outcome")
            if self.stop_reason is not None and self._for_want_of_a_model(outcome):
                self._left_open.add(expansion.id)
            return outcome
        except BudgetExceeded as reason:
            # Limits of one role leave the others to go on.
            if ":" not in reason.kind and not self._may_still_execute(reason):
                self._left_open.add(expansion.id)
                self.stop(f"budget: {reason}")
            return Outcome(failure=Failure(kind="budget", message=str(reason)))
        except Exception as error:  # noqa: BLE001  an agent may be a stranger's; its bugs end a branch, not a run
            logger.opt(exception=True).warning("agent for {!r} failed", expansion.action)
            return Outcome(failure=Failure(kind="step", message=f"{type(error).__name__}: {error}"))

    def plan_request(self, expansion: Expansion, outcome: Outcome, item: int) -> ApprovalRequest | None:
        """Return the question about one of the plans that an expansion brought.

        None when the run is at its end: then the expansion stays open, and whoever continues the run is asked.
        """
        if self.stop_reason is not None or self._halt.ended:
            self._left_open.add(expansion.id)
            return None
        return self.approvals.plan_request(
            task=self.task.id,
            expansion=expansion.id,
            action=expansion.action,
            node=expansion.node,
            outcome=outcome,
            item=item,
        )

    def use_decisions(self, expansion: Expansion, outcome: Outcome, decisions: Sequence[Decision]) -> Outcome:
        """Return what humans left of a planner's outcome; where one has not answered, nothing is told."""
        if len(decisions) < len(outcome.proposals):
            self._left_open.add(expansion.id)
            return outcome
        return approved(outcome, decisions)

    async def execute(
        self, candidate: Candidate, tests: tuple[Test, ...], *, expansion: int | None = None
    ) -> Verdict:
        """Judge a program on tests; a program that was already judged on them is not run again.

        Args:
            candidate: the program.
            tests: what to judge it on.
            expansion: on whose behalf.

        Raises:
            BudgetExceeded: if executions are used up.
        """
        key = (candidate.key, tests)
        known = self._executions.get(key) or self._recorded(candidate, tests)
        if known is not None:
            text, running = known
            verdict = running if isinstance(running, Verdict) else await asyncio.shield(running)
            # Equal but for layout and comments: what names lines holds for one text only.
            if not _unusable(verdict) and (text == candidate.program or not _names_lines(verdict)):
                self._count_reuse(verdict, expansion)
                return verdict
        self.account.open_execution()
        running = asyncio.ensure_future(self._judge(candidate, tests, expansion))
        self._executions[key] = (candidate.program, running)
        verdict = await asyncio.shield(running)
        # A finished task would keep alive all that LangGraph put into its context: 8 KiB for each program.
        self._executions[key] = (candidate.program, verdict)
        return verdict

    async def trace(
        self, program: str, tests: Sequence[Test], *, expansion: int | None = None
    ) -> tuple[Test, BlockTrace] | None:
        """Trace the first of the tests that gives a trace; None when none does.

        A run that raised or hit a limit counts as no trace: its blocks break off where nobody can say why. Every
        traced run is an execution.
        """
        for test in tests:
            trace = None if self._recorder is None else self._recorder.known_trace(program, test)
            if trace is None:
                try:
                    self.account.open_execution()
                except BudgetExceeded as reason:
                    self._refused = str(reason)
                    return None
                try:
                    if await self._why_distrust():
                        return None
                    trace = await self.sandbox.trace(
                        program, test, entry_point=self.task.entry_point, limits=self.limits
                    )
                except Exception:  # noqa: BLE001  a sandbox may be a stranger's; the search goes on without a trace
                    logger.opt(exception=True).warning("the sandbox failed to trace")
                    return None
                finally:
                    self.account.close_execution()
                if self._recorder is not None:
                    self._recorder.traced(program, test, trace, expansion=expansion)
            if trace.blocks and trace.error is None:
                return test, trace
        return None

    def note_call(self, record: CallRecord) -> None:
        """Book-keeping after each model call; gives up on models that only fail."""
        if self._recorder is not None:
            self._recorder.called(record)
        self._notify("called", record)
        if record.error is None:
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        self._last_error = str(record.error)
        if record.error.kind in HOPELESS:
            self.stop(f"model: {record.error}")
        elif self._failures_in_a_row >= max(FAILURES_IN_A_ROW, 2 * self.workers):
            self.stop(
                f"model: {self._failures_in_a_row} calls in a row failed, the last with: {record.error}"
            )

    async def settle(self) -> None:
        """Choose the answer, and judge it on the task's tests if that is still open."""
        node_id = self._answer()
        candidate = verdict = None
        if node_id is not None:
            node = self.search.tree[node_id]
            candidate = node.program
            verdict = _on_own_tests(node, self.task)
            if candidate is not None and verdict is None and self.task.tests:
                verdict = await self._final_verdict(candidate)
        self._settled = _Answer(node_id, candidate, verdict)

    def solution_request(self) -> ApprovalRequest | None:
        """Return the question about the answer; None without an answer, or when the run was broken off."""
        answer = self._settled
        if answer is None or answer.candidate is None or answer.node is None:
            return None
        if self.stop_reason is not None and self.stop_reason.startswith(BROKEN_OFF):
            return None
        about = "no visible test could judge it"
        if answer.verdict is not None and answer.verdict.results:
            passed, tests = answer.verdict.passed_count, len(answer.verdict.results)
            about = f"{passed} of {tests} visible tests passed"
        return ApprovalRequest(
            what="solution",
            text=answer.candidate.program,
            task=self.task.id,
            node=answer.node,
            about=about,
        )

    async def finish(self, decision: Decision | None = None) -> Solution:
        """Return the solution, settling the answer if that is still open.

        Args:
            decision: what a human said about the answer. Where one was wanted and there is none, the answer
                counts as unverified.
        """
        if self._settled is None:
            await self.settle()
        assert self._settled is not None
        node_id, candidate, verdict = self._settled.node, self._settled.candidate, self._settled.verdict
        if decision is not None and decision.kind == "edit":
            candidate = edited_program(decision.text, self.task.language)
            verdict = await self._final_verdict(candidate) if self.task.tests else None
        result = _result(candidate, verdict)
        if decision is None and candidate is not None and "solution" in self.approvals.wanted:
            result = Result.UNVERIFIED
        spend = self.account.close()
        reason = self.stop_reason or SEARCH_DONE
        if self.stop_reason is None and spend.calls and spend.failed_calls == spend.calls:
            reason = f"model: every call failed, the last with: {self._last_error}"
        elif self.stop_reason is None and self._refused and result is not Result.SOLVED:
            reason = f"budget: {self._refused}"
        if decision is not None and decision.kind == "reject":
            result, reason = Result.UNSOLVED, f"{REJECTED} {decision.comment or 'no comment'}"
        return Solution(
            task_id=self.task.id,
            recipe=self.recipe,
            result=result,
            reason=reason,
            candidate=candidate,
            verdict=verdict,
            node=node_id,
            spend=spend,
            simulated=self.simulated,
            tree=self.search.tree,
        )

    async def aclose(self) -> None:
        """Give back what the session owns. Safe to call twice."""
        for _, running in self._executions.values():
            if not isinstance(running, Verdict):
                running.cancel()
        if self._vetting is not None:
            self._vetting.cancel()
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            result = on_close()
            if asyncio.iscoroutine(result):
                await result

    async def _judge(self, candidate: Candidate, tests: tuple[Test, ...], expansion: int | None) -> Verdict:
        recorder, source = self._recorder, ""
        try:
            shared = None if recorder is None else recorder.shared_verdict(candidate, tests)
            if shared is not None and not _unusable(shared[0]):
                verdict, source = shared
            else:
                if why := await self._why_distrust():
                    self.stop(f"error: the sandbox cannot be trusted: {why}")
                    raise SandboxError(why)
                verdict = await self.sandbox.judge(
                    candidate.program, tests, entry_point=self.task.entry_point, limits=self.limits
                )
        except Exception as error:  # noqa: BLE001  a sandbox may be a stranger's; its failure judges nobody
            logger.opt(exception=True).warning("the sandbox failed")
            unjudged = (TestResult(status=Status.UNJUDGED),) * len(tests)
            note = f"the sandbox failed with {type(error).__name__}: {error}"
            verdict = Verdict(status=Status.UNJUDGED, results=unjudged, note=note)
        finally:
            self.account.close_execution()
        if recorder is not None:
            recorder.executed(candidate, tests, verdict, expansion=expansion, adopted=source)
        return verdict

    def _recorded(self, candidate: Candidate, tests: tuple[Test, ...]) -> tuple[str, Verdict] | None:
        """Look for a verdict that an earlier session of this run has recorded."""
        found = None if self._recorder is None else self._recorder.known_verdict(candidate, tests)
        if found is not None:
            self._executions[candidate.key, tests] = found
        return found

    def _count_reuse(self, verdict: Verdict, expansion: int | None) -> None:
        if self._recorder is not None and self._recorder.unused(verdict, expansion):
            return  # an earlier session paid for it and ended before its result could be told
        self.account.count_reused()
        if expansion is not None:
            self._reused.add(expansion)

    async def _why_distrust(self) -> str:
        """Return why the sandbox must not be used, found out at the first use; nothing if there is no reason.

        What is asked are Python programs; sandboxes for other languages check themselves.
        """
        if self.task.language != PYTHON:
            return ""
        if self._vetting is None:
            self._vetting = asyncio.ensure_future(why_distrust(self.sandbox))
        return await asyncio.shield(self._vetting)

    def _answer(self) -> int | None:
        try:
            return self.search.answer()
        except Exception as error:  # noqa: BLE001  a policy may be a stranger's; the best program is still there
            logger.opt(exception=True).error("the search policy failed")
            self.stop(f"error: the search policy failed with {type(error).__name__}: {error}")
            best = max(self.search.tree.programs(), key=lambda node: (rank_key(node), -node.id), default=None)
            return best.id if best else None

    def _notify(self, event: str, *details: object) -> None:
        for observer in self.observers:
            try:
                getattr(observer, event)(self, *details)
            except Exception:  # noqa: BLE001  an observer may be a stranger's; a paid answer must not be lost by it
                logger.opt(exception=True).warning("an observer failed")

    def _watch_sandbox(self, outcome: Outcome) -> None:
        """Stop buying answers that nobody can judge."""
        if outcome.verdict is None:
            return
        if not _unusable(outcome.verdict):
            self._unjudged_in_a_row = 0
            return
        self._unjudged_in_a_row += 1
        if self._unjudged_in_a_row >= UNJUDGED_IN_A_ROW:
            note = outcome.verdict.note or "no reason given"
            self.stop(
                f"error: the sandbox could not judge {self._unjudged_in_a_row} programs in a row: {note}"
            )

    async def _final_verdict(self, candidate: Candidate) -> Verdict | None:
        try:
            return await self.execute(candidate, self.task.tests)
        except BudgetExceeded as reason:
            logger.info("the answer was not judged on the task's tests: {}", reason)
            return None

    def _needs_no_more_of(self, exhausted: BudgetExceeded, expansion: Expansion) -> bool:
        """Whether an expansion costs nothing of the resource that is used up, or was paid for before."""
        if self._recorder is not None and self._recorder.has_paid_for(expansion.id):
            return True
        return exhausted.kind in _PAID_BY_CALLS and self.kind_of(expansion) is ActionKind.EXECUTE

    @staticmethod
    def _for_want_of_a_model(outcome: Outcome) -> bool:
        """Whether a step brought nothing because no model could be reached."""
        failure = outcome.failure
        return failure is not None and failure.kind == "model" and not outcome.answer

    def _may_still_execute(self, exhausted: BudgetExceeded) -> bool:
        """Whether the policy can still use what is left: programs may be executed without further calls."""
        return self._executes_on_its_own and exhausted.kind in _PAID_BY_CALLS

    def _send_nothing_more(self) -> None:
        """Send home the calls that wait for room or for a turn; those in flight go on."""
        self._halt.end()
        self.account.wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(frozen=True, slots=True)
class RunContext:
    """LangGraph runtime context of a compiled recipe: pass one to run it on a session of your own."""

    session: Session | None = None
    """None: the run opens its own. (Servers make a context without anything in it.)"""


def _unusable(verdict: Verdict) -> bool:
    """Whether a verdict says nothing because our sandbox could not judge."""
    return verdict.status is Status.UNJUDGED and bool(verdict.results)


def _names_lines(verdict: Verdict) -> bool:
    """Whether a verdict speaks of lines of the program's text."""
    errors = [verdict.error, *(result.error for result in verdict.results)]
    return any(error is not None and error.line is not None for error in errors)


def _on_own_tests(node: Node, task: Task) -> Verdict | None:
    """Return what is known of a node's program on the task's own tests, which come first among its tests."""
    verdict, count = node.verdict, len(task.tests)
    if verdict is None or node.tests[:count] != task.tests or len(verdict.results) < count:
        return None
    if len(node.tests) == count:
        return verdict
    results = verdict.results[:count]
    status = overall(result.status for result in results)
    if status is Status.PASSED:
        # Whatever ended the run came later, among the generated tests.
        return replace(verdict, status=status, results=results, error=None, limit="")
    return replace(verdict, status=status, results=results)


def _result(candidate: Candidate | None, verdict: Verdict | None) -> Result:
    if candidate is None:
        return Result.UNSOLVED
    if verdict is None or verdict.status is Status.UNJUDGED:
        return Result.UNVERIFIED
    return Result.SOLVED if verdict.passed else Result.UNSOLVED
