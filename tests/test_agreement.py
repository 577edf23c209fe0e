from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.agreement import right_output, same_output, same_value
from codegrove.task import StdioTest
from codegrove.tools.sandbox.values import Opaque

NAN = float("nan")
INF = float("inf")


@pytest.mark.parametrize(
    ("expected", "obtained", "same"),
    [
        (1, 1.0, True),
        (1, True, True),
        ([1], (1,), False),
        ({1}, frozenset({1}), True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ("1", 1, False),
        (b"a", bytearray(b"a"), True),
        (None, False, False),
        (0.3, 0.1 + 0.2, False),
        (10**400, 10**400, True),
        (NAN, NAN, True),
        ([NAN, 1], [NAN, 1], True),
        ({"a": NAN}, {"a": NAN}, True),
        (NAN, 1.0, False),
        ([1, 2], [1, 2, 3], False),
        ([], Opaque("list"), False),
        ([1, Opaque("x")], [1, Opaque("x")], False),
    ],
)
def test_equality_is_pythons(expected: object, obtained: object, same: bool) -> None:
    assert same_value(expected, obtained) is same


@pytest.mark.parametrize(
    ("expected", "obtained", "same"),
    [
        (0.5, 0.75, True),
        (0.5, 0.7501, False),
        (1, 2, False),  # integers are exact whatever the tolerance
        (1, 1.25, True),
        ([{"a": (0.5,)}], [{"a": (0.6,)}], True),
        ({0.5, 3.0}, {3.1, 0.6}, True),
        ({0.5, 3.0}, {3.1, 0.8}, False),
        ({(0.5, "a"), (3.0, "b")}, {(3.1, "b"), (0.6, "a")}, True),
        ({NAN, 1.0}, {1.1, NAN}, True),
        (INF, INF, True),
        (INF, 1e308, False),
        (0.5, 10**400, False),
        (1 + 1j, 1.1 + 1j, True),
        ("a", "b", False),
    ],
)
def test_tolerance_reaches_every_float(expected: object, obtained: object, same: bool) -> None:
    assert same_value(expected, obtained, tolerance=0.25) is same


numbers = st.integers() | st.floats(allow_nan=False)


@given(st.lists(numbers), st.lists(numbers))
def test_without_tolerance_it_is_plain_equality(left: list[float], right: list[float]) -> None:
    assert same_value(left, right) is (left == right)


@given(st.sets(st.floats(-100, 100)), st.floats(0.001, 1))
def test_sets_within_tolerance_are_found(values: set[float], tolerance: float) -> None:
    moved = {value + tolerance / 2 for value in values}
    assert same_value(values, moved, tolerance=tolerance) is (len(moved) == len(values))


@pytest.mark.parametrize(
    ("expected", "obtained", "same"),
    [
        ("1\n2\n", "1\n2", True),
        ("1\n2", "1  \n2\t\r\n\n \n", True),
        ("1\n2", "1\n\n2", False),
        ("1\n2", " 1\n2", False),
        ("", "\n", True),
        ("a b", "a  b", False),
    ],
)
def test_outputs_agree_up_to_white_space_at_the_ends(expected: str, obtained: str, same: bool) -> None:
    assert same_output(expected, obtained) is same


@pytest.mark.parametrize(
    ("expected", "obtained", "tolerance", "relative", "same"),
    [
        (1e9, 1e9 + 50, 0.0, 1e-7, True),
        (1e9, 1e9 + 150, 0.0, 1e-7, False),
        (1e9, 1e9 + 150, 60.0, 1e-7, True),
        ([0.0, {"a": 100.0}], [0.0, {"a": 100.5}], 0.0, 0.01, True),
        (0.0, 1e-9, 0.0, 1e-7, False),
        (100, 101, 0.0, 0.5, False),
        (10**400, 1.0, 0.0, 0.5, False),
    ],
)
def test_a_relative_tolerance_is_a_fraction_of_the_expected_number(
    expected: object, obtained: object, tolerance: float, relative: float, same: bool
) -> None:
    assert same_value(expected, obtained, tolerance=tolerance, relative=relative) is same


@pytest.mark.parametrize(
    ("comparison", "expected", "obtained", "right"),
    [
        ("lines", "1\n", "1  \n\n", True),
        ("lines", " 1", "1", False),
        ("decimals", "1.0\nok", "1\nok\n", True),
        ("decimals", " 1 2 ", "1.0  2.00", True),
        ("decimals", "1\n2", "1 2", False),
        ("decimals", "0.1", "0.1000000001", False),
        ("decimals", "50000000000000000", "50000000000000001", False),
        ("decimals", "nan", "NaN", False),
        ("decimals", "a 1", "a 1.0", False),
        ("tokens", "Yes\n1 2", "YES 1\n\n2", True),
        ("tokens", "1 2", "1 2 3", False),
        ("tokens", "1.00000", "1.000009", True),
        ("tokens", "1.00000", "1.00002", False),
        ("tokens", "nan", "1", False),
        ("tokens", "inf", "1e999", False),
        ("tokens", "1000", "1_000", False),
        ("tokens", "ſ", "s", False),
        ("tokens", "a\xa0b", "a b", False),
    ],
)
def test_outputs_are_compared_as_the_test_says(
    comparison: Literal["lines", "decimals", "tokens"], expected: str, obtained: str, right: bool
) -> None:
    test = StdioTest(stdin="", expected=expected, comparison=comparison, tolerance=1e-5)
    assert right_output(test, obtained) is right


@given(st.text(max_size=20), st.sampled_from(["lines", "decimals", "tokens"]))
def test_an_output_is_right_for_itself(text: str, comparison: Literal["lines", "decimals", "tokens"]) -> None:
    assert right_output(StdioTest(stdin="", expected=text, comparison=comparison), text)
