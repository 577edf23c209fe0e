"""A sweep's budget holds over all its runs, with calls in flight, in any order of events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from codegrove import Budget, asolve
from codegrove.account import Account, BudgetReserved, CallTicket, Sweep
from codegrove.budget import Usage
from codegrove.errors import BudgetExceeded, UsageError
from codegrove.models.port import Price, Request
from codegrove.models.scripted import ScriptedModel
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.conformance.machine import TASK, Answers

PRICE = (1e-4, 3e-4)


class SweepMachine(RuleBasedStateMachine):
    """Three runs with budgets of their own, and any interleaving of their calls and executions."""

    tickets = Bundle("tickets")

    @initialize(
        calls=st.none() | st.integers(0, 8),
        tokens=st.none() | st.integers(0, 2000),
        cents=st.none() | st.integers(0, 50),
        executions=st.none() | st.integers(0, 5),
        of_runs=st.lists(st.none() | st.integers(0, 5), min_size=3, max_size=3),
    )
    def open_accounts(
        self,
        calls: int | None,
        tokens: int | None,
        cents: int | None,
        executions: int | None,
        of_runs: list[int | None],
    ) -> None:
        dollars = None if cents is None else cents / 100
        self.sweep = Sweep(Budget(calls=calls, tokens=tokens, dollars=dollars, executions=executions))
        self.runs = [Account(Budget(calls=limit, tokens=900), sweep=self.sweep) for limit in of_runs]
        self.open = 0
        self.executing = [0, 0, 0]

    @rule(
        target=tickets,
        run=st.integers(0, 2),
        prompt=st.integers(0, 300),
        wanted=st.none() | st.integers(1, 500),
    )
    def open_call(self, run: int, prompt: int, wanted: int | None) -> CallTicket | None:
        try:
            ticket = self.runs[run].open_call("coder", prompt_tokens=prompt, max_tokens=wanted, price=PRICE)
        except BudgetReserved:
            assert self.open, "told to wait, but nothing is in flight"
            return None
        except BudgetExceeded:
            return None
        over = self.sweep.exhausted()
        assert over is None or over.kind in {"dollars", "executions"}
        self.open += 1
        return ticket

    @rule(ticket=consumes(tickets), part=st.floats(0, 1), failed=st.booleans())
    def settle(self, ticket: CallTicket | None, part: float, failed: bool) -> None:
        if ticket is not None:
            assert ticket.max_tokens is not None
            answer = int(ticket.max_tokens * part)
            prompt = ticket.tokens - ticket.max_tokens
            ticket.settle(Usage(prompt, answer, prompt * PRICE[0] + answer * PRICE[1]), failed=failed)
            self.open -= 1

    @rule(ticket=consumes(tickets))
    def cancel(self, ticket: CallTicket | None) -> None:
        if ticket is not None:
            ticket.cancel()
            self.open -= 1

    @rule(run=st.integers(0, 2))
    def open_execution(self, run: int) -> None:
        try:
            self.runs[run].open_execution()
        except BudgetExceeded as reason:
            assert isinstance(reason, BudgetReserved) <= (sum(self.executing) > 0)
        else:
            self.executing[run] += 1

    @rule(run=st.integers(0, 2))
    def close_execution(self, run: int) -> None:
        if self.executing[run]:
            self.runs[run].close_execution()
            self.executing[run] -= 1

    @rule(run=st.integers(0, 2), nodes=st.integers(0, 9))
    def grow(self, run: int, nodes: int) -> None:
        self.runs[run].count_nodes(nodes)

    @invariant()
    def the_sweep_holds_and_is_the_sum_of_its_runs(self) -> None:
        if not hasattr(self, "sweep"):
            return
        budget, spend = self.sweep.budget, self.sweep.spend
        assert budget.calls is None or spend.calls + self.open <= budget.calls
        assert budget.tokens is None or spend.tokens <= budget.tokens
        assert budget.dollars is None or spend.dollars <= budget.dollars + 1e-9
        assert budget.executions is None or spend.executions + sum(self.executing) <= budget.executions
        for name in ("calls", "input_tokens", "output_tokens", "failed_calls", "executions", "nodes"):
            assert getattr(spend, name) == sum(getattr(run.spend, name) for run in self.runs), name
        for run in self.runs:
            assert run.budget.calls is None or run.spend.calls <= run.budget.calls
            assert run.spend.tokens <= 900


TestSweep = SweepMachine.TestCase
TestSweep.settings = settings(max_examples=60, stateful_step_count=30)


def test_a_used_up_sweep_ends_every_run_and_is_named() -> None:
    sweep = Sweep(Budget(calls=1))
    first, second = Account(Budget(calls=9), sweep=sweep), Account(sweep=sweep)
    ticket = first.open_call("coder")
    with pytest.raises(
        BudgetReserved, match="^the sweep's budget for calls is held by work in flight: 1 of 1"
    ):
        second.open_call("coder")
    ticket.settle(Usage())
    for run in (first, second):
        reason = run.exhausted()
        assert reason is not None
        assert str(reason) == "the sweep's budget for calls is used up: 1 of 1"
    assert first.spend.calls == 1 and second.spend.calls == 0


def test_the_sweep_cuts_an_answer_to_what_is_left() -> None:
    account = Account(sweep=Sweep(Budget(tokens=1000)))
    ticket = account.open_call("coder", prompt_tokens=400)
    assert ticket.max_tokens == 600
    assert ticket.tokens == 1000


def test_what_the_sweep_refuses_is_not_held_by_the_run() -> None:
    sweep = Sweep(Budget(calls=0, executions=0))
    account = Account(Budget(calls=1, executions=1), sweep=sweep)
    with pytest.raises(BudgetExceeded, match="sweep"):
        account.open_call("coder")
    with pytest.raises(BudgetExceeded, match="sweep"):
        account.open_execution()
    account.sweep = None
    account.open_call("coder")
    account.open_execution()


async def test_a_run_waits_for_room_that_another_run_holds() -> None:
    sweep = Sweep(Budget(calls=1))
    first, second = Account(sweep=sweep), Account(sweep=sweep)
    ticket = first.open_call("coder")
    waiting = asyncio.create_task(second.released())
    stopped = asyncio.create_task(second.released())
    await asyncio.sleep(0)
    assert not waiting.done()
    second.wake()
    await asyncio.gather(waiting, stopped)
    again = asyncio.create_task(second.released())
    await asyncio.sleep(0)
    ticket.cancel()
    await again
    await second.released()  # nothing is in flight anywhere


@pytest.mark.parametrize("workers", [1, 4])
async def test_runs_of_a_sweep_keep_its_budget_together(workers: int) -> None:
    async def answer(request: Request) -> str:
        await asyncio.sleep(0)
        return Answers().plain(request)

    def half(program: str, tests: Sequence[object]) -> float:
        return 0.5

    sweep = Sweep(Budget(calls=25))
    runs = await asyncio.gather(
        *(
            asolve(
                TASK,
                "uct",
                model=ScriptedModel(answer),
                sandbox=ScriptedSandbox(half),
                workers=workers,
                budget=Budget(calls=12),
                sweep=sweep,
            )
            for _ in range(4)
        )
    )
    assert sweep.spend.calls == sum(run.spend.calls for run in runs) == 25
    assert max(run.spend.calls for run in runs) <= 12
    reasons = {run.reason for run in runs}
    assert "budget: the sweep's budget for calls is used up: 25 of 25" in reasons, reasons
    assert sweep.spend.nodes == sum(run.spend.nodes for run in runs)
    assert sweep.spend.reused == sum(run.spend.reused for run in runs)


async def test_a_sweep_in_dollars_needs_prices() -> None:
    unpriced = ScriptedModel("x", spec="provider:unpriced", price=None)
    with pytest.raises(UsageError, match="price is unknown for provider:unpriced"):
        await asolve(TASK, "direct", model=unpriced, sweep=Sweep(Budget(dollars=1)))
    priced = ScriptedModel(Answers(), price=Price(0, 1e6 / 64))
    sweep = Sweep(Budget(dollars=1))
    solution = await asolve(
        TASK, "direct", model=priced, sandbox=ScriptedSandbox(lambda *_: 0.5), sweep=sweep
    )
    assert 0 < sweep.spend.dollars == solution.spend.dollars
