"""A human accepts, edits or rejects plans and programs: through a callback, and through LangGraph's interrupt."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from codegrove import Budget, Run, asolve, build_graph, resume, solve
from codegrove.approval import ApprovalRequest, Decision, accept_all, read_decision
from codegrove.errors import CheckpointError, UsageError
from codegrove.graphs import checkpoint_serde
from codegrove.graphs.assemble import assemble
from codegrove.graphs.session import RunContext
from codegrove.graphs.solution import Result, Solution
from codegrove.models.scripted import ScriptedModel
from codegrove.outcome import Outcome
from codegrove.report import run_report
from codegrove.runs.directory import RunDirectory
from codegrove.search.search import Told
from codegrove.task import Test
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.conformance.machine import TASK, Answers, text_of

PLAN, SOLUTION, BOTH = {"approve": "plan"}, {"approve": "solution"}, {"approve": ["plan", "solution"]}
CONFIG: Any = {"configurable": {"thread_id": "one"}}
MINE = "def f(x):\n    return x  # mine"


def passes(program: str, tests: Sequence[Test]) -> float:
    return 1.0


def half(program: str, tests: Sequence[Test]) -> float:
    return 0.5


def plan_of(recipe: str) -> dict[str, Any]:
    """The changes that make a recipe ask about its plans; one has none by itself."""
    planner = {"role": "planner", "prompt": "planner/plan"}
    return PLAN | ({"policy.plan": True, "agents.plan": planner} if recipe == "uct" else {})


def parts(decide: Any = passes) -> dict[str, Any]:
    """A scripted model and sandbox."""
    return {"model": ScriptedModel(Answers()), "sandbox": ScriptedSandbox(decide)}


class Human:
    """Answers as told, and remembers what was asked."""

    def __init__(self, *answers: object) -> None:
        self._answers = iter(answers)
        self.asked: list[ApprovalRequest] = []

    def __call__(self, request: ApprovalRequest) -> object:
        self.asked.append(request)
        return next(self._answers)


def nobody(request: ApprovalRequest) -> Decision:
    raise AssertionError("nobody was to be asked")


def outcomes(solution: Solution, run: Run) -> list[Outcome]:
    return [event.outcome for event in run.events if isinstance(event, Told)]


def test_an_accepted_plan_is_used_as_it_is() -> None:
    human = Human(Decision.accept())
    given = parts()
    solution = solve(TASK, "loop", overrides=PLAN, approver=human, **given)
    assert solution.solved
    (request,) = human.asked
    assert (request.what, request.task, request.node, request.about) == ("plan", TASK.id, 0, "plan")
    assert request.text == "text number 1"
    write = next(r for r in given["model"].requests if r.action == "write")
    assert request.text in text_of(write)


def test_an_edited_plan_replaces_the_proposal_and_the_raw_answer_stays(tmp_path: Path) -> None:
    given = parts()
    human = Human(Decision.edit("my own plan"))
    solution = solve(TASK, "loop", overrides=PLAN, approver=human, out=tmp_path / "run", **given)
    assert solution.tree is not None
    assert [node.text for node in solution.tree if node.kind == "plan"] == ["my own plan"]
    assert "my own plan" in text_of(next(r for r in given["model"].requests if r.action == "write"))
    first = outcomes(solution, Run.open(tmp_path / "run"))[0]
    assert (first.answer, first.proposals[0].text) == ("text number 1", "my own plan")


def test_a_rejected_plan_is_a_plan_that_could_not_be_had(tmp_path: Path) -> None:
    human = Human(Decision.reject("too slow"))
    solution = solve(TASK, "loop", overrides=PLAN, approver=human, out=tmp_path / "run", **parts())
    assert solution.solved
    assert solution.tree is not None
    assert not [node for node in solution.tree if node.kind == "plan"]
    failure = outcomes(solution, Run.open(tmp_path / "run"))[0].failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("rejected", "a human rejected the plan: too slow")


@pytest.mark.parametrize("recipe", ["codetree", "mapcoder", "rethinkmcts", "grove", "loop", "uct"])
@pytest.mark.parametrize("workers", [1, 4])
def test_every_method_gets_by_without_any_plan(recipe: str, workers: int) -> None:
    def refuse(request: ApprovalRequest) -> bool:
        return False

    solution = solve(
        TASK,
        recipe,
        overrides=plan_of(recipe),
        approver=refuse,
        budget=Budget(calls=12),
        workers=workers,
        **parts(half),
    )
    assert solution.program is not None
    assert not solution.reason.startswith("error")


def test_of_several_plans_each_is_asked_for_and_the_rejected_are_left_out() -> None:
    human = Human(False, True, Decision.edit("mine"), *[False] * 7)
    solution = solve(TASK, "codetree", overrides=PLAN, approver=human, **parts())
    assert [(r.item, r.count) for r in human.asked] == [(n, 10) for n in range(10)]
    assert solution.tree is not None
    assert [n.text for n in solution.tree if n.kind == "strategy"] == ["idea number 1-2", "mine"]


def test_answers_to_the_first_of_several_plans_are_kept(tmp_path: Path) -> None:
    given = parts()
    first = Human(True, False, "what?")
    broken = solve(TASK, "codetree", overrides=PLAN, approver=first, out=tmp_path, **given)
    assert broken.reason.startswith("error: the approver's answer")
    paid = len(given["model"].requests)
    second = Human(*[False] * 8)
    solution = resume(tmp_path, approver=second, **given)
    assert [request.item for request in second.asked] == list(range(2, 10))
    assert solution.tree is not None
    assert [n.text for n in solution.tree if n.kind == "strategy"] == ["idea number 1-1"]
    assert "think" not in [request.action for request in given["model"].requests[paid:]]


async def test_a_coroutine_function_may_answer() -> None:
    async def human(request: ApprovalRequest) -> str:
        await asyncio.sleep(0)
        return "accept"

    assert (await asolve(TASK, "loop", overrides=BOTH, approver=human, **parts())).solved


@pytest.mark.parametrize(
    ("decision", "share", "result"),
    [
        (Decision.accept(), 1.0, Result.SOLVED),
        (Decision.accept(), 0.5, Result.UNSOLVED),
        (Decision.edit(MINE), 1.0, Result.SOLVED),
        (Decision.edit(MINE), 0.0, Result.UNSOLVED),
        (Decision.reject("ugly"), 1.0, Result.UNSOLVED),
    ],
)
def test_the_program_is_approved_before_the_run_is_over(
    decision: Decision, share: float, result: Result, tmp_path: Path
) -> None:
    given = parts(lambda program, tests: share if "mine" in program or decision.kind != "edit" else 1.0)
    human = Human(decision)
    solution = solve(TASK, "direct", overrides=SOLUTION, approver=human, out=tmp_path / "run", **given)
    (request,) = human.asked
    assert request.what == "solution"
    assert request.about.endswith("of 4 visible tests passed")
    assert solution.result is result
    assert solution.reason == ("rejected: ugly" if decision.kind == "reject" else "the search is done")
    if decision.kind == "edit":
        assert solution.program == MINE
        assert given["sandbox"].judged[-1] == (MINE, TASK.tests)
        assert "a human edited the program of node #1" in solution.summary()
        assert "a human edited" in run_report(Run.open(tmp_path / "run")).reason
    # Read back, and run again: the same solution, and nobody is asked.
    assert Run.open(tmp_path / "run").solution.program == solution.program
    again = resume(tmp_path / "run", approver=nobody, **parts())
    assert (again.program, again.result, again.reason) == (solution.program, result, solution.reason)


def test_a_used_up_budget_still_lets_the_best_program_be_approved() -> None:
    human = Human(True)
    solution = solve(TASK, "uct", overrides=SOLUTION, approver=human, budget=Budget(calls=3), **parts(half))
    assert len(human.asked) == 1
    assert solution.reason.startswith("budget")


@pytest.mark.parametrize("what", ["plan", "solution"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("maybe", "the approver's answer cannot be used: found {'decision': 'maybe'}"),
        (None, "the approver's answer cannot be used: found NoneType"),
        (Decision(kind="edit"), "the approver's answer cannot be used: found an edit without a text"),
        (..., "the approver failed with RuntimeError: StopIteration()"),
    ],
)
def test_an_approver_that_fails_stops_the_run_and_loses_nothing(
    what: str, answer: object, said: str, tmp_path: Path
) -> None:
    given = parts()
    human = Human() if answer is ... else Human(answer)
    solution = solve(TASK, "loop", overrides={"approve": what}, approver=human, out=tmp_path / "run", **given)
    assert solution.reason.startswith(f"error: {said}"), solution.reason
    assert not solution.solved
    paid = len(given["model"].requests)
    better = Human(True)
    second = resume(tmp_path / "run", approver=better, **given)
    assert second.solved
    assert better.asked == human.asked
    repeated = [request.action for request in given["model"].requests[paid:]]
    assert "plan" not in repeated


def undo(run: Path, *statements: str) -> None:
    """Bring a record to the state it had at an earlier moment, as if the process had been killed there."""
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        for statement in (*statements, "UPDATE sessions SET ended_at = NULL, result = NULL"):
            connection.execute(statement)
        connection.commit()


def test_a_decision_survives_a_kill_before_it_was_used(tmp_path: Path) -> None:
    out, given = tmp_path / "run", parts()
    given["model"] = ScriptedModel(Answers({"write": "```python\ndef f(x):\n    return 7\n```"}))
    human = Human(Decision.edit("my own plan"), Decision.edit(MINE))
    whole = solve(TASK, "loop", overrides=BOTH, approver=human, out=out, **given)
    assert [(d.what, d.expansion, d.item, d.kind) for d in Run.open(out).decisions] == [
        ("plan", 0, 0, "edit"),
        ("solution", None, 0, "edit"),
    ]
    undo(out, "DELETE FROM events WHERE id > 1", "DELETE FROM calls WHERE id > 1")
    again = resume(out, approver=nobody, **given)
    assert again.tree is not None
    assert [node.text for node in again.tree if node.kind == "plan"] == ["my own plan"]
    assert (again.spend.calls, again.program, again.reason) == (whole.spend.calls, MINE, whole.reason)
    undo(out)
    assert resume(out, approver=nobody, **given).program == MINE


def test_a_decision_about_one_program_says_nothing_of_another(tmp_path: Path) -> None:
    def by_length(program: str, tests: Sequence[Test]) -> float:
        return 0.5 if "1001" in program else 0.75

    human, given = Human("reject", "accept"), parts(by_length)
    first = solve(
        TASK, "uct", overrides=SOLUTION, approver=human, out=tmp_path, budget=Budget(calls=1), **given
    )
    assert first.reason == "rejected: no comment"
    second = resume(tmp_path, extend=Budget(calls=1), approver=human, **given)
    assert len(human.asked) == 2
    assert second.reason.startswith("budget")


def test_waiting_for_a_human_is_not_running_time() -> None:
    waited: list[float] = []

    def slow(request: ApprovalRequest) -> bool:
        import time

        started = time.monotonic()
        time.sleep(0.3)
        waited.append(time.monotonic() - started)
        return True

    solution = solve(TASK, "loop", overrides=BOTH, approver=slow, budget=Budget(seconds=60), **parts())
    assert len(waited) == 2
    import time

    assert (
        solution.spend.seconds < sum(waited) + 5
    )  # the run itself takes milliseconds, on a busy machine seconds
    started = time.monotonic()
    again = solve(TASK, "loop", overrides=BOTH, approver=slow, **parts())
    assert again.spend.seconds <= time.monotonic() - started - sum(waited[2:])


def test_nobody_to_ask_is_one_clear_error_at_the_start() -> None:
    given = parts()
    with pytest.raises(
        UsageError, match=r"wants approval \(plan\), but there is nobody to ask; pass approver="
    ):
        solve(TASK, "loop", overrides=PLAN, **given)
    graph: Any = build_graph("loop", overrides=PLAN, **given)
    with pytest.raises(UsageError, match=r"build_graph\(\.\.\., checkpointer="):
        graph.invoke({"task": TASK})
    assert not given["model"].requests


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "accept"),
        (False, "reject"),
        ("reject", "reject"),
        ({"decision": "edit", "text": "x"}, "edit"),
        ({"decision": "reject", "comment": "no"}, "reject"),
        (Decision.accept(), "accept"),
    ],
)
def test_decisions_have_several_forms(value: object, kind: str) -> None:
    assert read_decision(value).kind == kind


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "edit",
        1,
        [],
        {"decision": "edit", "text": " "},
        {"decision": "accept", "text": "x"},
        {"kind": "accept"},
        {"decision": "accept", "why": "x"},
        {"decision": "edit", "text": 3},
    ],
)
def test_what_is_no_decision_is_said_to_be_none(value: object) -> None:
    with pytest.raises(UsageError, match="found"):
        read_decision(value)


# LangGraph's interrupt.


def questions(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What an interrupted graph asks."""
    return [interrupt.value for interrupt in result.get("__interrupt__", ())]


