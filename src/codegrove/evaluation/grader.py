"""The process that runs hidden tests. Started by `codegrove.evaluation.grading`; speaks JSON lines.

A search is given a `Task`, which has no hidden tests: they are in no session, prompt, log or file of a run. The
process that searches has read the benchmark, so they are in its memory; candidates run in the sandbox, outside it.
Here hidden tests are run, on answers of sessions that are closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
import threading
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import TypeAdapter

from codegrove.evaluation.grading import REFUSALS, unjudged
from codegrove.problem import Problem
from codegrove.store.coding import encode_verdict, to_json
from codegrove.tools.hidden_tests import HiddenTests, graded_program, hidden_tests
from codegrove.tools.sandbox import make_sandbox
from codegrove.tools.sandbox.port import Sandbox
from codegrove.verdict import Status, Verdict

COUNTING_SECONDS = 10.0
"""What it may take to find out how many tests a wrong program passes; those not reached count as not passed."""
_LONGEST_LINE = 1 << 28
_NEW_OBJECTS = 20_000
"""After how many new containers the garbage collector looks at them. Reading one test makes thousands."""
_CHUNK = 1 << 16
_PROBLEM = TypeAdapter(Problem)
_T = TypeVar("_T")


class Grading:
    """Hidden tests and the sandbox they run in."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._problems: dict[str, Problem] = {}
        self._ready: dict[str, asyncio.Task[HiddenTests]] = {}

    def announce(self, problem: Problem) -> None:
        """Keep a problem for the programs that follow."""
        self._problems[problem.id] = problem

    def forget(self, problem: str) -> None:
        """Let go of a problem; programs that are being graded on it are graded to the end."""
        self._problems.pop(problem, None)
        self._ready.pop(problem, None)

    def grade(self, problem: str, program: str) -> Coroutine[Any, Any, Verdict]:
        """Run an announced problem's hidden tests on a program."""
        return self._grade(self._problems[problem], program)

    async def _grade(self, problem: Problem, program: str) -> Verdict:
        try:
            tests = await self._tests(problem)
            if tests.unjudged:
                return unjudged(problem, tests.unjudged)
            return await self._judge(problem, graded_program(problem, program), tests)
        except Exception as error:  # noqa: BLE001 - whatever we have done wrong, somebody waits for an answer
            return unjudged(problem, f"the grader failed: {type(error).__name__}: {error}")

    async def _judge(self, problem: Problem, program: str, tests: HiddenTests) -> Verdict:
        """Judge until a test decides; then count, for a program that does not loop, what else it passes.

        One that loops would loop in hundreds of tests, each up to its time limit, and be wrong all the same.
        """
        name = problem.task.entry_point
        first = await self._sandbox.judge(
            program, tests.tests, entry_point=name, limits=tests.limits, fail_fast=True
        )
        if first.status is Status.TIMED_OUT:
            skipped = sum(result.status is Status.UNJUDGED for result in first.results)
            note = f"{skipped} tests after the one that timed out were not run"
            return replace(first, note=first.note or note) if skipped else first
        if first.status not in (Status.FAILED, Status.CRASHED) or len(tests.tests) == 1:
            return first
        limits = replace(tests.limits, wall_seconds=min(COUNTING_SECONDS, tests.limits.wall_seconds))
        whole = await self._sandbox.judge(program, tests.tests, entry_point=name, limits=limits)
        # A program that is right the second time only is wrong.
        return first if whole.status in (Status.PASSED, Status.UNJUDGED) else whole

    async def _tests(self, problem: Problem) -> HiddenTests:
        # Decided once for all programs of a problem, also when several arrive together.
        known = self._ready.get(problem.id)
        if known is None:
            known = asyncio.ensure_future(hidden_tests(problem, self._sandbox))
            if self._problems.get(problem.id) is problem:
                self._ready[problem.id] = known
        return await asyncio.shield(known)


async def serve(level: str | None, workers: int) -> None:
    """Answer requests until the input ends. Then nobody waits for answers any more, and nothing is finished."""
    lines = _input()
    try:
        sandbox = make_sandbox(level, workers=workers)
    except REFUSALS as error:
        name = next(kind.__name__ for kind in REFUSALS if isinstance(error, kind))
        print(to_json({name: str(error)}), flush=True)
        return
    grading, at_work = Grading(sandbox), set[asyncio.Task[Any]]()

    def start(work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.ensure_future(work)
        at_work.add(task)
        task.add_done_callback(at_work.discard)
        return task

    async def answer(number: int, verdict: asyncio.Task[Verdict]) -> None:
        line = to_json({"id": number, "verdict": encode_verdict(await verdict)})
        with contextlib.suppress(BrokenPipeError):  # the asker is gone, and the input ends now
            print(line, flush=True)

    print(to_json({"level": sandbox.level}), flush=True)
    start(sandbox.get_ready())  # the asker may still be reading problems and samples
    try:
        while line := await lines.readline():
            request = json.loads(line)
            if "announce" in request:
                grading.announce(_PROBLEM.validate_python(request["announce"]))
            elif "forget" in request:
                grading.forget(request["forget"])
            else:
                # A task of its own: a coroutine that another one was to await complains if that one never begins.
                verdict = start(grading.grade(request["problem"], request["program"]))
                start(answer(request["id"], verdict))
    finally:
        for task in list(at_work):
            task.cancel()
        await sandbox.aclose()


def _input() -> asyncio.StreamReader:
    """Return the standard input. A thread reads it: event loops on Windows cannot."""
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader(limit=_LONGEST_LINE)

    def feed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is at its end
            while data := os.read(0, _CHUNK):
                loop.call_soon_threadsafe(lines.feed_data, data)
            loop.call_soon_threadsafe(lines.feed_eof)

    threading.Thread(target=feed, name="codegrove-input", daemon=True).start()
    return lines


def main() -> None:
    """Read the settings and serve."""
    settings = json.loads(sys.argv[1])
    gc.freeze()  # what was imported stays; looking through all of it again and again took a fifth of the time
    gc.set_threshold(_NEW_OBJECTS, 20, 20)
    asyncio.run(serve(settings["level"], settings["workers"]))


if __name__ == "__main__":
    main()
