"""From tests to what the candidate's process gets, and from its records to results."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from codegrove.agreement import right_output, same_value
from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox.assert_tests import Plan, Way, plan, plan_as_text
from codegrove.tools.sandbox.asserts import Instrumented
from codegrove.tools.sandbox.call_conversion import Converted
from codegrove.tools.sandbox.claims import Failure, Undecided, examine
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.literals import LiteralError, parse_arguments, parse_literal
from codegrove.tools.sandbox.records import MOST_MESSAGE, Record
from codegrove.tools.sandbox.showing import show
from codegrove.tools.sandbox.splitting import NeedsFixtures
from codegrove.tools.sandbox.values import MAX_INPUT_ITEMS, DecodeError, Encoder, to_wire
from codegrove.verdict import UNUSABLE_TEST, ErrorInfo, Status, TestResult

MOST_OUTPUT = 2000
"""Characters kept of the values in a failed assertion."""
_MOST_SHOWN = 3
_MOST_EXAMINED_SECONDS = 1.0
"""Processor time for the claims of one test."""
_MOST_KEPT = 4000
"""Characters of a call that is kept for the next program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A test that can be run."""

    index: int
    test: Test
    job: dict[str, Any]
    """What the candidate's process gets to know of it."""
    expected: object = None
    plan: Plan | None = None
    """Of an assert test."""

    @property
    def way(self) -> Way | None:
        """Which process runs it; None for a program that reads stdin."""
        if isinstance(self.test, StdioTest):
            return None
        return Way.CALLS if self.plan is None else self.plan.way


def prepare(index: int, test: Test, entry_point: str | None, *, split: bool = True) -> Prepared | TestResult:
    """Check and translate one test; a test that cannot be run is unjudged, whoever is to blame.

    Args:
        split: whether test text can be run in a process of its own.
    """
    try:
        match test:
            case CallTest():
                if entry_point is None:
                    return _unusable("it calls a function, but no entry point is given")
                texts = (test.args, test.kwargs, test.expected)
                kept = sum(map(len, texts)) <= _MOST_KEPT
                call, expected = _call(*texts) if kept else _call.__wrapped__(*texts)
                return Prepared(index=index, test=test, job={**call, "index": index}, expected=expected)
            case AssertTest():
                return _planned(index, test, plan(test.code, entry_point, split))
            case StdioTest():
                return Prepared(index=index, test=test, job={"kind": "stdio", "index": index})
    except (LiteralError, NeedsFixtures) as error:
        return _unusable(str(error))
    except SyntaxError as error:
        return _unusable(f"it does not parse: {error.msg} (line {error.lineno} of the test)")
    except (RecursionError, MemoryError):
        return _unusable("it is nested too deeply, or too large, to be read")


def prepare_again(
    prepared: Prepared, entry_point: str | None, *, split: bool = True
) -> Prepared | TestResult:
    """Prepare a test whose calls were answered with what its claims cannot be judged on: its text is executed."""
    assert isinstance(prepared.test, AssertTest)
    try:
        how = plan_as_text(prepared.test.code, entry_point, split)
    except (SyntaxError, RecursionError, MemoryError):
        return _unusable("it is nested too deeply, or too large, to be executed")
    return _planned(prepared.index, prepared.test, how)


def _planned(index: int, test: AssertTest, how: Plan) -> Prepared:
    return Prepared(index=index, test=test, job={**how.job, "index": index}, plan=how)


@lru_cache(maxsize=1024)
def _call(args: str, kwargs: str, expected: str) -> tuple[dict[str, Any], object]:
    """Return what the candidate's process gets to know of a call, and the value that is right.

    The same tests are used for one program after another. Nobody changes what this returns.
    """
    positional, named = parse_arguments(args, kwargs)
    encoder = Encoder(MAX_INPUT_ITEMS)
    job = {"kind": "call", "args": to_wire(positional, encoder), "kwargs": to_wire(named, encoder)}
    return job, parse_literal(expected)


def why_unusable(test: Test, entry_point: str | None) -> str:
    """Return why no Python program can be judged on a test; nothing if one can."""
    prepared = prepare(0, test, entry_point)
    return prepared.error.message if isinstance(prepared, TestResult) and prepared.error else ""


def _unusable(why: str) -> TestResult:
    return TestResult(status=Status.UNJUDGED, error=ErrorInfo(type=UNUSABLE_TEST, message=why))


