"""Defects: every operator changes a program, leaves it a program, and keeps to its part of it."""

from __future__ import annotations

import ast
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.models.sim.mutations import WEIGHTS, mutations, pick
from codegrove.models.sim.operators import OPERATORS
from codegrove.models.sim.trees import edited, overlap, parse, source
from tests.models.sim.material import CIPHER, CLIMB, MODE, PROBLEMS, TESTED, passes, study

EVERYTHING = """
import math

def helper(a, b):
    return a - b

def work(items, limit, name='x', flag=True):
    seen = []
    total = 0
    position = 10
    words = {}
    while position > 0:
        position -= 1
        total += position
    for i in range(len(items)):
        if items[i] in seen:
            continue
        if i > limit and not flag:
            break
        elif i == 2 or items[i] < 0:
            total += helper(i, limit)
        seen.append(items[i])
        words[i] = 'yes' if total > 3 else 'no'
    for j in range(1, limit, 2):
        total = total + math.ceil(j / 2)
    tail = items[1:-1]
    evens = [v for v in tail if v % 2 == 0]
    text = str(len(evens)).strip() + 'end'
    return sorted(seen), f'{text}!', max(total, -1)
"""


def texts_by_operator(program: str) -> dict[str, list[str]]:
    tree = parse(program)
    assert tree is not None
    found: dict[str, list[str]] = {}
    for mutation in mutations(tree, "work", frozenset()):
        found.setdefault(mutation.operator, []).append(source(edited(tree, [mutation.edit])))
    return found


FOUND = texts_by_operator(EVERYTHING)


@pytest.mark.parametrize("operator", sorted(set(OPERATORS) - {"early return"}))
def test_every_operator_gives_different_programs_that_parse(operator: str) -> None:
    tree = parse(EVERYTHING)
    assert tree is not None
    assert FOUND[operator]
    for text in FOUND[operator]:
        ast.parse(text)
        assert text != source(tree)


def test_operators_and_weights_have_the_same_names() -> None:
    assert set(OPERATORS) == set(WEIGHTS)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("comparison", "if i >= limit and (not flag):"),
        ("constant", "total = 1\n"),
        ("range bound", "range(len(items) - 1)"),
        ("slice bound", "items[2:-1]"),
        ("dropped branch", "'yes'\n"),
        ("wrong variable", "helper(i, i)"),
        ("arithmetic", "return a + b"),
        ("logic", "if i > limit or not flag:"),
        (
            "dropped statement",
            "for i in range(len(items)):\n        if items[i] in seen:\n            pass\n",
        ),
        ("wrong builtin", "min(total, -1)"),
        ("swapped operands", "return b - a"),
        ("dropped call", "str(len(evens)) + 'end'"),
        ("wrong text", "'yes' if total > 3 else 'yes'"),
    ],
)
def test_what_operators_do(operator: str, expected: str) -> None:
    assert any(expected in text for text in FOUND[operator])


def test_a_return_can_slip_into_the_loop() -> None:
    found = texts_by_operator(
        "def work(items):\n    for item in items:\n        item += 1\n    return item\n"
    )
    assert found["early return"] == [
        "def work(items):\n    for item in items:\n        item += 1\n        return item\n    return item\n"
    ]


def test_the_update_of_a_while_loop_is_left_alone() -> None:
    assert all("position -= 1\n" in text for texts in FOUND.values() for text in texts)


def test_formatted_text_and_imports_are_left_alone() -> None:
    assert all("f'{text}!'" in text and "import math" in text for texts in FOUND.values() for text in texts)


def test_only_what_the_entry_point_reaches_and_the_stub_does_not_give() -> None:
    unrelated = "def unrelated(value):\n    return value + 1"
    helper = "def counted(values):\n    table = Counter(values)\n    return table"
    mode = [study(MODE).mutant(random.Random(seed), 1) for seed in range(150)]
    assert all(unrelated in text for text in mode)
    assert not all(helper in text for text in mode)
    given = "def encode(text):\n    return ''.join((chr((ord(c) - 96) % 26 + 97) for c in text))"
    assert all(given in study(CIPHER).mutant(random.Random(seed), 2) for seed in range(60))


def test_docstrings_and_annotations_are_no_place_for_a_defect() -> None:
    tree = parse('def work(n: int = 3) -> str:\n    """Say 5 < 6."""\n    return n\n')
    assert tree is not None
    assert mutations(tree, "work", frozenset()) == ()


@given(seed=st.integers(0, 10**6), count=st.integers(1, 5), index=st.integers(0, len(TESTED) - 1))
def test_several_defects_do_not_touch_each_other(seed: int, count: int, index: int) -> None:
    known = study(TESTED[index])
    chosen = pick(known.mutations, count, random.Random(seed))
    assert 1 <= len(chosen) <= count
    paths = [mutation.edit.path for mutation in chosen]
    assert not any(overlap(a, b) for i, a in enumerate(paths) for b in paths[:i])
    text = source(edited(known.tree, [mutation.edit for mutation in chosen]))
    ast.parse(text)
    assert source(known.tree) == known.text, "the reference must not change under its mutants"


def test_most_single_defects_change_what_the_program_does() -> None:
    programs = [study(problem).mutant(random.Random(seed), 1) for problem in TESTED for seed in range(20)]
    problems = [problem for problem in TESTED for _ in range(20)]
    harmless = sum(passes(problem, program) for problem, program in zip(problems, programs, strict=True))
    assert harmless / len(programs) < 0.2


def test_references_pass() -> None:
    assert all(passes(problem, study(problem).text) for problem in PROBLEMS)
    assert not passes(CLIMB, CLIMB.wrong[0])
