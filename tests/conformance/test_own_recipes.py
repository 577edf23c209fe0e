"""Call counts of the recipes that follow no single paper, as their pages state them."""

from __future__ import annotations

import pytest

from tests.conformance.machine import Answers, run


def test_direct_makes_one_call() -> None:
    done = run("direct", Answers())
    assert done.order == ["write"]
    assert done.executions == 1


@pytest.mark.parametrize("repairs", [0, 1, 4])
def test_loop_makes_three_calls_and_its_repairs(repairs: int) -> None:
    done = run("loop", Answers(), repairs=repairs)
    assert done.order == ["plan", "write_tests", "write", *["debug"] * repairs]
    assert done.executions == 1 + repairs


@pytest.mark.parametrize(("width", "expansions"), [(2, 24), (3, 10), (1, 5)])
def test_grove_makes_plans_tests_and_its_programs(width: int, expansions: int) -> None:
    done = run("grove", Answers(), width=width, expansions=expansions)
    assert done.counts["write_tests"] == 1
    assert done.counts["plan"] == width
    assert done.counts["write"] + done.counts["debug"] == expansions
    assert done.executions == expansions


def test_grove_asks_for_tests_first_and_for_a_program_below_every_plan() -> None:
    done = run("grove", Answers(), width=2, expansions=2)
    assert done.order == ["write_tests", "plan", "plan", "write", "write"]


@pytest.mark.parametrize("expansions", [1, 7, 32])
def test_uct_makes_one_call_per_expansion(expansions: int) -> None:
    done = run("uct", Answers(), expansions=expansions)
    assert len(done.order) == done.executions == expansions


def test_a_first_program_that_passes_ends_every_one_of_them() -> None:
    for recipe, calls in (("direct", 1), ("loop", 3), ("uct", 1)):
        done = run(recipe, Answers(), decide=lambda program, tests: 1.0)
        assert len(done.order) == calls
        assert done.solution.solved
