"""LangGraph's own tools on a compiled recipe: history, fork, drain, resume; and what a checkpoint gives back."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command

from codegrove import Budget, build_graph
from codegrove.errors import CheckpointError, TaskError
from codegrove.graphs import checkpoint_serde
from codegrove.graphs.checkpoints import restored
from codegrove.graphs.state import BranchState
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.outcome import Outcome, Proposal
from codegrove.search.policy import Expansion
from codegrove.task import CallTest, Task, Test
from codegrove.tools.sandbox.port import Block, BlockTrace
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict
from tests.conformance.machine import TASK, Answers

RECIPES = ["direct", "loop", "grove", "mapcoder", "codetree", "rethinkmcts", "codet", "uct"]
CONFIG: Any = {"configurable": {"thread_id": "one"}}
OTHER = Task(id="other", statement="Return x.", entry_point="f", tests=TASK.tests)


def half(program: str, tests: Sequence[Test]) -> float:
    return 0.5


def graph(saver: Any, recipe: str = "loop", **settings: Any) -> Any:
    settings.setdefault("model", ScriptedModel(Answers()))
    settings.setdefault("sandbox", ScriptedSandbox(half))
    settings.setdefault("budget", Budget(calls=8))
    return build_graph(recipe, checkpointer=saver, **settings)


@pytest.fixture
async def saver(tmp_path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "checkpoints.sqlite")) as made:
        made.serde = checkpoint_serde()
        yield made


def inside(value: object) -> Iterator[object]:
    """A value and everything in it."""
    yield value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for item in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    ):
        yield from inside(item)


@pytest.mark.parametrize("recipe", RECIPES)
async def test_whatever_a_checkpoint_holds_comes_back_as_it_was(
    recipe: str, saver: AsyncSqliteSaver, caplog: pytest.LogCaptureFixture
) -> None:
    compiled = graph(saver, recipe)
    with caplog.at_level(logging.WARNING):
        stream = compiled.astream({"task": TASK}, CONFIG, stream_mode="updates", subgraphs=True)
        steps: list[Any] = [chunk async for chunk in stream]
        states = [state async for state in compiled.aget_state_history(CONFIG)]
        inner = [state async for state in saver.alist(None) if state.config["configurable"]["checkpoint_ns"]]
    assert not [
        record for record in caplog.records if "nregistered" in record.message or "Blocked" in record.message
    ]
    solution = states[0].values["solution"]
    (finished,) = [update for _, step in steps for name, update in step.items() if name == "finish"]
    assert solution == finished["solution"]
    assert list(solution.tree) == list(finished["solution"].tree)
    kinds = {
        type(item)
        for state in inner
        for item in inside(state.checkpoint["channel_values"])
        if dataclasses.is_dataclass(item) or isinstance(item, Enum)
    }
    assert {Task, Outcome, Expansion, CallTest} <= kinds
    written = [update for _, step in steps for update in step.values() if update and update.get("outcome")]
    kept = [item for state in inner for item in inside(state.checkpoint["channel_values"])]
    for update in written:
        assert update["outcome"] in kept


def test_every_kind_of_record_survives() -> None:
    error = ErrorInfo(type="ValueError", message="m", line=3, trace=((1, "f"), (2, "g")))
    verdict = Verdict(status=Status.FAILED, results=(TestResult(status=Status.FAILED, error=error),))
    block = Block(index=0, lines=(1, 2), source="x", before=(("a", "1"),), after=())
    state = BranchState(
        task=TASK,
        expansion=Expansion(id=3, action="write", node=0, tests=TASK.tests, trace=TASK.tests),
        outcome=Outcome(proposals=(Proposal(text="p", data={"k": "v"}),), verdict=verdict),
        extra={"trace": BlockTrace(blocks=(block,), error=error), "test": TASK.tests[0]},
        ended={1: "done"},
    )
    serde = checkpoint_serde()
    assert serde.loads_typed(serde.dumps_typed(state)) == state
    assert restored(state) is state
    assert restored({"a": [state]})["a"][0] is state


@dataclasses.dataclass(frozen=True)
class Mine:
    """A type of somebody else's state."""

    n: int = 1


def test_types_of_ones_own_are_named_and_others_stay_out() -> None:
    written = checkpoint_serde().dumps_typed(Mine(2))
    assert checkpoint_serde(Mine).loads_typed(written) == Mine(2)
    assert not isinstance(checkpoint_serde().loads_typed(written), Mine)


async def test_history_and_a_fork_with_another_task(saver: AsyncSqliteSaver) -> None:
    compiled = graph(saver)
    first = await compiled.ainvoke({"task": TASK}, CONFIG)
    history = [state async for state in compiled.aget_state_history(CONFIG)]
    assert [state.next for state in history] == [(), ("finish",), ("worker",), ("prepare",), ("__start__",)]
    before = next(state for state in history if state.next == ("prepare",))
    forked = await compiled.aupdate_state(before.config, {"task": OTHER}, as_node="__start__")
    second = await compiled.ainvoke(None, forked)
    assert second["solution"].task_id == "other"
    assert first["solution"].task_id == TASK.id
    assert (await compiled.aget_state(CONFIG)).values["solution"].task_id == "other"