def grade(prepared: Prepared, record: Record, kept: int = MOST_OUTPUT) -> TestResult:
    """Judge the record of a call or assert test; `kept` characters of a value are kept.

    Raises:
        DecodeError: if the record does not answer this kind of test.
    """
    test = prepared.test
    if record.outcome == "value" and isinstance(test, CallTest):
        right = same_value(prepared.expected, record.value, tolerance=test.tolerance, relative=test.relative)
        status = Status.PASSED if right else Status.FAILED
        return TestResult(status=status, output=_shown(record.value, kept), seconds=record.seconds)
    way = prepared.way
    if record.outcome == "passed" and way in (Way.SPLIT, Way.TOGETHER):
        return TestResult(status=Status.PASSED, seconds=record.seconds)
    if record.outcome == "timed_out":
        return TestResult(status=Status.TIMED_OUT, error=record.error, seconds=record.seconds)
    if record.outcome == "raised" and record.error is not None:
        if prepared.plan is not None and prepared.plan.asserts is not None and record.failed:
            return _failed_assertion(prepared.plan.asserts, record, record.error)
        return TestResult(status=Status.CRASHED, error=record.error, seconds=record.seconds)
    raise DecodeError(f"outcome {record.outcome!r} does not answer a test of kind {prepared.test.kind!r}")


class Examination:
    """Judges a test that became calls and claims, answer by answer."""

    def __init__(self, converted: Converted) -> None:
        self._converted = converted
        self._answers: list[object] = []
        self._examined = 0
        self.result: TestResult | None = None
        """Set by the first claim that does not hold."""
        self.undecided = False
        """Set by the first claim that cannot be judged on the answers. Then the test must be run another way."""
        self._seconds = 0.0

    def take(self, answer: object) -> None:
        """Take the result of the next call.

        Raises:
            DecodeError: if there is no next call.
        """
        if len(self._answers) >= len(self._converted.calls):
            raise DecodeError("an answer too many")
        self._go_on()
        self._answers.append(answer)
        self._go_on()

    def finish(self, record: Record) -> TestResult:
        """Judge how the calls ended. If a claim is undecided what this returns means nothing.

        Raises:
            DecodeError: if the record does not fit the answers before it.
        """
        self._go_on()
        result = self.result
        complete = len(self._answers) == len(self._converted.calls)
        if record.outcome == "answered" and complete:
            result = result or TestResult(status=Status.PASSED)
        elif record.outcome == "timed_out":
            result = result or TestResult(status=Status.TIMED_OUT, error=record.error)
        elif record.outcome == "raised" and record.error is not None and not complete:
            status = Status.FAILED if record.error.type == "AssertionError" else Status.CRASHED
            result = result or TestResult(status=status, error=record.error)
        else:
            raise DecodeError(f"outcome {record.outcome!r} after {len(self._answers)} answers")
        return replace(result, seconds=record.seconds)

    def _go_on(self) -> None:
        claims = self._converted.claims
        started = time.thread_time()
        while self.result is None and not self.undecided and self._examined < len(claims):
            claim = claims[self._examined]
            if claim.needs > len(self._answers):
                break
            self._examined += 1
            try:
                examine(claim, self._answers)
            except Failure as failure:
                self.result = _failed_claim(failure)
            except Undecided:
                self.undecided = True
            if self._seconds + time.thread_time() - started > _MOST_EXAMINED_SECONDS:
                self.undecided = self.result is None
        self._seconds += time.thread_time() - started


def _failed_claim(failure: Failure) -> TestResult:
    if failure.error is not None:
        message = clip(str(failure.error), MOST_MESSAGE)
        error = ErrorInfo(type=type(failure.error).__name__, message=message)
        return TestResult(status=Status.CRASHED, error=error)
    output = clip(", ".join(map(_shown, failure.shown[:_MOST_SHOWN])), MOST_OUTPUT)
    error = ErrorInfo(type="AssertionError", message=clip(failure.message, MOST_MESSAGE))
    return TestResult(status=Status.FAILED, output=output, error=error)


def _failed_assertion(asserts: Instrumented, record: Record, error: ErrorInfo) -> TestResult:
    place = None if error.trace else asserts.at_line(record.test_line)
    output = ""
    if place is not None:
        source = asserts.assertions[place].source
        error = replace(error, message=error.message or clip(source, MOST_MESSAGE))
        if record.assertion == place:
            output = clip(", ".join(map(_shown, record.obtained)), MOST_OUTPUT)
    return TestResult(status=Status.FAILED, output=output, error=error, seconds=record.seconds)


def grade_output(prepared: Prepared, record: Record, stdout: bytes, kept: int = MOST_OUTPUT) -> TestResult:
    """Judge a program that read stdin and ended; `kept` characters of its output are kept.

    Raises:
        DecodeError: if the record does not belong to such a program.
    """
    assert isinstance(prepared.test, StdioTest)
    text = stdout.decode("utf-8", "replace")
    output = clip(text, kept)
    if record.outcome == "ended":
        right = right_output(prepared.test, text)
        status = Status.PASSED if right else Status.FAILED
        return TestResult(status=status, output=output, seconds=record.seconds)
    if record.outcome in ("raised", "timed_out"):
        status = Status.CRASHED if record.outcome == "raised" else Status.TIMED_OUT
        return TestResult(status=status, output=output, error=record.error, seconds=record.seconds)
    raise DecodeError(f"outcome {record.outcome!r} does not answer a test of kind 'stdio'")


def _shown(value: object, kept: int = MOST_OUTPUT) -> str:
    return clip(show(value, most_items=kept), kept)
