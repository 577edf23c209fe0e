"""One judgement: runs a program on its tests, as often as it takes, until every test has its result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from typing import Any

from codegrove.errors import SandboxError
from codegrove.task import StdioTest
from codegrove.tools.sandbox.assert_tests import Way
from codegrove.tools.sandbox.assignment import Assignment, Execute
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.ends import false_report
from codegrove.tools.sandbox.grading import Prepared, grade_output, prepare, prepare_again
from codegrove.tools.sandbox.port import BlockTrace
from codegrove.tools.sandbox.records import Record
from codegrove.tools.sandbox.reports import Report
from codegrove.tools.sandbox.rules import Rules, RunEnd
from codegrove.tools.sandbox.runs import Run
from codegrove.tools.sandbox.tally import Tally
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict

STEP_GRACE_SECONDS = 0.5
"""What a test may take longer than its limit before its process is killed from outside. The process itself
reports the time-out, and where it was, unless the alarm cannot reach it."""

TEST_PROCESS_GRACE_SECONDS = 5.0
"""The same for a process that runs test text: it also waits until the program's process has started."""

END_GRACE_SECONDS = 0.25
TRACE_GRACE_SECONDS = 2.0
"""What the program's process may take to end when its tests are over. A trace is sent at the end."""


class Judgement:
    """Runs processes until every test has a result.

    Args:
        assignment: what is to be judged.
        execute: runs one job in a process of its own. May raise `Interrupted` or `SandboxError`.
    """

    def __init__(self, assignment: Assignment, execute: Execute) -> None:
        self.assignment = assignment
        self.execute = execute
        self.together = False
        """Whether a test ran in the program's own process."""
        self._tally = Tally(assignment)

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
            if self._tally.over:
                break
            match way:
                case None:
                    for item in group:
                        if not self._tally.over:
                            self._run_script(item)
                case Way.CALLS:
                    self._run_calls(list(group))
                case Way.SPLIT:
                    self._run_split(list(group))
                case Way.TOGETHER:
                    self._run_together(list(group))
        return self._tally.verdict()

    @property
    def starved(self) -> bool:
        """Whether time ran out, and the program may not have had its share of the processor before."""
        return self._tally.starved

    @property
    def trace(self) -> BlockTrace:
        """The trace of the last test that has one."""
        return self._tally.trace

    @property
    def proven(self) -> bool:
        """Whether every pass was decided without the program: no test ran together with it, and no object of it
        decided what it is equal to."""
        return self._tally.proven

    def _prepare(self) -> list[Prepared]:
        usable = []
        for index, test in enumerate(self.assignment.tests):
            prepared = prepare(index, test, self.assignment.entry_point, split=self.assignment.split)
            if isinstance(prepared, Prepared):
                usable.append(prepared)
            else:
                self._tally.results[index] = prepared
                self._tally.notes.append(
                    f"test {index} cannot be used: {prepared.error and prepared.error.message}"
                )
        return usable

    def _run_calls(self, tests: list[Prepared]) -> None:
        """Try tests that are calls, then those again, as text, whose answers are not plain enough to be judged.

        Such an answer says nothing about the program: a range is as right as a list where a test asks for
        ``list(f(3))``. A program that answers so on purpose gets what any test that is run as text gives it.
        """
        self._run_functions(tests)
        if self._tally.over:
            return
        again: list[Prepared] = []
        for test in tests:
            if test.index in self._tally.undecided:
                prepared = prepare_again(test, self.assignment.entry_point, split=self.assignment.split)
                if isinstance(prepared, Prepared):
                    again.append(prepared)
                else:
                    self._tally.keep(test.index, prepared)
        if self.assignment.split:
            self._run_split(again)
        elif again:
            self._run_together(again)

    def _run_functions(self, tests: list[Prepared]) -> None:
        """Try tests in one process; those that a test which ended the process left over run in a new one."""
        while True:
            report, end = self._run_process(tests, script=None)
            if end.stopped == "output":
                return self._apart(tests, end, self._run_functions)
            if end.stopped == "lost":  # whether it answered first is a matter of luck
                self._tally.forget(tests)
                return self._tally.give_up(*self._tally.explain(end))
            tests = tests[report.answered :]
            if report.load_problem is not None:
                return self._tally.give_up(*report.load_problem)
            if self._tally.over or (report.loaded and not tests):
                return None
            if not report.ended_itself:
                status, error = self._tally.explain(end)
                if not report.loaded or report.disorder:
                    return self._tally.give_up(status, error)
                if tests[0].index not in self._tally.undecided:
                    self._tally.results.setdefault(tests[0].index, TestResult(status=status, error=error))
                tests = tests[1:]
            if not tests or self._tally.over:
                return None

    def _apart(self, tests: list[Prepared], end: RunEnd, run: Callable[[list[Prepared]], None]) -> None:
        """Find out which test wrote too much: what is read first, records or output, is a matter of luck."""
        self._tally.forget(tests)
        if len(tests) < 2:
            status, error = self._tally.explain(end)
            if not tests:
                return self._tally.give_up(status, error)
            return self._tally.keep(tests[0].index, TestResult(status=status, error=error))
        for test in tests:
            if not self._tally.over:
                run([test])
        return None

    def _run_together(self, tests: list[Prepared]) -> None:
        """Try tests in the program's process, then variants of them that must fail in further ones.

        Each variant has a process of its own that looks to the program like the real one.
        """
        self._tally.proven, self.together = False, True
        for test in tests:
            reason = test.plan.reason if test.plan is not None else ""
            self._tally.notes.append(f"test {test.index} ran in the program's process (in-process): {reason}")
        self._tally.disorder = False
        self._run_functions(tests)
        if self._tally.disorder:
            return self._tally.accuse(tests, "it sent reports of its own: it tampers with tests")
        for test in tests:
            result = self._tally.results.get(test.index)
            for job in test.plan.must_fail if test.plan is not None else ():
                if result is None or not result.passed:
                    break
                if self._tally.limit == "wall" or self._tally.status is not None:
                    break
                if self._passes(replace(test, job={**job, "index": test.index})):
                    self._tally.accuse([test], "it passed a test that must fail: it tampers with tests")
                    break
        return None

    def _passes(self, test: Prepared) -> bool:
        """Whether a test passes in a process of its own. Leaves no result."""
        kept, self._tally.results = self._tally.results, {}
        try:
            self._run_process([test], script=None, measured=False)
            result = self._tally.results.get(test.index)
            return result is not None and result.passed
        finally:
            self._tally.results = kept

    def _run_split(self, tests: list[Prepared]) -> None:
        """Try tests in a process that never executes the program; the rest goes on in a new pair, as above."""
        again = False
        while tests and not self._tally.over:
            program, report, ends = self._run_pair(tests)
            candidate_end, tests_end = ends
            if any(end.untouched for end in ends) and not again:
                again = True
                self._tally.forget(tests)
                continue
            if tests_end.stopped == "lost":
                raise SandboxError(f"the interpreter that ran the tests was lost: {tests_end.problem}")
            for end in ends:
                if end.stopped == "output":
                    return self._apart(tests, end, self._run_split)
            if candidate_end.stopped == "lost":
                self._tally.forget(tests)
                return self._tally.give_up(*self._tally.explain(candidate_end))
            if program.load_problem is not None:
                return self._tally.give_up(*program.load_problem)
            tests = tests[report.answered :]
            if report.lost is not None:
                status, error = self._explain_lost(candidate_end, report.lost)
                self._tally.keep(
                    report.lost.index, TestResult(status=status, error=error, seconds=report.lost.seconds)
                )
                continue
            if not report.loaded:
                if report.load_problem is not None:
                    return self._tally.give_up(*report.load_problem)
                end = tests_end if tests_end.stopped else candidate_end
                return self._tally.give_up(*self._tally.explain(end, closed=True))
            if tests and not self._tally.over and not report.ended_itself:
                status, error = self._tally.explain(tests_end)
                self._tally.keep(tests[0].index, TestResult(status=status, error=error))
                tests = tests[1:]
        return None

    def _run_pair(self, tests: list[Prepared]) -> tuple[Report, Report, tuple[RunEnd, RunEnd]]:
        limits = self.assignment.limits
        program, report = Report(self._tally, []), Report(self._tally, tests)
        serve = self._job("serve", program.token, [], measured=True)
        run = self._job("tests", report.token, tests) | {"program": "", "entry_point": None}
        rules = self._rules(limits.test_seconds + TEST_PROCESS_GRACE_SECONDS)
        ends = self.execute.pair(
            Run(serve, replace(rules, step_seconds=rules.wall_seconds), program.take_line_of_server),
            Run(run, rules, report.take_line),
            TRACE_GRACE_SECONDS if self.assignment.trace else END_GRACE_SECONDS,
        )
        self._tally.account(*ends)
        return program, report, ends

    def _explain_lost(self, end: RunEnd, lost: Record) -> tuple[Status, ErrorInfo]:
        if lost.nonsense:
            return self._tally.note(
                false_report("the process answered something that is no result of a call")
            )
        return self._tally.explain(end, closed=True)

    def _run_script(self, test: Prepared) -> None:
        report, end = self._run_process([test], script=test)
        if report.load_problem is not None:
            return self._tally.give_up(*report.load_problem)
        record = report.script
        complete = report.finished and end.exit_code == 0
        if record is not None and not end.stopped and (complete or record.outcome == "timed_out"):
            result = grade_output(test, record, end.stdout, self.assignment.limits.kept_characters)
        else:
            status, error = self._tally.explain(end)
            output = clip(end.stdout.decode("utf-8", "replace"), self.assignment.limits.kept_characters)
            result = TestResult(status=status, error=error, output=output)
        self._tally.keep(test.index, result)
        return None

    def _run_process(
        self, tests: list[Prepared], script: Prepared | None, *, measured: bool = True
    ) -> tuple[Report, RunEnd]:
        report = Report(self._tally, tests, script)
        job = self._job("run", report.token, tests, measured=measured) | {"stdio": script is not None}
        rules = self._rules(self.assignment.limits.test_seconds + STEP_GRACE_SECONDS)
        stdin = None
        if script is not None and isinstance(script.test, StdioTest):
            stdin = script.test.stdin.encode("utf-8", "surrogateescape")
        end = self.execute(job, stdin, rules, report.take_line)
        self._tally.account(end)
        return report, end

    def _job(self, mode: str, token: str, tests: list[Prepared], *, measured: bool = False) -> dict[str, Any]:
        work, limits = self.assignment, self.assignment.limits
        megabyte = 1 << 20
        return {
            "mode": mode,
            "token": token,
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
            wall_seconds=limits.wall_seconds - self._tally.seconds,
            step_seconds=step_seconds,
            output_bytes=limits.output_bytes,
            processes=limits.processes,
            scratch_mb=limits.scratch_mb,
            memory_mb=limits.memory_mb,
            children=limits.children,
        )
