"""Claims of a test about the results of calls, evaluated here on the decoded results.

A claim holds, fails, raises what it would raise in Python, or is undecided: an answer has something in it that is
no plain value, or more would have to be done than is done here. That says nothing about the program.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codegrove.tools.sandbox import plain_expressions as plain
from codegrove.tools.sandbox.carrying import CARRIED
from codegrove.tools.sandbox.plain_functions import Budget, NotPlain
from codegrove.tools.sandbox.showing import show
from codegrove.tools.sandbox.values import Opaque

_MOST_SHOWN = 1000
_WORK_OF_CLAIM = 4_000_000
_EQUAL_TO_SOME = CARRIED | {""}
"""Types of objects that may be equal to a plain value where the test is run as text. A candidate names them: so it
can have a test run as text, or not, but does not gain by either."""
_SCALARS = {int, float, complex, str, bytes, bytearray, bool, type(None)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One assertion, or one part of an ``and``."""

    test: ast.expr
    """Results of calls appear in it as names, see `plain_expressions.answer_name`."""
    names: Mapping[str, object]
    """Values of its other names."""
    answers: frozenset[int]
    """Numbers of the answers in it."""
    needs: int
    """How many answers there must be before it is evaluated: those to all calls that the test makes before."""
    shown: Sequence[ast.expr]
    """What to show of it when it fails."""
    source: str
    message: ast.expr | None
    """To be evaluated when the claim fails; None if that cannot be done here."""


class Failure(Exception):
    """A claim that does not hold, or that raises something."""

    def __init__(self, message: str, shown: tuple[object, ...], error: Exception | None = None) -> None:
        super().__init__(message)
        self.message, self.shown, self.error = message, shown, error


class Undecided(Exception):
    """A claim that cannot be evaluated on what has arrived of the answers."""


def examine(claim: Claim, answers: Sequence[object]) -> None:
    """Evaluate a claim.

    Raises:
        Failure: unless it holds.
        Undecided: if that cannot be found out here.
    """
    kinds = {kind for number in claim.answers for kind in _opaque_kinds(answers[number])}
    if kinds and not (_compares(claim.test) and kinds.isdisjoint(_EQUAL_TO_SOME)):
        raise Undecided("an answer that is no plain value")
    found = {plain.answer_name(number): answer for number, answer in enumerate(answers)}
    names = {**claim.names, **found}
    try:
        if plain.evaluate(claim.test, names, Budget(_WORK_OF_CLAIM)):
            return
    except (NotPlain, RecursionError, MemoryError) as error:
        raise Undecided(str(error)) from None
    except plain.ERRORS as error:
        raise Failure("", (), error) from None
    shown: list[object] = []
    for node in claim.shown:
        with contextlib.suppress(*plain.ERRORS):
            shown.append(plain.evaluate(node, names, Budget(_WORK_OF_CLAIM)))
    message = ""
    with contextlib.suppress(*plain.ERRORS):
        message = _written(claim.message, names)
    raise Failure(message or claim.source, tuple(shown))


def _compares(test: ast.expr) -> bool:
    """Whether a claim is that an answer equals something plain, or not. No object does, wherever that is asked."""
    match test:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq() | ast.NotEq()], comparators=[other]) if (
            plain.is_answer(name)
        ):
            return plain.is_constant(other)
    return False


def _opaque_kinds(answer: object) -> set[str]:
    """Return the types of what is no plain value in an answer; an empty name for what could not be carried."""
    found = set()
    waiting = [answer]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            if not _SCALARS.issuperset(map(type, value)):
                waiting += value
        elif isinstance(value, Opaque):
            found.add("" if value.reason else value.type_name)
    return found


def _written(node: ast.expr | None, names: Mapping[str, object]) -> str:
    if node is None:
        return ""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(_written_part(part, names) for part in parts)


def _written_part(part: ast.expr, names: Mapping[str, object]) -> str:
    conversion = part.conversion if isinstance(part, ast.FormattedValue) else -1
    node = part.value if isinstance(part, ast.FormattedValue) else part
    value = plain.evaluate(node, names, Budget(_WORK_OF_CLAIM))
    plainly = isinstance(value, str) and conversion == -1
    return str(value) if plainly else show(value, most_items=_MOST_SHOWN)
