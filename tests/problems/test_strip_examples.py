"""Text without its examples: what goes, what stays, and that source stays source."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.examples import find_examples, strip_examples
from tests.problems.test_find_examples import SOUP

STUB = '''from typing import List


def helper(x):
    return x == 3


def f(xs: List[int]) -> int:
    """ Return the sum. The list may be empty. For example, f([9]) == 9

    The order does not matter.

    Examples:
    >>> f([1, 2])
    3
    >>> f([])
    0

    Example 1:
        Input: [4, 5]
        Output: 9
        Explanation: 4 and 5
            make 9.

    Constraints:
        * numbers >= 0
    """
'''


def test_examples_headings_and_explanations_go_and_the_rest_stays() -> None:
    assert (
        strip_examples(STUB, "f")
        == '''from typing import List


def helper(x):
    return x == 3


def f(xs: List[int]) -> int:
    """ Return the sum. The list may be empty.

    The order does not matter.

    Constraints:
        * numbers >= 0
    """
'''
    )


def test_a_docstring_of_one_line_keeps_its_quotes() -> None:
    assert strip_examples('def f(x):\n    """f(1) == 2"""\n', "f") == 'def f(x):\n    """"""\n'


def test_the_last_line_of_a_docstring_keeps_its_quotes() -> None:
    stripped = strip_examples('def f(x):\n    """Double.\n    f(1) == 2"""\n', "f")
    assert stripped == 'def f(x):\n    """Double.\n    """\n'


def test_comments_and_asserts_about_the_function_go() -> None:
    source = 'def f(x):\n    """Double."""\n    # f(1) == 2\n    pass\n\n'
    source += "assert f(2) == 4\nassert f(\n    3\n) == 6\nx = 1\n"
    stripped = strip_examples(source, "f")
    assert "f(1)" not in stripped and "assert" not in stripped
    assert stripped.endswith("x = 1\n")


def test_unusable_examples_and_those_under_another_name_go_too() -> None:
    text = 'Sort.\nf([2, 1]) [1, 2]\nf(aa) => False\nf([1]) == ""b"\nsorter([2, 1]) ==> [1, 2]\nEnd.'
    assert strip_examples(text, "f") == "Sort.\nf([2, 1]) [1, 2]\nEnd."


def test_a_doctest_goes_whatever_it_shows() -> None:
    assert strip_examples("A.\n>>> import x\n>>> g(2) [3]\n\nB.", "f") == "A.\n\nB."


@pytest.mark.parametrize(
    "text",
    [
        "f(x) returns True if x is even.",
        "f(0) = 1\nf(n) = n * f(n - 1)",
        "If the list is empty, f returns 0.",
        "Input: two numbers\nThe function prints them.",
        "1. g(1) is [1].",
        "Example: take the intersection of (1, 3) and (2, 4).",
    ],
)
def test_rules_and_definitions_stay(text: str) -> None:
    assert strip_examples(text, "f") == text


def test_markdown_keeps_its_fences_and_its_stub() -> None:
    text = "# Double\n\n```python\ndef f(x):\n    '''Double.\n\n    >>> f(1)\n    2\n    '''\n```\n\n"
    text += "Example:\n\n```\nf(2) == 4\n```\n"
    stripped = strip_examples(text, "f")
    assert stripped.count("```") == 4
    assert "def f(x):\n    '''Double.\n" in stripped
    assert "f(1)" not in stripped and "f(2)" not in stripped


BODY = st.lists(
    st.sampled_from(
        [
            "Some words.",
            "",
            "f(1) == 2",
            ">>> f(3)",
            "4",
            "    f('a\\\\n') -> 'b'",
            "Examples:",
            "Input: 3",
            "Output: 4",
        ]
        + [
            "Explanation: why",
            "For x = 2 the output should be 5",
            "f(5) = f(4) + 1",
            "say f(6) returns 7.",
            "# why",
        ]
        + [
            "f([1,",
            "2]) == 3",
            "a \\\\ b",
            "assert f(8) == 9",
            "* f(1) => '\\\"'",
            "é f(0) ➞ 1",
            ">>> f(2) == 3",
        ]
    ),
    max_size=9,
)
QUOTES = st.sampled_from(['"""', "'''"])


@given(BODY, QUOTES, st.sampled_from(["", "r"]), st.booleans())
def test_a_stripped_stub_is_python_without_examples(
    body: list[str], quotes: str, prefix: str, closed_below: bool
) -> None:
    text = "\n    ".join(body) + ("\n    " if closed_below else " ")
    source = f"# before\ndef f(x):\n    {prefix}{quotes}{text}{quotes}\n    pass\n"
    ast.parse(source)
    stripped = strip_examples(source, "f")
    tree = ast.parse(stripped)
    assert ast.unparse(tree.body[0]).startswith("def f(x):")
    assert [e for e in find_examples(stripped, "f") if e.expected] == []
    assert strip_examples(stripped, "f") == stripped


@given(SOUP)
def test_any_text_can_be_stripped_and_source_stays_source(text: str) -> None:
    stripped = strip_examples(text, "f")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    if any(isinstance(n, ast.FunctionDef) and n.name == "f" for n in ast.walk(tree)):
        ast.parse(stripped)
