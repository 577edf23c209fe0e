"""How an assert test is run: as calls, in a process of its own, or together with the program."""

from __future__ import annotations

import ast
import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from codegrove.parsing import parse_python
from codegrove.tools.sandbox.asserts import Instrumented, instrument
from codegrove.tools.sandbox.call_conversion import Converted, convert
from codegrove.tools.sandbox.must_fail import variants
from codegrove.tools.sandbox.splitting import free_names, why_together, with_calls_of_tests
from codegrove.tools.sandbox.values import MAX_INPUT_ITEMS, Encoder, to_wire


class Way(enum.Enum):
    """Who gets to know what of a test."""

    CALLS = "calls"
    """The program's process gets the arguments of calls; their results are judged here."""
    SPLIT = "split"
    """The test text runs in a process that never executes the program."""
    TOGETHER = "together"
    """The test text runs in the program's process. Nothing it says there is proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An assert test that can be run. Shared by all judgements, so never changed."""

    way: Way
    job: dict[str, Any]
    """What a process gets to know of it, without its index."""
    asserts: Instrumented | None = None
    """Its assertions, where its text runs."""
    converted: Converted | None = None
    """Its calls and claims, where only calls are made. For answers that these cannot judge: `plan_as_text`."""
    reason: str = ""
    """Why it cannot be split."""
    must_fail: Sequence[dict[str, Any]] = ()
    """Jobs of variants that no honest program passes, for tests that are run together with it."""


@lru_cache(maxsize=1024)
def plan(code: str, entry_point: str | None, split: bool = True) -> Plan:
    """Decide how a test is run.

    Args:
        code: the test.
        entry_point: name of the function under test.
        split: whether it can be run in a process of its own at all.

    Raises:
        SyntaxError: if the test does not parse.
        NeedsFixtures: if a test function has parameters that nothing fills.
    """
    given = code.replace("\r\n", "\n").replace("\r", "\n")
    tree = parse_python(given)
    code = with_calls_of_tests(given, tree)
    if code != given:
        tree = parse_python(code)
    converted = convert(code, entry_point, tree)
    if converted is not None:
        encoder = Encoder(MAX_INPUT_ITEMS)
        calls = [[to_wire(args, encoder), to_wire(kwargs, encoder)] for args, kwargs in converted.calls]
        job: dict[str, Any] = {"kind": "calls", "calls": calls}
        return Plan(way=Way.CALLS, job=job, converted=converted)
    return _plan_of_text(code, entry_point, split, tree)


@lru_cache(maxsize=256)
def plan_as_text(code: str, entry_point: str | None, split: bool = True) -> Plan:
    """Decide how a test is run whose text is executed, although it could be calls and claims. As `plan`."""
    code = with_calls_of_tests(code.replace("\r\n", "\n").replace("\r", "\n"))
    return _plan_of_text(code, entry_point, split, parse_python(code), only_calls=True)


def _plan_of_text(
    code: str, entry_point: str | None, split: bool, tree: ast.Module, *, only_calls: bool = False
) -> Plan:
    """Plan the execution of test text.

    Args:
        only_calls: whether it is known to do nothing but calls and claims; then what it imports does not matter.
    """
    functions = {"candidate", *([entry_point] if entry_point else [])}
    asserts = instrument(code, functions, tree)
    used, expected = free_names(code, entry_point)
    job = {"kind": "assert", "code": asserts.code, "names": used}
    reason = "" if only_calls else why_together(code, expected, tree)
    reason = reason or ("" if split else "two runs cannot be connected here")
    if not reason:
        return Plan(way=Way.SPLIT, job=job, asserts=asserts)
    mixed = variants(code, functions)
    job["code"], asserts = _rewritten(instrument(mixed.test, functions), asserts)
    must_fail = [{**job, "code": instrument(text, functions).code} for text in mixed.must_fail]
    return Plan(way=Way.TOGETHER, job=job, asserts=asserts, reason=reason, must_fail=must_fail)


def _rewritten(new: Instrumented, old: Instrumented) -> tuple[str, Instrumented]:
    """Return the text of a test that was written anew, and its assertions with the sources they had.

    They come in the same order, and the last one is our own.
    """
    order = sorted(range(len(new.assertions)), key=lambda number: new.assertions[number].first)
    sources = [assertion.source for assertion in sorted(old.assertions, key=lambda one: one.first)]
    found = list(new.assertions)
    for number, source in zip(order, sources, strict=False):
        found[number] = replace(found[number], source=source)
    return new.code, Instrumented(new.code, tuple(found))
