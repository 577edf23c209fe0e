from __future__ import annotations

import ast
from typing import Any

import pytest

from codegrove.tools.sandbox.asserts import instrument
from codegrove.tools.sandbox.source_text import SourceText


def run(code: str, **names: Any) -> tuple[list[tuple[int, int, object]], BaseException | None]:
    """Execute an instrumented test; return what was remembered and how it ended."""
    remembered: list[tuple[int, int, object]] = []

    def obtained(assertion: int, position: int, value: object) -> object:
        remembered.append((assertion, position, value))
        return value

    try:
        exec(instrument(code, {"f", "candidate"}).code, {"__obtained__": obtained, **names})
    except BaseException as error:  # noqa: BLE001 - the test wants to see any
        return remembered, error
    return remembered, None


def double(x: int) -> int:
    return 2 * x


def test_the_value_of_a_call_is_remembered() -> None:
    remembered, error = run("assert f(1) == 2\nassert f(2) == 5", f=double)
    assert remembered == [(0, 0, 2), (1, 0, 4)]
    assert isinstance(error, AssertionError)


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("def check(candidate):\n    assert candidate(3) == 6\ncheck(f)", [6]),
        ("assert abs(f(3) - 6.0) < 1e-6, 'message'", [6]),
        ("assert not f(0)", [0]),
        ("assert f(1) == 2 and f(2) == 4", [2, 4]),
        ("x = f(5)\nassert x == 10", [10]),
        ("x = f(5)\nassert not x == 11", [10]),
        ("assert (f(1) ==\n    2)", [2]),
        ("assert all(f(i) == 2 * i for i in range(3))", [0, 2, 4]),
        ("assert 'ä€𝄞' and f(4) == 8", [8]),
        ("assert f(f(1)) == 4", [4]),
        ("assert (y := f(1)) == 2", [2]),
        ("assert f'{f(1)}' == '2'", []),
        ("assert [f(1), f(2)] == [2, 4]", [2, 4]),
    ],
)
def test_meaning_is_kept_and_values_are_remembered(code: str, values: list[object]) -> None:
    remembered, error = run(code, f=double)
    assert error is None
    assert [value for _, _, value in remembered] == values


def test_lines_stay_where_they_are() -> None:
    code = "x = 1\r\nassert f(\n    x\n) == 3\nassert True"
    test = instrument(code, {"f"})
    tree = ast.parse(test.code)
    assert [node.lineno for node in tree.body] == [1, 2, 5]
    assert [test.at_line(line) for line in (1, 2, 4, 5, None)] == [None, 0, 0, 1, None]
    assert test.assertions[0].source == "assert f(\n    x\n) == 3"


@pytest.mark.parametrize(
    "code",
    ["assert 'ü' == f('é')", "if True:\n    assert (f(1)\n  == '中')", "x = '\f'; assert f(x), '🙂'\n"],
)
def test_what_is_written_for_a_node_is_what_python_says(code: str) -> None:
    source = SourceText(code)
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.expr | ast.stmt)]
    assert nodes
    for node in nodes:
        assert source.segment(node) == ast.get_source_segment(code, node)


def test_a_test_that_does_not_parse_is_refused() -> None:
    with pytest.raises(SyntaxError):
        instrument("assert f(1 ==", {"f"})
