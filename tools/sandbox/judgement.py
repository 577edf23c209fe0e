"""One judgement: runs a program on its tests, as often as it takes, and puts the verdict together."""

from __future__ import annotations

import math
import secrets
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from codegrove.errors import SandboxError
from codegrove.task import StdioTest, Test
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.grading import MOST_OUTPUT, Prepared, grade, grade_output, prepare
from codegrove.tools.sandbox.interpreter import Rules, RunEnd
from codegrove.tools.sandbox.port import BlockTrace, Limits
from codegrove.tools.sandbox.records import MOST_MESSAGE, Record, parse_record
from codegrove.tools.sandbox.syntax import defined_functions
from codegrove.tools.sandbox.values import DecodeError
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict, overall

MOST_STREAM = 4000
"""Characters kept of a verdict's stdout and of its stderr."""

STEP_GRACE_SECONDS = 0.5
"""What a test may take longer than its limit before its process is killed from outside. The process itself
reports the time-out, and where it was, unless the alarm cannot reach it."""

Execute = Callable[[dict[str, Any], bytes | None, Rules, Callable[[bytes], bool]], RunEnd]
"""Run one job: job, standard input, rules, receiver of records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What is to be judged."""

    program: str
    tests: Sequence[Test]
    entry_point: str | None
    limits: Limits
    fail_fast: bool = False
    trace: bool = False


class Interrupted(Exception):
    """Nobody waits for the verdict any more."""


@dataclass(slots=True)
class _Report:
    """What the records of one process said."""

    token: str
    loaded: bool = False
    finished: bool = False
    answered: int = 0
    """How many of the tests have their result."""
    ended_itself: bool = False
    """Whether the last result was a time-out, after which the process leaves on its own."""
    load_problem: tuple[Status, ErrorInfo] | None = None
    disorder: bool = False
    script: Record | None = None


