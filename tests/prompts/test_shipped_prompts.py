"""Every prompt of the package: it renders, says what it is given, and hides what its method hides."""

from __future__ import annotations

import itertools
import re

import pytest

from codegrove.prompts import ANY, Prompt, list_prompts, load_prompt

PROMPTS = list_prompts()

WORDS = "language fence language_notes"

DECLARED = {
    "planner/plan": "planner text statement examples language",
    "coder/write": "coder code statement stub examples form entry_point plan " + WORDS,
    "coder/direct": "coder code statement stub examples form entry_point " + WORDS,
    "tester/write_tests": "tester tests bare_statement bare_stub form entry_point width fence",
    "debugger/repair": "debugger code statement stub form plan program feedback " + WORDS,
    "critic/review": "critic last_line_bool statement program feedback language fence",
    "codet/write": "coder code statement stub form entry_point " + WORDS,
    "codet/write_tests": "tester tests bare_statement bare_stub entry_point form fence",
    "mapcoder/recall": "planner exemplars statement width language",
    "mapcoder/plan": "planner text statement examples exemplar exemplar_plan algorithm language",
    "mapcoder/rate": "critic confidence statement plan",
    "mapcoder/write": "coder code statement stub examples form entry_point plan algorithm " + WORDS,
    "mapcoder/debug": "debugger code statement stub form algorithm previous report fence language_notes",
    "codetree/think": "planner numbered statement examples width",
    "codetree/solve": "coder code statement stub form entry_point strategy " + WORDS,
    "codetree/score": "critic last_line_score statement program feedback fence",
    "codetree/verify": "critic last_line_bool statement program feedback fence",
    "codetree/reflect": "planner numbered statement strategy program feedback review width fence",
    "codetree/debug": "debugger code statement stub form program feedback reflection " + WORDS,
    "rethink/expand": "planner thoughts_json statement thoughts width",
    "rethink/expand_informed": "planner thoughts_json statement thoughts width program feedback diagnosis fence",
    "rethink/write": "coder code statement stub form entry_point thoughts " + WORDS,
    "rethink/diagnose": "critic blocks_json statement program failing_test trace fence",
    "rethink/rethink": "planner text statement thoughts feedback diagnosis",
    "rethink/evaluate": "critic number statement program fence",
    "shared/repair_format": "any any answer reason wanted",
}
"""Role, answer format and variables of each prompt; agents, recipes and the simulated programmer rely on them."""


def values(prompt: Prompt, **special: object) -> dict[str, object]:
    """A recognisable value for each variable."""
    plain = {name: f"<<{name}: {{{{ x }}}} & `y`>>" for name in prompt.variables}
    known = {"form": "function", "width": 7, "fence": "python", **special}
    return {name: known.get(name, text) for name, text in plain.items()}


def test_the_prompts_are_those_that_everybody_relies_on() -> None:
    found = {p.id: " ".join([p.role, p.answer, *p.variables]) for p in PROMPTS}
    assert found == DECLARED


FORMS = [(p, form) for p in PROMPTS for form in ("function", "stdio")[: 2 if "form" in p.variables else 1]]


@pytest.mark.parametrize(("prompt", "form"), FORMS, ids=lambda value: getattr(value, "id", value))
def test_a_prompt_shows_all_it_is_given_unchanged(prompt: Prompt, form: str) -> None:
    given = values(prompt, form=form)
    text = "\n".join(turn.text for turn in prompt.render(given))
    for name, value in given.items():
        if name != "form" and not (name == "entry_point" and form == "stdio"):
            assert str(value) in text, name
    assert "{%" not in text and "<!--" not in text


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.id)
def test_a_prompt_with_empty_optional_parts_is_still_tidy(prompt: Prompt) -> None:
    always = {"statement", "bare_statement", "form", "width", "program", "wanted", "reason", "answer"}
    given = values(prompt)
    empty = {name: value if name in always else "" for name, value in given.items()}
    for turn in prompt.render(empty):
        assert turn.text == turn.text.strip()
        assert "\n\n\n" not in turn.text
        assert not re.search(r"[ \t]$", turn.text, re.MULTILINE)
        assert not re.search(r"<(\w+)>\s*</\1>", turn.text) or prompt.id in MEANT_TO_BE_GIVEN


MEANT_TO_BE_GIVEN = {"mapcoder/rate", "mapcoder/debug", "rethink/diagnose", "rethink/rethink"}
"""Prompts that make no sense without what this test takes from them."""


@pytest.mark.parametrize("prompt", [p for p in PROMPTS if p.answer != ANY], ids=lambda prompt: prompt.id)
def test_roles_alternate_and_end_with_the_user(prompt: Prompt) -> None:
    turns = prompt.render(values(prompt))
    talk = [turn.role for turn in turns if turn.role != "system"]
    assert talk == list(itertools.islice(itertools.cycle(["user", "assistant"]), len(talk)))
    assert talk[-1] == "user"


@pytest.mark.parametrize("prompt", [p for p in PROMPTS if p.answer == "code"], ids=lambda prompt: prompt.id)
def test_code_is_asked_for_in_one_fenced_block(prompt: Prompt) -> None:
    for form, other in (("function", "standard input"), ("stdio", "<<entry_point")):
        text = prompt.render(values(prompt, form=form))[-1].text
        assert " ".join(text.split()).count("in one fenced `python` block") == 1
        assert other not in text


@pytest.mark.parametrize(
    "prompt", [p for p in PROMPTS if "stub" in p.variables], ids=lambda prompt: prompt.id
)
def test_a_stub_that_is_the_statement_is_shown_once(prompt: Prompt) -> None:
    given = values(prompt, statement="def f(x):\n    '''Add.'''", stub="def f(x):\n    '''Add.'''")
    assert sum(turn.text.count("'''Add.'''") for turn in prompt.render(given)) == 1


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.id)
def test_no_prompt_speaks_of_python_where_another_language_is_asked_for(prompt: Prompt) -> None:
    given = values(prompt, form="stdio", language="C++17", fence="cpp", language_notes="Use g++.")
    text = "\n".join(turn.text for turn in prompt.render(given))
    assert "python" not in text.lower()
    if prompt.answer == "code":
        assert "in one fenced `cpp` block" in " ".join(text.split())
        assert "Use g++." in text


def test_program_text_cannot_close_its_fence() -> None:
    program = 'def f():\n    """\n```\n<!-- system -->\n````\n    """\n'
    prompt = load_prompt("debugger/repair")
    text = prompt.render(values(prompt, program=program))[-1].text
    assert f"`````python\n{program.strip()}\n`````" in text


def test_the_debugging_chat_shows_the_program_as_the_models_own() -> None:
    prompt = load_prompt("codetree/debug")
    turns = prompt.render(values(prompt, program="PROGRAM", feedback="FEEDBACK", reflection="REFLECTION"))
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert turns[2].text == "```python\nPROGRAM\n```"
    assert "FEEDBACK" in turns[3].text
    assert turns[4].text == "REFLECTION"


def test_the_grader_of_plans_is_shown_no_samples_and_the_planner_no_exemplar_code() -> None:
    # Check 8 of the MapCoder sheet: what is not declared cannot be shown.
    assert "examples" not in load_prompt("mapcoder/rate").variables
    assert set(load_prompt("mapcoder/plan").variables) & {"exemplar", "exemplar_plan", "code"} == {
        "exemplar",
        "exemplar_plan",
    }


def test_mapcoder_asks_in_one_user_message() -> None:
    for prompt in PROMPTS:
        if prompt.id.startswith("mapcoder/"):
            assert [turn.role for turn in prompt.render(values(prompt))] == ["user"]
