"""Runs a program of our own on its tests in this process; nothing of a stranger's is ever executed here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from codegrove.task import AssertTest, CallTest, Test

HUMANEVAL = Path(__file__).parents[3] / "shared" / "data" / "HumanEval.jsonl"
"""The real file, where it lies beside the repository."""


def passes(program: str, test: Test, entry_point: str) -> bool:
    """Whether the program passes a test of a function."""
    names: dict[str, object] = {"__name__": "candidate"}
    exec(compile(program, "candidate", "exec"), names)
    assert isinstance(test, AssertTest | CallTest)
    try:
        if isinstance(test, AssertTest):
            exec(compile(test.code, "test", "exec"), names)
            return True
        function = names[entry_point]
        assert callable(function)
        value = function(*ast.literal_eval(test.args), **ast.literal_eval(test.kwargs))
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - whatever a test raises means that it failed
        return False
    expected = ast.literal_eval(test.expected)
    if isinstance(expected, float) and isinstance(value, (int, float)):
        return abs(value - expected) <= test.tolerance
    return bool(value == expected)
