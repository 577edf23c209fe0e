"""Shares of a sweep's budget: never more than it allows, whatever comes back."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.account import Sweep
from codegrove.budget import Budget, Spend
from codegrove.errors import UsageError
from codegrove.evaluation.leases import Lease, Leases
from codegrove.evaluation.results import Arm


def arm(**budget: float) -> Arm:
    return Arm(
        recipe="r",
        recipe_fingerprint="f",
        models={},
        simulated=False,
        benchmark="b",
        benchmark_fingerprint="b",
        budget=budget,
    )


@given(
    most=st.integers(0, 40),
    limit=st.integers(1, 12),
    attempts=st.integers(1, 15),
    jobs=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_a_sweep_is_never_passed(most: int, limit: int, attempts: int, jobs: int, seed: int) -> None:
    sweep, method, rng = Sweep(Budget(calls=most)), arm(calls=limit), random.Random(seed)
    wanted = [rng.randint(0, limit) for _ in range(attempts)]
    left, out = iter(wanted), 0
    used_up: list[int] = []

    async def work(leases: Leases) -> None:
        nonlocal out
        for need in left:
            lease = await leases.take(method)
            assert lease.budget.calls is not None
            out += lease.budget.calls
            assert sweep.spend.calls + out <= most
            await asyncio.sleep(0)
            used = min(need, lease.budget.calls)
            used_up.append(used)
            out -= lease.budget.calls
            leases.give_back(lease, Spend(calls=used))

    async def run() -> None:
        leases = Leases(sweep, [method])
        await asyncio.gather(*(work(leases) for _ in range(jobs)))

    asyncio.run(run())
    assert len(used_up) == attempts
    assert sweep.spend.calls == sum(used_up) <= most
    if attempts * limit <= most:
        assert sorted(used_up) == sorted(wanted), "nobody is cut short without need"


async def test_what_nobody_knows_counts_as_all_of_it() -> None:
    sweep = Sweep(Budget(calls=10, dollars=1.0))
    method = arm(calls=4, dollars=0.25)
    leases = Leases(sweep, [method])
    leases.give_back(await leases.take(method), None)
    assert (sweep.spend.calls, sweep.spend.dollars) == (4, 0.25)
    lease = await leases.take(method)
    assert lease.budget == Budget(calls=4, dollars=0.25)
    leases.give_back(lease, Spend())
    assert sweep.spend.calls == 4


async def test_an_attempt_waits_for_room_that_may_come_back() -> None:
    sweep = Sweep(Budget(calls=5))
    method = arm(calls=4)
    leases = Leases(sweep, [method])
    first = await leases.take(method)
    second = asyncio.ensure_future(leases.take(method))
    await asyncio.sleep(0)
    assert not second.done()
    leases.give_back(first, Spend(calls=3))
    lease: Lease = await second
    assert lease.budget.calls == 2, "the last one is given what is left"


async def test_without_limits_nobody_waits() -> None:
    leases = Leases(Sweep(Budget()), [arm()])
    for _ in range(5):
        assert (await leases.take(arm())).budget == Budget()


def test_what_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(UsageError, match="limited in tokens, and an attempt of 'r' is not"):
        Leases(Sweep(Budget(tokens=10)), [arm(calls=4)])
