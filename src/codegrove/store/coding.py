"""Outcomes, verdicts and traces as compact JSON, and back.

Written by hand because it runs for every node, and ten thousand times when a run is resumed. Fields that have
their default are left out, so that a record of an older version reads as what it meant then.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

from codegrove.candidate import Candidate
from codegrove.outcome import Failure, Outcome, Proposal, Review
from codegrove.task import AssertTest, CallTest, Origin, StdioTest, Test
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict

_STATUS = {status.value: status for status in Status}
_TESTS: dict[str, type[Test]] = {"call": CallTest, "stdio": StdioTest, "assert": AssertTest}

_COMPACT: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ASCII: Callable[[object], str] = json.JSONEncoder(separators=(",", ":")).encode
_MEASURED = frozenset({"seconds", "cpu_seconds", "memory_mb"})
"""Fields nobody needs beyond six digits. Scores are not among them: a search must replay to the last bit."""


def to_json(data: object) -> str:
    """Return data as compact JSON that can be written as UTF-8, whatever surrogates its texts hold."""
    text = _COMPACT(data)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return _ASCII(data)
    return text


def encode_verdict(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON-ready data; times are rounded to microseconds."""
    data = _plain(verdict, skip=("status", "results", "error"))
    data["status"] = verdict.status.value
    if verdict.results:
        data["results"] = [_encode_result(result) for result in verdict.results]
    if verdict.error is not None:
        data["error"] = _plain(verdict.error)
    return data


def decode_verdict(data: dict[str, Any]) -> Verdict:
    """Rebuild a verdict from `encode_verdict`'s data, which is used up."""
    data["status"] = _STATUS[data["status"]]
    if "results" in data:
        data["results"] = tuple([_decode_result(result) for result in data["results"]])
    if "error" in data:
        data["error"] = decode_error(data["error"])
    if "guarantees" in data:
        data["guarantees"] = _shared_names(*data["guarantees"])
    return Verdict(**data)


def decode_error(data: dict[str, Any]) -> ErrorInfo:
    """Rebuild an `ErrorInfo` from its fields."""
    data = dict(data)
    if "trace" in data:
        data["trace"] = tuple((line, name) for line, name in data["trace"])
    return ErrorInfo(**data)


def encode_outcome(outcome: Outcome, *, answer: bool, program: bool, verdict: bool) -> dict[str, Any]:
    """Return an outcome as JSON-ready data.

    Args:
        outcome: what to encode.
        answer: whether to include the raw answer; not where the call that gave it is on record.
        program: whether to include the program's text.
        verdict: whether to include the verdict; not where its execution is on record.
    """
    data: dict[str, Any] = {}
    if outcome.answer and answer:
        data["answer"] = outcome.answer
    if outcome.proposals:
        data["proposals"] = [_plain(proposal) for proposal in outcome.proposals]
    if outcome.program is not None:
        data["program"] = _plain(outcome.program, skip=() if program else ("program",))
    if outcome.tests:
        data["tests"] = [encode_test(test) for test in outcome.tests]
    if outcome.review is not None:
        data["review"] = _plain(outcome.review)
    if outcome.verdict is not None and verdict:
        data["verdict"] = encode_verdict(outcome.verdict)
    if outcome.trace:
        data["trace"] = outcome.trace
    if outcome.failure is not None:
        data["failure"] = _plain(outcome.failure)
    return data


def decode_outcome(
    data: dict[str, Any], *, answer: str | None, program: str | None, verdict: Verdict | None
) -> Outcome:
    """Rebuild an outcome; what was left out when it was encoded is passed in."""
    candidate = None
    if (fields := data.get("program")) is not None:
        candidate = Candidate(**fields) if program is None else Candidate(program=program, **fields)
    if verdict is None and "verdict" in data:
        verdict = decode_verdict(data["verdict"])
    return Outcome(
        answer=data.get("answer", "") if answer is None else answer,
        proposals=tuple([Proposal(**fields) for fields in data.get("proposals", ())]),
        program=candidate,
        tests=tuple([decode_test(fields) for fields in data.get("tests", ())]),
        review=Review(**data["review"]) if "review" in data else None,
        verdict=verdict,
        trace=data.get("trace", ""),
        failure=Failure(**data["failure"]) if "failure" in data else None,
    )


def encode_test(test: Test) -> dict[str, Any]:
    """Return a test as JSON-ready data."""
    return {"kind": test.kind, **_plain(test, skip=("kind",))}


def decode_test(data: dict[str, Any]) -> Test:
    """Rebuild a test from `encode_test`'s data."""
    data = dict(data)
    made = _TESTS[data.pop("kind")]
    if "origin" in data:
        data["origin"] = Origin(data["origin"])
    return made(**data)


@functools.lru_cache(maxsize=256)
def hash_tests(tests: tuple[Test, ...]) -> bytes:
    """Return a hash of tests in their order."""
    return digest(*(to_json(encode_test(test)) for test in tests))


def digest(*parts: str) -> bytes:
    """Return 16 bytes that stand for these texts in this order."""
    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        made.update(b"%d:" % len(content))
        made.update(content)
    return made.digest()


def _encode_result(result: TestResult) -> list[Any]:
    row: list[Any] = [result.status.value, result.output, round(result.seconds, 6)]
    extra = _plain(result, skip=("status", "output", "seconds", "error"))
    if result.error is not None:
        extra["error"] = _plain(result.error)
    if extra:
        row.append(extra)
    return row


def _decode_result(row: list[Any]) -> TestResult:
    if len(row) == 3:
        # Slot by slot: there are several for each node, and a frozen dataclass takes three times as long.
        result = _new(TestResult)
        _set_status(result, _STATUS[row[0]])
        _set_output(result, row[1])
        _set_error(result, None)
        _set_seconds(result, row[2])
        return result
    status, output, seconds, extra = row
    fields = dict(extra)
    if "error" in fields:
        fields["error"] = decode_error(fields["error"])
    return TestResult(status=_STATUS[status], output=output, seconds=seconds, **fields)


_new = object.__new__
_set_status, _set_output, _set_error, _set_seconds = (
    vars(TestResult)[field.name].__set__ for field in dataclasses.fields(TestResult)
)


def _plain(record: Any, *, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the fields of a dataclass that do not have their default. Nested ones stay as they are."""
    data = {}
    for name, default in _fields(type(record)):
        if name in skip:
            continue
        value = getattr(record, name)
        if value != default:
            data[name] = round(value, 6) if name in _MEASURED else value
    return data


def _fields(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    known = _FIELDS.get(kind)
    if known is None:
        found = []
        for field in dataclasses.fields(kind):
            default = field.default
            if field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            found.append((field.name, default))
        known = _FIELDS[kind] = tuple(found)
    return known


_FIELDS: dict[type[Any], tuple[tuple[str, Any], ...]] = {}


@functools.lru_cache(maxsize=64)
def _shared_names(*names: str) -> tuple[str, ...]:
    return names
