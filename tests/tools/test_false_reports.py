"""Records are taken in the only order they can have, once, in time and within bounds, whoever has written them."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import SandboxError
from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.assignment import Assignment
from codegrove.tools.sandbox.grading import Prepared, prepare
from codegrove.tools.sandbox.record_lines import MOST_BYTES, RecordLines, completes_step
from codegrove.tools.sandbox.remote import RemoteSandbox
from codegrove.tools.sandbox.reports import Report
from codegrove.tools.sandbox.tally import Tally
from codegrove.verdict import Status
from tests.support.executors import PlainExecutor

HURRIED = Limits(wall_seconds=6.0, test_seconds=0.4)
ERROR: dict[str, Any] = {"type": "OSError", "message": "no room", "trace": [], "test_line": None}
CALLS: tuple[Test, ...] = (CallTest(args="(1,)", expected="2"), CallTest(args="(2,)", expected="3"))
SCRIPT: tuple[Test, ...] = (StdioTest(stdin="1\n", expected="2\n"),)
ANSWERS: tuple[Test, ...] = (AssertTest(code="assert f(1) == 2\nassert f(2) == 3"),)

FINDS_THE_RUN = """
import os, signal, sys, time
def run():
    frame = sys._getframe()
    while not hasattr(frame.f_locals.get("self"), "stdio"):
        frame = frame.f_back
    return frame.f_locals["self"]
