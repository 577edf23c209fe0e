"""Turns at a provider: never too many, nobody forgotten, and everybody slows down together."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegrove.account import Account
from codegrove.budget import Budget
from codegrove.errors import ModelError, NotSent, UsageError
from codegrove.models.metered import CallRecord, MeteredModel
from codegrove.models.passage import Halt, Passage
from codegrove.models.port import FREE, Message, Price, Reply, Request
from codegrove.models.retry import RetryingModel
from codegrove.models.scripted import Answer, ScriptedModel
from codegrove.models.throttle import CUT, FIRST_PAUSE, Gate, Gates, Lane
from tests.support.virtual_time import run_virtual

REQUEST = Request(messages=(Message("user", "x" * 40),), role="coder", action="write")
Clock = Callable[[], float]

jobs = st.lists(
    st.tuples(
        st.floats(0, 10),  # asks at
        st.floats(0, 5),  # keeps its turn for
        st.sampled_from(["answered", "answered", "failed", "refused", "refused after 3"]),
        st.none() | st.floats(0, 20),  # is cancelled after
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=80)
@given(jobs, st.integers(1, 5), st.integers(0, 99))
def test_any_interleaving_keeps_the_limit_and_forgets_nobody(
    plan: list[tuple[float, float, str, float | None]], limit: int, seed: int
) -> None:
    async def main(clock: Clock) -> None:
        gate = Gate(limit, clock=clock, rng=random.Random(seed))
        cancelled = ended = 0

        async def call(asks_at: float, lasts: float, outcome: str) -> None:
            nonlocal ended
            await asyncio.sleep(asks_at)
            with await gate.enter(Passage()) as turn:
                assert gate.in_flight <= limit
                await asyncio.sleep(lasts)
                if outcome == "answered":
                    turn.answered()
                elif outcome.startswith("refused"):
                    turn.refused(3.0 if outcome.endswith("3") else None)
                    assert gate.allowed >= 1
            ended += 1

        async def patient(asks_at: float, lasts: float, outcome: str, patience: float | None) -> None:
            nonlocal cancelled
            try:
                await asyncio.wait_for(call(asks_at, lasts, outcome), patience)
            except TimeoutError:
                cancelled += 1

        await asyncio.gather(*(patient(*job) for job in plan))
        assert ended + cancelled == len(plan)
        assert gate.in_flight == 0
        with await gate.enter(Passage()):  # and it still works
            assert gate.in_flight == 1

    run_virtual(main)  # a deadlock is an error


@settings(max_examples=50)
@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=40), st.integers(1, 8))
def test_turns_are_given_in_order_and_at_once(durations: list[float], limit: int) -> None:
    async def main(clock: Clock) -> float:
        gate, started = Gate(limit, clock=clock), list[int]()

        async def call(number: int, lasts: float) -> None:
            with await gate.enter(Passage()) as turn:
                started.append(number)
                await asyncio.sleep(lasts)
                turn.answered()

        await asyncio.gather(*(call(*job) for job in enumerate(durations)))
        assert started == sorted(started)
        return clock()

    free = [0.0] * limit  # when each turn is given back, if nobody ever waits in vain
    for lasts in durations:
        first = min(range(limit), key=free.__getitem__)
        free[first] += lasts
    assert run_virtual(main) == pytest.approx(max(free), abs=1e-6)


class Provider:
    """Answers in random time; refuses what comes faster than a hidden rate, or beside too many others."""

    spec = "provider"
    price: Price | None = FREE

    def __init__(
        self,
        clock: Clock,
        *,
        rate: float = 1e9,
        burst: float = 1e9,
        at_once: int = 10**9,
        latency: float = 1.0,
    ) -> None:
        self.tells = True
        self.refused = 0
        self._clock, self._rate, self._burst, self._at_once = clock, rate, burst, at_once
        self._latency, self._room, self._since, self._in_flight = latency, burst, clock(), 0
        self._rng = random.Random(7)

    async def complete(self, request: Request) -> Reply:
        now = self._clock()
        self._room = min(self._burst, self._room + (now - self._since) * self._rate)
        self._since = now
        if self._room < 1 or self._in_flight >= self._at_once:
            self.refused += 1
            await asyncio.sleep(0.02)
            wait = max(1 - self._room, 0) / self._rate if self.tells else None
            raise ModelError("429", kind="rate_limit", retryable=True, retry_after=wait)
        self._room -= 1
        self._in_flight += 1
        try:
            await asyncio.sleep(self._rng.expovariate(1 / self._latency))
        finally:
            self._in_flight -= 1
        return Reply(text="ok")


@pytest.mark.parametrize("tells", [True, False], ids=["says how long", "says nothing"])
@pytest.mark.parametrize(
    ("hidden", "calls", "bound", "factor"),
    [
        ({"rate": 20, "burst": 20, "latency": 0.2}, 1000, 49.0, 1.15),
        ({"rate": 20, "burst": 5, "latency": 0.2}, 1000, 49.75, 1.5),
        ({"rate": 5, "burst": 60, "latency": 5}, 600, 108.0, 1.35),
        ({"rate": 0.1, "burst": 5, "latency": 5}, 100, 950.0, 1.1),
        ({"at_once": 8, "latency": 2}, 600, 150.0, 1.55),
        ({"latency": 1}, 640, 10.0, 1.6),
    ],
    ids=["rate", "bursts refused", "slow answers", "slow rate", "eight at once", "no limit"],
)
def test_a_hidden_limit_is_found_and_used(
    hidden: dict[str, float], calls: int, bound: float, factor: float, tells: bool
) -> None:
    async def main(clock: Clock) -> None:
        provider = Provider(clock, **hidden)  # type: ignore[arg-type]
        provider.tells = tells
        gate, left, answers = Gate(clock=clock, rng=random.Random(3)), iter(range(calls)), list[str]()
        model = RetryingModel(provider, lane=Lane(gate), clock=clock)

        async def worker() -> None:
            for _ in left:
                answers.append((await model.complete(REQUEST)).text)

        await asyncio.gather(*(worker() for _ in range(64)))
        assert answers == ["ok"] * calls, "no call is lost to a limit that lets some through"
        assert clock() <= factor * bound + 5, f"took {clock():.1f} s; at best {bound} s"
        assert provider.refused <= 3 * calls

    run_virtual(main)


def test_all_pause_together_and_come_back_one_by_one() -> None:
    async def main(clock: Clock) -> None:
        gate, starts = Gate(clock=clock, rng=random.Random(1)), list[float]()
        refuse = True

        async def call() -> None:
            nonlocal refuse
            with await gate.enter(Passage()) as turn:
                turn.answered()  # answers take two seconds: see below
            with await gate.enter(Passage()) as turn:
                starts.append(clock())
                await asyncio.sleep(2)
                if clock() < 3:
                    turn.refused(10.0)
                else:
                    turn.answered()

        first = [asyncio.create_task(call()) for _ in range(8)]
        await asyncio.sleep(1)
        assert gate.in_flight == 8 and len(starts) == 8
        await asyncio.gather(*first)
        assert (gate.allowed, gate.refusals) == (int(8 * CUT), 1), "one wave of refusals is one cut"
        starts.clear()
        await asyncio.gather(*(call() for _ in range(20)))
        assert min(starts) >= 12, "nobody starts for as long as the provider asks"
        assert gate.refusals == 0

    run_virtual(main)


def test_restarts_are_spread_over_the_time_an_answer_takes() -> None:
    async def main(clock: Clock) -> None:
        gate, starts = Gate(clock=clock, rng=random.Random(1)), list[float]()

        async def call(refused: bool) -> None:
            with await gate.enter(Passage()) as turn:
                starts.append(clock())
                await asyncio.sleep(4)
                if refused:
                    turn.refused()
                else:
                    turn.answered()

        await call(refused=False)  # so it knows how long answers take
        await asyncio.gather(*(call(refused=True) for _ in range(20)))
        starts.clear()
        await asyncio.gather(*(call(refused=False) for _ in range(15)))
        gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
        assert starts[0] >= 8 + FIRST_PAUSE / 2
        assert min(gaps) > 0.05 and max(gaps) < 0.5, "no crowd"
        assert len({round(gap, 6) for gap in gaps}) > 10, "and no beat that several programs could share"

    run_virtual(main)


def test_a_provider_that_refuses_everything_is_given_up_by_all() -> None:
    async def main(clock: Clock) -> None:
        inner = ScriptedModel(lambda request: ModelError("429", kind="rate_limit", retryable=True))
        model = RetryingModel(inner, lane=Lane(Gate(clock=clock, rng=random.Random(1))), clock=clock)
        with pytest.raises(ModelError, match=r"gave up after 8 attempts") as caught:
            await model.complete(REQUEST)
        assert caught.value.kind == "rate_limit"
        assert 20 < clock() < 100, "pauses doubled"
        with pytest.raises(ModelError, match=r"gave up after 1 attempt\)"):
            await model.complete(REQUEST)  # it need not find out by itself

    run_virtual(main)


def test_a_provider_that_asks_for_too_long_stops_nobody_else() -> None:
    async def main(clock: Clock) -> None:
        answers: list[Answer] = [ModelError("429", kind="rate_limit", retryable=True, retry_after=3600), "ok"]
        model = RetryingModel(ScriptedModel(answers), lane=Lane(Gate(clock=clock)), clock=clock)
        with pytest.raises(ModelError, match=r"gave up after 1 attempt; the provider asks to wait 3600 s"):
            await model.complete(REQUEST)
        assert (await model.complete(REQUEST)).text == "ok"
        assert clock() == 0

    run_virtual(main)


def test_a_refused_call_keeps_its_place() -> None:
    async def main(clock: Clock) -> None:
        order: list[str] = []

        async def answer(request: Request) -> Answer:
            order.append(request.action)
            await asyncio.sleep(1)
            first = order.count(request.action) == 1 and request.action == "1"
            return ModelError("429", kind="rate_limit", retryable=True) if first else "ok"

        model = RetryingModel(ScriptedModel(answer), lane=Lane(Gate(1, clock=clock)), clock=clock)
        requests = [Request(messages=(), action=str(number)) for number in (1, 2, 3)]
        await asyncio.gather(*(model.complete(request) for request in requests))
        assert order == ["1", "1", "2", "3"]

    run_virtual(main)


def test_waiting_is_no_time_of_the_models() -> None:
    async def main(clock: Clock) -> None:
        records: list[CallRecord] = []
        down = ModelError("down", kind="server", retryable=True)
        slow = ModelError("429", kind="rate_limit", retryable=True, retry_after=30)
        answers: Iterator[Answer] = iter([slow, down, "ok", "ok", "ok"])

        async def answer(request: Request) -> Answer:
            await asyncio.sleep(2)
            return next(answers)

        retrying = RetryingModel(ScriptedModel(answer), lane=Lane(Gate(1, clock=clock)), clock=clock)
        lanes = {"coder": Lane(Gate(2, clock=clock))}
        model = MeteredModel(retrying, Account(), on_call=records.append, clock=clock, lanes=lanes)
        await asyncio.gather(*(model.complete(REQUEST) for _ in range(3)))
        assert [record.seconds for record in records] == pytest.approx([6, 2, 2], abs=0.01) or [
            record.seconds for record in records
        ] == pytest.approx([2, 6, 2], abs=0.01)
        assert clock() > 38

    run_virtual(main)


@pytest.mark.parametrize("why", ["end", "cancel"])
def test_what_was_not_sent_costs_nothing(why: str) -> None:
    async def main(clock: Clock) -> None:
        async def answer(request: Request) -> str:
            await asyncio.sleep(100)
            return "ok"

        halt, account, inner = Halt(), Account(Budget(calls=4)), ScriptedModel(answer)
        retrying = RetryingModel(inner, lane=Lane(Gate(1, clock=clock)), clock=clock)
        model = MeteredModel(retrying, account, halt=halt)
        lanes = {"coder": Lane(Gate(1, clock=clock))}
        behind_a_lane = MeteredModel(ScriptedModel(answer), account, halt=halt, lanes=lanes)
        # Of the first three, one is in flight and two have no turn yet; the others wait for a lane, and for room.
        calls = [asyncio.create_task(model.complete(REQUEST)) for _ in range(3)]
        calls += [asyncio.create_task(behind_a_lane.complete(REQUEST)) for _ in range(2)]
        calls += [asyncio.create_task(model.complete(REQUEST))]
        await asyncio.sleep(1)
        waiting = [calls[1], calls[2], calls[4], calls[5]]
        if why == "end":
            halt.end()
            account.wake()
        else:
            for call in waiting:
                call.cancel()
        await asyncio.sleep(0.1)
        assert all(call.done() for call in waiting), "woken at once"
        results = await asyncio.gather(*calls, return_exceptions=True)
        expected = NotSent if why == "end" else asyncio.CancelledError
        assert [type(result) for result in results] == [
            Reply,
            expected,
            expected,
            Reply,
            expected,
            expected,
        ]
        assert (account.spend.calls, account.spend.failed_calls, len(inner.requests)) == (2, 0, 1)
        await account.released()  # nothing is held any more
        if why == "end":
            with pytest.raises(NotSent):
                await model.complete(REQUEST)

    run_virtual(main)


def test_an_ended_run_repeats_nothing() -> None:
    async def main(clock: Clock) -> None:
        for problem in ("server", "rate_limit"):
            halt, account = Halt(), Account()
            answers: list[Answer] = [ModelError("no", kind=problem, retryable=True, retry_after=60), "never"]
            inner = ScriptedModel(answers)
            retrying = RetryingModel(inner, lane=Lane(Gate(clock=clock)), clock=clock)
            call = asyncio.create_task(MeteredModel(retrying, account, halt=halt).complete(REQUEST))
            await asyncio.sleep(1)
            since = clock()
            halt.end()
            with pytest.raises(ModelError, match=r"no \(gave up after 1 attempt; the run has ended\)"):
                await call
            assert clock() - since < 0.1
            assert (len(inner.requests), account.spend.failed_calls) == (1, 1), "it was sent"

    run_virtual(main)


def test_one_gate_serves_several_threads() -> None:
    gate, most, done = Gate(3), 0, list[int]()
    lock = threading.Lock()

    async def call() -> None:
        nonlocal most
        with await gate.enter(Passage()) as turn:
            with lock:
                most = max(most, gate.in_flight)
            await asyncio.sleep(0.002)
            turn.answered()
            done.append(1)

    async def many() -> None:
        await asyncio.gather(*(call() for _ in range(30)))

    threads = [threading.Thread(target=lambda: asyncio.run(many()), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(done) == 120 and gate.in_flight == 0
    assert most == 3


def test_a_loop_that_was_closed_over_its_waiters_holds_nobody_up() -> None:
    gate = Gate(1)
    loop = asyncio.new_event_loop()
    turn = loop.run_until_complete(gate.enter(Passage()))
    abandoned = loop.create_task(gate.enter(Passage()))
    loop.run_until_complete(asyncio.sleep(0))  # now it waits, and will never go on
    loop.set_exception_handler(lambda *_: None)  # "Task was destroyed but it is pending"
    loop.close()

    async def other() -> None:
        entering = asyncio.create_task(gate.enter(Passage()))
        await asyncio.sleep(0)
        turn.__exit__(None, None, None)
        with await asyncio.wait_for(entering, 5):
            pass

    asyncio.run(other())
    del abandoned
    gc.collect()
    assert gate.in_flight == 0


def test_who_shares_a_gate() -> None:
    gates = Gates()
    small, again = gates.lane("openai:small"), gates.lane("openai:small")
    assert small.gate is again.gate and small.limited is None
    assert gates.lane("openai:large").gate is not small.gate
    assert gates.lane("openai:small@http://localhost:1/v1").gate is not small.gate
    limits = {"openai:large": 2, "openai:*": 8}
    lane, other, large = (gates.lane(f"openai:{name}", limits) for name in ("small", "b", "large"))
    assert lane.gate is small.gate, "a refusal slows down everybody, whatever limit they have"
    assert lane.limited is other.limited is gates.lane("openai:c", {"openai:*": 8}).limited
    assert lane.limited is not gates.lane("openai:small", {"openai:*": 1}).limited
    assert [each.limited and each.limited.limit for each in (lane, large)] == [8, 2]
    assert gates.lane("sim:").gate is not gates.lane("sim:").gate, "nobody is behind it"
    assert gates.lane("sim:", {"sim:*": 1}).limited is gates.lane("sim:", {"sim:*": 1}).limited


def test_a_small_limit_holds_up_nobody_who_has_a_larger_one() -> None:
    async def main(clock: Clock) -> None:
        gates, answers = Gates(), {1: 0, 32: 0}
        lanes = {limit: gates.lane("openai:m", {"openai:*": limit}) for limit in answers}
        for lane in lanes.values():
            for gate in (lane.gate, lane.limited):
                assert gate is not None
                gate.clock = clock

        async def worker(limit: int) -> None:
            while clock() < 100:
                with await lanes[limit].enter(Passage()) as turn:
                    await asyncio.sleep(1)
                    turn.answered()
                    answers[limit] += 1

        await asyncio.gather(*(worker(limit) for limit in answers for _ in range(40)))
        assert answers[1] == pytest.approx(100, abs=40) and answers[32] == pytest.approx(3200, abs=100)
        assert all(lane.gate.in_flight == 0 for lane in lanes.values())
        assert all(lane.limited and lane.limited.in_flight == 0 for lane in lanes.values())

    run_virtual(main)


def test_whoever_gives_up_at_the_gate_gives_its_place_in_the_limit_back() -> None:
    async def main(clock: Clock) -> None:
        lane = Lane(Gate(1, clock=clock), Gate(1, clock=clock))
        with await lane.gate.enter(Passage()), pytest.raises(TimeoutError):
            await asyncio.wait_for(lane.enter(Passage()), 1)
        with await asyncio.wait_for(lane.enter(Passage()), 1):
            pass

    run_virtual(main)


def test_a_call_must_be_allowed_one_refusal() -> None:
    with pytest.raises(UsageError, match="refusals=0: expected 1 or more"):
        RetryingModel(ScriptedModel([]), refusals=0)


def test_virtual_time_reports_deadlocks() -> None:
    async def main(clock: Clock) -> Any:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="deadlock"):
        run_virtual(main)
