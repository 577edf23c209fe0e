"""Hidden tests, run by a process of their own after a session is closed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter

from codegrove.errors import EvaluationError
from codegrove.problem import Problem
from codegrove.store.coding import decode_verdict, to_json
from codegrove.verdict import Status, TestResult, Verdict

_PROBLEM = TypeAdapter(Problem)
_LONGEST_LINE = 1 << 28


class Grader:
    """Hands programs to the grading process. Use it as an asynchronous context manager.

    Args:
        level: sandbox level; None for the best of this machine.
        workers: programs judged at a time.
    """

    def __init__(self, *, level: str | None = None, workers: int = 2) -> None:
        self._settings = {"level": level, "workers": workers}
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Verdict]] = {}
        self._announced: set[str] = set()
        self._numbers = itertools.count()
        self.level = ""
        """Sandbox level of the grading process."""

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def grade(self, problem: Problem, program: str | None) -> Verdict | None:
        """Run a problem's hidden tests on a program.

        A grading process that dies is started once more; if it dies again over the same program, that is unjudged.

        Args:
            problem: the problem with its hidden tests.
            program: the answer; None where there is none, and then nothing is run.
        """
        if program is None or not problem.hidden_count:
            return None
        for _ in range(2):
            try:
                return await self._ask(problem, program)
            except (ConnectionError, BrokenPipeError):
                await self._stop()
                await self._start()
        unjudged = TestResult(status=Status.UNJUDGED)
        note = "the grading process died twice over this program"
        return Verdict(status=Status.UNJUDGED, results=(unjudged,) * problem.hidden_count, note=note)

    async def _ask(self, problem: Problem, program: str) -> Verdict:
        process = self._process
        if process is None or process.stdin is None:
            raise ConnectionError
        number = next(self._numbers)
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            if problem.id not in self._announced:
                self._announced.add(problem.id)
                self._send(process, {"announce": _PROBLEM.dump_python(problem, mode="json")})
            self._send(process, {"id": number, "problem": problem.id, "program": program})
            await process.stdin.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    @staticmethod
    def _send(process: asyncio.subprocess.Process, message: dict[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write((to_json(message) + "\n").encode())

    async def _start(self) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "codegrove.evaluation.grader",
            json.dumps(self._settings),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is ours to handle: what is being graded is graded to the end
        )
        assert process.stdout is not None
        first = await process.stdout.readline()
        if not first:
            code = await process.wait()
            raise EvaluationError(
                f"the grading process could not start (exit code {code}); see what it said above"
            )
        self.level = json.loads(first)["level"]
        self._announced.clear()
        self._listening = asyncio.ensure_future(self._listen(process))

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            message = json.loads(line)
            waiting = self._waiting.get(message["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(decode_verdict(message["verdict"]))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the grading process ended"))

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), timeout=10)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._listening is not None:
            await self._listening
