"""What may change while a run is at rest, and what its user is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from codegrove import Budget, Run, solve
from codegrove.graphs.assemble import assemble
from codegrove.models.scripted import ScriptedModel
from codegrove.models.specs import make_model
from codegrove.runs.record import RunRecord
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.runs.test_directory import TASK, answer, share

PROMPT = """---
about: Write it.
role: coder
answer: code
variables: [statement]
---
<!-- user -->
{{ statement }}
"""


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    said: list[str] = []
    logger.enable("codegrove")
    number = logger.add(lambda message: said.append(message.record["message"]), level="WARNING")
    yield said
    logger.remove(number)
    logger.disable("codegrove")


def attempt(out: Path, prompt: Path, model: ScriptedModel, calls: int) -> None:
    overrides = {"agents.write.prompt": str(prompt)}
    solve(
        TASK,
        "direct",
        out=out,
        overrides=overrides,
        budget=Budget(calls=calls),
        model=model,
        sandbox=ScriptedSandbox(share),
    )


def test_a_prompt_that_says_something_else_is_told(tmp_path: Path, warnings: list[str]) -> None:
    prompt, out = tmp_path / "write.md", tmp_path / "run"
    prompt.write_text(PROMPT)
    attempt(out, prompt, ScriptedModel(answer), 0)
    attempt(out, prompt, ScriptedModel(answer), 0)
    assert warnings == []
    prompt.write_text(PROMPT + "\nBe brief.\n")
    attempt(out, prompt, ScriptedModel(answer), 1)
    assert len(warnings) == 1 and "says something else than when the run began" in warnings[0]
    assert len(Run.open(out).calls) == 1


class Elsewhere(ScriptedModel):
    """A model with an address."""

    server = "http://one/v1"


def test_a_model_at_another_address_is_told(tmp_path: Path) -> None:
    model = Elsewhere(answer)
    before = RunRecord.of(assemble("direct", model=model), TASK)
    assert RunRecord.from_meta(before.to_meta()) == before
    model.server = "http://two/v1"
    after = RunRecord.of(assemble("direct", model=model), TASK)
    assert before.differences(after) == []
    (said,) = before.changes(after)
    assert said == "scripted: for write was asked at http://one/v1, and is now at http://two/v1"


def test_the_address_of_the_environment_is_recorded() -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://localhost:1234/v1"}
    model = make_model("openai:m", environ=environ)
    (record,) = {each.server for each in RunRecord.of(assemble("direct", model=model), TASK).models.values()}
    assert record == "http://localhost:1234/v1"
