"""What the workers of one run share: the search, the agents, the executions and the account."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from loguru import logger

from codegrove.account import Account
from codegrove.agents.role import Agent
from codegrove.approval import ApprovalRequest, Approver, Decision, What
from codegrove.errors import BudgetExceeded, PromptError
from codegrove.graphs.approvals import Approvals, approved
from codegrove.graphs.end import End, Ended
from codegrove.graphs.executions import Executions, unusable
from codegrove.graphs.recording import CURRENT, Recorder
from codegrove.graphs.solution import Settled
from codegrove.models.metered import CallRecord
from codegrove.models.passage import Halt
from codegrove.outcome import Failure, Outcome
from codegrove.search.policy import ActionKind, Expansion, Policy, Signal
from codegrove.search.search import Event, Search, Told
from codegrove.task import Task
from codegrove.tools.sandbox.native import sandbox_for
from codegrove.tools.sandbox.port import Limits, Sandbox

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
        self.recipe = recipe
        self.account = account or Account()
        self.executions = Executions(
            task,
            sandbox_for(sandbox, task.language),
            self.account,
            limits=limits,
            recorder=recorder,
            stop=self.stop,
        )
        self.workers = workers
        self.seed = seed
        self.simulated = simulated
        self.observers = list(observers)
        self.stopped: End | None = None
        """Why the run ends before its policy is done; None as long as it does not."""
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
        self.settled: Settled | None = None
        """What the search came to, once that is known."""
        self._reopened: deque[Expansion] = deque()
        """What an earlier session of the run left open."""
        self._perhaps_done = False
        """Whether an earlier session may have been told that the search is done: nobody wrote that down."""
        self._left_open: set[int] = set()
        """Expansions that could not be carried out because the run ended; a resumed run takes them up."""
        self.refused: Failure | None = None
        """The latest that the budget did not allow and the policy was told of."""
        self._nothing_to_buy: Failure | None = None
        """The limit after which nothing is bought any more although the policy goes on: it may still execute."""
        self.last_error = ""
        """What the latest failed model call failed with."""
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
        # With one worker what is open was asked for last, and cannot be what remained when the search was done.
        self._perhaps_done = bool(self._reopened) and isinstance(self.search.events[-1], Told)
        self.account.spend.nodes = len(self.search.tree) - 1

    @property
    def stop_reason(self) -> str | None:
        """`stopped` in words."""
        return None if self.stopped is None else self.stopped.reason

    def stop(self, why: End | str) -> None:
        """End the run: expansions in flight finish, nothing new starts. The first reason counts.

        Args:
            why: the reason; a text is one in the caller's own words (`Ended.STOPPED`).
        """
        if self.stopped is None:
            self.stopped = why if isinstance(why, End) else End(Ended.STOPPED, why)
            if self.stopped.kind.broken_off:
                self._broken_off.set()
            logger.info("stopping: {}", self.stop_reason)
        self._send_nothing_more()
        self._wake()

    async def next_expansion(self) -> Expansion | None:
        """Return what to do next, waiting while only others' results can open something; None at the end.

        Raises:
            AllSuspended: if all of these others stand still until the graph is resumed.
        """
        while self.stopped is None:
            if self._perhaps_done:
                self._find_out_whether_done()
            if self._reopened:
                choice: Expansion | Signal = self._reopened.popleft()
            else:
                choice = self.search.ask()
                if choice is Signal.DONE:
                    if self._nothing_to_buy is not None:
                        self.stop(End.over(self._nothing_to_buy))
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
            refusal = self._refusal(choice)
            if refusal is None:
                return choice
            self.refuse(choice, refusal)
            self.tell(choice, Outcome(failure=refusal))
        return None

    def _find_out_whether_done(self) -> None:
        """End a resumed search that was done but for late answers: only those on record come in."""
        self._perhaps_done = False
        choice = self.search.ask()
        if choice is Signal.DONE:
            self._send_nothing_more()
        elif isinstance(choice, Expansion):
            if self._recorder is not None:
                self._recorder.asked(choice)
            self._reopened.append(choice)

    def tell(self, expansion: Expansion, outcome: Outcome) -> None:
        """Hand an expansion's outcome to the tree and wake whoever waits for it.

        One that could not be carried out because the run is at its end stays open instead: to the policy it
        would be a failed attempt, and a run that goes on later takes it up again.
        """
        if outcome.failure is not None:
            logger.info("{} at node {}: {}", expansion.action, expansion.node, outcome.failure.message)
            if outcome.failure.kind == "budget":
                self.refused = outcome.failure
        if expansion.id in self._left_open:
            return
        self.search.tell(expansion.id, outcome)
        self.account.count_nodes(len(self.search.tree) - 1)
        if self._recorder is not None:
            self._recorder.told(expansion, outcome, reused=expansion.id in self.executions.reused)
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
            failure = outcome.failure
            if failure is not None and failure.kind == "budget":
                # A second question about the same: the answer to the first is on record.
                self.refuse(expansion, failure)
            elif failure is not None and failure.kind == "model" and self.stopped is not None:
                self._left_open.add(expansion.id)
            return outcome
        except BudgetExceeded as reason:
            refusal = Failure.over(reason)
            self.refuse(expansion, refusal)
            return Outcome(failure=refusal)
        except PromptError as error:
            # It would fail the same way every time.
            self._left_open.add(expansion.id)
            self.stop(End.error(f"action {expansion.action!r}: {error}"))
            return Outcome(failure=Failure(kind="step", message=str(error)))
        except Exception as error:  # noqa: BLE001  an agent may be a stranger's; its bugs end a branch, not a run
            logger.opt(exception=True).warning("agent for {!r} failed", expansion.action)
            return Outcome(failure=Failure(kind="step", message=f"{type(error).__name__}: {error}"))

    def refuse(self, expansion: Expansion, limit: Failure) -> None:
        """Note that the budget does not allow an expansion to be carried out.

        It stays open, and the run ends. Two cases are told to the policy instead: a limit of one role, which
        leaves the others to go on, and one of calls where the policy may still execute what it has; that is taken
        back when the run goes on.
        """
        if not limit.resource or ":" in limit.resource:
            return  # (without a name: not this run's budget, but something of a stranger's agent)
        buys = self.kind_of(expansion) is not ActionKind.EXECUTE
        if buys and self._executes_on_its_own and limit.resource in _PAID_BY_CALLS:
            self._nothing_to_buy = self._nothing_to_buy or limit
            return
        self._left_open.add(expansion.id)
        self.stop(End.over(self._nothing_to_buy or limit))

    def plan_request(self, expansion: Expansion, outcome: Outcome, item: int) -> ApprovalRequest | None:
        """Return the question about one of the plans that an expansion brought.

        None when the run is at its end: then the expansion stays open, and whoever continues the run is asked.
        """
        if self.stopped is not None or self._halt.ended:
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

    def note_call(self, record: CallRecord) -> None:
        """Book-keeping after each model call; gives up on models that only fail."""
        if self._recorder is not None:
            self._recorder.called(record)
        self._notify("called", record)
        if record.error is None:
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        self.last_error = str(record.error)
        if record.error.kind in HOPELESS:
            self.stop(End.model(record.error))
        elif self._failures_in_a_row >= max(FAILURES_IN_A_ROW, 2 * self.workers):
            why = f"{self._failures_in_a_row} calls in a row failed, the last with: {record.error}"
            self.stop(End.model(why))

    async def aclose(self) -> None:
        """Give back what the session owns. Safe to call twice."""
        self.executions.cancel()
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            result = on_close()
            if asyncio.iscoroutine(result):
                await result

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
        if not unusable(outcome.verdict):
            self._unjudged_in_a_row = 0
            return
        self._unjudged_in_a_row += 1
        if self._unjudged_in_a_row >= UNJUDGED_IN_A_ROW:
            note = outcome.verdict.note or "no reason given"
            why = f"the sandbox could not judge {self._unjudged_in_a_row} programs in a row: {note}"
            self.stop(End.error(why))

    def _refusal(self, expansion: Expansion) -> Failure | None:
        """Return why the budget does not allow an expansion; None if it does, or it was paid for before."""
        if self._halt.ended or (self._recorder is not None and self._recorder.has_paid_for(expansion.id)):
            return None
        executes = self.kind_of(expansion) is ActionKind.EXECUTE
        exhausted = self.account.exhausted()
        if exhausted is not None and not (executes and exhausted.kind in _PAID_BY_CALLS):
            return Failure.over(exhausted)
        # A smaller call might fit where the one before it did not; it must not be bought in its place.
        return None if executes else self._nothing_to_buy

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
