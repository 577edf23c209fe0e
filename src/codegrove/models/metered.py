"""Calls on account: room is reserved before, and what was used is booked after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from codegrove.account import Account, BudgetReserved, CallTicket
from codegrove.budget import Budget, Usage
from codegrove.errors import ModelError, NotSent, UsageError
from codegrove.models.failures import UNBILLED
from codegrove.models.journal import AnswerSource, SharedAnswer
from codegrove.models.passage import Halt, Passage, passage
from codegrove.models.port import Model, Price, Reply, Request
from codegrove.models.secrets import without_keys
from codegrove.models.throttle import Lane
from codegrove.models.tokens import bound_prompt, estimate_prompt, estimate_tokens, reported_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One model call that was sent, and what came of it. Either `reply` or `error` is set."""

    spec: str
    request: Request
    """As the agent asked. What was sent differs at most in `max_tokens`, so that records of the same question
    are equal whatever was left of the budget."""
    max_tokens: int | None
    """Output tokens the budget allowed; None for no cap."""
    reply: Reply | None = None
    error: ModelError | None = None
    attempts: int = 1
    """How often it was sent until it was answered or given up; 0 for one that was found."""
    usage: Usage
    """Of all attempts: one that failed may have been read all the same, and counts with its prompt."""
    seconds: float
    """From the first attempt to the last, without the waits for turns and between attempts."""
    adopted: str = ""
    """Where the answer was found; empty for one that was bought."""
    origin: str = ""
    """Where a found answer was bought, as ``RUN:CALL``: id of the run, and row of the call there. It stays the
    same when runs take answers from runs that took them from others."""


