"""However a test is run, it says the same of a program: as calls, as text in another process, as plain Python."""

from __future__ import annotations

import asyncio
import copy
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegrove.task import AssertTest
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.tools.sandbox.call_conversion import convert
from codegrove.tools.sandbox.grading import Examination
from codegrove.tools.sandbox.records import Record
from codegrove.tools.sandbox.values import decode, encode
from codegrove.verdict import ErrorInfo, Status

LIMITS = Limits(wall_seconds=60, test_seconds=10)

BODIES = (
    "return x",
    "return x * 2",
    "return x[0]",
    "return [x, x]",
    "return (x, 1)",
    "return {1: x}",
    "return str(x)",
    "return len(x)",
    "return not x",
    "return None",
    "return {1, 2}",
    "return '%s'",
    "return b'ab'",
    "return 0.5",
    "return range(3)",
    "return [range(1)]",
    "yield from [1, 2]",
    "return map(str, [1, 2])",
    "return {1: 2}.keys()",
    "return Fraction(1, 2)",
    "return [Fraction(1, 2), Fraction(2)]",
    "return Decimal('0.5')",
    "return Own()",
    "return [Own()]",
    "return f",
    "return frozenset([1])",
    "x.append(1)",
    "x.append(1)\n    return x",
    "x[0].append(1)\n    return len(x[0])",
    "x.sort()\n    return x[0]",
    "x.clear()\n    raise KeyError(x)",
    "raise ValueError(x)",
)
HEAD = "from decimal import Decimal\nfrom fractions import Fraction\nclass Own: pass\n"
LITERALS = (
    *("0", "1", "2", "-1", "0.5", "True", "None", "'a'", "'ab'", "''", "(1, 2)", "()", "1 + 1", "'a' * 3"),
    *("[]", "[1]", "[2, 1]", "[1, 2]", "[1, 1]", "[[1], [2]]", "[[2, 1]]", "{1: 2}", "{1, 2}", "['1', '2']"),
    *("[[1]] * 2", "[1] * 2 + [3]"),
)
WITH_ONE = (
    *(
        "{0}",
        "not {0}",
        "{0} is None",
        "{0} is not True",
        "isinstance({0}, (int, list))",
        "type({0}) == list",
    ),
    *("{0} == {0}", "sum({0}) > 0", "len({0}) == 2", "all({0})", "any({0})", "{0}[0] == {0}[-1]"),
)
WITH_TWO = (
    *("{0} == {1}", "{0} == {1}", "{1} == {0}", "{0} != {1}", "{0} < {1}", "{0} <= {1}", "{1} in {0}"),
    *("{0} in [{1}, 1]", "list({0}) == {1}", "sorted({0}) == {1}", "set({0}) == {1}", "tuple({0}) == {1}"),
    *("str({0}) == {1}", "len({0}) == {1}", "sum({0}) == {1}", "sum({0}, {1}) == 3", "max({0}) == {1}"),
    *("{0}[0] == {1}", "{0}[:1] == {1}", "abs({0} - {1}) < 1e-6", "{0} % {1} == 0", "{0} + {1} == {1}"),
    *("{0} * 2 == {1}", "{0} // 2 == {1}", "{0} ** 2 == {1}", "round({0}, 1) == {1}", "int({0}) == {1}"),
    *("{0} == {1} and {0} != 7", "{0} == {1} or {0} == 2", "-{0} == {1}", "{{{0}: 1}} == {{{1}: 1}}"),
    *("float({0}) == {1}", "bool({0}) == {1}", "{1} < {0} < 9", "not {0} == {1}", "min({0}, {1}) == 1"),
)
literals = st.sampled_from(LITERALS)
names = st.sampled_from(["a", "b", "c"])
constants = literals | names | st.sampled_from(["a[0]", "[a, b]", "(a, 1)", "[a, a]", "b[:1]"])
results = st.builds("f({})".format, constants) | st.just("r")
claims = (
    st.builds(str.format, st.sampled_from(WITH_ONE), results)
    | st.builds(str.format, st.sampled_from(WITH_TWO), results, constants | results)
    | st.builds("{} == {}".format, names, literals)
)
simple = (
    st.builds("assert {}".format, claims)
    | st.builds("assert {}, {}".format, claims, st.sampled_from(["'message'", "f'{a}'", "str(a)"]))
    | st.builds("{} = {}".format, names, constants)
    | st.builds("r = f({})".format, constants)
    | st.builds("f({})".format, constants)
)
loops = st.builds(
    "for {} in {}:\n    {}".format, names, st.sampled_from(["[a, b]", "a", "range(2)", "[[1], 2]"]), simple
)


def whole(a: str, b: str, result: str, rest: list[str]) -> str:
    uses_result = re.search(r"\br\b", "".join(rest))
    return "\n".join([f"a = {a}", f"b = {b}", "c = a", *([f"r = f({result})"] if uses_result else ()), *rest])


tests = st.builds(
    whole,
    literals,
    literals | st.just("a") | st.just("[a]"),
    constants,
    st.lists(simple | loops, min_size=1, max_size=3),
)
programs = st.sampled_from([f"{HEAD}def f(x):\n    {body}\n" for body in BODIES])


def as_python(program: str, test: str) -> Status:
    scope: dict[str, object] = {}
    exec(program, scope)
    try:
        exec(test, scope)
    except AssertionError:
        return Status.FAILED
    except Exception:  # noqa: BLE001 - the test wants to see any
        return Status.CRASHED
    return Status.PASSED


def as_calls(program: str, test: str) -> Status | None:
    """Judge a test as calls, without processes; None if it is not converted, or is undecided."""
    converted = convert(test, "f")
    if converted is None:
        return None
    scope: dict[str, object] = {}
    exec(program, scope)
    examination = Examination(converted)
    record = Record(kind="result", outcome="answered")
    for args, kwargs in converted.calls:
        try:
            answer = scope["f"](*copy.deepcopy(args), **copy.deepcopy(kwargs))  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - the test wants to see any
            raised = ErrorInfo(type=type(error).__name__, message="")
            record = Record(kind="result", outcome="raised", error=raised)
            break
        examination.take(decode(encode(answer)))
    status = examination.finish(record).status
    return None if examination.undecided else status


@given(programs, tests)
@settings(max_examples=400, deadline=None)
def test_calls_and_claims_say_what_python_says(program: str, test: str) -> None:
    found = as_calls(program, test)
    assert found in (None, as_python(program, test))


@pytest.mark.slow
@given(programs, st.lists(tests, min_size=6, max_size=12))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_every_way_says_the_same(sandbox: ProcessSandbox, program: str, codes: list[str]) -> None:
    def judged(*texts: str) -> list[Status]:
        judge = sandbox.judge(
            program, [AssertTest(code=text) for text in texts], entry_point="f", limits=LIMITS
        )
        return [result.status for result in asyncio.run(judge).results]

    expected = [as_python(program, code) for code in codes]
    assert judged(*codes) == expected
    assert judged(*(f"[].copy()\n{code}" for code in codes)) == expected


def test_the_tests_above_reach_every_way() -> None:
    """Most examples become calls, some of them are undecided, and all three results occur."""
    seen: dict[object, int] = {}

    @given(programs, tests)
    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    def count(program: str, test: str) -> None:
        converted = convert(test, "f") is not None
        for what in (converted, (converted, as_calls(program, test))):
            seen[what] = seen.get(what, 0) + 1

    count()
    assert seen[True] > 100 and seen[False] > 20
    assert all(seen[True, status] > 9 for status in (None, Status.PASSED, Status.FAILED, Status.CRASHED))
