"""The running account that keeps a run within its limits."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codegrove.budget import Budget, Spend, Usage
from codegrove.errors import BudgetExceeded, UsageError

SMALLEST_ANSWER = 64
"""Output tokens below which an answer is not worth its prompt (unless the call itself asks for fewer)."""


class BudgetReserved(BudgetExceeded):
    """Work in flight holds the room that is left; some of it may come back. Wait instead of ending."""

    def __init__(self, kind: str, spent: float, limit: float, *, whose: str = "") -> None:
        super().__init__(kind, spent, limit, whose=whose)
        held = f"{whose} budget for {kind} is held by work in flight".lstrip()
        self.args = (f"{held}: {spent:g} of {limit:g} used or reserved",)


@dataclass(slots=True, eq=False)
class CallTicket:
    """Permission for one model call. Settle it with what was used, or cancel it if nothing was sent."""

    account: Account
    role: str
    tokens: int
    """Reserved: prompt plus answer."""
    dollars: float
    """Reserved; 0 when the price is unknown or free."""
    max_tokens: int | None
    """Output tokens the call may ask for, so that the token budget holds; None for no cap."""
    in_sweep: CallTicket | None = None
    """The same call's permission from the sweep that the account belongs to."""

    def reserve_again(self, prompt_tokens: int, price: tuple[float, float] | None) -> None:
        """Reserve room for sending the prompt once more, because the provider failed and may have read it.

        Never waits for room: the call would hold its own meanwhile, and two such calls would wait for each other.

        Args:
            prompt_tokens: upper estimate of the prompt's tokens.
            price: as for `Account.open_call`.

        Raises:
            BudgetExceeded: if there is none; nothing is reserved then.
        """
        dollars = prompt_tokens * (0.0 if price is None else price[0])
        tickets = [self] if self.in_sweep is None else [self, self.in_sweep]
        for ticket in tickets:
            account = ticket.account
            _, held, cost = account._in_flight()
            budget, spend = account.budget, account.spend
            account._require("tokens", spend.tokens, held, prompt_tokens, budget.tokens)
            account._require("dollars", spend.dollars, cost, dollars, budget.dollars)
        for ticket in tickets:
            ticket.tokens += prompt_tokens
            ticket.dollars += dollars

    def settle(self, usage: Usage, *, failed: bool = False) -> None:
        """Book what the call used. A failed call counts as a call: it was paid for, or may have been."""
        self.account._release(self)
        spend = self.account.spend
        spend.calls += 1
        spend.failed_calls += failed
        spend.input_tokens += usage.input_tokens
        spend.output_tokens += usage.output_tokens
        spend.estimated_calls += usage.estimated
        if usage.dollars is None:
            spend.unpriced_calls += 1
        else:
            spend.dollars += usage.dollars
        spend.calls_by_role[self.role] = spend.calls_by_role.get(self.role, 0) + 1
        if self.in_sweep is not None:
            self.in_sweep.settle(usage, failed=failed)

    def cancel(self) -> None:
        """Give the permission back: the call was never sent."""
        self.account._release(self)
        if self.in_sweep is not None:
            self.in_sweep.cancel()


