"""The process that runs hidden tests. Started by `codegrove.evaluation.grading`; speaks JSON lines.

Searches never share a process with it: what it holds in memory no policy, agent, prompt or log of a run can reach.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import OrderedDict
from typing import Any

from pydantic import TypeAdapter

from codegrove.problem import Problem
from codegrove.store.coding import encode_verdict, to_json
from codegrove.tools.hidden_tests import HiddenTests, graded_program, hidden_tests
from codegrove.tools.sandbox import make_sandbox
from codegrove.tools.sandbox.port import Sandbox
from codegrove.verdict import Status, TestResult, Verdict

KEPT = 64
"""Problems whose tests are kept ready: the attempts at one problem come close together."""
_LONGEST_LINE = 1 << 28
_PROBLEM = TypeAdapter(Problem)


class Grading:
    """Hidden tests and the sandbox they run in."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._ready: OrderedDict[str, asyncio.Task[HiddenTests]] = OrderedDict()

    async def grade(self, problem: Problem, program: str) -> Verdict:
        """Run a problem's hidden tests on a program."""
        tests = await self._tests(problem)
        if tests.unjudged:
            return Verdict(
                status=Status.UNJUDGED,
                results=(TestResult(status=Status.UNJUDGED),) * problem.hidden_count,
                note=tests.unjudged,
            )
        return await self._sandbox.judge(
            graded_program(problem, program),
            tests.tests,
            entry_point=problem.task.entry_point,
            limits=tests.limits,
        )

    async def _tests(self, problem: Problem) -> HiddenTests:
        # Decided once for all programs of a problem, also when several arrive together.
        known = self._ready.get(problem.id)
        if known is None:
            known = self._ready[problem.id] = asyncio.ensure_future(hidden_tests(problem, self._sandbox))
            while len(self._ready) > KEPT:
                self._ready.popitem(last=False)
        return await asyncio.shield(known)


async def serve(level: str | None, workers: int) -> None:
    """Answer requests until the input ends. A line without a program announces a problem."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=_LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    sandbox = make_sandbox(level, workers=workers)
    grading, problems, at_work = Grading(sandbox), dict[str, Problem](), set[asyncio.Task[None]]()

    async def answer(request: dict[str, Any]) -> None:
        verdict = await grading.grade(problems[request["problem"]], request["program"])
        print(to_json({"id": request["id"], "verdict": encode_verdict(verdict)}), flush=True)

    print(to_json({"level": sandbox.level}), flush=True)
    try:
        while line := await lines.readline():
            request = json.loads(line)
            if "announce" in request:
                problem = _PROBLEM.validate_python(request["announce"])
                problems[problem.id] = problem
                continue
            task = asyncio.ensure_future(answer(request))
            at_work.add(task)
            task.add_done_callback(at_work.discard)
        await asyncio.gather(*at_work)
    finally:
        await sandbox.aclose()


def main() -> None:
    """Read the settings and serve."""
    settings = json.loads(sys.argv[1])
    asyncio.run(serve(settings["level"], settings["workers"]))


if __name__ == "__main__":
    main()
