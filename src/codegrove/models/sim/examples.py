"""Tests the simulated tester can write: right ones from what is known of the problem, and spoilt copies."""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from codegrove.parsing import parse_python
from codegrove.problem import Problem
from codegrove.task import AssertTest, CallTest, StdioTest, Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One input with its expected outcome."""

    given: str
    """Arguments as they stand between the call's brackets, or the text on standard input."""
    expected: str
    """A Python literal, or the expected standard output."""
    tolerance: str = ""
    """Largest deviation allowed, as a Python literal; empty for exact equality."""

    def line(self, entry_point: str) -> str:
        """Return the example as an assert statement."""
        call = f"{entry_point}({self.given})"
        if self.tolerance:
            return f"assert abs({call} - {self.expected}) <= {self.tolerance}"
        return f"assert {call} == {self.expected}"


def examples(problem: Problem) -> tuple[Example, ...]:
    """Return the right examples of a problem, those of its visible tests first, without repetition."""
    found = (example for test in (*problem.task.tests, *problem.hidden) for example in _read(test, problem))
    return tuple(dict.fromkeys(found))


def spoilt(example: Example, rng: random.Random, *, stdio: bool) -> Example:
    """Return the example with a plausible but different expectation."""
    wrong = _spoilt_text(example.expected, rng) if stdio else _spoilt_literal(example.expected, rng)
    return Example(given=example.given, expected=wrong, tolerance=example.tolerance)


def as_json(chosen: Iterable[Example]) -> str:
    """Return stdin examples in the form that is asked for."""
    return json.dumps([{"input": item.given, "output": item.expected} for item in chosen], indent=2)


def _read(test: Test, problem: Problem) -> Iterator[Example]:
    if isinstance(test, StdioTest):
        yield Example(given=test.stdin, expected=test.expected)
    elif isinstance(test, CallTest):
        call = test.describe("f").removesuffix(f" == {test.expected}")
        tolerant = test.tolerance > 0 and _is_number(test.expected)
        if tolerant or test.tolerance == 0:
            bound = repr(test.tolerance) if tolerant else ""
            yield Example(given=call[2:-1], expected=test.expected, tolerance=bound)
    elif problem.task.entry_point:
        yield from _asserts(test, problem.task.entry_point)


def _asserts(test: AssertTest, entry_point: str) -> Iterator[Example]:
    """Read the statements that compare one call with a literal; anything else is passed over."""
    try:
        tree = parse_python(test.code)
    except SyntaxError:
        return
    names = {"candidate", entry_point}
    # Only statements that stand alone: inside a loop the arguments are no literals.
    flat = [
        *tree.body,
        *(inner for node in tree.body if isinstance(node, ast.FunctionDef) for inner in node.body),
    ]
    for statement in flat:
        if isinstance(statement, ast.Assert) and (example := _comparison(statement.test, names)):
            yield example


def _comparison(node: ast.expr, names: set[str]) -> Example | None:
    match node:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            for call, value in ((left, right), (right, left)):
                if (given := _arguments(call, names)) is not None and _is_literal(value):
                    return Example(given=given, expected=ast.unparse(value))
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="abs"), args=[ast.BinOp(left=call, op=ast.Sub(), right=value)]),
            ops=[ast.Lt() | ast.LtE()],
            comparators=[bound],
        ):
            given = _arguments(call, names)
            if given is not None and _is_literal(value) and _is_literal(bound):
                return Example(given=given, expected=ast.unparse(value), tolerance=ast.unparse(bound))
        case ast.UnaryOp(op=ast.Not(), operand=call):
            if (given := _arguments(call, names)) is not None:
                return Example(given=given, expected="False")
        case _:
            if (given := _arguments(node, names)) is not None:
                return Example(given=given, expected="True")
    return None


def _arguments(node: ast.expr, names: set[str]) -> str | None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names):
        return None
    parts = [*node.args, *(keyword.value for keyword in node.keywords)]
    if not all(_is_literal(part) for part in parts):
        return None
    return ast.unparse(node)[len(node.func.id) + 1 : -1]


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _is_number(text: str) -> bool:
    value = _value(text)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return text


def _spoilt_literal(text: str, rng: random.Random) -> str:
    value = _value(text)
    wrong = _spoilt_value(value, rng)
    # Sets are printed sorted: their own order changes from process to process.
    return pformat(wrong, width=1_000_000, sort_dicts=False) if "{" in text else repr(wrong)


def _spoilt_value(value: Any, rng: random.Random) -> Any:
    """Return another value of the same kind, as a person who miscounts would."""
    match value:
        case bool():
            return not value
        case int():
            return value + rng.choice((-1, 1))
        case float():
            return value + rng.choice((-1.0, 1.0, 0.5)) if abs(value) < 1e15 else 0.0
        case complex():
            return value + 1
        case None:
            return 0
        case str():
            options = [value[:-1], value[::-1], value.swapcase(), value + value[-1:], value + "a"]
            return rng.choice([option for option in options if option != value])
        case list() | tuple():
            variants = [items for items in _spoilt_items(list(value), rng) if items != list(value)]
            chosen = rng.choice(variants)
            return chosen if isinstance(value, list) else tuple(chosen)
        case set() | frozenset():
            return set(sorted(value, key=repr)[1:]) if value else {0}
        case dict():
            return dict(list(value.items())[:-1]) if value else {0: 0}
        case _:
            return None


def _spoilt_items(items: list[Any], rng: random.Random) -> Iterator[list[Any]]:
    if not items:
        yield [0]
        return
    place = rng.randrange(len(items))
    yield [*items[:place], *items[place + 1 :]]
    yield [*items[:place], _spoilt_value(items[place], rng), *items[place + 1 :]]
    yield items[::-1]


def _spoilt_text(text: str, rng: random.Random) -> str:
    """Return another output: one number miscounted, a line lost, or a word in other letters."""
    lines = text.rstrip("\n").split("\n")
    place = rng.randrange(len(lines))
    words = lines[place].split(" ")
    spot = rng.randrange(len(words))
    word = words[spot]
    other = _spoilt_value(_value(word) if _is_number(word) else word, rng)
    words[spot] = str(other)
    options = [[*lines[:place], " ".join(words), *lines[place + 1 :]]]
    if len(lines) > 1:
        options.append([*lines[:place], *lines[place + 1 :]])
    wrong = "\n".join(rng.choice(options)).rstrip()
    # White space at line ends and blank lines at the end do not count, so such a change would spoil nothing.
    same = [line.rstrip() for line in wrong.split("\n")] == [
        line.rstrip() for line in text.rstrip().split("\n")
    ]
    return ("0" if same and text.strip() != "0" else "1" if same else wrong) + "\n"
