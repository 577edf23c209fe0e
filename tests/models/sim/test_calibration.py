"""The three rates of the simulated programmer land where they are set, over all bundled problems, in the sandbox.

Everything is a function of seeds, so that a test either always passes or never. The bounds are those within which
a binomial share falls 999 times out of 1,000; a setting that is not heeded is far outside at one of its values.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from codegrove.models.sim import harmless
from codegrove.models.sim.known import Known
from codegrove.models.sim.mutations import mutations
from codegrove.models.sim.trees import edited, source
from codegrove.problems.bundled import all_bundled
from codegrove.tools.sandbox import make_sandbox
from codegrove.tools.sandbox.port import Sandbox
from tests.models.sim.calibration import Measured

DRAWS = 4
"""Of each problem at each setting: 220 programs, a share of 0.5 is told from 0.39 and 0.61."""
Z = 3.29
T = TypeVar("T")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "models.md"


def measured(work: Callable[[Sandbox], Awaitable[T]]) -> T:
    """Do some measuring with a sandbox that is closed afterwards."""

    async def run() -> T:
        sandbox = make_sandbox(workers=2)
        try:
            return await work(sandbox)
        finally:
            await sandbox.aclose()

    return asyncio.run(run())


def assert_lands(outcomes: list[bool], rate: float) -> None:
    """Check that a share is the rate it was set to, as far as chance allows; at 0 and 1 exactly."""
    share = sum(outcomes) / len(outcomes)
    assert abs(share - rate) <= Z * math.sqrt(rate * (1 - rate) / len(outcomes)), (share, rate, len(outcomes))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_pass_rate_lands_where_it_is_set() -> None:
    async def work(sandbox: Sandbox) -> None:
        here = Measured(sandbox, DRAWS)
        for rate in (0.2, 0.5, 0.8, 1.0):
            passing = await here.passing(await here.drafts(easy=rate, medium=rate, hard=rate))
            assert len(passing) == DRAWS * len(all_bundled())
            assert_lands([*passing.values()], rate)

    measured(work)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_repair_rate_lands_where_it_is_set_and_a_pass_rate_of_zero_passes_nothing() -> None:
    async def work(sandbox: Sandbox) -> None:
        here = Measured(sandbox, DRAWS)
        failing = await here.drafts(easy=0.0, medium=0.0, hard=0.0)
        assert_lands([*(await here.passing(failing)).values()], 0.0)
        for rate in (0.0, 0.3, 0.7, 1.0):
            repaired = await here.repairs(failing, repair_rate=rate)
            assert_lands([*(await here.passing(repaired)).values()], rate)

    measured(work)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_levels_land_where_they_are_set() -> None:
    rates = {"easy": 0.9, "medium": 0.5, "hard": 0.1}
    level_of = {problem.id: problem.level for problem in all_bundled()}

    async def work(sandbox: Sandbox) -> None:
        here = Measured(sandbox, DRAWS)
        passing = await here.passing(await here.drafts(**rates))
        for level, rate in rates.items():
            assert_lands([passed for case, passed in passing.items() if level_of[case[0]] == level], rate)

    measured(work)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_share_of_wrong_written_tests_lands_where_it_is_set() -> None:
    async def work(sandbox: Sandbox) -> None:
        here = Measured(sandbox, draws=4)
        for rate in (0.0, 0.15, 0.6, 1.0):
            wrong = await here.written_tests(wrong_tests=rate)
            assert len(wrong) >= 15 * len(all_bundled())
            assert_lands(wrong, rate)

    measured(work)


def test_harmless_defects_are_known_for_every_bundled_problem() -> None:
    listed = every = 0
    for problem in all_bundled():
        known = Known(problem)
        found = mutations(known.tree, known.entry_point, known.given)
        ours = harmless.harmless(problem, len(found))
        entry = harmless.entries().get(harmless.fingerprint(problem))
        advice = f"{problem.id} or an operator has changed: run benchmarks/sim_defects.py"
        assert entry is not None and entry["defects"] == len(found), advice
        assert len(known.mutations) == len(found) - len(ours) >= 10
        listed, every = listed + len(ours), every + len(found)
    assert f"{listed} of the {every:,} single defects" in PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_harmless_defects_pass_all_hidden_tests() -> None:
    async def work(sandbox: Sandbox) -> None:
        for problem in all_bundled():
            known = Known(problem)
            found = mutations(known.tree, known.entry_point, known.given)
            for index in sorted(harmless.harmless(problem, len(found))):
                text = source(edited(known.tree, [found[index].edit]))
                name = problem.task.entry_point
                verdict = await sandbox.judge(text, problem.hidden, entry_point=name, fail_fast=True)
                assert verdict.passed, (problem.id, index, text)

    measured(work)
