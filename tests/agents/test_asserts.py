"""Extraction of assert statements, with the checks of the CodeT sheet."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from codegrove.agents.answers import extract_asserts


def test_7_pieces_that_parse_and_name_the_entry_point() -> None:
    text = "f(1) == 2\n\nassert f(2) == 3, 'x'\nassert g(2) == 3\nassert f([1,\n 2]) == 4\nassert f( == 3\n# done"
    assert extract_asserts(text, "f") == (
        "assert f(1) == 2",
        "assert f(2) == 3, 'x'",
        "assert f([1,\n 2]) == 4",
    )


def test_8_what_follows_an_assert_does_not_end_the_list() -> None:
    text = "candidate(1) == 2\nassert f(2) == 3\nprint('a')\nassert f(9)==1"
    assert extract_asserts(text, "f") == ("assert f(2) == 3", "assert f(9)==1")


def test_asserts_inside_test_functions_and_prose() -> None:
    text = (
        "These tests:\n\ndef test_f():\n    assert f(1) == 1  # one\n    assert f(\n        2) == 2\n\nDone."
    )
    assert extract_asserts(text, "f") == ("assert f(1) == 1", "assert f(\n        2) == 2")


def test_several_on_a_line_and_the_keyword_inside_a_string() -> None:
    text = "assert f('we assert') == 3\nassert f(1)==1 assert f(2)==2; assert f(3)==3"
    assert extract_asserts(text, "f") == (
        "assert f('we assert') == 3",
        "assert f(1)==1",
        "assert f(2)==2",
        "assert f(3)==3",
    )


def test_repetitions_stay() -> None:
    assert extract_asserts("assert f(1) == 1\nassert f(1) == 1", "f") == ("assert f(1) == 1",) * 2


def test_the_entry_point_must_be_an_identifier_of_the_test() -> None:
    assert extract_asserts("assert ff(1) == 'f'\nassert x.f == 1\nassert f is not None", "f") == (
        "assert f is not None",
    )


def test_an_escape_sequence_that_python_frowns_at_is_no_reason_to_drop_a_test() -> None:
    assert extract_asserts(r"assert f('\d') == 1", "f") == (r"assert f('\d') == 1",)


literals = st.one_of(st.integers(), st.text(max_size=8), st.lists(st.booleans(), max_size=3))


@given(st.lists(st.tuples(literals, literals), max_size=6))
def test_what_is_written_is_found_in_order(pairs: list[tuple[object, object]]) -> None:
    written = [f"assert f({arg!r}) == {value!r}" for arg, value in pairs]
    assert list(extract_asserts("\n".join(written), "f")) == written


@given(st.text(alphabet="assert f(1)=\n'\"#,[]", max_size=200))
def test_everything_found_is_an_assert_about_the_entry_point(text: str) -> None:
    for code in extract_asserts(text, "f"):
        (node,) = ast.parse(code).body
        assert isinstance(node, ast.Assert)
        assert "f" in code
