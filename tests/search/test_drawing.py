"""Trees as text and as SVG: complete, foldable, safe for any text, and without recursion."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from codegrove.candidate import Candidate
from codegrove.search import drawing
from codegrove.search.tree import SearchTree
from codegrove.verdict import Status, TestResult, Verdict
from tests.search.harness import SMALL_TASK


def tree_with(texts: list[str]) -> SearchTree:
    """A root with one plan per text and a program below each; the last one passes everything."""
    tree = SearchTree(SMALL_TASK)
    for index, text in enumerate(texts):
        plan = tree.add(0, "plan", text=text)
        last = index == len(texts) - 1
        statuses = [Status.PASSED, Status.PASSED if last else Status.FAILED, Status.PASSED]
        verdict = Verdict(
            status=Status.PASSED if last else Status.FAILED,
            results=tuple(TestResult(status=status) for status in statuses),
        )
        program = Candidate(program="def double(n): return 2 * n")
        node = tree.add(plan.id, "program", program=program, verdict=verdict, tests=SMALL_TASK.tests)
        tree.backup(node.id, 1.0 if last else 2 / 3)
    return tree


def test_text_shows_every_node_and_marks_the_path() -> None:
    tree = tree_with(["first", "second"])
    lines = drawing.text(tree, answer=4).splitlines()
    assert len(lines) == len(tree)
    assert [line for line in lines if line.endswith(" *")] == [
        "double *",
        "└─ · #3 plan second *",
        "   └─ ● #4 program 3/3 *",
    ]


def test_folding_keeps_the_answers_path_and_says_what_is_missing() -> None:
    tree = tree_with([f"plan {n}" for n in range(50)])
    rows = drawing.rows(tree, answer=100, most=20)
    assert len(rows) <= 20
    assert {0, 99, 100} <= {row.node.id for row in rows}
    assert sum(row.folded for row in rows) > 0


def test_svg_is_well_formed_whatever_the_texts_say() -> None:
    tree = tree_with(["<script>alert(1)</script>", "]]> & \" '", "line\nbreak\ttab"])
    picture = drawing.svg(tree, answer=6)
    root = ET.fromstring(picture)
    assert root.tag.endswith("svg")
    assert "<script" not in picture
    circles = root.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(tree)


def test_control_characters_do_not_break_the_svg() -> None:
    ET.fromstring(drawing.svg(tree_with(["a\x00b\x1b[31mc\x0b\ud800"])))


def test_a_tree_ten_thousand_deep_is_drawn_without_recursion() -> None:
    tree = SearchTree(SMALL_TASK)
    for parent in range(10_000):
        tree.add(parent, "thought", text="deeper")
    assert len(drawing.rows(tree)) == 10_001
    assert len(drawing.rows(tree, answer=3, most=30)) <= 30


def test_a_notebook_gets_text_and_picture() -> None:
    bundle = tree_with(["one"])._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml"}