async def test_a_fork_into_a_search_that_has_moved_on_buys_and_harms_nothing(saver: AsyncSqliteSaver) -> None:
    model = ScriptedModel(Answers())
    compiled = graph(saver, overrides={"approve": ["plan", "solution"]}, model=model)
    await compiled.ainvoke({"task": TASK}, CONFIG)
    at_the_plan = await compiled.aget_state(CONFIG, subgraphs=True)
    await compiled.ainvoke(Command(resume="accept"), CONFIG)
    at_the_solution = await compiled.aget_state(CONFIG)
    assert at_the_solution.next == ("approve",)
    paid = len(model.requests)
    # A worker that starts again joins the search as it stands.
    joined = await compiled.ainvoke(None, at_the_plan.config)
    assert joined["__interrupt__"][0].value["what"] == "solution"
    # Its own step was answered long ago.
    with pytest.raises(CheckpointError, match=r"moved on since this checkpoint: 'plan' \(expansion 0\)"):
        await compiled.ainvoke(Command(resume="accept"), at_the_plan.tasks[0].state.config)
    done = await compiled.ainvoke(Command(resume="accept"), at_the_solution.config)
    assert done["solution"].program is not None
    assert len(model.requests) == paid
    with pytest.raises(CheckpointError, match="is not open in this process"):
        await compiled.ainvoke(None, at_the_solution.config)


async def test_a_waiting_worker_is_looked_at_and_changed_from_outside(saver: AsyncSqliteSaver) -> None:
    compiled = graph(saver, overrides={"approve": "plan"})
    await compiled.ainvoke({"task": TASK}, CONFIG)
    state = await compiled.aget_state(CONFIG, subgraphs=True)
    (task,) = state.tasks
    assert task.state.next == ("approve",)
    outcome = task.state.values["outcome"]
    assert outcome.proposals[0].text == "text number 1"
    changed = dataclasses.replace(outcome, proposals=(Proposal(text="changed from outside"),))
    await compiled.aupdate_state(task.state.config, {"outcome": changed}, as_node="planner")
    result = await compiled.ainvoke(None, CONFIG)
    (question,) = result["__interrupt__"]
    assert question.value["text"] == "changed from outside"
    done = await compiled.ainvoke(Command(resume="accept"), CONFIG)
    plans = [node.text for node in done["solution"].tree if node.kind == "plan"]
    assert plans == ["changed from outside"]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("serde", [None, checkpoint_serde()])
@pytest.mark.filterwarnings("default")
async def test_a_drained_worker_is_resumed_where_it_was(workers: int, serde: Any) -> None:
    control = RunControl()
    answers, asked = Answers(), 0

    def answer(request: Request) -> str:
        nonlocal asked
        asked += 1
        if asked == 4:
            control.request_drain()
        return answers(request)

    saver = InMemorySaver(serde=serde) if serde else InMemorySaver()
    model = ScriptedModel(answer)
    compiled = graph(saver, "rethinkmcts", model=model, workers=workers, budget=Budget(calls=14))
    with pytest.raises(GraphDrained):
        await compiled.ainvoke({"task": TASK}, CONFIG, control=control)
    drained = len(model.requests)
    assert drained < 14
    done = await compiled.ainvoke(None, CONFIG)
    solution = done["solution"]
    assert solution.spend.calls == len(model.requests) == 14
    assert solution.reason.startswith("budget")
    if workers == 1:
        whole = graph(None, "rethinkmcts", budget=Budget(calls=14)).invoke({"task": TASK})["solution"]
        assert [n.text for n in solution.tree] == [n.text for n in whole.tree]


async def test_a_thread_whose_session_is_gone_says_how_to_go_on() -> None:
    saver = InMemorySaver(serde=checkpoint_serde())
    control = RunControl()

    def answer(request: Request) -> str:
        control.request_drain()
        return Answers()(request)

    first = graph(saver, model=ScriptedModel(answer))
    with pytest.raises(GraphDrained):
        await first.ainvoke({"task": TASK}, CONFIG, control=control)
    model = ScriptedModel(Answers())
    with pytest.raises(CheckpointError, match=r"resume\(DIR\)"):
        await graph(saver, model=model).ainvoke(None, CONFIG)
    assert not model.requests


def test_a_task_may_come_as_plain_data() -> None:
    data = {
        "id": "plain",
        "statement": "Return x.",
        "entry_point": "f",
        "tests": [{"args": "(1,)", "expected": "1"}, {"kind": "assert", "code": "assert f(2) == 2"}],
    }
    solution = graph(None).invoke({"task": data})["solution"]
    assert solution.tree.task.tests[0] == CallTest(args="(1,)", expected="1")
    for wrong in (
        {"id": "x"},
        {**data, "tests": [{"args": 3}]},
        7,
        {**data, "tests": [{"stdin": "", "expected": ""}]},
    ):
        with pytest.raises(TaskError):
            graph(None).invoke({"task": wrong})