def interruptible(recipe: str = "loop", decide: Any = passes, **settings: Any) -> Any:
    """A graph that asks by being interrupted."""
    saver = InMemorySaver(serde=checkpoint_serde())
    return build_graph(recipe, checkpointer=saver, **{**parts(decide), **settings})


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_a_graph_asks_by_interrupting_and_goes_on_with_the_answer(way: str) -> None:
    graph = interruptible(overrides=BOTH)

    async def call(given: Any) -> dict[str, Any]:
        if way == "ainvoke":
            return dict(await graph.ainvoke(given, CONFIG))
        return dict(await asyncio.to_thread(graph.invoke, given, CONFIG))

    first = await call({"task": TASK})
    (question,) = questions(first)
    assert (question["what"], question["text"]) == ("plan", "text number 1")
    second = await call(Command(resume="what?"))
    (question,) = questions(second)
    assert "found {'decision': 'what?'} as a decision" in question["problem"]
    third = await call(Command(resume={"decision": "edit", "text": "my own plan"}))
    (question,) = questions(third)
    assert question["what"] == "solution"
    assert question["about"] == "4 of 4 visible tests passed"
    done = await call(Command(resume=Decision.reject("no thanks")))
    solution = done["solution"]
    assert (solution.result, solution.reason) == (Result.UNSOLVED, "rejected: no thanks")
    assert [n.text for n in solution.tree if n.kind == "plan"] == ["my own plan"]
    assert solution.spend.calls == 3  # plan, tests, program: nothing was bought again


