"""The programmer as a model: one pure function of settings and request."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import ModelError
from codegrove.models.port import FREE, Message, Model, Request, Sampling
from codegrove.models.sim import SimSettings, SimSkill, SimulatedProgrammer, sim_settings
from codegrove.models.sim.writing import code_answer, fenced
from codegrove.problem import Problem
from codegrove.task import Task
from tests.models.sim.material import (
    CLIMB,
    MODE,
    PROBLEMS,
    SHOWN,
    TILL,
    block,
    drafted,
    programmer,
    request,
    study,
)

FORMATS = (
    "text",
    "code",
    "tests",
    "numbered",
    "thoughts_json",
    "exemplars",
    "confidence",
    "last_line_score",
    "last_line_bool",
    "number",
    "blocks_json",
)
ROLES = ("planner", "coder", "tester", "debugger", "critic", "")


def test_it_is_a_model() -> None:
    model = programmer()
    assert isinstance(model, Model)
    assert (model.spec, model.price) == ("sim:", FREE)


async def test_replies_count_tokens_and_say_that_they_are_simulated() -> None:
    asked = request(CLIMB, "code", role="coder", messages=(Message("user", "x" * 401), Message("system", "")))
    reply = await programmer().complete(asked)
    assert reply.model == "sim (simulation)"
    assert reply.input_tokens == 101
    assert reply.output_tokens == -(-len(reply.text) // 4)
    assert reply.finish == "stop"


async def test_latency_is_spent_through_the_given_sleep() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    await SimulatedProgrammer([CLIMB], SimSettings(latency=1.5), sleep=sleep).complete(request(CLIMB, "code"))
    await SimulatedProgrammer([CLIMB], sleep=sleep).complete(request(CLIMB, "code"))
    assert waits == [1.5]


def test_a_token_limit_cuts_the_answer() -> None:
    reply = programmer().reply(replace(request(CLIMB, "exemplars"), sampling=Sampling(max_tokens=7)))
    assert (len(reply.text), reply.finish, reply.output_tokens) == (28, "length", 7)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: str(problem.id))
@pytest.mark.parametrize("role", ROLES)
def test_every_role_and_form_gets_an_answer_even_without_variables(problem: Problem, role: str) -> None:
    model = programmer()
    for answer_format in (*FORMATS, "", "some_form"):
        text = model.reply(request(problem, answer_format, role=role)).text
        assert text or answer_format == "blocks_json"


@given(
    index=st.integers(0, len(PROBLEMS) - 1),
    role=st.sampled_from(ROLES),
    answer_format=st.sampled_from(FORMATS),
    variables=st.dictionaries(
        st.sampled_from(
            ["program", "plan", "feedback", "thoughts", "previous", "trace", "width", "diagnosis"]
        ),
        st.text(max_size=40) | st.integers(-2, 9) | st.none() | st.just(study(MODE).text),
    ),
)
def test_strange_variables_never_break_it(
    index: int, role: str, answer_format: str, variables: dict[str, Any]
) -> None:
    asked = request(PROBLEMS[index], answer_format, role=role, **variables)
    assert programmer().reply(asked) == programmer().reply(asked)


def everything() -> list[Request]:
    variables: dict[str, Any] = {
        "plan": "1. Think.",
        "thoughts": "1. Think.",
        "program": study(CLIMB).text.replace(">", "<"),
    }
    return [
        request(CLIMB, form, role=role, draw=draw, feedback=SHOWN, **variables)
        for form in FORMATS
        for role in ("planner", "coder", "debugger")
        for draw in range(2)
    ]


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    model = programmer()
    in_order = [model.reply(asked) for asked in everything()]
    reverse = [model.reply(asked) for asked in everything()[::-1]]
    fresh = [programmer().reply(asked) for asked in everything()]
    assert in_order == reverse[::-1] == fresh


_SCRIPT = """
from tests.models.sim.test_programmer import everything
from tests.models.sim.material import PROBLEMS, programmer, request
import hashlib
model = programmer(seed=5)
texts = [model.reply(asked).text for asked in everything()]
texts += [model.reply(request(p, "tests", draw=d)).text for p in PROBLEMS for d in range(3)]
texts += [model.reply(request(p, "numbered", draw=d)).text for p in PROBLEMS for d in range(3)]
print(hashlib.sha256("|".join(texts).encode()).hexdigest())
"""


@pytest.mark.slow
def test_processes_agree_whatever_their_hash_seed() -> None:
    root = Path(__file__).parents[3]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"draw": 1},
        {"seed": 1},
        {"messages": (Message("user", "other words"),)},
        {"variables": {"statement": "other"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_draw_seed_messages_and_variables_matter(change: dict[str, Any]) -> None:
    model = programmer(easy=0.5)
    base = [request(CLIMB, "code", role="coder", draw=10 * n) for n in range(12)]
    changed = [replace(asked, **({"draw": asked.draw + 1} if "draw" in change else change)) for asked in base]
    same = sum(model.reply(a).text == model.reply(b).text for a, b in zip(base, changed, strict=True))
    assert same <= 6


def test_the_order_of_variables_and_foreign_objects_do_not_matter() -> None:
    one = replace(request(CLIMB, "code"), variables={"plan": "a", "width": 3, "test": object()})
    other = replace(request(CLIMB, "code"), variables={"test": object(), "width": 3, "plan": "a"})
    assert programmer().reply(one) == programmer().reply(other)


def test_the_setting_seed_gives_another_programmer() -> None:
    texts = [[drafted(programmer(seed=seed), CLIMB, draw) for draw in range(20)] for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


def test_a_higher_skill_keeps_what_a_lower_one_got_right() -> None:
    right = study(MODE).text
    low = {d for d in range(60) if drafted(programmer(medium=0.3), MODE, d) == right}
    high = {d for d in range(60) if drafted(programmer(medium=0.7), MODE, d) == right}
    assert low < high


@pytest.mark.parametrize("task_id", ["elsewhere", ""])
async def test_an_unknown_task_is_refused(task_id: str) -> None:
    with pytest.raises(ModelError, match="only knows problems with reference solutions") as caught:
        await programmer().complete(Request(messages=(), task_id=task_id))
    assert (caught.value.kind, caught.value.retryable) == ("bad_request", False)
    assert repr(task_id) in str(caught.value) and "-m" in str(caught.value)


@pytest.mark.parametrize("reference", ["", "def f(:\n"])
def test_a_problem_without_a_usable_reference_is_refused(reference: str) -> None:
    problem = Problem(task=Task(id="p", statement="s", entry_point="f"), reference=reference)
    with pytest.raises(ModelError, match="no reference solution that parses"):
        SimulatedProgrammer([problem]).reply(request(problem, "code"))


def test_problems_can_be_looked_up_when_needed() -> None:
    asked_for: list[str] = []

    def lookup(task_id: str) -> Problem | None:
        asked_for.append(task_id)
        return CLIMB if task_id == "climb" else None

    model = SimulatedProgrammer(lookup)
    assert asked_for == []
    for _ in range(3):
        model.reply(request(CLIMB, "code"))
    assert asked_for == ["climb"]
    assert "running_totals" in "".join(model.reply(request(CLIMB, "exemplars", width=5)).text)


def test_errors_come_as_often_as_the_setting_says_and_are_retryable() -> None:
    model = programmer(error_rate=0.3)
    failed = 0
    for draw in range(200):
        try:
            model.reply(request(CLIMB, "code", draw=draw))
        except ModelError as error:
            assert (error.kind, error.retryable) == ("server", True)
            failed += 1
    assert abs(failed / 200 - 0.3) <= 0.1


def test_unreadable_answers_have_no_form() -> None:
    model = programmer(unreadable=0.4)
    replies = [model.reply(request(CLIMB, "code", role="coder", draw=draw)).text for draw in range(150)]
    assert abs(sum("```" not in text for text in replies) / 150 - 0.4) <= 0.1
    for form in FORMATS:
        text = programmer(unreadable=1.0).reply(request(CLIMB, form)).text
        assert not any(mark in text for mark in ("`", "<", "[", "assert", "1", "true"))


def test_styles_of_code_answers() -> None:
    texts = [programmer(easy=1.0).reply(request(CLIMB, "code", role="coder", draw=d)).text for d in range(60)]
    assert {block(text) for text in texts} == {study(CLIMB).text}
    assert any(text.startswith("```python") for text in texts)
    assert any("\n```\ndef" in text for text in texts)
    assert any(not text.endswith("```") for text in texts)


def test_a_program_with_fences_gets_a_longer_one() -> None:
    assert fenced('x = "```"', "python").startswith("````python\n")
    import random

    assert "Note." in code_answer("x = 1", random.Random(1), note="Note.")


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_exemplars_recall_other_problems(width: int) -> None:
    text = programmer().reply(request(CLIMB, "exemplars", width=width)).text
    assert text.startswith("<root>") and text.endswith("</root>")
    parts = text.split("<problem>")[1:]
    assert len(parts) == width
    for part in parts:
        for tag in ("description", "code", "planning"):
            assert part.count(f"<{tag}>") == part.count(f"</{tag}>") == 1
        assert CLIMB.task.statement not in part
        compile(block(part[part.index("<code>\n") + 7 : part.index("</code>")].strip()), "exemplar", "exec")
    assert text.count("<algorithm>") == 1
    if width <= 5:
        assert len(set(parts)) == width


def test_the_only_problem_known_recalls_made_up_ones() -> None:
    text = SimulatedProgrammer([CLIMB]).reply(request(CLIMB, "exemplars", width=3)).text
    assert text.count("<problem>") == 3 and "def climb" not in text


def test_the_specification_round_trips() -> None:
    settings = SimSettings(skill=SimSkill(repair_rate=0.25), seed=4)
    assert sim_settings(SimulatedProgrammer([TILL], settings).spec) == settings
