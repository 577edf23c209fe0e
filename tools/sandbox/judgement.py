"""One judgement: runs a program on its tests, as often as it takes, and puts the verdict together."""

from __future__ import annotations

import math
import secrets
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Protocol

from codegrove.errors import SandboxError
from codegrove.task import StdioTest, Test
from codegrove.tools.sandbox.assert_tests import Way
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.grading import (
    Examination,
    Prepared,
    grade,
    grade_output,
    prepare,
)
from codegrove.tools.sandbox.interpreter import Rules, RunEnd
from codegrove.tools.sandbox.port import BlockTrace, Limits
from codegrove.tools.sandbox.records import MOST_MESSAGE, Record, parse_record
from codegrove.tools.sandbox.runs import Run
from codegrove.tools.sandbox.syntax import defined_functions
from codegrove.tools.sandbox.values import DecodeError
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict, overall

MOST_STREAM = 4000
"""Characters kept of a verdict's stdout and of its stderr."""

STEP_GRACE_SECONDS = 0.5
"""What a test may take longer than its limit before its process is killed from outside. The process itself
reports the time-out, and where it was, unless the alarm cannot reach it."""

TEST_PROCESS_GRACE_SECONDS = 5.0
"""The same for a process that runs test text: it also waits until the program's process has started."""

END_GRACE_SECONDS = 0.25
TRACE_GRACE_SECONDS = 2.0
"""What the program's process may take to end when its tests are over. A trace is sent at the end."""


class Execute(Protocol):
    """Runs jobs. May raise `Interrupted` or `SandboxError`."""

    def __call__(
        self, job: dict[str, Any], stdin: bytes | None, rules: Rules, on_record: Callable[[bytes], bool]
    ) -> RunEnd:
        """Run one job; `on_record` gets the lines of its report, and returns False to end it."""
        ...

    def pair(self, candidate: Run, tests: Run, grace_seconds: float) -> tuple[RunEnd, RunEnd]:
        """Run two jobs that are connected; the candidate's is ended when that of the tests has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What is to be judged."""

    program: str
    tests: Sequence[Test]
    entry_point: str | None
    limits: Limits
    fail_fast: bool = False
    trace: bool = False
    split: bool = True
    """Whether two runs can be connected, so that test text need not run together with the program."""
    coverage: int = 0
    """The last line whose executions are counted, for programs that are; the executor has the place for that."""


MOST_WAITING = 0.1
"""Share of a test's limit that its process may have spent without the processor and still be believed. Alone on a
quiet machine an endless loop spends one to three hundredths of a second so."""

LONGEST_HOLD_UP_SECONDS = 0.1
"""What the kernel can be made responsible for each time it takes the processor away: a period of the group
scheduler, or a queue of some thirty processes."""


def starved(seconds: float, cpu_seconds: float, held_up: int | None, limits: Limits) -> bool:
    """Whether a run lacked the processor through no fault of its own, so long that it may have cost it a test.

    A run that sleeps lacks it as well, but is hardly ever held up. Where nobody counts that, every lack is
    doubtful.

    Args:
        seconds: wall time of the run.
        held_up: see `RunEnd.held_up`.
    """
    waited = seconds - cpu_seconds
    if waited <= MOST_WAITING * limits.test_seconds:
        return False
    return held_up is None or held_up * LONGEST_HOLD_UP_SECONDS >= waited / 2


class Interrupted(Exception):
    """Nobody waits for the verdict any more."""


