"""However a search ends: calls in flight finish, the tree and the books have them, and nothing more is sent."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from codegrove import Budget
from codegrove.api import run_session
from codegrove.graphs.assemble import Assembly, assemble
from codegrove.graphs.session import Observer, Session
from codegrove.graphs.solution import Solution
from codegrove.models.metered import CallRecord
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.outcome import Outcome
from codegrove.search.policy import Expansion, Policy, Signal
from codegrove.search.search import Told
from codegrove.search.tree import SearchTree
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.conformance.machine import TASK

WORKERS = 8


class Calls(Observer):
    """Remembers how calls ended; does something when the first outcome is told, and lets the late answers come."""

    def __init__(self, at_first: Callable[[Session], object] = lambda session: None) -> None:
        self.records: list[CallRecord] = []
        self.late = asyncio.Event()
        self._at_first = at_first
        self._told = 0

    def asked(self, session: Session, expansion: Expansion) -> None: ...

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        self._told += 1
        if self._told == 1:
            self._at_first(session)
            asyncio.get_running_loop().call_later(0.05, self.late.set)

    def called(self, session: Session, record: CallRecord) -> None:
        self.records.append(record)


def racing(
    first_passes: bool, observer: Calls, in_flight: int = WORKERS, **settings: Any
) -> tuple[Assembly, Session, ScriptedModel]:
    """A search whose first answer comes when so many calls are in flight, and the others later."""
    all_out = asyncio.Event()

    async def answer(request: Request) -> str:
        number = len(model.requests)
        if number == in_flight:
            all_out.set()
        await (observer.late if number > 1 else all_out).wait()
        return f"```python\ndef f(x):\n    return {number}\n```"

    def judge(program: str, tests: Sequence[object]) -> float:
        return 1.0 if first_passes and program.rstrip().endswith("return 1") else 0.5

    model = ScriptedModel(answer)
    overrides = {"policy.width": 40, "policy.expansions": 40, **settings.pop("overrides", {})}
    assembly = assemble(
        "uct",
        model=model,
        sandbox=ScriptedSandbox(judge),
        workers=WORKERS,
        overrides=overrides,
        observers=[observer],
        **settings,
    )
    return assembly, assembly.open_session(TASK), model


async def finish(assembly: Assembly, session: Session) -> Solution:
    return await asyncio.wait_for(run_session(assembly, session), 20)


def programs(session: Session) -> int:
    return sum(1 for _ in session.search.tree.programs())


def told(session: Session) -> int:
    return sum(isinstance(event, Told) for event in session.search.events)


async def test_a_policy_that_is_done_gets_the_answers_in_flight() -> None:
    calls = Calls()
    assembly, session, model = racing(True, calls)
    solution = await finish(assembly, session)
    assert solution.solved and solution.reason == "the search is done"
    assert len(model.requests) == solution.spend.calls == len(calls.records) == WORKERS
    assert programs(session) == told(session) == WORKERS and not session.search.open
    assert solution.node == 1, "late answers do not change what was found"


async def test_stopping_keeps_the_answers_in_flight() -> None:
    assembly, session, model = racing(False, Calls(lambda session: session.stop("enough")))
    solution = await finish(assembly, session)
    assert solution.reason == "enough"
    assert len(model.requests) == solution.spend.calls == WORKERS
    assert programs(session) == told(session) == WORKERS and not session.search.open


@pytest.mark.parametrize("budget", [Budget(calls=WORKERS), Budget(nodes=1)], ids=["calls", "nodes"])
async def test_a_used_up_budget_keeps_the_answers_in_flight(budget: Budget) -> None:
    assembly, session, model = racing(False, Calls(), budget=budget)
    solution = await finish(assembly, session)
    assert solution.reason.startswith("budget:")
    assert len(model.requests) == solution.spend.calls == WORKERS
    assert programs(session) == told(session) == WORKERS


class Stumbling:
    """A policy that fails once, when it is told of the second program."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self.told = policy, 0
        self.actions = policy.actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        return self._policy.ask(tree, serial, rng)

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        self.told += 1
        if self.told == 2:
            raise KeyError("a bug")
        self._policy.tell(tree, expansion, outcome)

    def answer(self, tree: SearchTree) -> int | None:
        return self._policy.answer(tree)


