"""Asserts that become calls and claims mean what they meant."""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegrove.tools.sandbox.call_conversion import Converted, convert
from codegrove.tools.sandbox.claims import Failure, Undecided, examine
from codegrove.tools.sandbox.grading import Examination
from codegrove.tools.sandbox.values import Opaque, decode, encode


def outcome(converted: Converted, function: Any) -> tuple[str, tuple[object, ...]]:
    """Return how a converted test ends, as a judge would find out, and what it shows."""
    answers: list[object] = []
    claims = list(converted.claims)
    while True:
        while claims and claims[0].needs <= len(answers):
            try:
                examine(claims.pop(0), answers)
            except Undecided:
                return "undecided", ()
            except Failure as failure:
                return (
                    (type(failure.error).__name__, ()) if failure.error else (failure.message, failure.shown)
                )
        if len(answers) == len(converted.calls):
            return "passed", ()
        args, kwargs = copy.deepcopy(converted.calls[len(answers)])
        answers.append(decode(encode(function(*args, **kwargs))))


def ended(code: str, function: Any) -> str:
    """Return how a test ends when it is executed."""
    try:
        exec(code, {"f": function})
    except AssertionError as error:
        return f"failed {error}"
    except Exception as error:  # noqa: BLE001 - the test wants to see any
        return type(error).__name__
    return "passed"


def double(x: Any = 1, *, times: int = 2) -> Any:
    return x * times


CONVERTED = [
    "assert f(1) == 2",
    "assert f(1) == 3",
    "assert f(2, times=3) == 6, 'message'",
    "assert f([1], times=1 + 1) == [1] + [1]",
    "assert 4 == f(2) != 5",
    "assert f(2) == 4 and f(3) == 7, 'second'",
    "assert not f(0)",
    "assert not f(1)",
    "assert f('ab')",
    "assert f(True) is True",
    "assert f(1) is not None",
    "assert abs(f(0.1) - 0.2) < 1e-6",
    "import math\nassert math.fabs(f(0.1) - 0.3) <= 1e-6",
    "from math import isclose, pi as p\nassert isclose(f(p), 2 * p, rel_tol=1e-9)",
    "assert round(f(1.234), 1) == 2.5",
    "assert sorted(f([2, 1])) == [1, 1, 2, 2]",
    "assert set(f([2, 1])) == {1, 2} and len(f([2, 1])) == 3",
    "assert isinstance(f(1.0), float) and type(f(1)) == int",
    "assert isinstance(f(1), (str, list))",
    "assert f('ab')[0] == 'a' and f('ab')[-2:] == 'ab'",
    "assert f(2) in (4, 5)",
    "assert f(1) < 'a'",
    "assert f(1) / 0 == 1",
    "x = f(3)\nassert x == 6 and x > 5\nassert x == 7",
    "xs = [1, 2]\nassert f(xs) == [1, 2, 1, 2]",
    "for i in range(4):\n    assert f(i) == i * 2, f'at {i}'",
    "for i in range(3):\n    assert not f(i) == i + 9, f'{f(i)} at {i}'",
    "for i in range(3):\n    assert abs(f(i) - i) < 2, f'{abs(f(i) - i)} at {i}'",
    "for i, j in [(1, 2), (2, 5)]:\n    assert f(i) == j, f'at {i}, not {j}'",
    "def check(candidate):\n    assert True, 'fine'\n    assert candidate(1) == 2\n    print\ncheck(f)",
    "METADATA = {'a': 1}\ndef check(c):\n    assert c(c=1) == 2\ncheck(f)",
    "def test_a():\n    assert f(1) == 2\ntest_a()",
    "assert f(1) == 5, 'got ' + str(f(1))",
    "assert f(1) == 5, f'got {f(1)}'",
    "f(1)\nassert f() == 2",
    "import copy\nfrom typing import List\nassert f(1) == 2",
    "assert f(float('inf')) == float('inf')",
    "assert (f(1) == 2) == True",
]


