"""Strangers' parts fail in every way, and the run keeps its best program, its account and its house in order."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from codegrove import Budget, Task, build_graph, solve
from codegrove.graphs.assemble import assemble
from codegrove.graphs.session import Observer, Session
from codegrove.graphs.solution import Result, Solution
from codegrove.models.metered import CallRecord
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.outcome import Outcome
from codegrove.search.policy import Expansion
from codegrove.task import Test
from codegrove.tools.sandbox.port import BlockTrace
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.verdict import Status, TestResult, Verdict
from tests.conformance.machine import TASK, Answers

RECIPES = ["direct", "loop", "grove", "mapcoder", "codetree", "rethinkmcts", "codet", "uct"]


def half(program: str, tests: Sequence[Test]) -> float:
    return 0.5


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_checkpointer_may_be_passed(recipe: str) -> None:
    compiled: Any = build_graph(
        recipe,
        model=ScriptedModel(Answers()),
        sandbox=ScriptedSandbox(half),
        budget=Budget(calls=12),
        checkpointer=InMemorySaver(),
    )
    config: Any = {"configurable": {"thread_id": "one"}}
    solution = compiled.invoke({"task": TASK}, config)["solution"]
    assert isinstance(solution, Solution)
    assert compiled.get_state(config).values["task"].id == TASK.id
    again = compiled.invoke({"task": TASK}, config)["solution"]
    assert isinstance(again, Solution)


@pytest.mark.filterwarnings("default")
def test_a_larger_graph_with_a_checkpointer_may_hold_a_recipe() -> None:
    @dataclass
    class Outer:
        task: Task
        solution: Solution | None = None

    inner = build_graph("direct", model=ScriptedModel(Answers()), sandbox=ScriptedSandbox(half))
    outer = StateGraph(Outer)
    outer.add_node("search", inner)
    outer.add_edge(START, "search")
    outer.add_edge("search", END)
    config: Any = {"configurable": {"thread_id": "one"}}
    done = outer.compile(checkpointer=InMemorySaver()).invoke(Outer(task=TASK), config)
    assert done["solution"].program is not None


class Nothing:
    """An agent that forgets to return."""

    async def act(self, *args: object, **kwargs: object) -> None:
        return None


def test_an_agent_that_returns_nothing_is_an_outcome() -> None:
    assembly = assemble("direct", model=ScriptedModel(Answers()), sandbox=ScriptedSandbox(half))
    session = assembly.open_session(TASK)
    session.agents = {"write": Nothing()}  # type: ignore[dict-item]
    solution = _run(assembly, session)
    assert solution.program is None
    failed = session.search.events[1]
    assert "returned NoneType; expected an Outcome" in str(failed)


def _run(assembly: Any, session: Session) -> Solution:
    from codegrove.api import run_session
    from codegrove.graphs.portal import run_sync

    return run_sync(run_session(assembly, session))


class Rude(Observer):
    """Raises at every event."""

    def asked(self, session: Session, expansion: Expansion) -> None:
        raise RuntimeError("asked")

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        raise RuntimeError("told")

    def called(self, session: Session, record: CallRecord) -> None:
        raise RuntimeError("called")


def test_an_observer_that_raises_loses_nothing() -> None:
    solution = solve(
        TASK,
        "loop",
        model=ScriptedModel(Answers()),
        sandbox=ScriptedSandbox(lambda program, tests: 1.0),
        observers=[Rude()],
    )
    assert solution.solved


def test_a_program_that_parses_but_cannot_be_printed_is_just_a_program() -> None:
    huge = "```python\nK = 0x" + "f" * 6000 + "\ndef f(x):\n    return K\n```"
    solution = solve(TASK, "direct", model=[huge], sandbox=ScriptedSandbox(half))
    assert solution.result is Result.UNSOLVED
    assert solution.program is not None


def test_a_sandbox_that_cannot_trace_costs_the_diagnosis_only() -> None:
    class Traceless(ScriptedSandbox):
        async def trace(self, *args: Any, **kwargs: Any) -> BlockTrace:
            raise OSError("no tracer")

    model = ScriptedModel(Answers())
    solution = solve(
        TASK,
        "rethinkmcts",
        model=model,
        sandbox=Traceless(half),
        overrides={"policy.rollouts": 2},
    )
    assert solution.program is not None
    assert "diagnose" not in {request.action for request in model.requests}


def test_nothing_is_bought_that_nobody_can_judge() -> None:
    def unjudged(program: str, tests: Sequence[Test]) -> Verdict:
        results = (TestResult(status=Status.UNJUDGED),) * len(tests)
        return Verdict(status=Status.UNJUDGED, results=results, note="out of processes")

    model = ScriptedModel(Answers())
    solution = solve(TASK, "uct", model=model, sandbox=ScriptedSandbox(unjudged))
    assert solution.reason.startswith("error: the sandbox could not judge")
    assert "out of processes" in solution.reason
    assert len(model.requests) < 10


@pytest.mark.parametrize(
    ("recipe", "budget", "kind"),
    [
        ("codet", Budget(calls=5), "calls"),
        ("uct", Budget(tokens=400), "tokens"),
        ("mapcoder", Budget(role_calls={"coder": 1, "debugger": 0}), "calls:"),
        ("loop", Budget(executions=1), "executions"),
    ],
)
def test_a_run_that_was_refused_something_says_so(recipe: str, budget: Budget, kind: str) -> None:
    solution = solve(
        TASK, recipe, model=ScriptedModel(Answers()), sandbox=ScriptedSandbox(half), budget=budget
    )
    assert solution.reason.startswith(f"budget: budget for {kind}"), solution.reason


def test_traced_runs_count_as_executions() -> None:
    sandbox = ScriptedSandbox(half)
    solution = solve(
        TASK, "rethinkmcts", model=ScriptedModel(Answers()), sandbox=sandbox, budget=Budget(executions=3)
    )
    assert solution.spend.executions == 3
    assert len(sandbox.judged) + len(sandbox.traced) == 3


def test_a_full_pass_of_the_tasks_tests_counts_whatever_generated_tests_do() -> None:
    def slow_generated(program: str, tests: Sequence[Test]) -> Verdict:
        from codegrove.verdict import ErrorInfo

        results = tuple(
            TestResult(status=Status.PASSED if test in TASK.tests else Status.TIMED_OUT) for test in tests
        )
        error = ErrorInfo(type="TimeLimit", message="too slow")
        return Verdict(status=Status.TIMED_OUT, results=results, error=error, limit="wall")

    solution = solve(TASK, "loop", model=ScriptedModel(Answers()), sandbox=ScriptedSandbox(slow_generated))
    assert solution.solved
    assert solution.verdict is not None and solution.verdict.error is None


class Closing(ScriptedSandbox):
    """Counts how often it was closed."""

    closed = 0

    async def aclose(self) -> None:
        type(self).closed += 1


@pytest.mark.parametrize("how", ["cancel", "leave"])
async def test_a_run_that_is_broken_off_closes_its_session(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import codegrove.graphs.assemble as module

    Closing.closed = 0
    # The default sandbox starts processes; what is under test is who closes it.
    monkeypatch.setattr(module, "make_sandbox", lambda **_: Closing(half))
    started = asyncio.Event()

    async def hang(request: Request) -> str:
        started.set()
        await asyncio.sleep(3600)
        return ""

    compiled: Any = build_graph("direct", model=ScriptedModel(hang))
    if how == "cancel":
        running = asyncio.ensure_future(compiled.ainvoke({"task": TASK}))
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    else:

        async def watch() -> None:
            async for _ in compiled.astream({"task": TASK}, stream_mode="updates", subgraphs=True):
                if started.is_set():
                    break

        watching = asyncio.ensure_future(watch())
        await started.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert Closing.closed == 1


def test_invoke_gives_every_worker_a_thread() -> None:
    arrived = 0
    gate = threading.Lock()

    async def count(request: Request) -> str:
        nonlocal arrived
        with gate:
            arrived += 1
        patience = time.monotonic() + 20
        while arrived < 12:  # nobody leaves before all twelve are there
            assert time.monotonic() < patience
            await asyncio.sleep(0.005)
        return "```python\ndef f(x):\n    return %d\n```" % request.draw  # noqa: UP031

    compiled: Any = build_graph(
        "direct",
        model=ScriptedModel(count),
        sandbox=ScriptedSandbox(half),
        workers=12,
        overrides={"policy.programs": 24, "agents.write.sampling.temperature": 0.8},
        budget=Budget(calls=24),
    )
    solution = compiled.invoke({"task": TASK})["solution"]
    assert (solution.spend.calls, solution.spend.failed_calls) == (24, 0)


def test_equal_programs_of_other_layout_keep_their_own_line_numbers() -> None:
    from codegrove.verdict import ErrorInfo

    def crash(program: str, tests: Sequence[Test]) -> Verdict:
        line = program.split("\n").index("    return x / 0") + 1
        error = ErrorInfo(type="ZeroDivisionError", line=line)
        return Verdict(
            status=Status.CRASHED, results=(TestResult(status=Status.CRASHED, error=error),) * len(tests)
        )

    plain = "```python\ndef f(x):\n    return x / 0\n```"
    spaced = "```python\n# a comment\n\n\ndef f(x):\n    return x / 0\n```"
    solution = solve(
        TASK,
        "direct",
        model=[plain, spaced],
        sandbox=ScriptedSandbox(crash),
        overrides={"policy.programs": 2, "agents.write.sampling.temperature": 0.8},
    )
    assert solution.tree is not None
    lines = [node.verdict.results[0].error.line for node in solution.tree.programs()]  # type: ignore[union-attr]
    assert lines == [2, 5]


class Generous(ScriptedSandbox):
    """Passes everything, and is no longer exempt."""

    exempt_from_self_test = False


def test_a_sandbox_that_passes_everything_ends_the_run_at_once() -> None:
    model = ScriptedModel(Answers())
    sandbox = Generous(lambda program, tests: 1.0)
    solution = solve(TASK, "loop", model=model, sandbox=sandbox)
    assert solution.result is Result.UNVERIFIED
    assert solution.reason.startswith("error: the sandbox cannot be trusted: it misjudges")
    assert "wrong function: passed" in solution.reason
    assert len(model.requests) <= 3
    assert all(test not in TASK.tests for _, tests in sandbox.judged for test in tests)