async def test_an_error_of_one_worker_keeps_the_answers_of_the_others() -> None:
    calls = Calls()
    assembly, session, _ = racing(False, calls)
    session.search.policy = Stumbling(session.search.policy)
    solution = await finish(assembly, session)
    assert "policy failed with KeyError" in solution.reason
    assert solution.spend.calls == len(calls.records) >= WORKERS
    assert programs(session) == solution.spend.calls - 1, "all but the one that the policy stumbled over"
    assert solution.program is not None


@pytest.mark.parametrize("how", ["done", "stopped", "budget"])
@pytest.mark.parametrize("concurrency", [{"coder": 3}, {"scripted:*": 3}, {"coder": 5, "scripted:*": 3}])
async def test_calls_that_wait_for_their_turn_are_not_sent_after_the_end(
    how: str, concurrency: dict[str, int]
) -> None:
    observer = Calls((lambda session: session.stop("enough")) if how == "stopped" else lambda session: None)
    assembly, session, model = racing(
        how == "done",
        observer,
        in_flight=3,
        overrides={"concurrency": concurrency},
        budget=Budget(nodes=1) if how == "budget" else None,
    )
    solution = await finish(assembly, session)
    # Three went out at first; when the first came back, one more may have been let in before the end was known.
    assert len(model.requests) in (3, 4)
    assert solution.spend.calls == len(model.requests) and solution.spend.failed_calls == 0
    assert programs(session) == len(model.requests)
    # What was not sent is a failed step to a policy that is done, and waits for a run that may go on.
    assert told(session) == (WORKERS if how == "done" else len(model.requests))
    assert (not session.search.open) == (how == "done")
    assert solution.reason.startswith({"done": "the search is done", "stopped": "enough"}.get(how, "budget:"))


async def test_a_second_stop_books_the_calls_it_abandons() -> None:
    stopped = asyncio.Event()

    def stop(session: Session) -> None:
        session.stop("interrupted")
        stopped.set()

    calls = Calls(stop)
    limited = {"concurrency": {"scripted:*": 6}}
    assembly, session, model = racing(False, calls, in_flight=6, overrides=limited)
    running = asyncio.create_task(run_session(assembly, session))
    await asyncio.wait_for(stopped.wait(), 20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await session.aclose()
    sent, spend = len(model.requests), session.account.spend
    assert sent in (6, 7), "what had no turn was never sent"
    assert (spend.calls, spend.failed_calls) == (sent, sent - 1)
    assert spend.estimated_calls == sent - 1 and spend.input_tokens > 0, "the prompts may have been read"
    abandoned = [record for record in calls.records if record.error is not None]
    assert len(abandoned) == sent - 1
    assert all("the call was abandoned: CancelledError" in str(record.error) for record in abandoned)


class Counting(ThreadPoolExecutor):
    """Counts what it is asked to do."""

    submitted = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.submitted += 1
        return super().submit(*args, **kwargs)


@pytest.mark.slow
async def test_a_run_needs_no_threads_and_leaves_no_tasks() -> None:
    assembly, session, _ = racing(False, Calls(), budget=Budget(calls=40))
    executor = Counting()
    asyncio.get_running_loop().set_default_executor(executor)
    solution = await finish(assembly, session)
    assert solution.spend.executions > 30
    assert executor.submitted <= 1, "once to start the workers, never for an expansion"
    gc.collect()
    finished = [thing for thing in gc.get_objects() if isinstance(thing, asyncio.Task) and thing.done()]
    assert len(finished) < 20, "finished tasks keep their context, and all that LangGraph put there"
