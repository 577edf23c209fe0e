"""Variants of tests accuse whoever passes them: liars and readers must, honest programs never."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Callable
from types import CodeType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.task import AssertTest
from codegrove.tools.sandbox import ProcessSandbox
from codegrove.tools.sandbox.assert_tests import Way, plan
from codegrove.tools.sandbox.must_fail import other_value, variants
from codegrove.tools.sandbox.test_runner import Obtained, services
from codegrove.verdict import Status

Function = Callable[..., object]


def passed(variant: str, function: Function) -> bool:
    try:
        exec(compile(variant, "<test>", "exec"), {**services(Obtained()), "f": function})
    except BaseException:  # noqa: BLE001 - whatever a variant raises, it has not passed
        return False
    return True


def must_fail(code: str) -> list[str]:
    return variants(code, {"f", "candidate"}).must_fail


def accused(code: str, function: Function) -> bool:
    return any(passed(variant, function) for variant in must_fail(code))


class Liar:
    """Equal to everything, contains everything, no different from anything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__
    __hash__ = None  # type: ignore[assignment]

    def __sub__(self, other: object) -> int:
        return 0

    __rsub__ = __abs__ = __pow__ = lambda self, *other: 0


def successor(x: int) -> int:
    return x + 1


UNIT = (
    "import unittest, io\nclass T(unittest.TestCase):\n    def test_it(self):\n        {}\n"
    "r = unittest.TextTestRunner(stream=io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\n"
    "assert r.wasSuccessful()"
)
CLAIMS = {
    "equal": "assert f(1) == 2",
    "equal, other way round": "assert 2 == f(1)",
    "two claims": "assert f(1) == 2 and f(2) == 3",
    "either": "assert f(1) == 9 or f(1) == 2",
    "in a list": "assert f(1) in [2, 3]",
    "not unequal": "assert not (f(1) != 2)",
    "not outside": "assert not (f(1) not in [2])",
    "truth of a claim": "assert (f(1) == 2) is True",
    "near": "assert abs(f(1) - 2) < 1e-6",
    "near, other way round": "assert abs(2 - f(1)) < 1e-6",
    "square": "assert (f(1) - 2) ** 2 < 1e-6",
    "between": "assert 1 < f(1) <= 2",
    "by name": "r = f(1)\nassert r == 2",
    "all": "assert all(f(x) == x + 1 for x in range(3))",
    "all of a map": "assert all(map(lambda x: f(x) == x + 1, range(3)))",
    "in a loop": "for x, y in [(1, 2), (2, 3)]:\n    assert f(x) == y",
    "check": "def check(candidate):\n    assert candidate(1) == 2\ncheck(f)",
    "unit test": UNIT.format("self.assertEqual(f(1), 2)"),
    "unit test of truth": UNIT.format("self.assertTrue(f(1) == 2)"),
    "unit test of a list": UNIT.format("self.assertIn(f(1), [2])"),
}
WITHOUT_ACCUSATION = {
    "expected failure": "try:\n    assert f(1) == 5\nexcept AssertionError:\n    pass",
    "failure that is caught": "try:\n    assert f(1) == 2\nexcept Exception:\n    pass",
    "suppressed": "import contextlib\nwith contextlib.suppress(BaseException):\n    assert f(1) == 2",
    "branch not taken": "if f(1) == 5:\n    assert f(1) == 7",
    "loop over nothing": "for x in []:\n    assert f(x) == 2",
    "different": "assert f(1) != 5",
    "not equal": "assert not f(1) == 5",
    "not in": "assert f(1) not in [5]",
    "truth": "assert f(1)",
    "larger": "assert f(1) > 0",
    "among what it returns": "f = (lambda g: lambda x: range(g(x), 99))(f)\nassert 2 in f(1)",
    "all of nothing": "assert all(f(x) == 5 for x in [])",
    "all of nothing behind a claim": "assert f(1) == 2\nassert all(f(x) == 5 for x in [])",
    "one of two": "assert f(1) or f(1) == 5",
    "helper": "def same(x, y):\n    return x == y\nassert same(f(1), 2)\nassert not same(f(1), 3)",
    "expected failure of a unit test": UNIT.replace(
        "    def test", "    @unittest.expectedFailure\n    def test"
    ).format("self.assertEqual(f(1), 5)"),
    "skipped unit test": UNIT.replace("    def test", "    @unittest.skip('')\n    def test").format(
        "self.assertEqual(f(1), 5)"
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_liars_are_found_out_and_honest_programs_are_not_accused(name: str) -> None:
    code = CLAIMS[name]
    assert passed(code, successor)
    assert passed(variants(code, {"f", "candidate"}).test, successor)
    assert not accused(code, successor)
    assert accused(code, lambda x: Liar())


@pytest.mark.parametrize("name", WITHOUT_ACCUSATION)
def test_what_may_hold_for_honest_programs_accuses_nobody(name: str) -> None:
    code = WITHOUT_ACCUSATION[name]
    assert passed(code, successor)
    assert passed(variants(code, {"f", "candidate"}).test, successor)
    assert not accused(code, successor)


@pytest.mark.parametrize("code", [*CLAIMS.values(), *WITHOUT_ACCUSATION.values()])
def test_only_values_tell_a_test_from_its_variants(code: str) -> None:
    mixed = variants(code, {"f", "candidate"})
    for text in (mixed.must_fail[0], mixed.must_fail[-1]):
        assert without_numbers_of_ours(text) == without_numbers_of_ours(mixed.test)
    for text in mixed.must_fail:
        assert names(compile(text, "<test>", "exec")) == names(compile(mixed.test, "<test>", "exec"))


def without_numbers_of_ours(text: str) -> str:
    return re.sub(r"\b\d{6}, \d{6}\b", "", text)


def names(code: CodeType) -> list[tuple[str, ...]]:
    found = [code.co_names, code.co_varnames, code.co_freevars]
    for part in code.co_consts:
        if isinstance(part, CodeType):
            found += names(part)
    return found


LOOKS_AT_THE_TEST = """\
import sys

class Liar:
    __hash__ = None

    def __eq__(self, other):
        return True

def f(x):
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        names = {*code.co_names, *code.co_consts}
        if code.co_filename == "<test>" and names & {"__survived__", "__nobody__", "this", "that"}:
            return 0
        frame = frame.f_back
    return Liar()
"""
COMPUTED = (
    "import inspect\nfor x, y in [(k, v) for k, v in {1: 'nonce-1', 2: 'nonce-2'}.items()]:\n"
    "    assert f(x) == y\n"
)


async def test_a_liar_that_looks_for_what_variants_have_does_not_pass(sandbox: ProcessSandbox) -> None:
    assert plan(COMPUTED, "f").way is Way.TOGETHER
    for program in (LOOKS_AT_THE_TEST, LOOKS_AT_THE_TEST.replace("return 0", "pass")):
        verdict = await sandbox.judge(program, [AssertTest(code=COMPUTED)], entry_point="f")
        assert verdict.status in (Status.CRASHED, Status.FAILED), verdict
    right = await sandbox.judge(
        "def f(x): return 'nonce-%d' % x", [AssertTest(code=COMPUTED)], entry_point="f"
    )
    assert right.passed, right


async def test_a_failure_shows_the_assertion_as_it_was_written(sandbox: ProcessSandbox) -> None:
    code = (
        "import inspect\n\n# comment\ndef test_f():\n    if f:\n        assert (f(1)   == 1)\n"
        "    assert (f(2)  ==  # two\n 3), inspect.isclass(f)\nassert ( f( 3 ) == 3 )\ntest_f()"
    )
    for wrong, shown in ((1, "assert (f(1)   == 1)"), (2, "False"), (3, "assert ( f( 3 ) == 3 )")):
        program = f"def f(x): return {{{wrong}: 'no'}}.get(x, 3 if x == 2 else x)"
        verdict = await sandbox.judge(program, [AssertTest(code=code)], entry_point="f")
        result = verdict.results[0]
        assert (result.status, result.output) == (Status.FAILED, "'no'")
        assert result.error is not None
        assert result.error.message == shown


def test_failures_that_get_lost_in_threads_accuse_nobody() -> None:
    code = (
        "import threading\nthreading.excepthook = lambda *a: None\ndef work():\n    assert f(1) == 2\n"
        "t = threading.Thread(target=work)\nt.start()\nt.join()"
    )
    hook = threading.excepthook
    try:
        assert not accused(code, successor)
    finally:
        threading.excepthook = hook


@pytest.mark.parametrize(
    "code",
    [
        "assert f(1) == 'a4f'",
        "assert f(1) == [2]",
        "assert f(1) == (2, 'a')",
        "assert f(1) == {'a': 1}",
        "assert f(1) == -2.5",
    ],
)
def test_readers_of_what_is_expected_are_found_out(code: str) -> None:
    found = must_fail(code)

    def reads(variant: str) -> object:
        tree = ast.parse(variant).body[0]
        assert isinstance(tree, ast.Assert) and isinstance(tree.test, ast.Compare)
        right = tree.test.comparators[0]
        return ast.literal_eval(right.args[2] if isinstance(right, ast.Call) else right)

    assert passed(found[1], lambda x: reads(found[1]))
    assert not passed(found[1], lambda x: reads(code))


TABLE = "for x, y in sorted([(1, 2), (2, 3)]):\n    assert f(x) == y"


def test_readers_of_tables_are_found_out() -> None:
    changed = must_fail(TABLE)[1]
    assert "[(1, 19), (2, 20)]" in changed
    assert passed(changed, lambda x: x + 18)
    assert not accused(TABLE, successor)


@pytest.mark.parametrize(
    "code",
    [
        "for x, y in [(1, 2), (2, 3)]:\n    assert f(x, y) == y",  # the changed value is an argument as well
        "for x, y in [(1, 2), (2, 3)]:\n    assert f(x) == y\n    print(y)",
        "for x, y in [(1, 2), other]:\n    assert f(x) == y",
        "for x, y in table:\n    assert f(x) == y",
    ],
)
def test_tables_whose_change_may_mean_something_else_are_left_alone(code: str) -> None:
    assert not any("19" in without_numbers_of_ours(variant) for variant in must_fail(code))


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(LITERALS)
def test_another_value_is_never_the_same_and_looks_alike(value: object) -> None:
    node = ast.parse(repr(value), mode="eval").body
    other = other_value(node)
    if other is None:
        return
    found = ast.literal_eval(ast.unparse(ast.fix_missing_locations(other)))
    assert found != value
    if value is not None and value != []:
        assert type(found) is type(value)
    if isinstance(value, str) and value.isascii() and value.isalnum():
        assert len(found) == len(value)
        assert found.isalnum()


@pytest.mark.parametrize("code", [*CLAIMS.values(), *WITHOUT_ACCUSATION.values()])
def test_variants_compile_without_a_warning(code: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for variant in must_fail(code):
            compile(variant, "<test>", "exec")
