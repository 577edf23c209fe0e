from __future__ import annotations

import warnings

import pytest

from codegrove.parsing import parse_python
from codegrove.tools.sandbox.literals import LiteralError, parse_arguments, parse_literal
from codegrove.tools.sandbox.syntax import defined_functions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" [1, -2.5, 'a', None, True] ", [1, -2.5, "a", None, True]),
        ("{'a': (1,), 2: set()}", {"a": (1,), 2: set()}),
        ("[inf, -inf]", [float("inf"), float("-inf")]),
        ("frozenset({1, 2})", frozenset({1, 2})),
        ("bytearray(b'x')", bytearray(b"x")),
        ("1-2j", 1 - 2j),
        ("0xff", 255),
    ],
)
def test_literals_are_read(text: str, value: object) -> None:
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f(1)",
        "x",
        "1 + 1",
        "[1",
        "__import__('os')",
        "{**{}}",
        "...",
        "lambda: 1",
        "{[]: 1}",
        "-'a'",
        "(" * 500,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(LiteralError):
        parse_literal(text)


def test_arguments_must_be_a_tuple_and_a_dict_of_names() -> None:
    assert parse_arguments("(1, [2])", "{'a': 3}") == ((1, [2]), {"a": 3})
    with pytest.raises(LiteralError, match=r"expected a tuple.*'\(1,\)'.*found '\(1\)'"):
        parse_arguments("(1)", "{}")
    with pytest.raises(LiteralError, match="dict of named arguments"):
        parse_arguments("()", "{1: 2}")


def test_warnings_of_foreign_text_stay_inside() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_python(r"x = '\d'" + "\nassert (1, 'always true')\n")


@pytest.mark.parametrize("text", ["def f(:", "x = '\0'", "\ud800", "(" * 10_000, "-" * 100_000 + "1"])
def test_whatever_does_not_parse_is_a_syntax_error(text: str) -> None:
    with pytest.raises(SyntaxError):
        parse_python(text)


def test_definitions_at_top_level_are_listed_in_order() -> None:
    program = "import x\ndef b(): \n    def inner(): pass\nclass A: pass\nasync def c(): pass\n"
    assert defined_functions(program) == ["b", "A", "c"]
