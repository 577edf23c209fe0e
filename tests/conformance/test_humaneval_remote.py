"""The real HumanEval through containers, over an engine that runs them as plain processes.

Ten references by default, all of them with ``CODEGROVE_TEST_HUMANEVAL=all``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from codegrove.problems import load_problems
from codegrove.tools.sandbox.remote import ContainerExecutor, RemoteSandbox
from codegrove.verdict import Status
from tests.support.containers import FakeEngine

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "HumanEval.jsonl"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILE.exists(), reason="the HumanEval file is not part of the repository"),
    pytest.mark.skipif(sys.platform != "linux", reason="the fake engine needs Linux"),
]


async def test_references_pass_and_emptied_ones_do_not(tmp_path: Path) -> None:
    problems = list(load_problems(FILE))
    if os.environ.get("CODEGROVE_TEST_HUMANEVAL") != "all":
        problems = problems[::17]
    engine = FakeEngine(tmp_path)
    sandbox = RemoteSandbox(ContainerExecutor(engine=engine.path, warm=2), workers=2)
    right = [
        sandbox.judge(problem.reference, problem.hidden, entry_point=problem.task.entry_point)
        for problem in problems
    ]
    verdicts = await asyncio.gather(*right)
    for problem, verdict in zip(problems, verdicts, strict=True):
        assert verdict.status is Status.PASSED, (problem.id, verdict)
        assert {"G1", "G3"} <= set(verdict.guarantees), (problem.id, verdict.note)
    emptied = problems[0]
    program = f"{emptied.task.stub}\n    return None\n"
    wrong = await sandbox.judge(program, emptied.hidden, entry_point=emptied.task.entry_point)
    assert wrong.status is Status.FAILED
    await sandbox.aclose()
    assert engine.containers() == []
