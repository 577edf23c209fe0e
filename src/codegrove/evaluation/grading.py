"""Hidden tests, run by a process of their own after a session is closed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter

from codegrove.errors import BrokenOff, SandboxError, UsageError
from codegrove.problem import Problem
from codegrove.store.coding import decode_verdict, to_json
from codegrove.verdict import Status, TestResult, Verdict

REFUSALS = (UsageError, SandboxError)
"""How a grading process may refuse to work: then its first line has the message under the error's name."""
DIED_TWICE = "the grading process died twice over this program"
_PROBLEM = TypeAdapter(Problem)
_LONGEST_LINE = 1 << 28
_KNOWN_BYTES = 128 << 20
"""What the problems may take as JSON that the grading process holds; a benchmark may be larger than memory."""


class Grader:
    """Hands programs to the grading process. Use it as an asynchronous context manager.

    Args:
        level: sandbox level; None for the best of this machine.
        workers: programs judged at a time.
        command: what to start; it is given the settings as JSON.
    """

    def __init__(
        self, *, level: str | None = None, workers: int = 2, command: Sequence[str] | None = None
    ) -> None:
        self._workers = workers
        self._command = command or (sys.executable, "-P", "-m", "codegrove.evaluation.grader")
        self._process: GradingProcess | None = None
        self._starting = asyncio.Lock()
        self._alone = asyncio.Lock()
        self.level = level
        """Sandbox level of the grading process; known once it has started."""

    async def __aenter__(self) -> Self:
        await self._running()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            await self._process.stop()

    @property
    def pid(self) -> int | None:
        """Id of the grading process."""
        return None if self._process is None else self._process.pid

    async def grade(self, problem: Problem, program: str | None) -> Verdict | None:
        """Run a problem's hidden tests on a program.

        If the grading process dies, any of the programs it was working on may have killed it. Each of them is
        graded once more, by a process that has no other; over whom it dies again, is unjudged.

        Args:
            problem: the problem with its hidden tests.
            program: the answer; None where there is none, and then nothing is run.

        Raises:
            UsageError: if there is no such sandbox level.
            SandboxError: if this machine does not have it.
            BrokenOff: if no grading process can be started.
        """
        if program is None or not problem.hidden_count:
            return None
        try:
            return await (await self._running()).ask(problem, program)
        except ConnectionError:
            pass
        async with self._alone:
            process = await GradingProcess.start(self._command, self.level, workers=1)
            try:
                return await process.ask(problem, program)
            except ConnectionError:
                return unjudged(problem, DIED_TWICE)
            finally:
                await process.stop()

    async def _running(self) -> GradingProcess:
        """Return the process, a new one where the last one has died."""
        async with self._starting:
            if self._process is None or not self._process.alive:
                if self._process is not None:
                    await self._process.stop()
                self._process = await GradingProcess.start(self._command, self.level, workers=self._workers)
                self.level = self._process.level
            return self._process


class GradingProcess:
    """One grading process, from its start to its end. Made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, level: str) -> None:
        self.level = level
        """Sandbox level it works with."""
        self._process = process
        self._waiting: dict[int, asyncio.Future[Verdict]] = {}
        self._announced: OrderedDict[str, int] = OrderedDict()
        """Problems that the process holds, those used last at the end, with their size in bytes."""
        self._numbers = itertools.count()
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def start(cls, command: Sequence[str], level: str | None, *, workers: int) -> Self:
        """Start one and wait until it is ready.

        Raises:
            UsageError: if there is no such sandbox level.
            SandboxError: if this machine does not have it.
            BrokenOff: if it ends at once; what it has to say about that it says on standard error.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                json.dumps({"level": level, "workers": workers}),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
                start_new_session=True,  # Ctrl-C is ours to handle: what is being graded is graded to the end
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
        except OSError as error:
            raise BrokenOff(f"the grading process could not start: {error.strerror or error}") from None
        try:
            return cls(process, await _level_of(process))
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can still answer."""
        return not self._listening.done()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ask(self, problem: Problem, program: str) -> Verdict:
        """Have a program graded.

        Raises:
            ConnectionError: if the process dies before it has answered.
        """
        stdin = self._process.stdin
        if stdin is None or not self.alive:
            raise ConnectionError("the grading process has ended")
        number = next(self._numbers)
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._announce(problem)
            self._send({"id": number, "problem": problem.id, "program": program})
            await stdin.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def stop(self) -> None:
        """End it. What it is still working on is given up."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), timeout=10)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._listening

    def _announce(self, problem: Problem) -> None:
        if problem.id in self._announced:
            self._announced.move_to_end(problem.id)
            return
        self._announced[problem.id] = self._send({"announce": _PROBLEM.dump_python(problem, mode="json")})
        while sum(self._announced.values()) > _KNOWN_BYTES and len(self._announced) > 1:
            oldest, _ = self._announced.popitem(last=False)
            self._send({"forget": oldest})

    def _send(self, message: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        line = (to_json(message) + "\n").encode()
        self._process.stdin.write(line)
        return len(line)

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                message = json.loads(line)
                waiting = self._waiting.get(message["id"])
                verdict = decode_verdict(message["verdict"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(verdict)
        except (ValueError, LookupError, TypeError):
            # It died in the middle of an answer, or makes no sense: nothing that it says can be used any more.
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("the grading process ended"))


async def _level_of(process: asyncio.subprocess.Process) -> str:
    """Return what a process says in its first line: the level it works with, or why it does not."""
    assert process.stdout is not None
    first = await process.stdout.readline()
    if not first:
        code = await process.wait()
        raise BrokenOff(f"the grading process could not start (exit code {code}); see what it said above")
    said = json.loads(first)
    for refusal in REFUSALS:
        if refusal.__name__ in said:
            raise refusal(said[refusal.__name__])
    level: str = said["level"]
    return level


def unjudged(problem: Problem, note: str) -> Verdict:
    """Return the verdict on a program that could not be judged on a problem's hidden tests, with the reason."""
    results = (TestResult(status=Status.UNJUDGED),) * problem.hidden_count
    return Verdict(status=Status.UNJUDGED, results=results, note=note)