@pytest.mark.parametrize("answers", ["one by one", "together"])
@pytest.mark.parametrize("recipe", ["uct", "codetree", "rethinkmcts", "mapcoder"])
async def test_several_workers_may_wait_at_once(recipe: str, answers: str) -> None:
    model = ScriptedModel(Answers())
    graph = interruptible(
        recipe, half, overrides=plan_of(recipe), workers=3, budget=Budget(calls=14), model=model
    )
    result = await graph.ainvoke({"task": TASK}, CONFIG)
    most = rounds = 0
    while questions(result):
        rounds += 1
        most = max(most, len(questions(result)))
        waiting = result["__interrupt__"] if answers == "together" else result["__interrupt__"][-1:]
        result = await graph.ainvoke(Command(resume={i.id: "accept" for i in waiting}), CONFIG)
    assert rounds
    assert most > 1 or recipe in ("codetree",)
    solution = result["solution"]
    assert solution.program is not None
    assert solution.reason.startswith(("budget", "the search is done"))
    assert solution.spend.calls == len(model.requests) <= 14
    keys = [(r.action, r.draw, text_of(r)) for r in model.requests]
    assert len(set(keys)) == len(keys)


async def test_the_clock_stands_while_a_graph_waits() -> None:
    graph = interruptible(overrides=PLAN)
    await graph.ainvoke({"task": TASK}, CONFIG)
    await asyncio.sleep(0.5)
    import time

    started = time.monotonic()
    done = await graph.ainvoke(Command(resume="accept"), CONFIG)
    spent = time.monotonic() - started
    assert done["solution"].spend.seconds < spent + 0.45