class Account:
    """Spend against a `Budget`, counting what is in flight.

    `exhausted` says that the run is over. `open_call` and `open_execution` raise `BudgetReserved` where there is
    no room right now, because work in flight holds it (`await released()`, then ask again), and a plain
    `BudgetExceeded` where there will never be any.

    Not thread-safe: all steps of a run, and all runs of a sweep, use it from one event loop. (`solve` does,
    from whatever threads it is called.)

    Args:
        budget: the limits.
        clock: seconds from any fixed point, monotonic. Passed in so that tests need not wait.
        sweep: what this run belongs to; whatever is reserved or booked here, is there as well.
    """

    _whose = ""

    def __init__(
        self,
        budget: Budget | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sweep: Sweep | None = None,
    ) -> None:
        self.budget = budget or Budget()
        self.spend = Spend()
        self.sweep = sweep
        self._clock = clock
        self._started = clock()
        self._before = 0.0
        """Seconds of earlier sessions of the same run."""
        self._pauses = 0
        """Waits for a human at this moment."""
        self._standing_since: float | None = None
        """When the clock was stopped; None while it runs."""
        self._tickets: set[CallTicket] = set()
        self._executions_in_flight = 0
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def seconds(self) -> float:
        """Seconds since the account was opened, with those of earlier sessions.

        Moments in which the run only waits for a human are not counted.
        """
        now = self._clock() if self._standing_since is None else self._standing_since
        return self._before + now - self._started

    def start(self) -> None:
        """Start the clock anew: setting up is over, the run begins."""
        self._started = self._clock()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Wait for a human: the clock stands still while no call and no execution is in flight."""
        self.pause()
        try:
            yield
        finally:
            self.go_on()

    def pause(self) -> None:
        """Begin to wait for a human, see `paused`. Several waits may overlap."""
        self._pauses += 1
        self._set_clock()

    def go_on(self) -> None:
        """End one wait for a human."""
        self._pauses -= 1
        self._set_clock()

    def restore(self, spend: Spend) -> None:
        """Go on from what earlier sessions of the same run have spent."""
        self.spend = spend
        self._before = spend.seconds

    def exhausted(self) -> BudgetExceeded | None:
        """Return the limit that is used up for good, or None. Never changes back.

        Counts finished work only. None does not promise that the next call fits: `open_call` knows its
        size and its role. A dollar limit of 0 is not "used up": calls that are free still fit.
        """
        budget, spend = self.budget, self.spend
        used: list[tuple[str, float, float | None]] = [
            ("seconds", round(self.seconds, 3), budget.seconds),
            ("calls", spend.calls, budget.calls),
            ("tokens", spend.tokens, budget.tokens),
            ("dollars", spend.dollars, budget.dollars or None),
            ("executions", spend.executions, budget.executions),
            ("nodes", spend.nodes, budget.nodes),
        ]
        for kind, spent, limit in used:
            if limit is not None and spent >= limit:
                return BudgetExceeded(kind, spent, limit, whose=self._whose)
        return None if self.sweep is None else self.sweep.exhausted()

    async def released(self) -> None:
        """Wait until a call or an execution in flight ends, or `wake` is called; return at once when none is.

        Where the run belongs to a sweep, those of the sweep's other runs count as well.
        """
        accounts = [self] if self.sweep is None else [self, self.sweep]
        if not any(account._tickets or account._executions_in_flight for account in accounts):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for account in accounts:
            account._waiting.add(future)
        try:
            await future
        finally:
            for account in accounts:
                account._waiting.discard(future)

    def wake(self) -> None:
        """Let everybody who waits in `released` look again, because the run has ended, say."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    def open_call(
        self,
        role: str,
        *,
        prompt_tokens: int = 0,
        max_tokens: int | None = None,
        price: tuple[float, float] | None = (0.0, 0.0),
    ) -> CallTicket:
        """Reserve room for one model call.

        The ticket allows fewer output tokens than asked for where less is left, but never fewer than
        `SMALLEST_ANSWER` (or what was asked for, if that is less).

        Args:
            role: who calls, for per-role limits and spend.
            prompt_tokens: upper estimate of the prompt's tokens.
            max_tokens: output tokens the call wants; None for `Budget.answer_tokens` where tokens or dollars
                are limited.
            price: dollars per input token and per output token; None when unknown.

        Raises:
            BudgetReserved: if there may be room when a call in flight has ended.
            BudgetExceeded: if the call could pass a limit.
            UsageError: if dollars are limited and the price is unknown.
        """
        budget, spend = self.budget, self.spend
        if budget.dollars is not None and price is None:
            raise UsageError(
                f"budget dollars={budget.dollars:g}, but the price of the model for role {role!r} is unknown;"
                " give its price, or limit calls or tokens instead"
            )
        self._require_time()
        calls, tokens, dollars = self._in_flight()
        self._require("calls", spend.calls, calls, 1, budget.calls)
        self._require(
            f"calls:{role}",
            spend.calls_by_role.get(role, 0),
            sum(ticket.role == role for ticket in self._tickets),
            1,
            budget.role_calls.get(role),
        )
        input_price, output_price = price or (0.0, 0.0)
        limited = budget.tokens is not None or (budget.dollars is not None and input_price + output_price > 0)
        wanted = budget.answer_tokens if max_tokens is None and limited else max_tokens
        if wanted is not None:
            wanted = self._fit("tokens", spend.tokens, tokens, prompt_tokens, 1, wanted, budget.tokens)
            prompt_cost = prompt_tokens * input_price
            wanted = self._fit(
                "dollars", spend.dollars, dollars, prompt_cost, output_price, wanted, budget.dollars
            )
        in_sweep = None
        if self.sweep is not None:
            in_sweep = self.sweep.open_call(role, prompt_tokens=prompt_tokens, max_tokens=wanted, price=price)
            wanted = in_sweep.max_tokens  # perhaps fewer
        answer = wanted or 0
        dollars_held = prompt_tokens * input_price + answer * output_price
        ticket = CallTicket(self, role, prompt_tokens + answer, dollars_held, wanted, in_sweep)
        self._tickets.add(ticket)
        self._set_clock()
        return ticket

    def open_execution(self) -> None:
        """Reserve room for executing one program; close it with `close_execution`.

        Time is not asked for: a program that was paid for is judged even when it came in late.

        Raises:
            BudgetReserved: if executions in flight hold what is left.
            BudgetExceeded: if it would pass a limit.
        """
        self._require(
            "executions", self.spend.executions, self._executions_in_flight, 1, self.budget.executions
        )
        if self.sweep is not None:
            self.sweep.open_execution()
        self._executions_in_flight += 1
        self._set_clock()

    def close_execution(self) -> None:
        """Book one execution that was opened."""
        if not self._executions_in_flight:
            raise RuntimeError("an execution was closed that was never opened")
        self._executions_in_flight -= 1
        self.spend.executions += 1
        self._set_clock()
        if self.sweep is not None:
            self.sweep.close_execution()
        self.wake()

    def count_reused(self) -> None:
        """Count an execution that was saved."""
        self.spend.reused += 1
        if self.sweep is not None:
            self.sweep.count_reused()

    def count_nodes(self, nodes: int) -> None:
        """Say how many nodes the tree has now."""
        if self.sweep is not None:
            self.sweep.spend.nodes += nodes - self.spend.nodes
        self.spend.nodes = nodes

    def close(self) -> Spend:
        """Stamp the elapsed time and return the final spend."""
        self.spend.seconds = self.seconds
        return self.spend

    def _in_flight(self) -> tuple[int, int, float]:
        # Summed afresh: a running float total would keep rounding dust after the last call has ended, and
        # callers would be told to wait for calls that do not exist.
        tokens = sum(ticket.tokens for ticket in self._tickets)
        return len(self._tickets), tokens, math.fsum(ticket.dollars for ticket in self._tickets)

    def _release(self, ticket: CallTicket) -> None:
        if ticket not in self._tickets:
            raise RuntimeError("a call ticket was closed twice")
        self._tickets.remove(ticket)
        self._set_clock()
        self.wake()

    def _set_clock(self) -> None:
        """Stop the clock, or let it run again, after whatever decides that has changed."""
        stands = bool(self._pauses) and not self._tickets and not self._executions_in_flight
        if stands and self._standing_since is None:
            self._standing_since = self._clock()
        elif not stands and self._standing_since is not None:
            self._started += self._clock() - self._standing_since
            self._standing_since = None

    def _require_time(self) -> None:
        limit = self.budget.seconds
        if limit is not None and self.seconds >= limit:
            raise BudgetExceeded("seconds", round(self.seconds, 3), limit, whose=self._whose)

    def _fit(
        self,
        kind: str,
        spent: float,
        in_flight: float,
        prompt: float,
        each: float,
        wanted: int,
        limit: float | None,
    ) -> int:
        """Return how many of the wanted output tokens fit, each costing `each` of a limited resource."""
        if limit is None:
            return wanted
        full = prompt + wanted * each
        if spent + in_flight + full <= limit:
            return wanted
        # Better to wait for the room that calls in flight may give back than to cut this answer short.
        self._require(kind, spent, in_flight, min(full, prompt + min(wanted, SMALLEST_ANSWER) * each), limit)
        if in_flight:
            raise BudgetReserved(kind, spent + in_flight, limit, whose=self._whose)
        return min(wanted, int((limit - spent - prompt) / each)) if each else wanted

    def _require(self, kind: str, spent: float, in_flight: float, more: float, limit: float | None) -> None:
        if limit is None or spent + in_flight + more <= limit:
            return
        if in_flight and spent + more <= limit:
            raise BudgetReserved(kind, spent + in_flight, limit, whose=self._whose)
        raise BudgetExceeded(kind, spent + in_flight, limit, whose=self._whose)


class Sweep(Account):
    """The account that many runs share besides their own: a cap for a whole sweep.

    A call or execution of any of the runs needs room in the run's budget and in the sweep's. When the sweep's
    is used up, every run ends with a reason that names the sweep. What earlier sessions of a resumed run spent is
    not in it (an evaluation adds it).

    Args:
        budget: the limits of all runs together.
        clock: as for `Account`; the sweep's seconds count from here.
    """

    _whose = "the sweep's"

    def __init__(self, budget: Budget | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(budget, clock=clock)