class Judgement:
    """Collects results until every test has one.

    Args:
        assignment: what is to be judged.
        execute: runs one job in a process of its own. May raise `Interrupted` or `SandboxError`.
    """

    def __init__(self, assignment: Assignment, execute: Execute) -> None:
        self.assignment = assignment
        self.execute = execute
        self.trace = BlockTrace()
        self._results: dict[int, TestResult] = {}
        self._error: ErrorInfo | None = None
        self._status: Status | None = None  # set when it is not the results that decide
        self._limit = ""
        self._notes: list[str] = []
        self._seconds = 0.0
        self._cpu_seconds = 0.0
        self._memory_bytes = 0
        self._stdout: list[bytes] = []
        self._stderr: list[bytes] = []

    def run(self) -> Verdict:
        """Run everything and return the verdict.

        Raises:
            SandboxError: if our own machinery failed.
            Interrupted: if nobody waits any more.
        """
        usable = self._prepare()
        if not self.assignment.tests:
            self._run_functions([])
        for is_script, group in groupby(usable, key=lambda item: isinstance(item.test, StdioTest)):
            if is_script:
                for item in group:
                    if not self._over():
                        self._run_script(item)
            elif not self._over():
                self._run_functions(list(group))
        return self._verdict()

    def _prepare(self) -> list[Prepared]:
        usable = []
        for index, test in enumerate(self.assignment.tests):
            prepared = prepare(index, test, self.assignment.entry_point)
            if isinstance(prepared, Prepared):
                usable.append(prepared)
            else:
                self._results[index] = prepared
                self._notes.append(
                    f"test {index} cannot be used: {prepared.error and prepared.error.message}"
                )
        return usable

    def _over(self) -> bool:
        """Whether nothing that could still be run would be looked at."""
        if self._status is not None or self._limit == "wall":
            return True
        good = (Status.PASSED, Status.UNJUDGED)
        return self.assignment.fail_fast and any(r.status not in good for r in self._results.values())

    def _run_functions(self, tests: list[Prepared]) -> None:
        """Try tests in one process; those that a test which ended the process left over run in a new one."""
        while True:
            report, end = self._run_process(tests, script=None)
            if end.stopped == "lost":  # whether it answered first is a matter of luck
                for test in tests:
                    self._results.pop(test.index, None)
                return self._give_up(*self._explain(end))
            tests = tests[report.answered :]
            if report.load_problem is not None:
                return self._give_up(*report.load_problem)
            if self._over() or (report.loaded and not tests):
                return None
            if not report.ended_itself:
                status, error = self._explain(end)
                if not report.loaded or report.disorder:
                    return self._give_up(status, error)
                self._results[tests[0].index] = TestResult(status=status, error=error)
                tests = tests[1:]
            if not tests or self._over():
                return None

    def _run_script(self, test: Prepared) -> None:
        report, end = self._run_process([test], script=test)
        if report.load_problem is not None:
            return self._give_up(*report.load_problem)
        record = report.script
        complete = report.finished and end.exit_code == 0
        if record is not None and not end.stopped and (complete or record.outcome == "timed_out"):
            result = grade_output(test, record, end.stdout)
        else:
            status, error = self._explain(end)
            output = clip(end.stdout.decode("utf-8", "replace"), MOST_OUTPUT)
            result = TestResult(status=status, error=error, output=output)
        self._keep(test.index, result)
        return None

    def _run_process(self, tests: list[Prepared], script: Prepared | None) -> tuple[_Report, RunEnd]:
        work, limits = self.assignment, self.assignment.limits
        report = _Report(secrets.token_hex(16))
        megabyte = 1 << 20
        job = {
            "token": report.token,
            "program": work.program,
            "entry_point": work.entry_point,
            "stdio": script is not None,
            "tests": [test.job for test in tests],
            "test_seconds": limits.test_seconds,
            "trace": work.trace,
            "limits": {
                "AS": limits.memory_mb * megabyte,
                "CPU": math.ceil(limits.wall_seconds) + 1,
                "FSIZE": limits.file_mb * megabyte,
                "NOFILE": 256,
                "CORE": 0,
            },
        }
        rules = Rules(
            wall_seconds=limits.wall_seconds - self._seconds,
            step_seconds=limits.test_seconds + STEP_GRACE_SECONDS,
            output_bytes=limits.output_bytes,
            processes=limits.processes,
        )
        stdin = None
        if script is not None and isinstance(script.test, StdioTest):
            stdin = script.test.stdin.encode("utf-8", "surrogateescape")
        end = self.execute(job, stdin, rules, lambda line: self._on_record(line, report, tests, script))
        self._seconds += end.seconds
        self._cpu_seconds += end.cpu_seconds
        self._memory_bytes = max(self._memory_bytes, end.memory_bytes)
        self._stdout.append(end.stdout)
        self._stderr.append(end.stderr)
        return report, end

    def _on_record(
        self, line: bytes, report: _Report, tests: list[Prepared], script: Prepared | None
    ) -> bool:
        """Take one record; False when the process is of no more use."""
        try:
            return self._take(parse_record(line, report.token), report, tests, script)
        except DecodeError:
            report.disorder = True
            return False

    def _take(self, record: Record, report: _Report, tests: list[Prepared], script: Prepared | None) -> bool:
        match record.kind:
            case "broken":
                raise SandboxError(f"a run could not be prepared: {record.error}")
            case "blocks":
                self.trace = BlockTrace(blocks=record.blocks, total=record.total)
                return True
            case "result" if script is not None:
                if record.index != script.index or report.script is not None:
                    raise DecodeError("a record out of order")
                report.script = record
                return True
            case "result":
                if not report.loaded or report.answered >= len(tests):
                    raise DecodeError("a record too many")
                test = tests[report.answered]
                if record.index != test.index:
                    raise DecodeError("a record out of order")
                self._keep(test.index, grade(test, record))
                report.answered += 1
                report.ended_itself = record.outcome == "timed_out"
                return not self._over()
            case "finished":
                if report.answered < len(tests) and report.script is None:
                    raise DecodeError("it claims to have finished")
                report.finished = True
                return True
            case "loaded":
                report.loaded = True
                return True
        report.load_problem = self._load_problem(record)
        return False

    def _load_problem(self, record: Record) -> tuple[Status, ErrorInfo]:
        if record.kind == "missing":
            return Status.INVALID, missing_entry_point(self.assignment.program, self.assignment.entry_point)
        statuses = {
            "invalid": Status.INVALID,
            "load_failed": Status.CRASHED,
            "load_timed_out": Status.TIMED_OUT,
        }
        if record.error is None or record.kind not in statuses:
            raise DecodeError(f"unexpected record {record.kind!r}")
        return statuses[record.kind], record.error

    def _keep(self, index: int, result: TestResult) -> None:
        self._results[index] = result
        self._note_memory(result.error)

    def _note_memory(self, error: ErrorInfo | None) -> None:
        if error is not None and error.type == "MemoryError" and not self._limit:
            self._limit = "memory"

    def _give_up(self, status: Status, error: ErrorInfo) -> None:
        """No test can have a result of its own any more."""
        self._status, self._error = status, error
        self._note_memory(error)

    def _explain(self, end: RunEnd) -> tuple[Status, ErrorInfo]:
        """Say why a process ended before it had answered."""
        limits = self.assignment.limits
        match end.stopped:
            case "wall":
                self._limit = "wall"
                self._error = ErrorInfo(
                    type="TimeLimit", message=f"the run took {limits.wall_seconds:g} seconds"
                )
                return Status.TIMED_OUT, self._error
            case "step":
                why = f"no result within {limits.test_seconds:g} seconds, and it could not be interrupted"
                return Status.TIMED_OUT, ErrorInfo(type="TimeLimit", message=why)
            case "output":
                self._limit = "output"
                why = f"more than {limits.output_bytes} bytes of output"
                return Status.CRASHED, ErrorInfo(type="OutputLimit", message=why)
            case "processes":
                self._limit = "processes"
                why = f"more than {limits.processes} processes and threads"
                return Status.CRASHED, ErrorInfo(type="ProcessLimit", message=why)
            case "records":
                why = "the process reported something that is no result of this test"
                return Status.CRASHED, ErrorInfo(type="FalseReport", message=why)
            case "lost":
                why = f"it ended the interpreter that watched it ({end.problem})"
                return Status.CRASHED, ErrorInfo(type="EarlyExit", message=why)
        if end.exit_code is not None and end.exit_code < 0:
            name = _signal_name(-end.exit_code)
            if name == "SIGXCPU":
                self._limit = "cpu"
                return Status.TIMED_OUT, ErrorInfo(type="CpuLimit", message="too much processor time")
            return Status.CRASHED, ErrorInfo(type="Killed", message=f"the process was killed by {name}")
        why = f"the process ended (exit code {end.exit_code}) before it gave a result"
        return Status.CRASHED, ErrorInfo(type="EarlyExit", message=why)

    def _verdict(self) -> Verdict:
        results = tuple(self._result(index) for index in range(len(self.assignment.tests)))
        status = self._status
        if not results and status is None:
            status = Status.UNJUDGED
            self._notes.append("no tests")
        return Verdict(
            status=status or overall(result.status for result in results),
            results=results,
            error=self._error,
            stdout=_stream(self._stdout),
            stderr=_stream(self._stderr),
            seconds=self._seconds,
            cpu_seconds=self._cpu_seconds,
            memory_mb=self._memory_bytes / (1 << 20),
            limit=self._limit,
            note="; ".join(self._notes),
        )

    def _result(self, index: int) -> TestResult:
        found = self._results.get(index)
        if found is not None:
            return found
        if self._status is not None:
            return TestResult(status=self._status, error=self._error)
        if self._limit == "wall":
            return TestResult(status=Status.TIMED_OUT, error=self._error)
        return TestResult(status=Status.UNJUDGED)


def missing_entry_point(program: str, entry_point: str | None) -> ErrorInfo:
    """Say that a program does not define its entry point, and what it defines instead."""
    names = ", ".join(defined_functions(program)) or "no function at all"
    message = f"expected a function named {entry_point!r}; the program defines {names}"
    return ErrorInfo(type="MissingEntryPoint", message=clip(message, MOST_MESSAGE))


def _stream(parts: list[bytes]) -> str:
    return clip(b"".join(parts).decode("utf-8", "replace"), MOST_STREAM)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
