"""Differences: none for the same program, and each repair takes one away."""

from __future__ import annotations

import ast
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.models.sim.comparing import differences
from codegrove.models.sim.trees import edited, parse, source
from tests.models.sim.material import CLIMB, MODE, TESTED, TILL, study


@given(seed=st.integers(0, 10**6), count=st.integers(1, 4), index=st.integers(0, len(TESTED) - 1))
def test_repairs_lead_from_a_mutant_to_the_reference(seed: int, count: int, index: int) -> None:
    known = study(TESTED[index])
    rng = random.Random(seed)
    program = known.mutant(rng, count)
    for _ in range(2 * count + 2):
        tree = parse(program)
        assert tree is not None
        found = differences(tree, known.tree, known.entry_point, known.given)
        if not found:
            break
        program = source(edited(tree, [rng.choice(found).edit]))
        ast.parse(program)
        rest = differences(ast.parse(program), known.tree, known.entry_point, known.given)
        assert len(rest) <= len(found)
    assert program == known.text


@pytest.mark.parametrize("problem", TESTED, ids=lambda problem: problem.id)
def test_comments_docstrings_and_layout_are_no_difference(problem: object) -> None:
    known = study(next(item for item in TESTED if item is problem))
    tidy = ast.parse("# a comment\n" + known.text.replace("    ", "  "))
    assert differences(tidy, known.tree, known.entry_point, known.given) == []


@pytest.mark.parametrize(
    ("old", "new", "count", "line"),
    [
        ("        if heights[index] > heights", "        if heights[index] >= heights", 1, 5),
        ("heights[index] > heights[index - 1]", "heights[index - 1] > heights[index]", 1, 5),
        ("            run += 1\n", "", 1, 5),
        ("    best = 0\n", "    best = 0\n    first = [][0]\n", 1, 3),
        ("        else:\n            run = 0\n", "", 1, 5),
        ("    run = 0\n    for", "    run = 1\n    for", 1, 3),
    ],
)
def test_single_mistakes_are_single_differences_on_their_line(
    old: str, new: str, count: int, line: int
) -> None:
    known = study(CLIMB)
    assert old in known.text
    found = differences(ast.parse(known.text.replace(old, new, 1)), known.tree, "climb", frozenset())
    assert [difference.line for difference in found] == [line] * count
    repaired = edited(ast.parse(known.text.replace(old, new, 1)), [found[0].edit])
    assert source(repaired) == known.text


def test_a_lost_import_and_a_lost_helper_count_and_surplus_ones_do_not() -> None:
    known = study(MODE)
    text = known.text
    without_import = text.replace("from collections import Counter\n", "")
    without_helper = text.replace(text[text.index("def counted") : text.index("def mode")], "")
    for program in (without_import, without_helper):
        tree = ast.parse(program)
        (found,) = differences(tree, known.tree, "mode", frozenset())
        assert differences(edited(tree, [found.edit]), known.tree, "mode", frozenset()) == []
    surplus = "import os\n" + text + "\ndef more():\n    return 1\n\nprint(mode([1]))\n"
    assert differences(ast.parse(surplus), known.tree, "mode", frozenset()) == []


def test_kinds_of_programs() -> None:
    climb, till = study(CLIMB), study(TILL)
    assert climb.compare(climb.text).kind == "right"
    assert climb.compare(climb.text.replace(">", "<")).kind == "near"
    assert climb.compare(CLIMB.wrong[0]).kind == "other"
    assert climb.compare("def climb(heights)\n    return 0\n").kind == "broken"
    assert (
        till.compare("import sys\n\nlines = sys.stdin.read()\nfor a in lines:\n    b = a\n").kind == "other"
    )
    assert climb.compare("def climb(heights):\n    return " + " + ".join(["1"] * 950) + "\n").kind == "other"
    assert climb.compare("def other():\n    return 1\n").kind == "other"