class MeteredModel:
    """Keeps a model within a budget and reports every call.

    Where calls in flight hold the room that is left, a call waits for them instead of failing. A call that is
    still waiting when its run ends is not sent.

    Args:
        model: whom to ask. Put `RetryingModel` inside, so that one answered question is one call.
        account: what to keep within, and where to book.
        on_call: called after each call that was sent, once it is booked.
        answers: asked before a call is sent. What it has of this run is on the account already; what comes from
            another run is booked like a call.
        halt: ends the calls that wait; those in flight go on.
        lanes: turns by role, for roles that may have so many calls in progress only.
        clock: seconds from any fixed point, monotonic. Passed in so that tests need not wait.
    """

    def __init__(
        self,
        model: Model,
        account: Account,
        *,
        on_call: Callable[[CallRecord], None] | None = None,
        answers: AnswerSource | None = None,
        halt: Halt | None = None,
        lanes: Mapping[str, Lane] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._account = account
        self._on_call = on_call
        self._answers = answers
        self._halt = halt or Halt()
        self._lanes = lanes or {}
        self._clock = clock

    @property
    def spec(self) -> str:
        """The wrapped model's."""
        return self._model.spec

    @property
    def price(self) -> Price | None:
        """The wrapped model's."""
        return self._model.price

    async def complete(self, request: Request) -> Reply:
        """Answer one request if the budget allows.

        Raises:
            BudgetExceeded: if the call could pass a limit; nothing was sent.
            NotSent: if the run ended while the call was waiting.
            ModelError: if no answer could be had.
            UsageError: if dollars are limited and this model's price is unknown.
        """
        if self._answers is not None and (reply := self._answers.own(self.spec, request)) is not None:
            return reply
        with passage(self._halt) as way:
            lane = self._lanes.get(request.role)
            if lane is None:
                return await self._complete(request, way)
            with await lane.enter(way):
                return await self._complete(request, way)

    async def _complete(self, request: Request, way: Passage) -> Reply:
        answers = self._answers
        ticket = await self._reserve(request)
        try:
            known = None if answers is None else answers.shared(self.spec, request)
        except BaseException:
            ticket.cancel()  # or others would wait for ever for the room it holds
            raise
        if known is not None:
            self._book(ticket, request, known.usage, 0.0, reply=known.reply, found=known)
            return known.reply
        allowed = request
        if ticket.max_tokens != request.sampling.max_tokens:
            allowed = replace(request, sampling=replace(request.sampling, max_tokens=ticket.max_tokens))
        way.reserve = lambda: ticket.reserve_again(bound_prompt(request), self._prices())
        started, way.waited = self._clock(), 0.0
        try:
            reply = await self._model.complete(allowed)
        except BaseException as problem:
            seconds = self._clock() - started - way.waited
            if way.unsent:
                ticket.cancel()
            elif isinstance(problem, ModelError):
                if not way.attempts:  # by a model that does not say so
                    way.attempts, way.free = 1, int(problem.kind in UNBILLED)
                self._book_failure(ticket, request, problem, seconds, way)
            else:
                # Cancelled, or a bug in a stranger's model: the provider may be working on it all the same.
                reason = ModelError(f"the call was abandoned: {_named(problem)}")
                way.attempts = way.attempts or 1
                self._book_failure(ticket, request, reason, seconds, way)
            raise
        seconds = self._clock() - started - way.waited
        way.attempts = way.attempts or 1
        usage = self._usage(request, reply, repeated=way.attempts - 1 - way.free)
        self._book(ticket, request, usage, seconds, reply=reply, attempts=way.attempts)
        return reply

    async def _reserve(self, request: Request) -> CallTicket:
        while not self._halt.ended:
            try:
                return self._account.open_call(
                    request.role,
                    prompt_tokens=bound_prompt(request),
                    max_tokens=request.sampling.max_tokens,
                    price=self._prices(),
                )
            except BudgetReserved:
                await self._account.released()
        raise NotSent

    def _prices(self) -> tuple[float, float] | None:
        price = self._model.price
        return None if price is None else (price.input / 1e6, price.output / 1e6)

    def _usage(self, request: Request, reply: Reply, *, repeated: int) -> Usage:
        read, written = reported_tokens(reply.input_tokens), reported_tokens(reply.output_tokens)
        # Nothing written for an empty answer is no missing count.
        estimated = read is None or (written is None and reply.text != "")
        read = estimate_prompt(request) if read is None else read
        written = estimate_tokens(reply.text) if written is None else written
        if repeated > 0:
            read += repeated * estimate_prompt(request)
            estimated = True
        return Usage(read, written, self._cost(read, written), estimated)

    def _book_failure(
        self, ticket: CallTicket, request: Request, problem: ModelError, seconds: float, way: Passage
    ) -> None:
        read = (way.attempts - way.free) * estimate_prompt(request)
        usage = Usage(read, 0, self._cost(read, 0), estimated=read > 0)
        self._book(ticket, request, usage, seconds, error=problem, attempts=way.attempts)

    def _cost(self, read: int, written: int) -> float | None:
        if not read and not written:
            return 0.0
        price = self._model.price
        return None if price is None else (read * price.input + written * price.output) / 1e6

    def _book(
        self,
        ticket: CallTicket,
        request: Request,
        usage: Usage,
        seconds: float,
        *,
        reply: Reply | None = None,
        error: ModelError | None = None,
        found: SharedAnswer | None = None,
        attempts: int = 0,
    ) -> None:
        ticket.settle(usage, failed=error is not None)
        if self._on_call is None:
            return
        self._on_call(
            CallRecord(
                spec=self.spec,
                request=request,
                max_tokens=ticket.max_tokens,
                reply=reply,
                error=error,
                attempts=attempts,
                usage=usage,
                seconds=max(seconds, 0.0),
                adopted="" if found is None else found.source,
                origin="" if found is None else found.origin,
            )
        )


def _named(problem: BaseException) -> str:
    """Return an exception's name and words; of a cancellation the name, its argument is the canceller's own."""
    words = "" if isinstance(problem, asyncio.CancelledError) else without_keys(str(problem))
    return f"{type(problem).__name__} {words}".rstrip()


def check_priced(budget: Budget, models: Mapping[str, Model]) -> None:
    """Refuse a dollar limit that could not be kept.

    Args:
        budget: the limits.
        models: the models of the run, by role.

    Raises:
        UsageError: if dollars are limited and a model's price is unknown; tells what to do.
    """
    if budget.dollars is None:
        return
    unpriced = {role: model.spec for role, model in models.items() if model.price is None}
    if unpriced:
        found = ", ".join(f"{spec} ({role})" for role, spec in unpriced.items())
        raise UsageError(
            f"a limit of {budget.dollars:g} dollars cannot be kept: the price is unknown for {found};"
            " give it (dollars per million input and output tokens), e.g."
            " make_model('openai:MODEL', price=Price(0.15, 0.6)), or limit calls or tokens instead"
        )