"""


def report_on(tests: tuple[Test, ...]) -> Report:
    work = Assignment(program="", tests=tests, entry_point="f", limits=Limits())
    prepared = [prepare(index, test, "f") for index, test in enumerate(tests)]
    usable = [one for one in prepared if isinstance(one, Prepared)]
    script = usable[0] if isinstance(tests[0], StdioTest) else None
    return Report(Tally(work), usable, script)


def takes(report: Report, *said: dict[str, Any]) -> list[bool]:
    return [report.take_line(json.dumps({"token": report.token, **one}).encode()) for one in said]


def value(index: int, answer: int, **more: Any) -> dict[str, Any]:
    fields = {"kind": "result", "index": index, "seconds": 0.0, "outcome": "value", "value": answer}
    return fields | more


PREPARED, LOADED, FINISHED = {"kind": "prepared"}, {"kind": "loaded"}, {"kind": "finished"}
BROKEN = {"kind": "broken", "error": ERROR}
ENDED = {"kind": "result", "index": 0, "seconds": 0.0, "outcome": "ended"}
ANSWER = {"kind": "answer", "index": 0, "value": 2}


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (CALLS, [LOADED]),
        (CALLS, [PREPARED, PREPARED]),
        (CALLS, [PREPARED, BROKEN]),
        (CALLS, [PREPARED, LOADED, BROKEN]),
        (CALLS, [PREPARED, LOADED, LOADED]),
        (CALLS, [PREPARED, LOADED, value(0, 2), LOADED]),
        (CALLS, [PREPARED, LOADED, {"kind": "invalid", "error": ERROR}]),
        (CALLS, [PREPARED, LOADED, {"kind": "missing"}]),
        (CALLS, [PREPARED, LOADED, value(0, 2), value(1, 3), FINISHED, FINISHED]),
        (CALLS, [PREPARED, LOADED, value(0, 2), value(1, 3), FINISHED, value(1, 3)]),
        (CALLS, [PREPARED, LOADED, value(0, 2, pad=[1])]),
        (CALLS, [PREPARED, {**LOADED, "pad": []}]),
        (CALLS, [PREPARED, LOADED, value(0, 2, seconds="nan")]),
        (CALLS, [PREPARED, LOADED, value(0, 2, seconds=True)]),
        (CALLS, [PREPARED, LOADED, value(0, 2, seconds=-1)]),
        (CALLS, [PREPARED, LOADED, value(0, 2, seconds=10**400)]),
        (SCRIPT, [PREPARED, LOADED]),
        (SCRIPT, [PREPARED, ENDED, ENDED]),
        (SCRIPT, [PREPARED, ENDED, FINISHED, ENDED]),
        (ANSWERS, [PREPARED, LOADED, ANSWER, ANSWER, ANSWER]),
    ],
)
def test_a_record_at_the_wrong_time_is_a_false_report(
    tests: tuple[Test, ...], said: list[dict[str, Any]]
) -> None:
    report = report_on(tests)
    assert takes(report, *said) == [True] * (len(said) - 1) + [False]
    assert report.disorder


def test_only_what_comes_before_everything_else_is_our_own_failure() -> None:
    with pytest.raises(SandboxError, match="no room"):
        takes(report_on(CALLS), BROKEN)


@pytest.mark.parametrize("text", ["Infinity", "NaN", "1e999", "null", '"1"', "[1]"])
def test_a_time_is_a_number(text: str) -> None:
    report = report_on(CALLS)
    takes(report, PREPARED, LOADED)
    line = json.dumps({"token": report.token, **value(0, 2)}).replace('"seconds": 0.0', f'"seconds": {text}')
    assert not report.take_line(line.encode())


def test_no_more_time_is_reported_than_has_passed() -> None:
    report = report_on(CALLS)
    began = time.monotonic()
    takes(report, PREPARED, LOADED, value(0, 2, seconds=1e6), value(1, 3, seconds=1e6))
    tally = report._tally
    assert 0.0 < sum(result.seconds for result in tally.results.values()) <= time.monotonic() - began + 0.1


def test_a_kind_that_is_said_twice_is_no_record() -> None:
    report = report_on(CALLS)
    takes(report, PREPARED)
    line = f'{{"token": "{report.token}", "kind": "loaded", "kind": "result", "index": 0}}'
    assert not report.take_line(line.encode())
    line = f'{{"kind": "loaded", "token": "{report.token}"}}'
    assert not report.take_line(line.encode())


def test_answers_of_one_test_are_bounded_together() -> None:
    code = "\n".join(f"assert f({number}) is not None" for number in range(10))
    report = report_on((AssertTest(code=code),))
    takes(report, PREPARED, LOADED)
    large = {"kind": "answer", "index": 0, "value": [0] * 300_000}
    assert takes(report, *[large] * 4) == [True, True, True, False]


@given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line)), st.integers(1, 40))
def test_lines_arrive_as_they_were_sent(lines: list[bytes], size: int) -> None:
    records, found = RecordLines(), []
    stream = b"".join(line + b"\n" for line in lines)
    for start in range(0, len(stream), size):
        records.feed(stream[start : start + size])
        while (line := records.next()) is not None:
            found.append(line)
    assert found == lines


def test_a_line_without_an_end_is_searched_once() -> None:
    def seconds_for(chunks: int) -> float:
        records, began = RecordLines(), time.process_time()
        for _ in range(chunks):
            records.feed(b"x" * 20_000)
            assert records.next() is None
        return time.process_time() - began

    seconds_for(100)
    assert seconds_for(1_200) < 0.5  # searched from the start each time: 14 GB
    assert min(seconds_for(1_200) for _ in range(3)) < 60 * min(seconds_for(100) for _ in range(3)) + 0.1


@pytest.mark.parametrize("kind", ["answer", "noise"])
def test_what_a_step_sends_is_bounded_and_counted_anew_in_the_next(kind: str) -> None:
    def line(kind: str, size: int) -> bytes:
        return json.dumps({"token": "0" * 32, "kind": kind, "value": "x" * size}).encode()

    assert [completes_step(line(name, 0)) for name in ("loaded", "result", "answer")] == [True, True, False]
    records = RecordLines()
    for _ in range(2):
        for _ in range(3):
            records.feed(line(kind, MOST_BYTES // 4) + b"\n")
            records.next()
            assert not records.too_much
        records.feed(line("result", 10) + b"\n")
        records.next()
    records.feed(b"x" * (MOST_BYTES + 1))
    assert records.next() is None
    assert records.too_much


@pytest.mark.parametrize("test", [CALLS[0], ANSWERS[0], SCRIPT[0]])
async def test_a_program_cannot_say_that_it_could_not_be_judged(sandbox: ProcessSandbox, test: Test) -> None:
    deed = f"run().send('broken', error={ERROR})\n"
    program = f"{FINDS_THE_RUN}\ndef f(x):\n    {deed}\n    return 0\n"
    verdict = await sandbox.judge(program + "f(1)\n", [test], entry_point="f")
    assert verdict.status is Status.CRASHED, verdict
    assert "could not be prepared" not in verdict.note


SLOW_ANSWERS = AssertTest(code="\n".join(f"assert f({number}) == {number + 1}" for number in range(12)))
LONGER = {
    "loaded": (CALLS[0], "for _ in range(16): time.sleep(0.1); run().send('loaded')"),
    "script": (SCRIPT[0], "for _ in range(16): time.sleep(0.1); run().send('loaded')"),
    "answers": (SLOW_ANSWERS, "time.sleep(0.25)"),
}


def longer(name: str) -> str:
    stop = "signal.setitimer(signal.ITIMER_REAL, 0); run().alarm.stop()"
    program = f"{FINDS_THE_RUN}\ndef f(x):\n    {stop}\n    {LONGER[name][1]}\n    return x + 1\n"
    return program + ("print(f(int(input())))\n" if name == "script" else "")


@pytest.mark.parametrize("name", LONGER)
async def test_the_limit_of_a_test_holds_whatever_is_said_meanwhile(
    sandbox: ProcessSandbox, name: str
) -> None:
    verdict = await sandbox.judge(longer(name), [LONGER[name][0]], entry_point="f", limits=HURRIED)
    assert verdict.status in (Status.CRASHED, Status.TIMED_OUT), verdict
    assert verdict.seconds < 2.9


@pytest.mark.slow
@pytest.mark.parametrize("name", LONGER)
@pytest.mark.parametrize("where", ["unforked", "remote", "remote, all at once"])
async def test_the_limit_of_a_test_holds_elsewhere(name: str, where: str) -> None:
    executor = PlainExecutor()
    executor.relays = where != "remote, all at once"
    made = ProcessSandbox(HURRIED, fork=False) if where == "unforked" else RemoteSandbox(executor, HURRIED)
    try:
        verdict = await made.judge(longer(name), [LONGER[name][0]], entry_point="f")
        assert verdict.status in (Status.CRASHED, Status.TIMED_OUT), verdict
        assert (await made.judge("def f(x): return x + 1", list(CALLS), entry_point="f")).passed
    finally:
        await made.aclose()


BOMB = """
def f(x):
    send = run().send
    held = dict(zip(send.__code__.co_freevars, (cell.cell_contents for cell in send.__closure__)))
    deep = '[' * 90 + ']' * 90 + ','
    said = '"kind": "result", "index": 0, "seconds": 0, "outcome": "value", "value": [' + deep * 60_000 + '0]'
    rest = memoryview(('{"token": "%s", %s}\\n' % (held["token"], said)).encode())
    while rest:
        rest = rest[os.write(held["descriptor"], rest):]
