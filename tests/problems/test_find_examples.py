"""What counts as an example, form by form, and what must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.examples import Example, Form, find_examples


def found(text: str, entry_point: str = "f") -> list[tuple[Form, str, str]]:
    return [(e.form, e.call, e.expected) for e in find_examples(text, entry_point)]


@pytest.mark.parametrize(
    ("line", "form", "call", "expected"),
    [
        ("f(1) == 2", Form.COMPARISON, "f(1)", "2"),
        ("* f([1, 2], 'a b') == [3]", Form.COMPARISON, "f([1, 2], 'a b')", "[3]"),
        ("for f(7, 34) == 34", Form.COMPARISON, "f(7, 34)", "34"),
        ("f(1) -> 2", Form.ARROW, "f(1)", "2"),
        ("f(1) ->2", Form.ARROW, "f(1)", "2"),
        ("f(1)==>True", Form.ARROW, "f(1)", "True"),
        ("f(1) => true", Form.ARROW, "f(1)", "True"),
        ("f([]) ➞ None", Form.ARROW, "f([])", "None"),
        ("f(')') → '('", Form.ARROW, "f(')')", "'('"),
        ("f(12, 15) = 14", Form.EQUALS, "f(12, 15)", "14"),
        ("f('hi') returns 'lm'", Form.WORDS, "f('hi')", "'lm'"),
        ("f(2, -3) should return 16.", Form.WORDS, "f(2, -3)", "16"),
        ("f(4) evaluates to {'a': 1}.", Form.WORDS, "f(4)", "{'a': 1}"),
        ("f(15)   # returns 'db'", Form.WORDS, "f(15)", "'db'"),
        ("f('x.txt') # => 'Yes'", Form.ARROW, "f('x.txt')", "'Yes'"),
        ("f('1x') => 'No' (the name should start with a letter)", Form.ARROW, "f('1x')", "'No'"),
        ("f(5) returns [1, 5] # since 5, 16, 8", Form.WORDS, "f(5)", "[1, 5]"),
        ("f('5 apples', 19) -> 19 - 5 - 6 = 8", Form.ARROW, "f('5 apples', 19)", "8"),
        ("assert f(1) == 2, 'two'", Form.ASSERT, "assert f(1) == 2, 'two'", ""),
        ("`f(1)` returns `2`", Form.WORDS, "f(1)", "2"),
        ("assert abs(f(2) - 1.4) < 0.1", Form.ASSERT, "assert abs(f(2) - 1.4) < 0.1", ""),
        ("round(f(2), 1) == 1.4", Form.COMPARISON, "round(f(2), 1)", "1.4"),
        ("For x = 4, y = [1] the output should be 5", Form.SENTENCE, "f(x=4, y=[1])", "5"),
        ('For n = 1000, the digits give 1 the output should be "1".', Form.SENTENCE, "f(n=1000)", "'1'"),
    ],
)
def test_each_form_is_read_from_one_line(line: str, form: Form, call: str, expected: str) -> None:
    assert found(line) == [(form, call, expected)]


@pytest.mark.parametrize(
    "line",
    [
        "f(x) returns True if x is prime",  # a rule
        "f(x) = 2 * x",
        "the function f(n) is the sum of all n",
        "f(3) should not return 4",
        "f(3) != 4",
        "g(3) == 4",
        "obj.f(3) == 4",
        "f(1) == 3 or f(1) == 4 are both fine"[13:],
        "def f(x) -> int:",
        "f(1)",
        "f(1 == 2",
        "f('a) == 'b'",
        "range(1, 4) == 3",
        "For all lists the output should be 5",
        "Input: 5",
    ],
)
def test_other_lines_hold_no_usable_example(line: str) -> None:
    assert [e for e in found(line) if e[2]] == []


@pytest.mark.parametrize("value", ["2, 3", "(2)", "the sum", '""a"', "2 3", "[1, 2", "4 - 1 = 5"])
def test_a_value_whose_end_is_not_clear_is_left_unread(value: str) -> None:
    assert found(f"f(1) == {value}") == [(Form.COMPARISON, "f(1)", "")]


def test_two_examples_in_one_sentence() -> None:
    text = 'For example f("14.5") should\n return 15 and f("-14.5") should return -15.'
    assert found(text) == [(Form.WORDS, "f('14.5')", "15"), (Form.WORDS, "f('-14.5')", "-15")]


def test_calls_and_values_over_several_lines() -> None:
    text = "f([\n  [1, 2],\n  [3]\n], 1) == [\n (0, 0),\n (1, 4)]\nf([], 1) == []"
    assert found(text) == [
        (Form.COMPARISON, "f([[1, 2], [3]], 1)", "[(0, 0), (1, 4)]"),
        (Form.COMPARISON, "f([], 1)", "[]"),
    ]


def test_doctests_with_continuations_and_outputs_of_several_lines() -> None:
    text = ">>> x = [1,\n...      2]\n>>> f(x)\n[1,\n 2]\n\nProse.\n>>> f([])\n>>> f(3)\n7"
    assert found(text) == [
        (Form.DOCTEST, "x = [1,\n     2]", ""),
        (Form.DOCTEST, "f(x)", "[1,\n2]"),
        (Form.DOCTEST, "f([])", ""),
        (Form.DOCTEST, "f(3)", "7"),
    ]


def test_prose_right_after_an_output_is_no_output() -> None:
    assert found(">>> f(1)\n2\nNote that the list may be empty.") == [(Form.DOCTEST, "f(1)", "2")]


def test_printed_lines_belong_together() -> None:
    assert found(">>> f(1)\n1\n2\n3") == [(Form.DOCTEST, "f(1)", "1\n2\n3")]


def test_input_and_output_lines() -> None:
    text = """Example 1:
        Input: arr = [-3, 4], k = 3
        Output: [4] # the largest
        Explanation: it is 4.

    Example 2:
        Input:
            grid : [[0, 1]]
            size : 2
        Output: 5
    """
    assert found(text) == [
        (Form.INPUT_OUTPUT, "f(arr=[-3, 4], k=3)", "[4]"),
        (Form.INPUT_OUTPUT, "f(grid=[[0, 1]], size=2)", "5"),
    ]


def test_a_recurrence_and_its_base_cases_are_a_definition() -> None:
    text = "f(0) == 0\nf(1) == 1\nf(n) == f(n-1) + f(n-2)\n\nExamples:\nf(5) == 5"
    assert found(text) == [(Form.COMPARISON, "f(5)", "5")]


def test_doctests_beside_a_recurrence_are_examples() -> None:
    assert found("f(0) -> 0\nf(n) -> f(n-1) + 2.\n>>> f(3)\n6") == [(Form.DOCTEST, "f(3)", "6")]


def test_an_equation_between_two_calls_with_values_is_an_example() -> None:
    assert found("f('ab') == f('ba')") == [(Form.COMPARISON, "f('ab')", "f('ba')")]


SOURCE = '''import math

# g(1) == 1
def g(x):
    """>>> g(1)
    1
    """
    text = "f(9) == 9"
    return x

# f(0) == 10
def f(x, y=1):
    """Say x.

    >>> f("a\\nb")
    'a'
    >>> f("c\\\\nd")
    'c'
    f(2) == 3"""
    raise NotImplementedError  # f(4) == 4
'''


def test_in_source_only_docstrings_and_lone_comments_are_read() -> None:
    assert find_examples(SOURCE, "f") == [
        Example(form=Form.DOCTEST, line=5, call="g(1)", expected="1"),
        Example(form=Form.COMPARISON, line=11, call="f(0)", expected="10"),
        Example(form=Form.DOCTEST, line=15, call='f("a\\nb")', expected="'a'"),
        Example(form=Form.DOCTEST, line=17, call='f("c\\nd")', expected="'c'"),
        Example(form=Form.COMPARISON, line=19, call="f(2)", expected="3"),
    ]


def test_a_string_that_is_no_docstring_but_stands_alone_is_read() -> None:
    text = 'def f(x):\n    import math\n    """\n    f(1) == 2\n    """\n'
    assert found(text) == [(Form.COMPARISON, "f(1)", "2")]


def test_concatenated_strings_are_left_alone() -> None:
    assert found('def f(x):\n    "f(1) == 2" "f(3) == 4"\n') == []


FRAGMENTS = st.sampled_from(
    [
        "f(",
        "f(1)",
        ")",
        "[",
        "]",
        " == ",
        " -> ",
        "=",
        "2",
        "'",
        '"',
        '"""',
        "\\",
        "\n",
        "\n    ",
        ">>> ",
        "... ",
    ]
    + [
        "def f(x):\n    ",
        "Input: ",
        "Output: ",
        "For x = ",
        " the output should be ",
        "#",
        "return",
        ".",
        "true",
    ]
    + ["Example:", "Explanation: ", "and ", "(", "{", "}", ",", "é", "\t", "x", "f(n) = f(n - 1)", "assert "]
)
SOUP = st.lists(FRAGMENTS, max_size=25).map("".join)


@given(SOUP | st.text(max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    for example in find_examples(text, "f"):
        assert 1 <= example.line <= text.count("\n") + 1


@pytest.mark.slow
def test_long_unbalanced_text_costs_little() -> None:
    assert find_examples("f((" * 20_000, "f") == []


@pytest.mark.parametrize(
    "deep",
    ["1" + "+1" * 3000, "-" * 900 + "1", "[" * 150 + "]" * 150, "[" * 3000 + "]" * 3000, "not " * 900 + "1"],
)
def test_deeply_nested_text_is_no_trouble(deep: str) -> None:
    for text in (f"f({deep}) == 1", f"f(1) == {deep}", f"assert f({deep})", f">>> f({deep})\n1"):
        for example in find_examples(text, "f"):
            assert example.line == 1


def test_python_warnings_about_the_text_are_nobodys_business() -> None:
    assert found("f(1) == 1and 2")[0][1] == "f(1)"
    assert found("f('\\w') == 1") == [(Form.COMPARISON, "f('\\\\w')", "1")]
