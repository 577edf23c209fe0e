"""The simulation on the problems that ship with codegrove."""

from __future__ import annotations

import ast

import pytest

from codegrove.models.sim import SimulatedProgrammer
from codegrove.models.sim.known import Known
from codegrove.problems.bundled import all_bundled
from tests.models.sim.material import SHOWN, block, request


@pytest.fixture(scope="module")
def known() -> list[Known]:
    return [Known(problem) for problem in all_bundled()]


def test_every_problem_has_defects_mistakes_and_examples(known: list[Known]) -> None:
    for item in known:
        assert len(item.mutations) >= 10, item.problem.id
        assert len(item.misconceptions) >= 3, item.problem.id
        assert len(item.examples) >= 20, item.problem.id


def test_wrong_algorithms_are_of_another_design(known: list[Known]) -> None:
    texts = [(item, text) for item in known for text in item.wrong_texts]
    assert texts
    assert {item.compare(text).kind for item, text in texts} == {"other"}


def test_every_problem_is_planned_written_tested_and_repaired() -> None:
    model = SimulatedProgrammer(all_bundled())
    for problem in all_bundled():
        plan = model.reply(request(problem, "text", role="planner", action="plan")).text
        program = block(model.reply(request(problem, "code", role="coder", plan=plan)).text)
        asked = request(problem, "code", role="debugger", program=program, feedback=SHOWN)
        repaired = block(model.reply(asked).text)
        if problem.task.entry_point:
            assert (
                f"def {problem.task.entry_point}(" in program
                and f"def {problem.task.entry_point}(" in repaired
            )
            ast.parse(block(model.reply(request(problem, "tests", role="tester")).text))
