"""Whatever an executor delivers: a verdict in time, and no pass that was not earned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codegrove.task import CallTest
from codegrove.tools.sandbox import Limits
from codegrove.tools.sandbox.remote import Patience, RemoteSandbox
from codegrove.tools.sandbox.remote.frames import CHUNK, FrameError, FrameReader, FrameWriter
from codegrove.verdict import Status, Verdict
from tests.support.executors import HANG, ScriptedExecutor, frames, honest

pytestmark = pytest.mark.slow

TESTS = [CallTest(args="(1,)", expected="11"), CallTest(args="(2,)", expected="12")]
LIMITS = Limits(wall_seconds=1.0, test_seconds=1.0)
PATIENCE = Patience(start_seconds=2.0, stop_seconds=0.2, kill_seconds=1.0)
MOST_SECONDS = 8.0
"""Far above the limits of time, far below a hang: this machine may be busy."""

position = st.integers(0, 8)
change = st.one_of(
    st.tuples(st.just("drop"), position, st.none()),
    st.tuples(st.just("repeat"), position, st.none()),
    st.tuples(st.just("swap"), position, position),
    st.tuples(st.just("insert"), position, st.binary(max_size=60)),
    st.tuples(st.just("line"), position, st.text("0123456789 abc=\n", max_size=40).map(str.encode)),
    st.tuples(st.just("replace"), position, st.binary(max_size=60)),
    st.tuples(st.just("cut"), position, st.integers(0, 60)),
    st.tuples(
        st.just("frame"), position, st.sampled_from(["record", "stdout", "ended", "started", "peer", "x"])
    ),
)


def judge(executor: ScriptedExecutor) -> tuple[Verdict, float]:
    sandbox = RemoteSandbox(executor, LIMITS, workers=1, patience=PATIENCE)

    async def work() -> Verdict:
        try:
            return await sandbox.judge("def f(x):\n    return x + 10\n", TESTS, entry_point="f")
        finally:
            await sandbox.aclose()

    began = time.monotonic()
    return asyncio.run(work()), time.monotonic() - began


def changed(parts: list[bytes], changes: list[tuple[str, int, Any]]) -> list[bytes]:
    """Apply changes to what is delivered."""
    for how, place, what in changes:
        at = place % max(1, len(parts))
        match how:
            case "drop" if parts:
                del parts[at]
            case "repeat" if parts:
                parts.insert(at, parts[at])
            case "swap" if parts:
                other = what % len(parts)
                parts[at], parts[other] = parts[other], parts[at]
            case "insert" | "line":
                parts.insert(at, what)
            case "replace" if parts:
                parts[at] = what
            case "cut" if parts:
                parts[at] = parts[at][:what]
            case "frame":
                parts.insert(at, b"%s %d e30=\n" % (what.encode(), at))
    return [part for part in parts if part]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@example(values=[11, 12], changes=[], hangs=False)
@example(values=[11, 12], changes=[], hangs=True)
@example(values=[11, 12], changes=[("drop", 7, None)], hangs=True)
@example(values=[11], changes=[], hangs=False)
@given(
    values=st.lists(st.sampled_from([11, 12, 13]), min_size=1, max_size=2),
    changes=st.lists(change, max_size=3),
    hangs=st.just(False),  # takes its time: see the examples
)
def test_no_pass_without_the_right_answers(
    values: list[int], changes: list[tuple[str, int, Any]], hangs: bool
) -> None:
    right: list[bytes] = []
    delivered: list[bytes] = []

    def script(job: dict[str, Any]) -> list[bytes]:
        right[:] = frames(job, honest([11, 12]))
        delivered[:] = changed(frames(job, honest(values)), changes)
        return [*delivered, HANG] if hangs else delivered

    verdict, seconds = judge(ScriptedExecutor(script))
    assert seconds < MOST_SECONDS
    complete = b"".join(delivered) == b"".join(right) != b""
    both_answers = hangs and delivered[:6] == right[:6] and len(right) == 8
    if verdict.passed or all(result.passed for result in verdict.results):
        assert complete or both_answers
    if complete and not hangs:
        assert verdict.passed, verdict


@settings(max_examples=40)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5))
def test_any_bytes_are_unjudged(parts: list[bytes]) -> None:
    verdict, seconds = judge(ScriptedExecutor(lambda job: parts))
    assert verdict.status is Status.UNJUDGED
    assert verdict.note.startswith("the sandbox failed: script: it")
    assert seconds < MOST_SECONDS


@pytest.mark.parametrize(
    "more",
    [
        [("record", b'{"token": "no"}\n')],
        [("record", b"x" * 100 + b"\n")],
        [("record", {"kind": "result", "index": 0, "seconds": 0.1, "outcome": "passed"})],
        [("record", {"kind": "result", "index": 1, "seconds": 0.1, "outcome": "value", "value": 12})],
        [("record", {"kind": "finished"})],
    ],
)
def test_records_that_make_no_sense_are_the_programs_fault(more: list[Any]) -> None:
    said = honest([11, 12])
    said[4:6] = more
    verdict, _ = judge(ScriptedExecutor(lambda job: frames(job, said)))
    assert verdict.status is Status.CRASHED
    assert verdict.error is not None
    assert verdict.error.type == "FalseReport"


def test_a_flood_of_records_ends() -> None:
    def script(job: dict[str, Any]) -> Iterator[bytes]:
        writer = FrameWriter()
        yield writer.frames("ready") + writer.frames("started")
        for _ in range(600):
            yield writer.frames("record", b"x" * CHUNK)
        yield HANG

    verdict, seconds = judge(ScriptedExecutor(script))
    assert verdict.status in (Status.CRASHED, Status.TIMED_OUT)
    assert not any(result.passed for result in verdict.results)
    assert seconds < MOST_SECONDS


@given(
    sent=st.lists(st.tuples(st.sampled_from(["a", "bc"]), st.binary(max_size=100)), max_size=10),
    size=st.integers(1, 50),
)
def test_frames_arrive_as_they_were_sent(sent: list[tuple[str, bytes]], size: int) -> None:
    writer, reader = FrameWriter(), FrameReader()
    stream = b"".join(writer.frames(kind, data) for kind, data in sent)
    assert stream.isascii()
    found = [
        frame for start in range(0, len(stream), size) for frame in reader.feed(stream[start : start + size])
    ]
    assert found == sent
    assert reader.rest() == b""


def test_large_content_is_cut_into_frames() -> None:
    data = bytes(range(256)) * 1024
    found = list(FrameReader().feed(FrameWriter().frames("x", data)))
    assert len(found) == 4
    assert b"".join(content for _, content in found) == data
    with pytest.raises(FrameError, match="without an end"):
        list(FrameReader().feed(b"x" * 100_000))