async def test_a_waiting_thread_of_another_process_says_how_to_go_on() -> None:
    saver = InMemorySaver(serde=checkpoint_serde())
    given = parts()
    first: Any = build_graph("loop", overrides=PLAN, checkpointer=saver, **given)
    await first.ainvoke({"task": TASK}, CONFIG)
    later: Any = build_graph("loop", overrides=PLAN, checkpointer=saver, **given)
    with pytest.raises(CheckpointError, match=r"not open in this process.*codegrove\.resume\(DIR\)"):
        await later.ainvoke(Command(resume="accept"), CONFIG)
    # The process that has it can still go on.
    assert (await first.ainvoke(Command(resume="accept"), CONFIG))["solution"].solved


async def test_interrupts_work_on_a_run_directory_and_its_decisions_outlive_the_process(
    tmp_path: Path,
) -> None:
    given = parts()
    assembly = assemble("loop", overrides=BOTH, **given)

    def graph() -> Any:
        return build_graph(
            "loop", overrides=BOTH, checkpointer=InMemorySaver(serde=checkpoint_serde()), **given
        )

    with RunDirectory(tmp_path, assembly, TASK, interrupts=True) as directory:
        context = RunContext(directory.session)
        compiled = graph()
        await compiled.ainvoke({"task": TASK}, CONFIG, context=context)
        result = await compiled.ainvoke(Command(resume="accept"), CONFIG, context=context)
        assert questions(result)[0]["what"] == "solution"
    paid = len(given["model"].requests)
    # The process dies here. Another one starts from the run directory, with a new thread.
    with RunDirectory(tmp_path, assembly, TASK, interrupts=True) as directory:
        context = RunContext(directory.session)
        compiled = graph()
        result = await compiled.ainvoke({"task": TASK}, CONFIG, context=context)
        assert [q["what"] for q in questions(result)] == ["solution"]
        result = await compiled.ainvoke(Command(resume="accept"), CONFIG, context=context)
        directory.finish(result["solution"])
    assert result["solution"].solved
    assert len(given["model"].requests) == paid
    assert Run.open(tmp_path).finished


def test_accepting_everything_changes_nothing() -> None:
    def run(approver: Callable[[ApprovalRequest], object] | None) -> Solution:
        overrides = BOTH if approver else {}
        return solve(
            TASK, "codetree", overrides=overrides, approver=approver, budget=Budget(calls=12), **parts(half)
        )

    plain, asked = run(None), run(accept_all)
    assert plain.tree is not None and asked.tree is not None
    assert [(n.kind, n.text, n.reward) for n in plain.tree] == [
        (n.kind, n.text, n.reward) for n in asked.tree
    ]
    assert (plain.program, plain.result, plain.reason) == (asked.program, asked.result, asked.reason)