@dataclass(slots=True)
class _Report:
    """What the records of one process said."""

    token: str
    loaded: bool = False
    finished: bool = False
    traces: int = 0
    answered: int = 0
    """How many of the tests have their result."""
    ended_itself: bool = False
    """Whether the last result was a time-out, after which the process leaves on its own."""
    load_problem: tuple[Status, ErrorInfo] | None = None
    disorder: bool = False
    script: Record | None = None
    examination: Examination | None = None
    """Of the test under way, if it became calls."""
    lost: Record | None = None
    """Said by the tests' process: the program's process did not answer any more."""


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
        self._kept = assignment.limits.kept_characters
        self.proven = True
        """Whether every pass was decided without the program: no test ran together with it, and no object of it
        decided what it is equal to."""
        self.together = False
        """Whether a test ran in the program's own process."""
        self._starved = False
        self._disorder = False
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
        for way, group in groupby(usable, key=lambda item: item.way):
            if self._over():
                break
            match way:
                case None:
                    for item in group:
                        if not self._over():
                            self._run_script(item)
                case Way.CALLS:
                    self._run_functions(list(group))
                case Way.SPLIT:
                    self._run_split(list(group))
                case Way.TOGETHER:
                    self._run_together(list(group))
        return self._verdict()

    @property
    def starved(self) -> bool:
        """Whether time ran out, and the program may not have had its share of the processor before."""
        if self._limit == "cpu" or not self._starved:
            return False
        statuses = {result.status for result in self._results.values()}
        return Status.TIMED_OUT in statuses or self._status is Status.TIMED_OUT or self._limit == "wall"

    def _prepare(self) -> list[Prepared]:
        usable = []
        for index, test in enumerate(self.assignment.tests):
            prepared = prepare(index, test, self.assignment.entry_point, split=self.assignment.split)
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
            if end.stopped == "output":
                return self._apart(tests, end, self._run_functions)
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
                self._results.setdefault(tests[0].index, TestResult(status=status, error=error))
                tests = tests[1:]
            if not tests or self._over():
                return None

    def _apart(self, tests: list[Prepared], end: RunEnd, run: Callable[[list[Prepared]], None]) -> None:
        """Find out which test wrote too much: what is read first, records or output, is a matter of luck."""
        for test in tests:
            self._results.pop(test.index, None)
        if len(tests) < 2:
            status, error = self._explain(end)
            if not tests:
                return self._give_up(status, error)
            return self._keep(tests[0].index, TestResult(status=status, error=error))
        for test in tests:
            if not self._over():
                run([test])
        return None

    def _run_together(self, tests: list[Prepared]) -> None:
        """Try tests in the program's process, then variants of them that must fail in further ones.

        Each variant has a process of its own that looks to the program like the real one.
        """
        self.proven, self.together = False, True
        for test in tests:
            reason = test.plan.reason if test.plan is not None else ""
            self._notes.append(f"test {test.index} ran in the program's process (in-process): {reason}")
        self._disorder = False
        self._run_functions(tests)
        if self._disorder:
            return self._accuse(tests, "it sent reports of its own: it tampers with tests")
        for test in tests:
            result = self._results.get(test.index)
            for job in test.plan.must_fail if test.plan is not None else ():
                if result is None or not result.passed or self._limit == "wall" or self._status is not None:
                    break
                if self._passes(replace(test, job={**job, "index": test.index})):
                    self._accuse([test], "it passed a test that must fail: it tampers with tests")
                    break
        return None

    def _accuse(self, tests: list[Prepared], why: str) -> None:
        """Take back what was passed in the program's own process."""
        error = ErrorInfo(type="Tampering", message=why)
        for test in tests:
            if (result := self._results.get(test.index)) is not None and result.passed:
                self._results[test.index] = TestResult(status=Status.CRASHED, error=error)

    def _passes(self, test: Prepared) -> bool:
        """Whether a test passes in a process of its own. Leaves no result."""
        kept, self._results = self._results, {}
        try:
            self._run_process([test], script=None, measured=False)
            result = self._results.get(test.index)
            return result is not None and result.passed
        finally:
            self._results = kept

    def _run_split(self, tests: list[Prepared]) -> None:
        """Try tests in a process that never executes the program; the rest goes on in a new pair, as above."""
        while tests and not self._over():
            program, report, ends = self._run_pair(tests)
            candidate_end, tests_end = ends
            if tests_end.stopped == "lost":
                raise SandboxError(f"the interpreter that ran the tests was lost: {tests_end.problem}")
            for end in ends:
                if end.stopped == "output":
                    return self._apart(tests, end, self._run_split)
            if candidate_end.stopped == "lost":
                for test in tests:
                    self._results.pop(test.index, None)
                return self._give_up(*self._explain(candidate_end))
            if program.load_problem is not None:
                return self._give_up(*program.load_problem)
            tests = tests[report.answered :]
            if report.lost is not None:
                status, error = self._explain_lost(candidate_end, report.lost)
                self._keep(
                    report.lost.index, TestResult(status=status, error=error, seconds=report.lost.seconds)
                )
                continue
            if not report.loaded:
                if report.load_problem is not None:
                    return self._give_up(*report.load_problem)
                end = tests_end if tests_end.stopped else candidate_end
                return self._give_up(*self._explain(end, closed=True))
            if tests and not self._over() and not report.ended_itself:
                status, error = self._explain(tests_end)
                self._keep(tests[0].index, TestResult(status=status, error=error))
                tests = tests[1:]
        return None

    def _run_pair(self, tests: list[Prepared]) -> tuple[_Report, _Report, tuple[RunEnd, RunEnd]]:
        limits = self.assignment.limits
        program, report = _Report(secrets.token_hex(16)), _Report(secrets.token_hex(16))
        serve = self._job("serve", program, [], measured=True)
        run = self._job("tests", report, tests) | {"program": "", "entry_point": None}
        rules = self._rules(limits.test_seconds + TEST_PROCESS_GRACE_SECONDS)
        ends = self.execute.pair(
            Run(
                serve,
                replace(rules, step_seconds=rules.wall_seconds),
                lambda line: self._on_program(line, program),
            ),
            Run(run, rules, lambda line: self._on_record(line, report, tests, None)),
            TRACE_GRACE_SECONDS if self.assignment.trace else END_GRACE_SECONDS,
        )
        self._account(*ends)
        return program, report, ends

    def _on_program(self, line: bytes, report: _Report) -> bool:
        """Take a record of a process that answers calls. Nothing it says can be a pass."""
        try:
            record = parse_record(line, report.token)
            if record.kind in ("result", "answer"):
                raise DecodeError("a result from a process that has no tests")
            return self._take(record, report, [], None)
        except DecodeError:
            report.disorder = True
            return False

    def _explain_lost(self, end: RunEnd, lost: Record) -> tuple[Status, ErrorInfo]:
        if lost.nonsense:
            why = "the process answered something that is no result of a call"
            return Status.CRASHED, ErrorInfo(type="FalseReport", message=why)
        return self._explain(end, closed=True)

    def _run_script(self, test: Prepared) -> None:
        report, end = self._run_process([test], script=test)
        if report.load_problem is not None:
            return self._give_up(*report.load_problem)
        record = report.script
        complete = report.finished and end.exit_code == 0
        if record is not None and not end.stopped and (complete or record.outcome == "timed_out"):
            result = grade_output(test, record, end.stdout, self._kept)
        else:
            status, error = self._explain(end)
            output = clip(end.stdout.decode("utf-8", "replace"), self._kept)
            result = TestResult(status=status, error=error, output=output)
        self._keep(test.index, result)
        return None

    def _run_process(
        self, tests: list[Prepared], script: Prepared | None, *, measured: bool = True
    ) -> tuple[_Report, RunEnd]:
        report = _Report(secrets.token_hex(16))
        job = self._job("run", report, tests, measured=measured) | {"stdio": script is not None}
        rules = self._rules(self.assignment.limits.test_seconds + STEP_GRACE_SECONDS)
        stdin = None
        if script is not None and isinstance(script.test, StdioTest):
            stdin = script.test.stdin.encode("utf-8", "surrogateescape")
        end = self.execute(job, stdin, rules, lambda line: self._on_record(line, report, tests, script))
        self._account(end)
        return report, end

    def _account(self, *ends: RunEnd) -> None:
        """Add up what processes took that ran at the same time, and by turns."""
        seconds, cpu_seconds = max(end.seconds for end in ends), sum(end.cpu_seconds for end in ends)
        counts = [end.held_up for end in ends]
        held_up = None if None in counts else sum(count or 0 for count in counts)
        self._starved |= starved(seconds, cpu_seconds, held_up, self.assignment.limits)
        self._seconds += seconds
        self._cpu_seconds += cpu_seconds
        self._memory_bytes = max(self._memory_bytes, *(end.memory_bytes for end in ends))
        self._stdout += [end.stdout for end in ends]
        self._stderr += [end.stderr for end in ends]

    def _job(
        self, mode: str, report: _Report, tests: list[Prepared], *, measured: bool = False
    ) -> dict[str, Any]:
        work, limits = self.assignment, self.assignment.limits
        megabyte = 1 << 20
        return {
            "mode": mode,
            "token": report.token,
            "program": work.program,
            "entry_point": work.entry_point,
            "stdio": False,
            "tests": [test.job for test in tests],
            "test_seconds": limits.test_seconds,
            "trace": measured and work.trace,
            "coverage": work.coverage if measured else 0,
            "limits": {
                "AS": limits.memory_mb * megabyte,
                "CPU": math.ceil(limits.wall_seconds) + 1,
                "FSIZE": limits.file_mb * megabyte,
                "NOFILE": 256,
                "CORE": 0,
            },
        }

    def _rules(self, step_seconds: float) -> Rules:
        limits = self.assignment.limits
        return Rules(
            wall_seconds=limits.wall_seconds - self._seconds,
            step_seconds=step_seconds,
            output_bytes=limits.output_bytes,
            processes=limits.processes,
            scratch_mb=limits.scratch_mb,
            memory_mb=limits.memory_mb,
            children=limits.children,
        )

    def _on_record(
        self, line: bytes, report: _Report, tests: list[Prepared], script: Prepared | None
    ) -> bool:
        """Take one record; False when the process is of no more use."""
        try:
            return self._take(parse_record(line, report.token), report, tests, script)
        except DecodeError:
            report.disorder = self._disorder = True
            return False

    def _take(self, record: Record, report: _Report, tests: list[Prepared], script: Prepared | None) -> bool:
        match record.kind:
            case "broken":
                raise SandboxError(f"a run could not be prepared: {record.error}")
            case "blocks":
                report.traces += 1
                if not self.assignment.trace or report.traces > len(tests) + 2:
                    raise DecodeError("a trace that nobody asked for")
                self.trace = BlockTrace(blocks=record.blocks, total=record.total, complete=record.complete)
                return True
            case "result" if script is not None:
                if record.index != script.index or report.script is not None:
                    raise DecodeError("a record out of order")
                report.script = record
                return True
            case "answer":
                test = _next(record, report, tests)
                examination = _examination(report, test)
                examination.take(record.value)
                if examination.result is not None:
                    self._results.setdefault(test.index, examination.result)
                return not self._over()
            case "result":
                test = _next(record, report, tests)
                if record.outcome == "lost" and test.way is Way.SPLIT:
                    report.lost = record
                elif test.plan is not None and test.plan.converted is not None:
                    self._keep(test.index, _examination(report, test).finish(record))
                else:
                    self._keep(test.index, grade(test, record, self._kept))
                report.examination = None
                if record.own:
                    self._note_own(test.index)
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

    def _note_own(self, index: int) -> None:
        self.proven = False
        self._notes.append(f"test {index} compared objects of the program, which decided themselves")

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

    def _explain(self, end: RunEnd, closed: bool = False) -> tuple[Status, ErrorInfo]:
        """Say why a process ended before it had answered.

        Args:
            closed: it was ended by us after it had closed its connection.
        """
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
            case "memory":
                self._limit = "memory"
                why = f"more than {limits.memory_mb} MiB of memory"
                return Status.CRASHED, ErrorInfo(type="MemoryError", message=why)
            case "disk":
                self._limit = "disk"
                why = f"more than {limits.scratch_mb} MiB of files"
                return Status.CRASHED, ErrorInfo(type="DiskLimit", message=why)
            case "records":
                why = "the process reported something that is no result of this test"
                return Status.CRASHED, ErrorInfo(type="FalseReport", message=why)
            case "lost":
                why = f"it ended the interpreter that watched it ({end.problem})"
                return Status.CRASHED, ErrorInfo(type="EarlyExit", message=why)
        if end.exit_code is not None and end.exit_code < 0:
            name = _signal_name(-end.exit_code)
            if closed and name == "SIGKILL":
                why = "the process stopped answering before it gave a result"
                return Status.CRASHED, ErrorInfo(type="EarlyExit", message=why)
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


def _next(record: Record, report: _Report, tests: list[Prepared]) -> Prepared:
    """Return the test that a record must be about."""
    if not report.loaded or report.answered >= len(tests):
        raise DecodeError("a record too many")
    test = tests[report.answered]
    if record.index != test.index:
        raise DecodeError("a record out of order")
    return test


def _examination(report: _Report, test: Prepared) -> Examination:
    if test.plan is None or test.plan.converted is None:
        raise DecodeError("an answer to something that is no call")
    if report.examination is None:
        report.examination = Examination(test.plan.converted)
    return report.examination


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
