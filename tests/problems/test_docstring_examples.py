"""Examples as tests: literals become calls, code becomes asserts, anything doubtful is dropped with a reason."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.examples import Form
from codegrove.problems.docstring_examples import FLOAT_TOLERANCE, example_tests
from codegrove.task import AssertTest, CallTest
from tests.problems.judging import passes


def stub(docstring: str, signature: str = "def f(x):", before: str = "") -> str:
    body = "\n    ".join(docstring.split("\n"))
    return f'{before}{signature}\n    r"""\n    {body}\n    """\n'


def test_a_call_with_literals_becomes_a_call_test() -> None:
    found = example_tests(stub("f([1, 2], key='a') -> {'b': (3,)}", "def f(x, key):"), "f")
    assert found.tests == (CallTest(args="([1, 2],)", kwargs="{'key': 'a'}", expected="{'b': (3,)}"),)
    assert found.forms == (Form.ARROW,)
    assert found.dropped == ()


@pytest.mark.parametrize("args", ["", "1", "(1, 2)", "1, 2", "'a,'", "(3,)"])
def test_arguments_are_a_tuple_of_the_same_values(args: str) -> None:
    (test,) = example_tests(stub(f"f({args}) == 0", "def f(*args):"), "f").tests
    assert isinstance(test, CallTest)
    assert ast.literal_eval(test.args) == ast.literal_eval(f"[{args}]") or [*ast.literal_eval(test.args)] == [
        *ast.literal_eval(f"[{args}]")
    ]
    assert ast.parse(test.describe("f")) is not None


@pytest.mark.parametrize(
    ("value", "tolerance"), [("2", 0.0), ("2.0", FLOAT_TOLERANCE), ("[1, (0.5,)]", FLOAT_TOLERANCE)]
)
def test_stated_floats_are_compared_with_a_tolerance(value: str, tolerance: float) -> None:
    (test,) = example_tests(stub(f"f(1) == {value}"), "f").tests
    assert isinstance(test, CallTest) and test.tolerance == tolerance


WORKS = [
    ("round(f(2), 1) == 4.0", "def f(x):\n    return 4.04"),
    ("f(list(range(3))) == [0, 1, 2]", "def f(x):\n    return x"),
    ("assert f(2) > 3", "def f(x):\n    return 4"),
    ("assert f(2) == 4, 'four'", "def f(x):\n    return 4"),
    (">>> x = [1]\n>>> f(x)\n>>> x == [1, 2]", "def f(x) -> None:\n    x.append(2)"),
    (">>> import math\n>>> f(math.pi) > 3\nTrue", "def f(x):\n    return x"),
    (">>> f(1) == 2\nFalse", "def f(x):\n    return 3"),
    (">>> print(f(3))\n1 2\n3", "def f(x):\n    return '1 2\\n3'"),
    (">>> f(3)\n1\n2", "def f(x):\n    print(1)\n    print(2)"),
    (
        ">>> f(3)\nPoint(x=1)",
        "class P:\n    def __repr__(self):\n        return 'Point(x=1)'\ndef f(x):\n    return P()",
    ),
    (
        ">>> f(-1)\nTraceback (most recent call last):\n    ...\nValueError: no",
        "def f(x):\n    raise ValueError('no')",
    ),
    (">>> assert f(1) == 2", "def f(x):\n    return 2"),
    (">>> sorted(f([2, 1]))\n[1, 2]", "def f(x):\n    return {1, 2}"),
]


@pytest.mark.parametrize(("docstring", "right"), WORKS)
def test_an_example_with_code_becomes_a_test_that_tells_right_from_wrong(docstring: str, right: str) -> None:
    found = example_tests(stub(docstring), "f")
    tests = [t for t in found.tests if passes(right, t, "f")]
    assert len(tests) == len(found.tests) == 1 or docstring.startswith(">>> x = [1]")
    assert not any(passes("def f(x):\n    raise KeyError(x)", t, "f") for t in found.tests)


def test_a_function_that_returns_nothing_is_compared_by_what_it_prints() -> None:
    (test,) = example_tests(stub(">>> f(3)\n3", "def f(x) -> None:"), "f").tests
    assert passes("def f(x):\n    print(x)", test, "f")
    assert not passes("def f(x):\n    print(x + 1)", test, "f")


def test_no_output_means_none_only_where_none_can_be_returned() -> None:
    optional = example_tests(stub(">>> f([])\n\n>>> f([1])\n1", "def f(x) -> int | None:"), "f")
    assert [t.describe("f") for t in optional.tests] == ["f([]) == None", "f([1]) == 1"]
    number = example_tests(stub(">>> f([])\n\n>>> f([1])\n1", "def f(x) -> int:"), "f")
    assert [t.describe("f") for t in number.tests] == ["f([1]) == 1"]
    assert number.dropped == ("line 3: `f([])`: it shows no output",)


def test_named_inputs_follow_the_signature() -> None:
    text = stub("Input: b = 2, a = 1\nOutput: 3\n\nInput:\na : 4\nlimit : 5\nOutput: 9", "def f(a, b):")
    assert [t.describe("f") for t in example_tests(text, "f").tests] == ["f(1, 2) == 3", "f(4, 5) == 9"]


@pytest.mark.parametrize(
    ("docstring", "reason"),
    [
        ("f(a) => False", "it uses something other than literal values"),
        ("f(1) == 3 if y else 4", "it uses y, which nothing defines"),
        ("f(1) == 2, 3", "the value cannot be read, or it is not clear where it ends"),
        ("f(1, 2) == 3", "it has 2 arguments where the function takes 1"),
        ("Input: a = 1, b = 2\nOutput: 3", "its names are not the parameters of the function"),
        ("Input: one\nOutput: 3", "the input cannot be read"),
        (">>> f(1) 2", "it does not parse"),
        (">>> f(1)\n[1, ..., 9]", "its output is abbreviated"),
        (">>> f(1) # doctest: +SKIP\n9", "it is marked to be skipped"),
        (">>> x = f(1)\n9", "it has an output, but is no expression"),
        (">>> f(y)\n9", "it uses y, which nothing defines"),
        (
            ">>> f(1)\nTraceback (most recent call last):\nno such thing",
            "the exception in its output cannot be read",
        ),
    ],
)
def test_what_cannot_be_a_test_is_dropped_with_a_reason(docstring: str, reason: str) -> None:
    found = example_tests(stub(docstring), "f")
    assert found.tests == ()
    assert len(found.dropped) == 1 and found.dropped[0].endswith(f": {reason}")
    assert found.dropped[0].startswith("line 3: `")


def test_contradicting_examples_are_both_dropped_and_repeated_ones_taken_once() -> None:
    found = example_tests(stub("f(1) == 2\nf(2) == 4\nf(1) == 3\n>>> f(2)\n4"), "f")
    assert [t.describe("f") for t in found.tests] == ["f(2) == 4"]
    assert [d.split(": ", 1)[1] for d in found.dropped] == ["`f(1)`: contradicts another example"] * 2


def test_names_of_the_source_may_be_used() -> None:
    text = stub("f(SIZE * [1]) == 12", before="SIZE = 6\n\n")
    assert example_tests(text, "f").tests == (AssertTest(code="assert f(SIZE * [1]) == 12"),)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(codec="ascii", exclude_characters="\r"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.integers(), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(
    st.lists(VALUES, min_size=1, max_size=3),
    VALUES,
    st.sampled_from([" == ", " -> ", " => ", " ➞ ", " returns ", "\n"]),
)
def test_any_literal_survives_the_way_through_a_docstring(
    args: list[object], value: object, relation: str
) -> None:
    call = f"f({', '.join(map(repr, args))})"
    line = f">>> {call}{relation}{value!r}" if relation == "\n" else f"{call}{relation}{value!r}"
    text = f"def f(*args):\n    '''Words.\n\n    {line.replace(chr(10), chr(10) + '    ')}\n    '''\n"
    text = text.replace("\\", "\\\\") if "\\" in text else text
    if "'''" in line or '"""' in line:
        return
    (test,) = example_tests(text, "f").tests
    assert isinstance(test, CallTest)
    assert [*ast.literal_eval(test.args)] == args
    assert ast.literal_eval(test.expected) == value
