"""Limits hold whatever the order of events, and "used up" is told from "held by work in flight"."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from codegrove.account import SMALLEST_ANSWER, Account, BudgetReserved, CallTicket
from codegrove.budget import Budget, Spend, Usage
from codegrove.errors import BudgetExceeded, UsageError


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limits(largest: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, largest)


class AccountMachine(RuleBasedStateMachine):
    """Any interleaving of opening, settling and cancelling, by a provider that keeps to its max_tokens."""

    tickets = Bundle("tickets")

    @initialize(
        calls=limits(6),
        tokens=limits(2000),
        cents=limits(50),
        executions=limits(4),
        coder_calls=limits(3),
        answer_tokens=st.integers(1, 400),
    )
    def open_account(
        self,
        calls: int | None,
        tokens: int | None,
        cents: int | None,
        executions: int | None,
        coder_calls: int | None,
        answer_tokens: int,
    ) -> None:
        self.account = Account(
            Budget(
                calls=calls,
                tokens=tokens,
                dollars=None if cents is None else cents / 100,
                executions=executions,
                role_calls={} if coder_calls is None else {"coder": coder_calls},
                answer_tokens=answer_tokens,
            ),
            clock=Clock(),
        )
        self.settled: Counter[str] = Counter()
        self.open: Counter[str] = Counter()
        self.executing = 0
        self.ended = False

    @rule(
        target=tickets,
        role=st.sampled_from(["coder", "critic"]),
        prompt=st.integers(0, 300),
        wanted=st.none() | st.integers(1, 500),
        price=st.sampled_from([(0.0, 0.0), (1e-4, 3e-4), (1e-4, 0.0)]),
    )
    def open_call(
        self, role: str, prompt: int, wanted: int | None, price: tuple[float, float]
    ) -> tuple[CallTicket, int, tuple[float, float]] | None:
        try:
            ticket = self.account.open_call(role, prompt_tokens=prompt, max_tokens=wanted, price=price)
        except BudgetReserved as reason:
            assert sum(self.open.values()) > 0, "told to wait, but nothing is in flight"
            assert reason.spent <= reason.limit
            return None
        except BudgetExceeded:
            return None
        reason_to_end = self.account.exhausted()
        assert reason_to_end is None or reason_to_end.kind in {"dollars", "executions"}
        if wanted is not None:
            assert ticket.max_tokens is not None and ticket.max_tokens <= wanted
            assert ticket.max_tokens >= min(wanted, SMALLEST_ANSWER)
        self.open[role] += 1
        return ticket, prompt, price

    @rule(opened=consumes(tickets), part=st.floats(0, 1), failed=st.booleans())
    def settle(
        self, opened: tuple[CallTicket, int, tuple[float, float]] | None, part: float, failed: bool
    ) -> None:
        if opened is None:
            return
        ticket, prompt, price = opened
        answer = int((500 if ticket.max_tokens is None else ticket.max_tokens) * part)
        dollars = prompt * price[0] + answer * price[1]
        ticket.settle(Usage(prompt, answer, dollars), failed=failed)
        self.settled[ticket.role] += 1
        self.open[ticket.role] -= 1

    @rule(opened=consumes(tickets))
    def cancel(self, opened: tuple[CallTicket, int, tuple[float, float]] | None) -> None:
        if opened is None:
            return
        opened[0].cancel()
        self.open[opened[0].role] -= 1
        with pytest.raises(RuntimeError, match="twice"):
            opened[0].settle(Usage())

    @rule()
    def open_execution(self) -> None:
        try:
            self.account.open_execution()
        except BudgetExceeded as reason:
            assert isinstance(reason, BudgetReserved) == (self.executing > 0 and self.executions_left > 0)
        else:
            self.executing += 1

    @rule()
    def close_execution(self) -> None:
        if self.executing:
            self.account.close_execution()
            self.executing -= 1

    @property
    def executions_left(self) -> float:
        limit = self.account.budget.executions
        return float("inf") if limit is None else limit - self.account.spend.executions

    @invariant()
    def limits_hold(self) -> None:
        if not hasattr(self, "account"):
            return
        budget, spend = self.account.budget, self.account.spend
        in_flight = sum(self.open.values())
        assert budget.calls is None or spend.calls + in_flight <= budget.calls
        assert budget.tokens is None or spend.tokens <= budget.tokens
        assert budget.dollars is None or spend.dollars <= budget.dollars + 1e-9
        assert budget.executions is None or spend.executions + self.executing <= budget.executions
        for role, limit in budget.role_calls.items():
            assert spend.calls_by_role.get(role, 0) + self.open[role] <= limit

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "account"):
            return
        spend = self.account.spend
        assert spend.calls == sum(self.settled.values())
        assert spend.calls_by_role == {role: n for role, n in self.settled.items() if n}
        assert min(spend.calls, spend.tokens, spend.failed_calls, spend.executions) >= 0
        assert spend.dollars >= 0 and spend.failed_calls <= spend.calls

    @invariant()
    def exhaustion_is_final(self) -> None:
        if not hasattr(self, "account"):
            return
        reason = self.account.exhausted()
        assert reason is not None or not self.ended, "a budget that was used up came back"
        self.ended = reason is not None
        if reason is not None and reason.kind in {"calls", "tokens"}:
            with pytest.raises(BudgetExceeded):
                self.account.open_call("anyone", prompt_tokens=1)


TestAccount = AccountMachine.TestCase
TestAccount.settings = settings(max_examples=60, stateful_step_count=25)


def test_spends_add_up_but_for_time() -> None:
    whole = Spend(calls=1, dollars=0.5, seconds=2.0, calls_by_role={"coder": 1})
    whole.add(Spend(calls=3, input_tokens=7, nodes=2, seconds=9.0, calls_by_role={"coder": 2, "critic": 1}))
    roles = {"coder": 3, "critic": 1}
    assert whole == Spend(calls=4, input_tokens=7, dollars=0.5, nodes=2, seconds=2.0, calls_by_role=roles)


def test_a_limit_is_inclusive() -> None:
    account = Account(Budget(calls=2))
    for _ in range(2):
        assert account.exhausted() is None
        account.open_call("coder").settle(Usage(10, 10))
    reason = account.exhausted()
    assert reason is not None and (reason.kind, reason.spent, reason.limit) == ("calls", 2, 2)
    with pytest.raises(BudgetExceeded, match="calls is used up: 2 of 2"):
        account.open_call("coder")


def test_room_held_by_calls_in_flight_is_not_used_up() -> None:
    account = Account(Budget(calls=1))
    ticket = account.open_call("coder")
    assert account.exhausted() is None
    with pytest.raises(BudgetReserved, match="held by work in flight: 1 of 1"):
        account.open_call("coder")
    ticket.cancel()
    account.open_call("coder").settle(Usage())
    assert account.exhausted() is not None
    with pytest.raises(BudgetExceeded) as caught:
        account.open_call("coder")
    assert not isinstance(caught.value, BudgetReserved)


def test_calls_without_a_length_run_side_by_side_under_a_token_limit() -> None:
    account = Account(Budget(tokens=20_000, answer_tokens=4000))
    tickets = [account.open_call("coder", prompt_tokens=500) for _ in range(4)]
    assert [ticket.max_tokens for ticket in tickets] == [4000] * 4
    with pytest.raises(BudgetReserved):
        account.open_call("coder", prompt_tokens=500)


def test_without_token_or_dollar_limit_a_call_is_not_capped() -> None:
    assert Account(Budget(calls=3)).open_call("coder").max_tokens is None
    free_under_a_dollar_limit = Account(Budget(dollars=1.0)).open_call("coder", price=(0.0, 0.0))
    assert free_under_a_dollar_limit.max_tokens is None


def test_the_last_call_is_cut_to_what_is_left_but_not_to_nothing() -> None:
    account = Account(Budget(tokens=1000))
    account.open_call("coder", max_tokens=500).settle(Usage(0, 500))
    ticket = account.open_call("coder", prompt_tokens=400, max_tokens=500)
    assert ticket.max_tokens == 100
    ticket.settle(Usage(400, 50))
    with pytest.raises(BudgetExceeded):
        account.open_call("coder", max_tokens=500)
    assert account.open_call("critic", max_tokens=8).max_tokens == 8


def test_a_call_waits_rather_than_being_cut_by_what_others_hold() -> None:
    account = Account(Budget(tokens=1000))
    other = account.open_call("coder", max_tokens=800)
    with pytest.raises(BudgetReserved):
        account.open_call("coder", max_tokens=500)
    other.settle(Usage(0, 100))
    assert account.open_call("coder", max_tokens=500).max_tokens == 500


def test_dollars_cap_the_answer() -> None:
    account = Account(Budget(dollars=1.0))
    ticket = account.open_call("coder", prompt_tokens=100, max_tokens=5000, price=(0.001, 0.001))
    assert ticket.max_tokens == 900


def test_a_dollar_limit_refuses_an_unknown_price() -> None:
    with pytest.raises(UsageError, match="price of the model for role 'coder' is unknown"):
        Account(Budget(dollars=1.0)).open_call("coder", price=None)
    assert Account(Budget(calls=1)).open_call("coder", price=None).dollars == 0.0


def test_a_price_for_prompts_alone_is_kept_to() -> None:
    account = Account(Budget(dollars=1.0))
    account.open_call("coder", prompt_tokens=600, price=(0.001, 0.0))
    with pytest.raises(BudgetReserved):
        account.open_call("coder", prompt_tokens=600, price=(0.001, 0.0))


def test_a_limit_of_zero_dollars_still_allows_what_is_free() -> None:
    account = Account(Budget(dollars=0.0))
    assert account.exhausted() is None
    account.open_call("coder", prompt_tokens=1000).settle(Usage(1000, 10))
    assert account.exhausted() is None
    with pytest.raises(BudgetExceeded):
        account.open_call("coder", prompt_tokens=1, max_tokens=1, price=(1e-6, 1e-6))


def test_an_unknown_cost_is_counted_apart() -> None:
    account = Account()
    account.open_call("coder", price=None).settle(Usage(5, 5, None, estimated=True))
    assert (account.spend.dollars, account.spend.unpriced_calls, account.spend.estimated_calls) == (0.0, 1, 1)


def test_role_limits_bind_only_their_role() -> None:
    account = Account(Budget(role_calls={"critic": 1}))
    account.open_call("critic").settle(Usage())
    with pytest.raises(BudgetExceeded, match="calls:critic"):
        account.open_call("critic")
    account.open_call("coder")
    assert account.exhausted() is None


def test_seconds_end_the_run() -> None:
    clock = Clock()
    account = Account(Budget(seconds=10), clock=clock)
    clock.now += 9.5
    assert account.exhausted() is None
    clock.now += 0.5
    reason = account.exhausted()
    assert reason is not None and reason.kind == "seconds"
    with pytest.raises(BudgetExceeded):
        account.open_call("coder")
    account.open_execution()  # a program that was paid for is judged even when it came in late
    account.close_execution()
    assert account.close().seconds == 10


def test_no_rounding_dust_is_left_in_flight() -> None:
    account = Account(Budget(dollars=1.0))
    tickets = [account.open_call("coder", max_tokens=1, price=(0.0, p)) for p in (0.1, 0.2, 0.3, 0.1)]
    for ticket in tickets:
        ticket.settle(Usage(0, 1, 0.25))
    reason = account.exhausted()
    assert reason is not None and reason.kind == "dollars"
    with pytest.raises(BudgetExceeded) as caught:
        account.open_call("coder", max_tokens=1, price=(0.0, 0.1))
    assert not isinstance(caught.value, BudgetReserved), "told to wait, but nothing is in flight"


def test_an_execution_cannot_be_closed_twice() -> None:
    account = Account(Budget(executions=1))
    account.open_execution()
    account.close_execution()
    with pytest.raises(RuntimeError, match="never opened"):
        account.close_execution()
    reason = account.exhausted()
    assert reason is not None and reason.kind == "executions"


async def test_waiting_for_room() -> None:
    account = Account(Budget(calls=2))
    await account.released()  # nothing is in flight: there is nothing to wait for
    first, second = account.open_call("coder"), account.open_call("coder")
    waiting = [asyncio.create_task(account.released()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    first.cancel()
    await asyncio.gather(*waiting)
    later = asyncio.create_task(account.released())
    await asyncio.sleep(0)
    later.cancel()
    with pytest.raises(asyncio.CancelledError):
        await later
    second.settle(Usage())


@pytest.mark.parametrize("usage", [(-1, 0, 0.0), (0, -1, 0.0), (0, 0, -0.5), (0, 0, float("nan"))])
def test_usage_cannot_be_negative(usage: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        Usage(*usage)


@pytest.mark.parametrize("limit", [-1, math.inf, math.nan])
@pytest.mark.parametrize("name", ["calls", "tokens", "dollars", "executions", "seconds", "nodes"])
def test_a_limit_that_is_no_finite_number_of_0_or_more_is_refused(name: str, limit: float) -> None:
    with pytest.raises(UsageError, match=f"{name}={limit}: expected a finite number of 0 or more"):
        Budget(**{name: limit})  # type: ignore[arg-type]


def test_a_limit_may_be_any_whole_number() -> None:
    assert Budget(tokens=10**400).tokens == 10**400


def test_a_role_limit_below_zero_is_refused() -> None:
    with pytest.raises(UsageError, match=r"role_calls\.coder"):
        Budget(role_calls={"coder": -1})


def test_an_answer_without_tokens_is_refused() -> None:
    with pytest.raises(UsageError, match="answer_tokens=0: expected 1 or more"):
        Budget(answer_tokens=0)


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(["wait", "pause", "go on", "call", "end call", "execute", "executed"]), max_size=40
    )
)
def test_the_clock_stands_exactly_while_a_run_only_waits_for_humans(steps: list[str]) -> None:
    clock = Clock()
    account = Account(clock=clock)
    account.start()
    seconds, pauses, executions = 0.0, 0, 0
    tickets: list[CallTicket] = []
    for step in steps:
        if step == "wait":
            clock.now += 1
            seconds += not pauses or bool(tickets) or executions > 0
        elif step == "pause":
            account.pause()
            pauses += 1
        elif step == "go on" and pauses:
            account.go_on()
            pauses -= 1
        elif step == "call":
            tickets.append(account.open_call("coder"))
        elif step == "end call" and tickets:
            tickets.pop().settle(Usage())
        elif step == "execute":
            account.open_execution()
            executions += 1
        elif step == "executed" and executions:
            account.close_execution()
            executions -= 1
        assert account.seconds == seconds
    assert account.close().seconds == seconds
