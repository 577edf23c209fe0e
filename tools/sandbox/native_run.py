"""One judgement of a program in another language: compiled once, then run once for each test.

The judge sees how a process ended and what it wrote, nothing else; it compares the output itself.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import tempfile
from collections.abc import Sequence
from typing import Any, Protocol

from codegrove.agreement import same_output
from codegrove.errors import SandboxError
from codegrove.languages.schema import BINARY, SOURCE
from codegrove.task import StdioTest
from codegrove.tools.sandbox.assignment import Assignment
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.ends import LIMITS, SIGXCPU, signal_name
from codegrove.tools.sandbox.grading import MOST_OUTPUT
from codegrove.tools.sandbox.native_words import Numbers, first_lines, line_named
from codegrove.tools.sandbox.records import MOST_MESSAGE, Record, parse_record
from codegrove.tools.sandbox.rules import Rules, RunEnd
from codegrove.tools.sandbox.runs import Run
from codegrove.tools.sandbox.tally import Tally
from codegrove.tools.sandbox.toolchain import COMPILE, RUN, Toolchain
from codegrove.tools.sandbox.values import DecodeError
from codegrove.verdict import UNUSABLE_TEST, ErrorInfo, Status, TestResult, Verdict

_MEGABYTE = 1 << 20
_CANNOT_EXECUTE = 126


class ExecuteWith(Protocol):
    """Runs a job, with descriptors of its own for the process. May raise `Interrupted` or `SandboxError`."""

    def __call__(self, run: Run, handed_over: Sequence[int]) -> RunEnd:
        """Run one job; the descriptors stay open here."""
        ...


class NativeJudgement:
    """Compiles, runs and compares.

    Args:
        assignment: what is to be judged. The entry point and tests of other kinds than stdio cannot be used.
        toolchain: what it takes.
        execute: runs one job in a process of its own.
        one_program: whether the walls keep a run from becoming a second program.
    """

    def __init__(
        self, assignment: Assignment, toolchain: Toolchain, execute: ExecuteWith, *, one_program: bool
    ) -> None:
        self.assignment = assignment
        self.toolchain = toolchain
        self.language = toolchain.language
        self.execute = execute
        self._walls_stop_programs = one_program
        self._tally = Tally(assignment)

    def run(self) -> Verdict:
        """Compile and try all tests.

        Raises:
            SandboxError: if our own machinery failed.
            Interrupted: if nobody waits any more.
        """
        usable = self._usable()
        descriptor = _new_file() if self.language.makes_binary else -1
        try:
            if self.language.compile is not None and (usable or not self.assignment.tests):
                self._compile(descriptor)
            for index, test in usable:
                if self._tally.over:
                    break
                self._try(index, test, descriptor)
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return self._tally.verdict()

    @property
    def starved(self) -> bool:
        """Whether time ran out, and compiler or program may not have had their share of the processor before."""
        return self._tally.starved

    def _usable(self) -> list[tuple[int, StdioTest]]:
        usable: list[tuple[int, StdioTest]] = []
        for index, test in enumerate(self.assignment.tests):
            if isinstance(test, StdioTest):
                usable.append((index, test))
                continue
            why = f"{self.language.title} is judged by input and output, not by a test of kind {test.kind!r}"
            error = ErrorInfo(type=UNUSABLE_TEST, message=why)
            self._tally.keep(index, TestResult(status=Status.UNJUDGED, error=error))
            self._tally.notes.append(f"test {index} cannot be used: {why}")
        return usable

    # -- compiling -------------------------------------------------------------------------------------------

    def _compile(self, descriptor: int) -> None:
        step, limits = self.language.compile, self.assignment.limits
        assert step is not None
        seconds = min(step.seconds, limits.wall_seconds)
        job = self._job(COMPILE, step.command, self.toolchain.compiler, limits_mb=("AS", step.memory_mb))
        job["limits"] |= {"CPU": math.ceil(seconds) + 1, "FSIZE": step.file_mb * _MEGABYTE}
        rules = Rules(
            wall_seconds=seconds,
            step_seconds=seconds,
            output_bytes=limits.output_bytes,
            processes=max(limits.processes, 16),
            scratch_mb=max(limits.scratch_mb, 2 * step.file_mb),
            children=True,
            memory_mb=step.memory_mb,
            stage=COMPILE,
        )
        end, records = self._execute(job, rules, None, descriptor)
        said = first_lines(end.stderr + end.stdout, self.language.file)
        if end.stopped in ("wall", "step"):
            self._tally.limit = "wall"
            why = f"compiling took more than {seconds:g} seconds"
            return self._give_up(Status.TIMED_OUT, "TimeLimit", why)
        if end.stopped in LIMITS:
            self._tally.limit = end.stopped
            kind, words = LIMITS[end.stopped]
            what = {"memory_mb": step.memory_mb, "scratch_mb": rules.scratch_mb, "processes": rules.processes}
            why = f"the compiler was stopped: {words.format(Numbers(limits, what))}"
            return self._give_up(Status.INVALID, kind, f"{why}\n{said}" if said else why)
        finished = any(record.kind == "result" for record in records)
        if end.exit_code == _CANNOT_EXECUTE and not any(record.error for record in records):
            raise SandboxError(f"{step.command[0]} could not be started behind the walls")
        if end.stopped or not finished or end.exit_code != 0:
            refused = next((str(record.error) for record in records if record.error), "")
            why = said or refused or f"the compiler ended with exit code {end.exit_code}"
            return self._give_up(Status.INVALID, "CompileError", why)
        if self.language.makes_binary and os.fstat(descriptor).st_size == 0:
            return self._give_up(Status.INVALID, "CompileError", said or "the compiler made no program")
        return None

    def _give_up(self, status: Status, kind: str, why: str) -> None:
        line = line_named(why, self.language.file)
        self._tally.give_up(status, ErrorInfo(type=kind, message=why, line=line))

    # -- running ---------------------------------------------------------------------------------------------

    def _try(self, index: int, test: StdioTest, descriptor: int) -> None:
        step, limits = self.language.run, self.assignment.limits
        kind = "AS" if step.memory == "address_space" else "DATA"
        job = self._job(RUN, step.command, self.toolchain.runner, limits_mb=(kind, limits.memory_mb))
        children = step.forks or limits.children
        job["one_program"] = self._walls_stop_programs and not children
        job["stack_mb"] = step.stack_mb
        rules = Rules(
            wall_seconds=limits.wall_seconds - self._tally.seconds,
            step_seconds=limits.test_seconds,
            output_bytes=limits.output_bytes,
            processes=limits.processes,
            scratch_mb=limits.scratch_mb,
            children=children,
            memory_mb=limits.memory_mb,
            stage=RUN,
            sampled=step.memory == "data",
        )
        stdin = test.stdin.encode("utf-8", "surrogateescape")
        end, records = self._execute(job, rules, stdin, descriptor)
        output = end.stdout.decode("utf-8", "replace")
        if end.exit_code == 0 and not end.stopped and not any(record.error for record in records):
            right = same_output(test.expected, output)
            status, error = (Status.PASSED if right else Status.FAILED), None
        else:
            status, error = self._explain(end, records)
        output = clip(output, MOST_OUTPUT)
        self._tally.keep(index, TestResult(status=status, output=output, error=error, seconds=end.seconds))

    def _explain(self, end: RunEnd, records: list[Record]) -> tuple[Status, ErrorInfo]:
        refused = next((record.error for record in records if record.error), None)
        if refused is not None:
            why = f"the system does not execute the compiled program: {refused.message}"
            return Status.CRASHED, ErrorInfo(type="NotExecutable", message=why)
        if end.stopped == "step":  # such a program answers when it ends, so nobody has tried to interrupt it
            why = f"no result within {self.assignment.limits.test_seconds:g} seconds"
            return Status.TIMED_OUT, ErrorInfo(type="TimeLimit", message=why)
        if end.stopped or end.exit_code == -SIGXCPU:
            return self._tally.explain(end)
        said = first_lines(end.stderr, self.language.file)
        line = line_named(said, self.language.file)
        after = f": {said}" if said else ""
        if end.exit_code is not None and end.exit_code < 0:
            message = clip(f"killed by {signal_name(-end.exit_code)}{after}", MOST_MESSAGE)
            return Status.CRASHED, ErrorInfo(type="Killed", message=message, line=line)
        message = clip(f"exit code {end.exit_code}{after}", MOST_MESSAGE)
        return Status.CRASHED, ErrorInfo(type="ExitCode", message=message, line=line)

    # -- both ------------------------------------------------------------------------------------------------

    def _job(
        self, stage: str, command: Sequence[str], path: str, *, limits_mb: tuple[str, int]
    ) -> dict[str, Any]:
        language, limits = self.language, self.assignment.limits
        arguments = [
            word.replace(SOURCE, language.file).replace(BINARY, f"./{language.binary}") for word in command
        ]
        is_compiled = stage == RUN and language.runs_binary
        return {
            "mode": "native",
            "token": secrets.token_hex(16),
            "compile": stage == COMPILE,
            "program": None if is_compiled else self.assignment.program,
            "file": language.file,
            "binary": language.binary if language.makes_binary else "",
            "path": path or arguments[0],
            "arguments": arguments,
            "one_program": False,
            "stack_mb": 8,
            "limits": {
                limits_mb[0]: limits_mb[1] * _MEGABYTE,
                "CPU": math.ceil(limits.wall_seconds) + 1,
                "FSIZE": limits.file_mb * _MEGABYTE,
                "NOFILE": 256,
                "CORE": 0,
            },
        }

    def _execute(
        self, job: dict[str, Any], rules: Rules, stdin: bytes | None, descriptor: int
    ) -> tuple[RunEnd, list[Record]]:
        records: list[Record] = []

        def on_record(line: bytes) -> bool:
            with contextlib.suppress(DecodeError):
                records.append(parse_record(line, job["token"]))
                return True
            return False

        handed_over = [descriptor] if descriptor >= 0 and job["binary"] else []
        end = self.execute(Run(job, rules, on_record, stdin), handed_over)
        self._tally.account(end)
        broken = next((record for record in records if record.kind == "broken"), None)
        if broken is not None:
            raise SandboxError(f"a run could not be prepared: {broken.error}")
        if not any(record.kind == "loaded" for record in records) and end.stopped != "lost":
            raise SandboxError(f"a run could not be prepared: it ended with exit code {end.exit_code}")
        return end, records


def _new_file() -> int:
    """Return a descriptor of a file without a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("program", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
