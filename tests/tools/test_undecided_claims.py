"""What cannot be judged on the plain values that calls returned is never blamed on the program."""

from __future__ import annotations

import pytest

from codegrove.task import AssertTest
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.assert_tests import Way, plan
from codegrove.tools.sandbox.assignment import Assignment
from codegrove.tools.sandbox.judgement import Judgement
from codegrove.tools.sandbox.pool import Pool, Ticket
from codegrove.verdict import Status, Verdict

LIMITS = Limits(wall_seconds=20, test_seconds=5)
QUICK = Limits(wall_seconds=10, test_seconds=0.5)
FRACTION = "from fractions import Fraction\n"
EQUAL_TO_ALL = "class L:\n    def __eq__(s, o): return True\n    __hash__ = None\n"


async def judge(
    sandbox: ProcessSandbox, program: str, *codes: str, limits: Limits = LIMITS, fail_fast: bool = False
) -> Verdict:
    assert [plan(code, "f").way for code in codes] == [Way.CALLS] * len(codes)
    tests = [AssertTest(code=code) for code in codes]
    return await sandbox.judge(program, tests, entry_point="f", limits=limits, fail_fast=fail_fast)


@pytest.mark.parametrize(
    ("code", "program"),
    [
        ("assert list(f(3)) == [0, 1, 2]", "def f(x): return range(x)"),
        ("assert list(f(3)) == [0, 1, 2]", "def f(x): yield from range(x)"),
        ("assert sorted(f(3)) == [1, 2] and f(2) == 2", "def f(x): return {1: 0, 2: 0}.keys() if x > 2 else 2"),
        ("assert str(f(2)) == '[1, 2]'", "def f(x): return [1, 2]"),
        ("x = 7\nassert f(2) % 7 == '7'", "def f(x): return '%d'"),
        ("assert f(2) == 0.5", FRACTION + "def f(x): return Fraction(1, x)"),
        ("assert sum(f(2)) == 0.5", FRACTION + "def f(x): return [Fraction(1, x), 0]"),
        ("assert sum(f(2), [7]) == [7, 1, 2]", "def f(x): return [[1], [2]]"),
        ("assert f(1)", "class A: pass\ndef f(x): return A()"),
        ("assert f(1) is not None", "def f(x): return f"),
        ("f(0)\nassert f(1) == 1\nassert f(2)[0] == 2", "def f(x): return x if x < 2 else range(2, 3)"),
    ],
)  # fmt: skip
async def test_right_answers_of_other_kinds_pass_and_are_proven(
    sandbox: ProcessSandbox, code: str, program: str
) -> None:
    verdict = await judge(sandbox, program, code)
    assert verdict.passed, verdict
    assert "G1" in verdict.guarantees
    assert "G14" not in verdict.guarantees


@pytest.mark.parametrize(
    ("code", "program", "status"),
    [
        ("assert f(1) != 5", FRACTION + "def f(x): return Fraction(5)", Status.FAILED),
        ("assert list(f(3)) == [0, 1, 2]", "def f(x): return range(1)", Status.FAILED),
        ("assert list(f(3)) == [0, 1, 2]", "def f(x):\n    yield 0\n    raise KeyError(1)", Status.CRASHED),
        ("assert f(1) == 2", EQUAL_TO_ALL + "def f(x): return L()", Status.FAILED),
        ("assert f(1) == [2]", EQUAL_TO_ALL + "def f(x): return [L()]", Status.FAILED),
        ("assert 1 < f(1)", EQUAL_TO_ALL + "def f(x): return L()", Status.CRASHED),
        ("assert f(1) < 'a'", "def f(x): return x", Status.CRASHED),
        ("assert len(f(1)) == 2\nassert f(2) == 2", "class A: pass\ndef f(x): return A()", Status.CRASHED),
    ],
)
async def test_wrong_answers_of_other_kinds_do_not(
    sandbox: ProcessSandbox, code: str, program: str, status: Status
) -> None:
    assert (await judge(sandbox, program, code)).status is status


async def test_only_the_tests_that_need_it_run_again(sandbox: ProcessSandbox) -> None:
    program = (
        "n = 0\ndef f(x):\n    global n; n += 1; print('call', x)\n    return range(x) if x == 3 else [n]"
    )
    codes = (
        "assert f(1) == [1]",
        "assert list(f(3)) == [0, 1, 2]",
        "assert f(4) == [3]",
        "assert f(5) == [0]",
    )
    verdict = await judge(sandbox, program, *codes)
    assert [r.status for r in verdict.results] == ["passed", "passed", "passed", "failed"]
    assert verdict.stdout.count("call 3") == 2
    assert verdict.stdout.count("call 1") == 1


@pytest.mark.slow
async def test_a_hang_after_such_an_answer_is_judged_as_text_too(sandbox: ProcessSandbox) -> None:
    program = "def f(x):\n    while x == 2: pass\n    return range(x)"
    codes = (
        "assert list(f(1)) == [1]\nassert f(2) == 2",  # has failed before
        "assert list(f(1)) == [0]\nassert f(2) == 2",
        "assert list(f(3)) == [0, 1, 2]",
    )
    verdict = await judge(sandbox, program, *codes, limits=QUICK)
    assert [r.status for r in verdict.results] == ["failed", "timed_out", "passed"]


async def test_an_exit_after_such_an_answer_is_judged_as_text_too(sandbox: ProcessSandbox) -> None:
    program = "import os\ndef f(x):\n    if x == 2: os._exit(0)\n    return range(x)"
    codes = ("assert list(f(1)) == [1]\nassert f(2) == 2", "assert list(f(1)) == [0]\nassert f(2) == 2")
    verdict = await judge(sandbox, program, *codes)
    assert [r.status for r in verdict.results] == ["failed", "crashed"]


async def test_fail_fast_ends_before_tests_run_again(sandbox: ProcessSandbox) -> None:
    codes = ("assert list(f(1)) == [0]", "assert len(f(1)) == 0", "assert f(1) == 1")
    verdict = await judge(sandbox, "def f(x): return [0] if x else range(x)", *codes, fail_fast=True)
    assert [r.status for r in verdict.results] == ["passed", "failed", "unjudged"]


def test_where_runs_cannot_be_connected_the_text_runs_in_the_program_and_says_so() -> None:
    import sys

    pool = Pool(sys.executable, 1, site_packages=False, warm=True)
    tests = (AssertTest(code="assert list(f(3)) == [0, 1, 2]"), AssertTest(code="assert f(1)"))
    work = Assignment(
        program="def f(x): return range(x)", tests=tests, entry_point="f", limits=LIMITS, split=False
    )
    judgement = Judgement(work, pool.executor(Ticket()))
    try:
        verdict = judgement.run()
    finally:
        pool.close()
    assert verdict.passed
    assert judgement.together and not judgement.proven
    assert "two runs cannot be connected here" in verdict.note


@pytest.mark.parametrize(
    "code",
    ["assert f(1)" + ".real" * 500 + " == 1", "assert f(1) == " + "-" * 900 + "1", "x = " + "(" * 500 + ")" * 500],
    ids=lambda code: code[:20],
)  # fmt: skip
async def test_a_test_that_is_nested_too_deeply_is_not_the_programs_fault(
    sandbox: ProcessSandbox, code: str
) -> None:
    tests = [AssertTest(code=code), AssertTest(code="assert f(1) == 1")]
    verdict = await sandbox.judge("def f(x): return x", tests, entry_point="f")
    assert [r.status for r in verdict.results] == ["unjudged", "passed"]
    assert verdict.results[0].error is not None
    assert verdict.results[0].error.type == "UnusableTest"