@pytest.mark.parametrize("code", CONVERTED)
def test_it_ends_as_it_would_in_python(code: str) -> None:
    converted = convert(code, "f")
    assert converted is not None

    def spread(*args: Any, **kwargs: Any) -> Any:
        return double(kwargs.pop("c"), **kwargs) if "c" in kwargs else double(*args, **kwargs)

    found, _ = outcome(converted, spread)
    expected = ended(code, spread)
    if expected == "failed ":
        assert found.startswith("assert ")
    else:
        assert found == expected.removeprefix("failed ")


@pytest.mark.parametrize("code", CONVERTED)
def test_a_tree_that_is_read_stays_as_it_is(code: str) -> None:
    tree = ast.parse(code)
    before = ast.dump(tree, include_attributes=True)
    assert convert(code, "f", tree) is not None
    assert ast.dump(tree, include_attributes=True) == before


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "assert f(g(1)) == 2",
        "assert f(f(1)) == 4",
        "assert g(1) == 2",
        "assert all(f(i) == 2 for i in range(3))",
        "assert f(1) or f(2)",
        "assert f(1) if True else f(2)",
        "assert 1 < f(1) < f(2)",
        "assert f(1).x == 2",
        "assert f(1) == f",
        "assert f(int) == 1",
        "assert f(*[1]) == 2",
        "assert f(**{}) == 2",
        "f = 1\nassert f(1) == 2",
        "abs = f\nassert f(1) == 2",
        "def f(x): return 2\nassert f(1) == 2",
        "xs = [1]\nassert f(xs) == [1, 1]\nassert f(xs) == [1, 1]",
        "a = f(1)\nb = f(2)\nassert a == 2",
        "if f(1) == 2:\n    assert True",
        "try:\n    f(1)\nexcept ValueError:\n    pass",
        "import os\nassert f(os.sep) == '//'",
        "import numpy\nassert f(1) == 2",
        "from os import *\nassert f(1) == 2",
        "def check(candidate, n=1):\n    assert candidate(1) == 2\ncheck(f)",
        "def check(candidate):\n    return\n    assert candidate(1) == 2\ncheck(f)",
        "def check(candidate):\n    assert candidate(1) == 2\ncheck(lambda x: 2)",
        "for i in range(10 ** 9):\n    assert f(i) == i",
        "assert f('a' * 10 ** 9) == 1",
        "assert f(9 ** 9 ** 9) == 1",
        "while True:\n    assert f(1) == 2",
        "assert f(x := 1) == 2",
        "assert f(1) == 2 if __debug__ else 0",
        "global f\nassert f(1) == 2",
    ],
)
def test_anything_else_is_left_alone(code: str) -> None:
    assert convert(code, "f") is None


def test_without_an_entry_point_nothing_is_converted() -> None:
    assert convert("assert f(1) == 2", None) is None


def test_what_failed_is_shown() -> None:
    converted = convert("assert f(1) == 2 and f(2) == 5\nx = f(5)\nassert not x == 10", "f")
    assert converted is not None
    assert outcome(converted, double) == ("assert f(1) == 2 and f(2) == 5", (2, 4))
    converted = convert("x = f(5)\nassert not x == 10, 'm'", "f")
    assert converted is not None
    assert outcome(converted, double) == ("m", (10,))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@given(plain, plain)
@settings(max_examples=60)
def test_plain_values_survive(argument: object, expected: object) -> None:
    converted = convert(f"assert f({argument!r}) == {expected!r}", "f")
    if converted is None:  # inf has no literal
        assert "inf" in repr((argument, expected))
        return
    assert converted.calls == (((argument,), {}),)
    found, shown = outcome(converted, lambda x: x)
    assert (found == "passed") is (argument == expected)
    if found != "passed":
        assert shown == (argument,)


@pytest.mark.parametrize(
    "claim",
    [
        *("f(1) == f(2)", "1 == f(1) != 5", "abs(f(1)) < 1", "f(1) < 2", "len(f(1)) == 1", "f(1) in [1]"),
        *(
            "f(1) is None",
            "f(1) is not None",
            "f(1)[0] == 1",
            "isinstance(f(1), int)",
            "type(f(1)) == object",
        ),
        *("sorted(f(1)) == []", "f(1) - 1 == 0", "not f(1)", "f(1)", "f(1) or True"),
    ],
)
@pytest.mark.parametrize("around", [lambda x: x, lambda x: [1, [x]], lambda x: {1: x}, lambda x: {(1, x)}])
def test_an_opaque_answer_decides_nothing(claim: str, around: Callable[[object], object]) -> None:
    converted = convert(f"assert {claim}", "f")
    assert converted is not None
    assert outcome(converted, lambda x: around(object())) == ("undecided", ())


