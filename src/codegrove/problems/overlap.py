"""Which visible tests are hidden tests as well, and which ones the hidden tests contradict."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from codegrove.agreement import right_output, same_value
from codegrove.examples.source import ROW_ERRORS, is_literal, parse_expression, parse_quietly
from codegrove.problem import Problem
from codegrove.task import AssertTest, CallTest, StdioTest, Test

_UNKNOWN = object()


def shared(problem: Problem) -> int:
    """Return how many of a problem's visible tests are among its hidden ones."""
    if not problem.task.tests:
        return 0
    stated = stated_values(problem.hidden)
    calls = {_arguments(call) for call in problem.inputs.calls} if problem.inputs else set()
    texts = {test.code.strip() for test in problem.hidden if isinstance(test, AssertTest)}
    return sum(
        (isinstance(test, AssertTest) and test.code.strip() in texts)
        or (isinstance(test, CallTest) and _arguments(test.args) in calls)
        or _agrees(test, stated) is True
        for test in problem.task.tests
    )


def without_shared(hidden: Sequence[Test], visible: Sequence[Test]) -> tuple[Test, ...]:
    """Return the hidden tests that are not visible as well."""
    stated = stated_values(visible)
    return tuple(test for test in hidden if _agrees(test, stated) is not True)


def contradicted(test: Test, stated: dict[object, object]) -> bool:
    """Whether the benchmark's own tests state a value for the same input that this test would call wrong.

    A few published statements hold examples that their reference fails. A visible test like that would make every
    right program look wrong. Nothing of the hidden tests is shown: an example can only disappear.
    """
    return _agrees(test, stated) is False


def stated_values(tests: Iterable[Test]) -> dict[object, object]:
    """Return what tests say about inputs, by the input: literal arguments of a call, or the text on stdin."""
    values: dict[object, object] = {}
    for test in tests:
        match test:
            case StdioTest():
                values[_stdin(test)] = test.expected
            case CallTest():
                key, value = _statement(test)
                if key is not None:
                    values[key] = value
            case AssertTest():
                values |= _asserted(test.code)
    return values


def _agrees(test: Test, stated: dict[object, object]) -> bool | None:
    """Whether a test accepts what is stated for its input, as the sandbox would; None if nothing is stated."""
    match test:
        case StdioTest():
            obtained = stated.get(_stdin(test))
            return right_output(test, obtained) if isinstance(obtained, str) else None
        case CallTest():
            key, expected = _statement(test)
            if key is None or key not in stated:
                return None
            return same_value(expected, stated[key], tolerance=test.tolerance, relative=test.relative)
    return None


def _statement(test: CallTest) -> tuple[object, object]:
    """Return the input and the value of a test, two literals; None for both where they are no literals."""
    expected = parse_expression(test.expected) if test.kwargs == "{}" else None
    if expected is None or not is_literal(expected):
        return None, None
    return _arguments(test.args), ast.literal_eval(expected)


def _stdin(test: StdioTest) -> object:
    return "stdin", " ".join(test.stdin.split())


def _arguments(text: str) -> object:
    """Return a tuple literal in one spelling; what is no literal equals nothing."""
    node = parse_expression(text)
    if node is None or not is_literal(node):
        return _UNKNOWN, text
    return "call", repr(list(ast.literal_eval(node)))


def _asserted(code: str) -> dict[object, object]:
    """Return what plain asserts say about calls with literal arguments."""
    try:
        tree = parse_quietly(code)
    except ROW_ERRORS:
        return {}
    values: dict[object, object] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assert(
                test=ast.Compare(
                    left=ast.Call(args=args, keywords=[]), ops=[ast.Eq()], comparators=[expected]
                )
            ) if all(map(is_literal, args)) and is_literal(expected):
                values["call", repr([ast.literal_eval(arg) for arg in args])] = ast.literal_eval(expected)
    return values