"""


async def test_an_answer_of_more_parts_than_there_can_be_is_not_even_parsed(sandbox: ProcessSandbox) -> None:
    await sandbox.judge("def f(x): return x + 1", list(CALLS), entry_point="f")
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    verdict = await sandbox.judge(FINDS_THE_RUN + BOMB, [CALLS[0]], entry_point="f")
    assert verdict.status is Status.CRASHED
    assert time.process_time() - began < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB; it took 1.5 GB


@pytest.mark.parametrize("size", [60_000, 3_000])
def test_a_program_without_its_entry_point_is_read_only_if_it_is_short(size: int) -> None:
    report = report_on(CALLS)
    work = report._tally.assignment
    program = "#" * size + f"\ng = {'1 + ' * 2_960}1\n"
    report._tally.assignment = replace(work, program=program, entry_point="f")
    takes(report, PREPARED, {"kind": "missing"})
    assert report.load_problem is not None
    status, error = report.load_problem
    assert status is Status.INVALID
    assert error.message.startswith("expected a function named 'f'")


LARGE_AND_RIGHT = {
    "text of brackets": "'[{,' * 1_000_000",
    "long line of numbers": "','.join(map(str, range(500_000)))",
    "many short texts": "['[1, 2]'] * 100_000",
    "pairs": "[[i, i + 1] for i in range(200_000)]",
    "numbers": "list(range(900_000))",
    "grid": "[list(range(900)) for i in range(1000)]",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE_AND_RIGHT)
async def test_large_answers_of_right_programs_arrive(sandbox: ProcessSandbox, name: str) -> None:
    program = f"def f(x):\n    return {LARGE_AND_RIGHT[name]}\n"
    answer = eval(LARGE_AND_RIGHT[name])
    test = CallTest(args="(1,)", expected=repr(answer))
    verdict = await sandbox.judge(program, [test], entry_point="f")
    assert verdict.passed, (verdict.status, verdict.error, verdict.results[0].output[:100])


@pytest.mark.slow
async def test_steps_in_order_take_their_turn(sandbox: ProcessSandbox) -> None:
    """Each test has its own time, so several may take longer together than one may."""
    tests = [CallTest(args=f"({number},)", expected=str(number + 1)) for number in range(6)]
    program = "import time\ndef f(x):\n    time.sleep(0.25)\n    return x + 1\n"
    verdict = await sandbox.judge(program, tests, entry_point="f", limits=replace(HURRIED, test_seconds=2.0))
    assert verdict.passed
    assert all(0.2 < result.seconds < 2.0 for result in verdict.results)
    assert all(one.status is other.status for one, other in pairwise(verdict.results))
