"""A recipe's prompts are of use to its policy: their variables are given, and their answers can be read by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegrove import load_recipe, solve
from codegrove.errors import RecipeError
from codegrove.graphs.assemble import assemble
from codegrove.graphs.end import Ended
from codegrove.graphs.recipe.checks import packaged_prompt
from codegrove.models.scripted import ScriptedModel
from codegrove.search.chain import Chain, ChainSettings
from codegrove.search.registry import POLICIES, PolicyKind
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.conformance.machine import TASK, Answers

PROMPT = """\
---
about: Writes.
role: {role}
answer: {answer}
variables: [statement, {variable}]
---
<!-- user -->
{{{{ statement }}}} {{{{ {variable} }}}}
"""


def prompt(folder: Path, role: str = "coder", answer: str = "code", variable: str = "plan") -> str:
    path = folder / "mine.md"
    path.write_text(PROMPT.format(role=role, answer=answer, variable=variable))
    return path.as_posix()


@pytest.mark.parametrize(
    ("recipe", "overrides", "said"),
    [
        (
            "codetree",
            {"agents.verify.prompt": "codetree/score"},
            "agents.verify.prompt: policy 'codetree' can use answers of form 'last_line_bool' for this action;"
            " those to 'codetree/score' have form 'last_line_score'",
        ),
        ("codetree", {"agents.score.prompt": "mapcoder/rate"}, "form 'last_line_score' for this action"),
        ("mapcoder", {"agents.recall.prompt": "planner/plan"}, "answers of form 'exemplars'"),
        ("mapcoder", {"agents.rate.prompt": "codetree/verify"}, "answers of form 'confidence'"),
        ("rethinkmcts", {"agents.evaluate.prompt": "mapcoder/rate"}, "answers of form 'number'"),
        (
            "codetree",
            {"agents.verify.unreadable": "fail", "agents.verify.if_unreadable": "reject"},
            "agents.verify.if_unreadable: has no effect with unreadable: fail",
        ),
        (
            "codetree",
            {"agents.score.if_unreadable": "reject"},
            "no effect with unreadable: default and answers of form 'last_line_score'",
        ),
    ],
)
def test_what_the_policy_cannot_use_is_refused(recipe: str, overrides: dict[str, str], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe, overrides)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_other_prompts_of_the_same_form_are_taken() -> None:
    load_recipe(
        "codetree", {"agents.verify.prompt": "critic/review", "agents.verify.if_unreadable": "reject"}
    )
    load_recipe("codetree", {"agents.reflect.prompt": "planner/plan"})
    load_recipe("rethinkmcts", {"agents.diagnose.prompt": "critic/review"})


def test_a_coder_that_writes_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match="can use answers of form 'code' for this action; those to .* 'text'"
    ):
        load_recipe("direct", {"agents.write.prompt": prompt(tmp_path, answer="text")})


def test_a_variable_that_nobody_gives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("direct", {"agents.write.prompt": prompt(tmp_path, variable="planz")})
    assert "uses variable 'planz', which policy 'sample' does not give; did you mean 'plan'" in str(
        caught.value
    )


class Hinting(Chain):
    """Gives something of its own to prompts, and says so."""

    inputs = ("hint",)


def test_a_policy_names_what_it_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"agents.write.prompt": prompt(tmp_path, variable="hint")}
    with pytest.raises(RecipeError, match="which policy 'chain' does not give"):
        load_recipe("loop", changed)
    monkeypatch.setitem(POLICIES, "chain", PolicyKind(ChainSettings, Hinting))
    recipe = load_recipe("loop", changed)
    # It says so and does not do it: found at the first call, and worth no second.
    model = ScriptedModel(Answers())
    solution = solve(TASK, recipe, model=model, sandbox=ScriptedSandbox(lambda *_: 0.5))
    assert solution.ended is Ended.ERROR
    assert solution.reason.startswith("error: action 'write': nothing is known for prompt variable 'hint'")
    assert [request.action for request in model.requests] == ["plan", "write_tests"]


def test_the_facts_of_a_prompt_are_those_of_its_file() -> None:
    found = packaged_prompt("codetree/verify")
    assert (found.role, found.answer, found.variables[0]) == ("critic", "last_line_bool", "statement")
    assert assemble("codetree").recipe.agents["verify"].if_unreadable == "accept"
