"""Hidden tests of every benchmark format in a real sandbox: the reference passes, a wrong program fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from codegrove.problem import HiddenInputs, Problem
from codegrove.problems import load_problems
from codegrove.task import AssertTest, CallTest, Origin, Task
from codegrove.tools.hidden_tests import graded_program, hidden_tests
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.verdict import Status
from tests.problems.rows_of_benchmarks import ENTRIES, REFERENCES, WRONG
from tests.tools.conftest import available_levels


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    made = ProcessSandbox(workers=1, level=available_levels()[0])
    yield made
    asyncio.run(made.aclose())


def problem(tmp_path: Path, name: str) -> Problem:
    path = tmp_path / "benchmark.jsonl"
    path.write_text(json.dumps(ENTRIES[name]) + "\n")
    return load_problems(path).problems[0]


@pytest.mark.parametrize("name", ENTRIES)
async def test_references_pass_and_wrong_programs_fail(
    tmp_path: Path, name: str, sandbox: ProcessSandbox
) -> None:
    found = problem(tmp_path, name)
    hidden = await hidden_tests(found, sandbox)
    assert hidden.unjudged == "" and len(hidden.tests) == found.hidden_count > 0
    reference = found.reference or REFERENCES[name]
    right = await sandbox.judge(
        graded_program(found, reference),
        hidden.tests,
        entry_point=found.task.entry_point,
        limits=hidden.limits,
    )
    assert right.status is Status.PASSED, (right.error, [result.error for result in right.results])
    if found.task.tests:
        visible = await sandbox.judge(
            graded_program(found, reference), found.task.tests, entry_point=found.task.entry_point
        )
        assert visible.status is Status.PASSED
    wrong = await sandbox.judge(
        graded_program(found, WRONG[name]), hidden.tests, entry_point=found.task.entry_point
    )
    assert wrong.status in (Status.FAILED, Status.CRASHED)
    assert wrong.passed_count < len(hidden.tests)


def differential(reference: str, *calls: str, **settings: object) -> Problem:
    inputs = HiddenInputs(calls=calls, float_tolerance=1e-6, relative=1e-7, **settings)  # type: ignore[arg-type]
    task = Task(id="p", statement="s", entry_point="f")
    return Problem(task=task, reference=reference, inputs=inputs)


async def test_the_reference_decides_values_and_tolerances(sandbox: ProcessSandbox) -> None:
    found = await hidden_tests(
        differential("def f(x):\n    return x * 2", "(1,)", "(0.5,)", "([1.0],)", "('a',)"), sandbox
    )
    assert [
        (test.expected, test.tolerance, test.relative) for test in found.tests if isinstance(test, CallTest)
    ] == [("2", 0.0, 0.0), ("1.0", 1e-6, 1e-7), ("[1.0, 1.0]", 1e-6, 1e-7), ("'aa'", 0.0, 0.0)]


async def test_long_values_are_kept_whole(sandbox: ProcessSandbox) -> None:
    found = await hidden_tests(differential("def f(n):\n    return list(range(n))", "(20000,)"), sandbox)
    (test,) = found.tests
    assert isinstance(test, CallTest) and test.expected == str(list(range(20000)))


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("def f(x):\n    return 1 / (x - 2)", "hidden input 2 of 3: ZeroDivisionError"),
        ("def f(x):\n    return object()", "hidden input 1 of 3: it is no plain value: <object object>"),
        ("def g(x):\n    return x", "gives no value for hidden input 1"),
        ("def f(x:\n", "gives no value for hidden input 1 of 3: SyntaxError"),
    ],
)
async def test_where_the_reference_fails_nobody_is_judged(
    sandbox: ProcessSandbox, reference: str, why: str
) -> None:
    found = await hidden_tests(differential(reference, "(1,)", "(2,)", "(3,)"), sandbox)
    assert found.tests == () and why in found.unjudged


async def test_claims_need_no_value_that_can_be_stated(sandbox: ProcessSandbox) -> None:
    made = differential(
        "import re\ndef f(x):\n    return re.match('a', x)",
        "('ab',)",
        "('b',)",
        claim="(result if isinstance(result, bool) else result is not None) == returned",
    )
    found = await hidden_tests(made, sandbox)
    assert all(isinstance(test, AssertTest) for test in found.tests)
    for program, status in [
        (made.reference, Status.PASSED),
        ("def f(x):\n    return x.startswith('a')", Status.PASSED),
        ("def f(x):\n    return None", Status.FAILED),
    ]:
        verdict = await sandbox.judge(program, found.tests, entry_point="f")
        assert verdict.status is status, program


async def test_limits_follow_the_benchmark_and_the_reference(sandbox: ProcessSandbox) -> None:
    made = replace(
        differential("import time\ndef f(x):\n    time.sleep(0.2)", "(1,)"), test_seconds=0.5, memory_mb=2048
    )
    found = await hidden_tests(made, sandbox, Limits(test_seconds=0.3))
    assert found.limits.test_seconds > 0.7 and found.limits.memory_mb == 2048
    assert found.limits.wall_seconds == 20.0
    many = replace(
        made, hidden=(CallTest(args="(1,)", expected="None", origin=Origin.HIDDEN),) * 30, inputs=None
    )
    assert (await hidden_tests(many, sandbox)).limits.wall_seconds == 10.0 + 30 * 3.0


async def test_missing_packages_are_nobodys_fault(sandbox: ProcessSandbox, tmp_path: Path) -> None:
    made = replace(problem(tmp_path, "bigcodebench"), packages=("no_such_package_here",))
    found = await hidden_tests(made, sandbox)
    assert found.tests == () and "no_such_package_here" in found.unjudged


async def test_a_problem_without_hidden_tests_judges_nobody(sandbox: ProcessSandbox) -> None:
    task = Task(id="p", statement="s", entry_point="f")
    assert (await hidden_tests(Problem(task=task), sandbox)).unjudged == "the problem has no hidden tests"


def test_imports_of_the_future_stay_first() -> None:
    made = replace(differential("", "(1,)"), preamble="import os\n")
    program = '"""About."""\nfrom __future__ import annotations\nx: List = os.sep\n'
    text = graded_program(made, program)
    scope: dict[str, object] = {}
    exec(compile(text, "p", "exec", dont_inherit=True), scope)
    assert "os" in scope and graded_program(replace(made, preamble=""), program) == program