@pytest.mark.parametrize("answer", [Opaque("Mine"), [Opaque("function")]])
def test_an_object_that_is_not_carried_differs_from_what_is_plain(answer: object) -> None:
    converted = convert("assert f(1) != [1]\nassert f(1) == [1]", "f")
    assert converted is not None
    examine(converted.claims[0], [answer, answer])
    with pytest.raises(Failure):
        examine(converted.claims[1], [answer, answer])


@pytest.mark.parametrize("answer", [Opaque("Fraction"), [Opaque("range")], Opaque("list", "too large")])
def test_what_may_be_equal_where_the_test_is_text_is_left_to_it(answer: object) -> None:
    converted = convert("assert f(1) != [1]\nassert f(1) == [1]", "f")
    assert converted is not None
    for claim in converted.claims:
        with pytest.raises(Undecided):
            examine(claim, [answer, answer])


def test_an_opaque_answer_to_a_call_that_nothing_is_claimed_about_does_not_matter() -> None:
    converted = convert("f(1)\nassert f(2) == 2", "f")
    assert converted is not None
    assert outcome(converted, lambda x: x if x == 2 else object()) == ("passed", ())


@pytest.mark.parametrize(
    ("claim", "answer"),
    [
        ("set(f(1)) == {1}", [i * (2**61 - 1) for i in range(20_000)]),
        ("set(f(1)) == {1}", [[1]]),
        ("sum(f(1)) == 1", [1 << 1_000_000] * 3),
        ("sum(f(1)) == 1", [[1]] * 10_000),
        ("f(1) * f(2) == 1", 1 << 20_000_000),
        ("f(1) * 'a' == 1", 10**15),
        ("str(f(1)) == '1'", [1]),
        ("list(range(f(1))) == 1", 10**15),
        ("f(1) ** 10 ** 5 == 1", 3),
        ("f(1) % 7 == 1", "%d"),
        ("f(1) + f(2) == 1", "a" * 600_000),
        *((f"f(1) {sign} f(2) == 0", 1 << 20_000_000) for sign in ("%", "//", "/")),
        ("f(1) % 3 == 0", 1 << 20_000_000),
        ("round(f(1), -1) == 0", 1 << 20_000_000),
        ("round(5, -f(1)) == 0", 1 << 20_000_000),
        ("sorted(sorted(sorted(f(1)))) == 1", [*range(900_000)]),
    ],
    ids=lambda part: part if isinstance(part, str) and len(part) < 99 else "",
)
def test_what_would_be_too_much_for_the_judge_says_nothing_about_the_program(
    claim: str, answer: object
) -> None:
    converted = convert(f"assert {claim}", "f")
    assert converted is not None
    started = time.thread_time()
    with pytest.raises(Undecided):
        examine(converted.claims[0], [answer, answer])
    assert time.thread_time() - started < 2


@pytest.mark.slow
def test_all_claims_of_a_test_together_take_the_judge_a_second_at_most() -> None:
    converted = convert("r = f(1)\n" + "assert sorted(r) == r\n" * 500, "f")
    assert converted is not None
    examination = Examination(converted)
    started = time.thread_time()
    examination.take([[number] for number in range(200_000, 0, -1)] + [[0]])
    assert not examination.undecided and examination.result is not None
    examination = Examination(converted)
    examination.take([[number] for number in range(200_000)])
    assert examination.undecided and examination.result is None
    assert time.thread_time() - started < 4


