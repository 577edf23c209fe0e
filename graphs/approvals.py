"""Puts a run's questions to a human, and keeps the answers."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from loguru import logger

from codegrove.account import Account
from codegrove.approval import ApprovalRequest, Approver, Decision, What, read_decision
from codegrove.errors import UsageError
from codegrove.graphs.end import End
from codegrove.graphs.recording import Recorder
from codegrove.outcome import Failure, Outcome

Question = tuple[int | None, int]
"""Expansion (None for the solution) and which of its plans."""


@dataclass(kw_only=True, eq=False)
class Approvals:
    """The questions of one session.

    Who answers: the record where it holds the answer, else the approver, else whoever runs the graph (through
    LangGraph's interrupt; see `codegrove.graphs.asking`).
    """

    wanted: Collection[What] = ()
    """What needs approval."""
    approver: Approver | None = None
    account: Account
    recorder: Recorder | None = None
    stop: Callable[[End], None]
    """Ends the run."""
    broken_off: asyncio.Event
    """Set when the run ends early: then nobody waits for an answer any more."""
    wake: Callable[[], None]
    """Makes waiting workers look again."""
    _suspended: set[Question] = field(default_factory=set)
    """Questions in the hands of whoever runs the graph."""
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def plan_request(
        self, *, task: str, expansion: int, action: str, node: int, outcome: Outcome, item: int
    ) -> ApprovalRequest:
        """Return the question about one of an outcome's proposals."""
        return ApprovalRequest(
            what="plan",
            text=outcome.proposals[item].text,
            task=task,
            node=node,
            about=action,
            expansion=expansion,
            item=item,
            count=len(outcome.proposals),
        )

    async def decide(self, request: ApprovalRequest) -> Decision | None:
        """Return the decision of the record or the approver.

        None when there is none: the run was broken off meanwhile, the approver failed (then the run is stopped),
        or there is no approver.
        """
        known = None if self.recorder is None else self.recorder.known_decision(request)
        if known is not None or self.approver is None:
            return known
        with self.account.paused():
            decision = await self._ask(self.approver, request)
        if decision is not None:
            self.take(request, decision)
        return decision

    def take(self, request: ApprovalRequest, decision: Decision) -> None:
        """Write a decision down. To be called before it is used."""
        logger.info("{} of node {}: {} {}", request.what, request.node, decision.kind, decision.comment)
        if self.recorder is not None:
            self.recorder.decided(request, decision)

    def suspend(self, request: ApprovalRequest) -> None:
        """Note that a worker stands still until the graph is resumed with an answer."""
        self._suspended.add((request.expansion, request.item))
        self.account.pause()
        self.wake()

    def unsuspend(self, request: ApprovalRequest) -> None:
        """Note that the worker runs again, if it stood still."""
        question = (request.expansion, request.item)
        if question in self._suspended:
            self._suspended.remove(question)
            self.account.go_on()

    def block(self, expansions: Collection[int]) -> bool:
        """Whether nothing goes on with any of these expansions until the graph is resumed."""
        return bool(expansions) and set(expansions) <= {expansion for expansion, _ in self._suspended}

    async def _ask(self, approver: Approver, request: ApprovalRequest) -> Decision | None:
        answering = asyncio.ensure_future(self._answer(approver, request))
        ending = asyncio.ensure_future(self.broken_off.wait())
        try:
            await asyncio.wait((answering, ending), return_when=asyncio.FIRST_COMPLETED)
            return answering.result() if answering.done() else None
        except UsageError as error:
            self.stop(End.error(f"the approver's answer cannot be used: {error}"))
        except Exception as error:  # noqa: BLE001  an approver is a stranger's; what was paid for stays
            logger.opt(exception=True).error("the approver failed")
            self.stop(End.error(f"the approver failed with {type(error).__name__}: {error}"))
        finally:
            answering.cancel()
            ending.cancel()
            await asyncio.gather(answering, ending, return_exceptions=True)
        return None

    async def _answer(self, approver: Approver, request: ApprovalRequest) -> Decision:
        if inspect.iscoroutinefunction(approver) or inspect.iscoroutinefunction(type(approver).__call__):
            answer = approver(request)
        else:
            async with self._one_at_a_time:
                answer = await _in_a_thread(lambda: approver(request))
        if inspect.isawaitable(answer):
            answer = await answer
        return read_decision(answer)


def approved(outcome: Outcome, decisions: Sequence[Decision]) -> Outcome:
    """Return what is left of an outcome's proposals: edited ones as edited, rejected ones not at all.

    Args:
        outcome: what a planner brought.
        decisions: one for each of its proposals.
    """
    kept = []
    for proposal, decision in zip(outcome.proposals, decisions, strict=True):
        if decision.kind == "edit":
            kept.append(replace(proposal, text=decision.text))
        elif decision.kind == "accept":
            kept.append(proposal)
    if kept:
        return replace(outcome, proposals=tuple(kept))
    comments = "; ".join(decision.comment for decision in decisions if decision.comment)
    message = "a human rejected " + ("the plan" if len(decisions) == 1 else f"all {len(decisions)} plans")
    failure = Failure(kind="rejected", message=f"{message}: {comments}" if comments else message)
    return replace(outcome, proposals=(), failure=failure)


async def _in_a_thread(function: Callable[[], object]) -> object:
    """Call a function that may block for hours in a thread that keeps no process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()

    def settle(result: object, error: Exception | None) -> None:
        if future.done():
            return  # nobody waits any more
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result: object = None
        failure: Exception | None = None
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001  a stranger's; whatever it is, somebody waits for an answer
            # A future takes no StopIteration, and what ends an interpreter must not end the run's loop.
            usable = isinstance(error, Exception) and not isinstance(error, StopIteration)
            failure = error if usable else RuntimeError(repr(error))  # type: ignore[assignment]
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:
            return  # the loop is closed: the run is over

    threading.Thread(target=work, name="codegrove-approver", daemon=True).start()
    return await future
