"""The sandbox on the real HumanEval: every reference passes its hidden tests, no emptied one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegrove.problems import ProblemSet, load_problems
from codegrove.tools.sandbox import ProcessSandbox
from codegrove.verdict import Status

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "HumanEval.jsonl"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILE.exists(), reason="the HumanEval file is not part of the repository"),
]


@pytest.fixture(scope="module")
def humaneval() -> ProblemSet:
    return load_problems(FILE)


async def test_all_references_pass(humaneval: ProblemSet) -> None:
    sandbox = ProcessSandbox()
    try:
        for problem in humaneval:
            entry_point = problem.task.entry_point
            for tests in filter(None, (problem.hidden, problem.task.tests)):
                verdict = await sandbox.judge(problem.reference, tests, entry_point=entry_point)
                assert verdict.status is Status.PASSED, problem.id
    finally:
        await sandbox.aclose()
    assert len(humaneval) == 164


async def test_no_emptied_program_passes(humaneval: ProblemSet) -> None:
    sandbox = ProcessSandbox()
    statuses = []
    try:
        for problem in humaneval:
            emptied = f"{problem.task.stub}\n    return None\n"
            verdict = await sandbox.judge(emptied, problem.hidden, entry_point=problem.task.entry_point)
            statuses.append(verdict.status)
    finally:
        await sandbox.aclose()
    # A test that computes with the result (None - x) crashes instead of failing.
    assert set(statuses) <= {Status.FAILED, Status.CRASHED}
    assert statuses.count(Status.FAILED) >= 150
