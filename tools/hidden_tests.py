"""What a grader needs before it runs a problem's hidden tests: all of them with their values, and the limits.

Some benchmarks state no values but leave them to their reference. It is a stranger's program like any other, so it
runs in the sandbox; and where it fails, or where packages are missing, nobody can be graded on the problem.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegrove.parsing import parse_python
from codegrove.problem import HiddenInputs, Problem
from codegrove.task import AssertTest, CallTest, Origin, Test
from codegrove.tools.sandbox.literals import LiteralError, parse_literal
from codegrove.tools.sandbox.port import Limits, Sandbox
from codegrove.verdict import Status, TestResult

REFERENCE_SECONDS = 20.0
"""What a reference may take for one input. Slow ones are known."""
FACTOR = 4.0
"""A candidate may take this many times as long as the reference did on its slowest input, as in EvalPlus."""
_WHOLE = 64_000_000
"""Characters of a value: more than the sandbox lets through."""
_START_SECONDS = 10.0
"""What loading a program may take beside its tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenTests:
    """The hidden tests of one problem, ready to be run."""

    tests: tuple[Test, ...] = ()
    """All of them; empty where nobody can be graded."""
    limits: Limits
    """For running them one after another: time and memory as the benchmark says, and not below the grader's."""
    unjudged: str = ""
    """Why nobody can be graded on this problem, with this sandbox. Never the fault of a candidate."""


async def hidden_tests(problem: Problem, sandbox: Sandbox, limits: Limits | None = None) -> HiddenTests:
    """Return the hidden tests of a problem, with the values that its reference decides.

    Runs the reference where the problem has `HiddenInputs`, and tries the imports where it needs packages.
    The result does not depend on a candidate: compute it once for all programs of a problem.

    Args:
        problem: the problem.
        sandbox: where the candidates will run.
        limits: the grader's own; the benchmark's apply where they are more generous.
    """
    limits = _widened(limits or Limits(), problem)
    missing = await _missing_packages(problem, sandbox, limits)
    if missing:
        return HiddenTests(limits=limits, unjudged=missing)
    tests: list[Test] = list(problem.hidden)
    if problem.inputs is not None:
        found, slowest = await _decided(problem, problem.inputs, sandbox, limits)
        if isinstance(found, str):
            return HiddenTests(limits=limits, unjudged=found)
        tests += found
        limits = replace(limits, test_seconds=max(limits.test_seconds, FACTOR * slowest))
    if not tests:
        return HiddenTests(limits=limits, unjudged="the problem has no hidden tests")
    wall = _START_SECONDS + limits.test_seconds * len(tests)
    return HiddenTests(
        tests=tuple(tests), limits=replace(limits, wall_seconds=max(limits.wall_seconds, wall))
    )


def graded_program(problem: Problem, program: str) -> str:
    """Return a program as the benchmark's grader runs it: behind its imports.

    Imports of the future stay first, where Python wants them.
    """
    if not problem.preamble:
        return program
    try:
        body = parse_python(program).body
    except SyntaxError:
        body = []
    lines = program.split("\n")
    last = max((s.end_lineno or 0 for s in body if getattr(s, "module", None) == "__future__"), default=0)
    head = "\n".join(lines[:last])
    return "\n".join([*([head] if head else []), problem.preamble.rstrip("\n"), "", *lines[last:]])


def _widened(limits: Limits, problem: Problem) -> Limits:
    return replace(
        limits,
        test_seconds=max(limits.test_seconds, problem.test_seconds or 0.0),
        memory_mb=max(limits.memory_mb, problem.memory_mb or 0),
    )


async def _missing_packages(problem: Problem, sandbox: Sandbox, limits: Limits) -> str:
    if not problem.packages:
        return ""
    roomy = replace(limits, wall_seconds=120.0, test_seconds=120.0)
    program = "\n".join(f"import {name}" for name in problem.packages)
    verdict = await sandbox.judge(program, [], limits=roomy)
    if verdict.error is None:
        return ""
    return f"the packages it needs ({', '.join(problem.packages)}) cannot be imported: {verdict.error}"


async def _decided(
    problem: Problem, inputs: HiddenInputs, sandbox: Sandbox, limits: Limits
) -> tuple[list[Test] | str, float]:
    """Return the tests that the reference decides (or why there are none), and its slowest call in seconds."""
    name = problem.task.entry_point or "f"
    asked = [CallTest(args=call, expected="None", origin=Origin.HIDDEN) for call in inputs.calls]
    roomy = replace(
        limits,
        test_seconds=max(limits.test_seconds, REFERENCE_SECONDS),
        wall_seconds=_START_SECONDS + REFERENCE_SECONDS * len(asked),
        kept_characters=_WHOLE,
    )
    verdict = await sandbox.judge(
        graded_program(problem, problem.reference),
        asked,
        entry_point=problem.task.entry_point,
        limits=roomy,
        fail_fast=False,
    )
    tests: list[Test] = []
    for number, (test, result) in enumerate(zip(asked, verdict.results, strict=True), 1):
        made = _test(test, result, inputs, name)
        if isinstance(made, str):
            place = f"hidden input {number} of {len(asked)}"
            why = made or str(result.error or verdict.error or verdict.note or result.status.value)
            return f"the reference gives no value for {place}: {why}", 0.0
        tests.append(made)
    return tests, max((result.seconds for result in verdict.results), default=0.0)


def _test(asked: CallTest, result: TestResult, inputs: HiddenInputs, name: str) -> Test | str:
    """Return the test that a result of the reference decides, or why it decides none."""
    if result.status not in (Status.PASSED, Status.FAILED):
        return ""
    expected = result.output
    try:
        value = parse_literal(expected)
    except LiteralError:
        if "expected" in inputs.claim or not inputs.claim:
            return f"it is no plain value: {expected[:80]}"
        value, expected = expected, "None"  # not looked at
    if inputs.claim:
        return _claimed(asked, expected, value is not None, inputs, name)
    tolerance = inputs.tolerance or (inputs.float_tolerance if _is_floats(value) else 0.0)
    return replace(
        asked, expected=expected, tolerance=tolerance, relative=inputs.relative if tolerance else 0.0
    )


def _is_floats(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def _claimed(asked: CallTest, expected: str, returned: bool, inputs: HiddenInputs, name: str) -> AssertTest:
    inner = asked.args.strip()[1:-1].strip().removesuffix(",")
    lines = [f"result = {name}({inner})"]
    if "arguments" in inputs.claim:
        lines.append(f"arguments = {asked.args}")
    if "expected" in inputs.claim:
        lines.append(f"expected = {expected}")
    if "returned" in inputs.claim:
        lines.append(f"returned = {returned}")
    lines.append(f"assert {inputs.claim}")
    code = "\n".join(lines)
    if "nan" in code or "inf" in code:
        code = f"from math import inf, nan\n{code}"
    return AssertTest(code=code, origin=Origin.HIDDEN)
