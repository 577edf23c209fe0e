"""The agents themselves: requests, outcomes, and what happens to answers nobody can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codegrove.account import Account
from codegrove.agents import AGENTS, Agent, Coder, Critic, Debugger, Planner, Tester
from codegrove.budget import Budget
from codegrove.candidate import Candidate
from codegrove.errors import BudgetExceeded, ModelError, PromptError, UsageError
from codegrove.models.metered import MeteredModel
from codegrove.models.port import Message, Reply, Sampling
from codegrove.models.scripted import ScriptedModel
from codegrove.outcome import Outcome, Proposal, Review
from codegrove.prompts import list_prompts
from codegrove.task import AssertTest, CallTest, Origin, StdioTest, Task
from codegrove.verdict import Status, TestResult, Verdict

TASK = Task(
    id="add",
    statement="Return the sum of a and b.",
    entry_point="add",
    stub="def add(a, b):\n",
    tests=(CallTest(args="(1, 2)", expected="3"), CallTest(args="(0, 0)", expected="0")),
)
CODE = "```python\ndef add(a, b):\n    return a + b\n```"
JUNK = "Sorry, I lost the thread here."
VERDICT = Verdict(
    status=Status.FAILED,
    results=(TestResult(status=Status.FAILED, output="-1"), TestResult(status=Status.PASSED)),
)


async def test_a_coder_writes_a_candidate_with_its_origin() -> None:
    model = ScriptedModel([Reply(text=CODE, model="m-1"), CODE])
    coder = Coder(model, sampling=Sampling(temperature=0.5))
    outcome = await coder.write(TASK, plan="just add", action="write", draw=3, seed=7)
    assert outcome == Outcome(
        answer=CODE,
        program=Candidate(
            program="def add(a, b):\n    return a + b\n", action="write", prompt="coder/write", model="m-1"
        ),
    )
    (request,) = model.requests
    assert (request.role, request.action, request.prompt) == ("coder", "write", "coder/write")
    assert (request.answer_format, request.task_id, request.draw, request.seed) == ("code", "add", 3, 7)
    assert request.sampling == Sampling(temperature=0.5)
    assert request.variables == {
        "statement": TASK.statement,
        "stub": "def add(a, b):",
        "examples": "add(1, 2) == 3\nadd(0, 0) == 0",
        "form": "function",
        "entry_point": "add",
        "plan": "just add",
        "language": "Python 3",
        "fence": "python",
        "language_notes": "",
    }
    assert [message.role for message in request.messages] == ["system", "user"]
    assert "just add" in request.messages[1].text
    unnamed = await coder.write(TASK)
    assert unnamed.program is not None
    assert (unnamed.program.action, unnamed.program.model) == ("coder", "scripted:")


async def test_the_verbs_of_the_other_roles() -> None:
    plan = await Planner(ScriptedModel(["1. add"])).plan(TASK)
    assert plan.proposals == (Proposal(text="1. add"),)

    model = ScriptedModel(["assert add(1, 1) == 2"])
    tests = await Tester(model).write_tests(TASK, width=2)
    assert tests.tests == (AssertTest(code="assert add(1, 1) == 2", origin=Origin.GENERATED),)
    assert model.requests[0].variables["width"] == 2

    model = ScriptedModel([CODE])
    program = Candidate(program="def add(a, b):\n    return a - b\n")
    repaired = await Debugger(model).repair(TASK, program=program, verdict=VERDICT, plan="p")
    assert repaired.program is not None
    assert "add(1, 2) == 3\n    obtained: -1" in model.requests[0].messages[1].text
    assert "return a - b" in model.requests[0].messages[1].text

    review = await Critic(ScriptedModel(["Looks good.\ntrue"])).review(TASK, program=program)
    assert review.review == Review(text="Looks good.\ntrue", accepted=True)


def test_the_registry_names_every_role() -> None:
    kinds: list[type[Agent]] = [Planner, Coder, Tester, Debugger, Critic]
    assert dict(zip(["planner", "coder", "tester", "debugger", "critic"], kinds, strict=True)) == AGENTS


@pytest.mark.parametrize(
    "prompt", [p for p in list_prompts() if p.role != "any"], ids=lambda prompt: prompt.id
)
@pytest.mark.parametrize(
    "task", [TASK, Task(id="s", statement="Add.", tests=(StdioTest(stdin="1", expected="1"),))]
)
async def test_every_prompt_works_with_an_agent_of_its_role(prompt: Any, task: Task) -> None:
    agent = AGENTS[prompt.role](ScriptedModel([JUNK]), prompt=prompt.id)
    ignored = {"index": 1, "line": 2, "tests": task.tests, "verdict": VERDICT}
    outcome = await agent.act(task, ignored, action="x")
    assert outcome.answer == JUNK
    assert (outcome.failure is None) == (prompt.answer == "text")


async def test_a_failing_model_is_an_outcome() -> None:
    outcome = await Coder(ScriptedModel([ModelError("server is down")])).write(TASK)
    assert outcome.answer == "" and outcome.program is None
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.message) == ("model", "server is down")


async def test_an_exceeded_budget_is_for_the_caller() -> None:
    coder = Coder(MeteredModel(ScriptedModel(CODE), Account(Budget(calls=1))))
    await coder.write(TASK)
    with pytest.raises(BudgetExceeded):
        await coder.write(TASK)


async def test_a_budget_that_ends_before_the_repair_keeps_the_paid_answer() -> None:
    account = Account(Budget(calls=1))
    coder = Coder(MeteredModel(ScriptedModel([JUNK, CODE]), account), unreadable="repair")
    outcome = await coder.write(TASK)
    assert outcome.answer == JUNK
    assert outcome.failure is not None and outcome.failure.kind == "budget"
    assert account.spend.calls == 1


async def test_an_unreadable_answer_is_an_outcome_with_the_answer() -> None:
    outcome = await Coder(ScriptedModel([JUNK])).write(TASK)
    assert outcome.answer == JUNK and outcome.program is None
    assert outcome.failure is not None and outcome.failure.kind == "unreadable"
    assert outcome.failure.message == (
        "the coder's answer to 'coder/write' cannot be read: there is no fenced block, and the reply itself is not"
        " a program that defines 'add'"
    )


async def test_a_program_cut_off_at_the_token_limit_is_unreadable_for_that_reason() -> None:
    reply = Reply(text="```python\ndef add(a, b):\n    return (a", finish="length")
    outcome = await Coder(ScriptedModel([reply])).write(TASK)
    assert outcome.failure is not None
    assert outcome.failure.message.endswith("the program is cut off at the token limit")


async def test_repair_asks_once_more_and_shows_answer_and_form() -> None:
    model = ScriptedModel([JUNK, CODE])
    outcome = await Coder(model, unreadable="repair").write(TASK, action="write", draw=2)
    assert outcome.failure is None and outcome.program is not None and outcome.answer == CODE
    assert outcome.program.prompt == "coder/write"
    first, second = model.requests
    assert second.messages[: len(first.messages)] == first.messages
    answer, request = second.messages[len(first.messages) :]
    assert answer == Message("assistant", JUNK)
    assert request.role == "user"
    assert "there is no fenced block" in request.text
    assert "the whole program in one fenced `python` block" in request.text
    assert (second.prompt, second.action, second.draw) == ("shared/repair_format", "write", 2)
    assert second.answer_format == "code" and second.task_id == "add"
    assert first.variables.items() <= second.variables.items()


async def test_repair_is_tried_only_once() -> None:
    model = ScriptedModel([JUNK, "Still lost."], then="fail")
    outcome = await Coder(model, unreadable="repair").write(TASK)
    assert outcome.failure is not None and outcome.failure.kind == "unreadable"
    assert outcome.answer == "Still lost."
    assert len(model.requests) == 2


async def test_a_model_that_fails_at_the_repair_is_a_failure_of_the_model() -> None:
    outcome = await Coder(ScriptedModel([JUNK, ModelError("down")]), unreadable="repair").write(TASK)
    assert outcome.failure is not None and outcome.failure.kind == "model"
    assert outcome.answer == JUNK


async def test_an_empty_or_huge_answer_can_be_shown_again() -> None:
    model = ScriptedModel(["", CODE])
    assert (await Coder(model, unreadable="repair").write(TASK)).program is not None
    assert model.requests[1].messages[-2].text == "(an empty answer)"
    model = ScriptedModel(["so " * 100_000, CODE])
    assert (await Coder(model, unreadable="repair").write(TASK)).program is not None
    assert len(model.requests[1].messages[-2].text) == 20_000


@pytest.mark.parametrize(
    ("prompt", "review"),
    [
        ("rethink/evaluate", Review(text=JUNK, score=0.0)),
        ("rethink/diagnose", Review(text=JUNK)),
        ("codetree/score", Review(text=JUNK)),
        ("mapcoder/rate", Review(text=JUNK)),
        ("codetree/verify", Review(text=JUNK, accepted=True)),
    ],
)
async def test_an_unreadable_review_counts_as_its_neutral_value(prompt: str, review: Review) -> None:
    outcome = await Critic(ScriptedModel([JUNK]), prompt=prompt, unreadable="default").review(TASK)
    assert outcome == Outcome(answer=JUNK, review=review)


async def test_codetree_9_an_unreadable_verification_counts_as_set() -> None:
    for setting, accepted in (("accept", True), ("reject", False)):
        critic = Critic(
            ScriptedModel([JUNK, "sure\nfalse"]),
            prompt="codetree/verify",
            unreadable="default",
            if_unreadable=setting,  # type: ignore[arg-type]
        )
        outcome = await critic.review(TASK)
        assert outcome.review is not None and outcome.review.accepted is accepted
        readable = await critic.review(TASK)
        assert readable.review is not None and readable.review.accepted is False


async def test_rethink_10_broken_json_gives_as_many_thoughts_as_were_wanted() -> None:
    planner = Planner(ScriptedModel(["[{"]), prompt="rethink/expand", unreadable="default")
    outcome = await planner.plan(TASK, width=4)
    assert outcome.proposals == (Proposal(text="\n", score=0.25),) * 4


async def test_rethink_10_by_default_the_policy_hears_of_broken_json() -> None:
    outcome = await Planner(ScriptedModel(["[{"]), prompt="rethink/expand").plan(TASK, width=4)
    assert outcome.proposals == () and outcome.failure is not None and outcome.failure.kind == "unreadable"


async def test_mapcoder_8_plan_and_rate_prompts_show_what_the_method_allows() -> None:
    exemplar: dict[str, Any] = {
        "exemplar": "SIMILAR",
        "exemplar_plan": "ITS PLAN",
        "algorithm": "TECHNIQUE",
        "code": "SECRET",
    }
    model = ScriptedModel(["a plan"])
    await Planner(model, prompt="mapcoder/plan").plan(TASK, **exemplar)
    text = _text(model)
    assert all(word in text for word in ("SIMILAR", "ITS PLAN", "TECHNIQUE", "add(1, 2) == 3"))
    assert "SECRET" not in text

    model = ScriptedModel(["<confidence>5</confidence>"])
    await Critic(model, prompt="mapcoder/rate").review(TASK, plan="THE PLAN", **exemplar)
    assert "THE PLAN" in _text(model)
    assert "add(1, 2)" not in _text(model) and "example" not in _text(model).lower()


async def test_mapcoder_8_the_examples_of_a_docstring_stay_part_of_the_problem() -> None:
    task = Task(id="t", statement="Add.\n>>> add(1, 2)\n3", entry_point="add", tests=TASK.tests)
    model = ScriptedModel(["<confidence>5</confidence>"])
    await Critic(model, prompt="mapcoder/rate").review(task, plan="p")
    assert ">>> add(1, 2)" in _text(model) and "add(0, 0)" not in _text(model)


async def test_mapcoder_9_debugging_sees_the_whole_previous_reply() -> None:
    model = ScriptedModel([CODE])
    await Debugger(model, prompt="mapcoder/debug").repair(
        TASK, verdict=VERDICT, previous=f"New plan.\n{CODE}"
    )
    assert f"New plan.\n{CODE}" in _text(model)
    assert "Failed tests:\nadd(1, 2) == 3" in _text(model) and "-1" not in _text(model)


async def test_codetree_10_debugging_never_sees_the_review_and_reflecting_does() -> None:
    given: dict[str, Any] = {"program": "x", "verdict": VERDICT, "strategy": "s", "review": "REVIEW"}
    model = ScriptedModel([CODE])
    await Debugger(model, prompt="codetree/debug").repair(TASK, **given, reflection="REFLECTION")
    assert "REVIEW" not in _text(model) and "REFLECTION" in _text(model)
    model = ScriptedModel(["1. another way"])
    await Planner(model, prompt="codetree/reflect").plan(TASK, **given)
    assert "REVIEW" in _text(model)


@pytest.mark.parametrize("prompt", ["codet/write_tests", "tester/write_tests"])
async def test_codet_10_the_tester_sees_no_examples(prompt: str) -> None:
    stub = 'def add(a, b):\n    """Add two numbers.\n\n    >>> add(1, 2)\n    3\n    """\n'
    task = Task(id="t", statement=stub, stub=stub, entry_point="add", tests=TASK.tests)
    model = ScriptedModel(["assert add(1, 1) == 2"])
    await Tester(model, prompt=prompt).write_tests(task, width=4)
    assert "Add two numbers." in _text(model)
    assert "add(1, 2)" not in _text(model) and "add(0, 0)" not in _text(model) and ">>>" not in _text(model)


async def test_a_trace_is_part_of_the_outcome() -> None:
    model = ScriptedModel(['{"block": "BLOCK-0", "correct": true}'])
    outcome = await Critic(model, prompt="rethink/diagnose").review(
        TASK, trace="[BLOCK-0] text", test=TASK.tests[0]
    )
    assert outcome.trace == "[BLOCK-0] text"
    assert outcome.review == Review(text="BLOCK-0: correct.")


async def test_a_prompt_of_ones_own_may_use_ones_own_inputs(tmp_path: Path) -> None:
    path = tmp_path / "mine.md"
    path.write_text(
        "---\nabout: Mine.\nrole: coder\nanswer: code\nvariables: [statement, style]\n---\n<!-- user -->\n"
        "{{ statement }} Write it {{ style }}.\n"
    )
    model = ScriptedModel(CODE)
    outcome = await Coder(model, prompt=path).write(TASK, style="tersely")
    assert outcome.program is not None and outcome.program.prompt == path.as_posix()
    assert model.requests[0].messages == (Message("user", "Return the sum of a and b. Write it tersely."),)
    with pytest.raises(PromptError, match="prompt variable 'style'"):
        await Coder(model, prompt=path).write(TASK)
    assert len(model.requests) == 1


async def test_half_a_surrogate_pair_never_leaves_an_agent() -> None:
    outcome = await Planner(ScriptedModel(["plan \ud800 b"])).plan(TASK)
    assert outcome.answer == outcome.proposals[0].text == "plan ? b"


def test_agents_that_cannot_work_are_refused_at_once() -> None:
    model = ScriptedModel(CODE)
    with pytest.raises(UsageError, match="Coder needs a model, found str 'gpt'; make one with"):
        Coder("gpt")  # type: ignore[arg-type]
    with pytest.raises(PromptError, match="'planner/plan' is written for role 'planner', not for 'coder'"):
        Coder(model, prompt="planner/plan")
    with pytest.raises(PromptError, match="no prompt is called 'coder/wrote'; did you mean 'coder/write'"):
        Coder(model, prompt="coder/wrote")
    with pytest.raises(
        PromptError, match="'shared/repair_format' says nothing about the form of its answers"
    ):
        Coder(model, prompt="shared/repair_format")
    with pytest.raises(
        UsageError, match=r"unreadable='default' does not fit prompt 'coder/write'.*'fail' or 'repair'"
    ):
        Coder(model, unreadable="default")


def test_an_agent_is_a_class_with_a_role() -> None:
    for role, kind in AGENTS.items():
        assert issubclass(kind, Agent) and kind.role == role
        assert kind(ScriptedModel(CODE)).prompt.role == role


def _text(model: ScriptedModel) -> str:
    return "\n".join(message.text for request in model.requests for message in request.messages)