@pytest.mark.parametrize(
    "code",
    [
        "assert '%.2f' % f(3) == '1.50'",
        "t = '%.2f'\nassert t % f(3) == '1.50'",
        "assert f(1) in range(0, 10 ** 9)",
        "assert f(1) == 9 ** 9 ** 9",
        "assert f(1) == 1 or str([1]) == f(2)",
        "assert f(range(3)) == [0, 1, 2]",
        "assert f(" + "[" * 95 + "]" * 95 + ") == 1",
        "assert sorted(1) == 1 or sorted(f(1)) == 2",
        "assert f(1)" + "[0]" * 600 + " == 1",
    ],
    ids=lambda code: code[:40],
)
def test_what_is_known_to_be_too_much_is_left_alone(code: str) -> None:
    assert convert(code, "sorted" if "sorted" in code else "f") is None


ALIASES = [
    "a = [3, 1]\nb = a\nr = f(b)\nassert a == [3, 1]",
    "a = [3, 1]\nb = [a, 2]\nr = f(a)\nassert b[0] == [3, 1]",
    "b = [[3, 1], 2]\na = b[0]\nr = f(a)\nassert b == [[3, 1], 2]",
    "a = [3, 1]\nd = (1, {'k': a})\nr = f(d[1])\nassert a == [3, 1]",
    "a, b = [3, 1], [2]\nfor x in [a, b]:\n    f(x)\nassert a == [3, 1]",
    "a = [3, 1]\nb = [2]\nfor x in [a, b]:\n    f(x)\nassert a == [3, 1]",
    "a = [3, 1]\nfor x in [a, a]:\n    assert f(x) == 2",
    "a = [3, 1]\nfor x in a:\n    assert f(a) == 2",
    "a = [3, 1]\nfor x, y in [(a, 1), (a, 2)]:\n    assert f(x) == 2",
    "assert f([[0] * 2] * 2) == 1",
    "a = [1]\nassert f(a, a) == 1",
    "a = [1]\nassert f(a) == a",
    "a = [1]\nassert a == f(a)",
    "a = [1]\nassert f(a) == 1 and a == [1]",
    "a = [1]\ndef check(c):\n    assert c(a) == 1\ncheck(f)\nassert a == [1]",
    "a = [1]\nf(x=a)\nassert a == [1]",
]


@pytest.mark.parametrize("code", ALIASES)
def test_what_a_call_may_have_changed_is_left_alone(code: str) -> None:
    assert convert(code, "f") is None


@pytest.mark.parametrize(
    "code",
    [
        "a = [3, 1]\nb = [3, 1]\nr = f(b)\nassert a == [3, 1] and r == 1",
        "for x, y in [([1], 1), ([2], 2)]:\n    assert f(x) == y",
        "t = (1, 2)\nassert f(t) == 1\nassert f(t, t) == t",
        "s = 'a'\nfor i in range(3):\n    assert f(s, [s, s]) == s",
        "a = [1]\nassert f(a[0]) == a",
    ],
)
def test_what_no_call_can_have_changed_is_converted(code: str) -> None:
    assert convert(code, "f") is not None


@pytest.mark.parametrize(
    "code",
    [
        "for i in range(1000000):\n    for j in range(1000000):\n        pass\nassert f(1) == 2",
        "x = 'a'\nfor i in range(31):\n    x = x + x\nassert f(1) == x",
        "x = [0]\nfor i in range(31):\n    x = x + x\nassert f(1) == 1",
        "x = [0] * 1000\ny = [x] * 1000\nz = [y] * 1000\nassert f(z) == 1",
        "x = (0,) * 1000\ny = (x,) * 1000\nz = (y,) * 1000\nassert f(z) == 1",
        "x = (0,) * 1000\ny = (x,) * 500\nfor i in range(1000):\n    assert f(y) == 1",
        "x = [[0]]\nfor i in range(99):\n    x = [[x]]\nassert f(x) == 1",
        "x = "
        + "["
        + "[0], " * 20_000
        + "]\nfor i in range(1000):\n    f([i])\n    f([x[i]])\nassert f(1) == 1",
        "for i in range(2000):\n    " + "assert f(1) == 1; " * 100 + "pass",
    ],
    ids=range(9),
)
def test_no_test_makes_the_judge_read_for_long(code: str) -> None:
    started = time.thread_time()
    assert convert(code, "f") is None
    assert time.thread_time() - started < 4
