"""Compiled recipes: every way to call them, their picture, and what happens when parts fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from loguru import logger

from codegrove import Budget, CallTest, Task, asolve, build_graph, solve
from codegrove.errors import ModelError, TaskError
from codegrove.graphs.solution import Result, Solution
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.task import AssertTest, Test
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.verdict import Verdict
from tests.conformance.machine import TASK, Answers

RECIPES = ["direct", "loop", "grove", "mapcoder", "codetree", "rethinkmcts", "codet", "uct"]


def graph(recipe: str = "codetree", share: float = 0.0, **settings: Any) -> Any:
    """A compiled recipe with scripted answers and verdicts."""
    settings.setdefault("model", ScriptedModel(Answers()))
    settings.setdefault("sandbox", ScriptedSandbox(lambda program, tests: share))
    settings.setdefault("budget", Budget(calls=20))
    return build_graph(recipe, **settings)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs_under_invoke(recipe: str) -> None:
    solution = graph(recipe).invoke({"task": TASK})["solution"]
    assert isinstance(solution, Solution)
    assert solution.result is Result.UNSOLVED
    assert solution.spend.calls <= 20


async def test_all_four_ways_give_the_same_answer_inside_a_running_loop() -> None:
    def fresh() -> Any:
        return graph("mapcoder", share=0.5)

    invoked = fresh().invoke({"task": TASK})["solution"]
    awaited = (await fresh().ainvoke({"task": TASK}))["solution"]
    streamed = [chunk async for chunk in fresh().astream({"task": TASK}, stream_mode="values")]
    listed = list(fresh().stream({"task": TASK}, stream_mode="values"))
    programs = {
        invoked.program,
        awaited.program,
        streamed[-1]["solution"].program,
        listed[-1]["solution"].program,
    }
    assert len(programs) == 1
    assert invoked.program is not None


async def test_streaming_shows_every_step_of_every_worker() -> None:
    steps: list[str] = []
    compiled = graph("loop", share=1.0)
    async for chunk in compiled.astream({"task": TASK}, stream_mode="updates", subgraphs=True, version="v2"):
        steps.extend(chunk["data"])
    assert steps[0] == "prepare" and steps[-1] == "finish"
    inner = [step for step in steps if step not in ("prepare", "worker", "finish")]
    assert inner == [
        "controller",
        "planner",
        "controller",
        "tester",
        "controller",
        "coder",
        "execute",
        "controller",
    ]


def test_the_drawing_shows_controller_roles_and_execute() -> None:
    drawn = graph("rethinkmcts").get_graph(xray=1).draw_mermaid()
    for step in ("prepare", "controller", "planner", "coder", "critic", "execute", "trace", "finish"):
        assert step in drawn, step
    assert "debugger" not in drawn  # the method has none


def test_a_recipe_is_a_node_of_a_larger_graph() -> None:
    @dataclass
    class Outer:
        task: Task
        solution: Solution | None = None
        note: str = ""

    def report(state: Outer) -> dict[str, str]:
        assert state.solution is not None
        return {"note": state.solution.result.value}

    outer = StateGraph(Outer)
    outer.add_node("search", graph("codetree", share=1.0))
    outer.add_node("report", report)
    outer.add_edge(START, "search")
    outer.add_edge("search", "report")
    outer.add_edge("report", END)
    # A small step limit of the outer graph must not cut the search short.
    done = outer.compile().invoke(Outer(task=TASK), {"recursion_limit": 5})
    assert done["note"] == "solved"


def test_a_long_search_outlives_any_step_limit_of_its_caller() -> None:
    compiled = graph("uct", share=0.5, budget=Budget(calls=60), overrides={"policy.expansions": 60})
    assert compiled.invoke({"task": TASK}, {"recursion_limit": 10})["solution"].spend.calls == 60


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("workers", [3, 8])
def test_many_workers_share_one_tree_and_one_budget(recipe: str, workers: int) -> None:
    compiled = graph(recipe, workers=workers, share=0.5)
    solution = compiled.invoke({"task": TASK})["solution"]
    assert solution.spend.calls <= 20
    assert solution.program is not None


def test_a_budget_ends_with_the_best_so_far_and_a_reason() -> None:
    solution = graph("codetree", share=0.5, budget=Budget(calls=3)).invoke({"task": TASK})["solution"]
    assert solution.spend.calls == 3
    assert solution.program is not None
    assert solution.reason.startswith("budget: budget for calls is used up")


def test_the_last_allowed_call_may_still_solve_the_task() -> None:
    solution = graph("direct", share=1.0, budget=Budget(calls=1)).invoke({"task": TASK})["solution"]
    assert solution.solved
    assert solution.reason == "the search is done"


def test_codet_executes_after_its_last_call() -> None:
    overrides = {"policy.programs": 3, "policy.test_answers": 2}
    sandbox = ScriptedSandbox(lambda program, tests: 1.0)
    compiled = graph("codet", budget=Budget(calls=5), overrides=overrides, sandbox=sandbox)
    solution = compiled.invoke({"task": TASK})["solution"]
    assert solution.spend.calls == 5
    assert solution.solved
    assert len(sandbox.judged) >= 3


def test_a_model_that_only_fails_ends_the_run_with_its_words() -> None:
    model = ScriptedModel(lambda request: ModelError("no such model", kind="bad_request"))
    solution = graph("mapcoder", model=model, budget=None).invoke({"task": TASK})["solution"]
    assert solution.program is None
    assert solution.reason.startswith("model: ") and "no such model" in solution.reason


def test_a_wrong_key_ends_the_run_at_the_first_call() -> None:
    model = ScriptedModel(lambda request: ModelError("bad key", kind="auth"))
    solution = graph("codet", model=model, budget=None).invoke({"task": TASK})["solution"]
    assert solution.spend.calls == 1
    assert solution.reason == "model: bad key"


def test_single_failures_are_outcomes_and_the_search_goes_on() -> None:
    answers = Answers()
    asked = 0

    def flaky(request: Request) -> Any:
        nonlocal asked
        asked += 1
        return ModelError("overloaded", kind="other") if asked % 3 == 0 else answers(request)

    solution = graph("uct", share=0.5, model=ScriptedModel(flaky)).invoke({"task": TASK})["solution"]
    assert solution.spend.failed_calls >= 5
    assert solution.program is not None


def test_a_bug_in_one_worker_never_ends_the_others() -> None:
    answers = Answers()
    asked = 0

    def buggy(request: Request) -> str:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise ZeroDivisionError("a bug in a stranger's model")
        return answers(request)

    solution = graph("uct", share=0.5, model=ScriptedModel(buggy), workers=4).invoke({"task": TASK})[
        "solution"
    ]
    assert solution.spend.calls == 20
    assert solution.program is not None


def test_a_sandbox_that_fails_judges_nobody() -> None:
    def broken(program: str, tests: Sequence[Test]) -> Verdict:
        raise OSError("no processes left")

    solution = graph("loop", sandbox=ScriptedSandbox(broken)).invoke({"task": TASK})["solution"]
    assert solution.result is Result.UNVERIFIED
    assert solution.program is not None


@pytest.mark.parametrize("recipe", ["uct", "grove"])
def test_a_visible_test_that_no_program_can_be_judged_on_is_reported_at_the_start(recipe: str) -> None:
    model = ScriptedModel(Answers())
    sandbox = ScriptedSandbox(lambda program, tests: 0.0)
    broken = replace(TASK, tests=(*TASK.tests, AssertTest(code="assert f(1) ==")))
    said: list[str] = []
    handler = logger.add(said.append, level="WARNING")
    logger.enable("codegrove")
    try:
        if recipe == "uct":
            with pytest.raises(
                TaskError, match=r"judged on test 5 of task 'conformance': it does not parse.*mend it"
            ):
                solve(broken, recipe, model=model, sandbox=sandbox)
            assert not model.requests
        else:
            solve(broken, recipe, model=model, sandbox=sandbox, budget=Budget(calls=1))
            assert any("judged on test 5 of task 'conformance': it does not parse" in text for text in said)
    finally:
        logger.disable("codegrove")
        logger.remove(handler)


def test_a_recipe_that_needs_tests_refuses_a_task_without() -> None:
    bare = Task(id="bare", statement="Do something.", entry_point="f")
    with pytest.raises(TaskError, match="task 'bare' has none.*without: codet, direct, grove, loop"):
        solve(bare, "codetree", model=ScriptedModel(Answers()), sandbox=ScriptedSandbox(lambda p, t: 1.0))


@pytest.mark.parametrize("recipe", ["direct", "loop", "codet"])
def test_a_task_without_tests_gives_an_unverified_program(recipe: str) -> None:
    bare = Task(id="bare", statement="Do something.", entry_point="f")
    solution = solve(
        bare,
        recipe,
        model=ScriptedModel(Answers()),
        sandbox=ScriptedSandbox(lambda p, t: 1.0),
        budget=Budget(calls=45),
    )
    assert solution.result is Result.UNVERIFIED
    assert solution.program is not None


async def test_same_seed_same_run() -> None:
    async def once() -> tuple[list[str], str | None]:
        model = ScriptedModel(Answers())
        solution = await asolve(
            TASK, "uct", model=model, sandbox=ScriptedSandbox(_by_length), seed=3, budget=Budget(calls=15)
        )
        return [request.messages[-1].text for request in model.requests], solution.program

    assert await once() == await once()


def _by_length(program: str, tests: Sequence[Test]) -> float:
    return (len(program) * 7 % 4) / 4


async def test_cancelling_a_run_leaves_no_task_behind() -> None:
    started = asyncio.Event()

    async def hang(request: Request) -> str:
        started.set()
        await asyncio.Event().wait()
        return ""

    running = asyncio.ensure_future(
        asolve(TASK, "direct", model=ScriptedModel(hang), sandbox=ScriptedSandbox(lambda p, t: 1.0))
    )
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert others == []


def test_identical_programs_are_executed_once() -> None:
    sandbox = ScriptedSandbox(lambda program, tests: 0.5)
    model = ScriptedModel(lambda request: f"```python\ndef f(x):\n    return 1  # draw {request.draw}\n```")
    solution = solve(
        TASK,
        "direct",
        model=model,
        sandbox=sandbox,
        overrides={"policy.programs": 6, "agents.write.sampling.temperature": 0.8},
        budget=Budget(calls=6),
    )
    assert solution.spend.calls == 6
    assert len(sandbox.judged) == solution.spend.executions == 1
    assert solution.spend.reused == 5


def test_a_visible_test_is_all_a_run_ever_sees() -> None:
    sandbox = ScriptedSandbox(lambda program, tests: 0.5)
    graph("uct", sandbox=sandbox).invoke({"task": TASK})
    assert {tests for _, tests in sandbox.judged} == {TASK.tests}
    assert all(isinstance(test, CallTest) for test in TASK.tests)


def test_a_graph_shows_itself_offline_as_mermaid_text() -> None:
    compiled = graph("loop")
    bundle = compiled._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/markdown"}
    assert bundle["text/markdown"].startswith("```mermaid\n")
    renamed = compiled.with_config({"tags": ["x"]})
    assert type(renamed) is type(compiled)
