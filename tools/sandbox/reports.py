"""The report of one process: takes its records in the only order they can have, and keeps what they say."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.assert_tests import Way
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.grading import Examination, Prepared, grade
from codegrove.tools.sandbox.port import BlockTrace
from codegrove.tools.sandbox.records import MOST_MESSAGE, Record, parse_record
from codegrove.tools.sandbox.syntax import LONGEST_PARSED, defined_functions
from codegrove.tools.sandbox.tally import Tally
from codegrove.tools.sandbox.values import Budget, DecodeError
from codegrove.verdict import ErrorInfo, Status

_LOAD_PROBLEMS = {
    "invalid": Status.INVALID,
    "load_failed": Status.CRASHED,
    "load_timed_out": Status.TIMED_OUT,
}


class Report:
    """What the records of one process said.

    Args:
        tally: gets the results.
        tests: what the process runs, in order.
        script: the one test of a program that reads stdin, whose result is kept here.
    """

    __slots__ = (
        "_began",
        "_budget",
        "_examination",
        "_measured",
        "_script_test",
        "_tally",
        "_tests",
        "_traces",
        "answered",
        "disorder",
        "ended_itself",
        "finished",
        "load_problem",
        "loaded",
        "lost",
        "prepared",
        "script",
        "token",
    )

    def __init__(self, tally: Tally, tests: Sequence[Prepared], script: Prepared | None = None) -> None:
        self.token = secrets.token_hex(16)
        self.prepared = False
        """Whether everything that is not the program's doing went well."""
        self.loaded = False
        self.finished = False
        self.answered = 0
        """How many of the tests have their result."""
        self.ended_itself = False
        """Whether the last result was a time-out, after which the process leaves on its own."""
        self.load_problem: tuple[Status, ErrorInfo] | None = None
        self.disorder = False
        self.script: Record | None = None
        self.lost: Record | None = None
        """Said by the tests' process: the program's process did not answer any more."""
        self._tally = tally
        self._tests = tests
        self._script_test = script
        self._traces = 0
        self._examination: Examination | None = None
        """Of the test under way, if it became calls."""
        self._budget = Budget()
        """For the values of that test."""
        self._began, self._measured = time.monotonic(), 0.0

    def take_line(self, line: bytes) -> bool:
        """Take a record; False when the process is of no more use.

        Raises:
            SandboxError: if the process could not be prepared.
        """
        try:
            return self._take(parse_record(line, self.token, self._budget))
        except DecodeError:
            self.disorder = self._tally.disorder = True
            return False

    def take_line_of_server(self, line: bytes) -> bool:
        """The same for a process that answers calls. Nothing it says can be a pass."""
        try:
            record = parse_record(line, self.token, self._budget)
            if record.kind in ("result", "answer"):
                raise DecodeError("a result from a process that has no tests")
            return self._take(record)
        except DecodeError:
            self.disorder = True
            return False

    def _take(self, record: Record) -> bool:
        tally = self._tally
        if not self.prepared:
            return self._begin(record)
        if self.finished:
            raise DecodeError("a record after the last one")
        match record.kind:
            case "blocks":
                self._traces += 1
                if not tally.assignment.trace or self._traces > len(self._tests) + 2:
                    raise DecodeError("a trace that nobody asked for")
                tally.trace = BlockTrace(blocks=record.blocks, total=record.total, complete=record.complete)
                return True
            case "result" if self._script_test is not None:
                if record.index != self._script_test.index or self.script is not None:
                    raise DecodeError("a record out of order")
                self.script = self._in_time(record)
                return True
            case "answer":
                test = self._next(record)
                examination = self._examine(test)
                examination.take(record.value)
                if examination.undecided:
                    tally.undecided.add(test.index)
                elif examination.result is not None:
                    tally.results.setdefault(test.index, examination.result)
                return not tally.over
            case "result":
                self._take_result(record)
                return not tally.over
            case "finished":
                if self.answered < len(self._tests) and self.script is None:
                    raise DecodeError("it claims to have finished")
                self.finished = True
                return True
        if self.loaded or self.script is not None:
            raise DecodeError("a record out of order")
        if record.kind == "loaded" and self._script_test is None:
            self.loaded = True
            return True
        self.load_problem = self._find_load_problem(record)
        return False

    def _begin(self, record: Record) -> bool:
        """Take the first record. Only what comes before it is ours: then nothing of the program has run."""
        if record.kind == "broken":
            raise SandboxError(f"a run could not be prepared: {record.error}")
        if record.kind != "prepared":
            raise DecodeError("it begins with something else")
        self.prepared = True
        return True

    def _in_time(self, record: Record) -> Record:
        """Return a result with no more seconds than have passed: they are what the process itself says."""
        left = time.monotonic() - self._began - self._measured
        if record.seconds > left:
            record = replace(record, seconds=left)
        self._measured += record.seconds
        return record

    def _take_result(self, record: Record) -> None:
        tally, test, record = self._tally, self._next(record), self._in_time(record)
        if record.outcome == "lost" and test.way is Way.SPLIT:
            self.lost = record
        elif test.plan is not None and test.plan.converted is not None:
            examination = self._examine(test)
            result = examination.finish(record)
            if examination.undecided:
                tally.undecided.add(test.index)
            else:
                tally.keep(test.index, result)
        else:
            tally.keep(test.index, grade(test, record, tally.assignment.limits.kept_characters))
        self._examination, self._budget = None, Budget()
        if record.own:
            tally.proven = False
            tally.notes.append(f"test {test.index} compared objects of the program, which decided themselves")
        self.answered += 1
        self.ended_itself = record.outcome == "timed_out"

    def _next(self, record: Record) -> Prepared:
        """Return the test that a record must be about."""
        if not self.loaded or self.answered >= len(self._tests):
            raise DecodeError("a record too many")
        test = self._tests[self.answered]
        if record.index != test.index:
            raise DecodeError("a record out of order")
        return test

    def _examine(self, test: Prepared) -> Examination:
        if test.plan is None or test.plan.converted is None:
            raise DecodeError("an answer to something that is no call")
        if self._examination is None:
            self._examination = Examination(test.plan.converted)
        return self._examination

    def _find_load_problem(self, record: Record) -> tuple[Status, ErrorInfo]:
        work = self._tally.assignment
        if record.kind == "missing":
            return Status.INVALID, _missing_entry_point(work.program, work.entry_point)
        if record.error is None or record.kind not in _LOAD_PROBLEMS:
            raise DecodeError(f"unexpected record {record.kind!r}")
        return _LOAD_PROBLEMS[record.kind], record.error


def _missing_entry_point(program: str, entry_point: str | None) -> ErrorInfo:
    """Say that a program does not define its entry point, and what it defines instead."""
    message = f"expected a function named {entry_point!r}, which the program does not define"
    if len(program) <= LONGEST_PARSED:
        with contextlib.suppress(SyntaxError):  # it ran, but this parser may have less room for deep nesting
            names = ", ".join(defined_functions(program)) or "no function at all"
            message = f"expected a function named {entry_point!r}; the program defines {names}"
    return ErrorInfo(type="MissingEntryPoint", message=clip(message, MOST_MESSAGE))
