"""How good a program looks, judged by the tests a search may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from codegrove.task import Origin, Test
from codegrove.verdict import UNUSABLE_TEST, Status, TestResult, Verdict

if TYPE_CHECKING:
    from codegrove.search.tree import Node

GIVEN = frozenset({Origin.VISIBLE})
"""Tests that came with the task."""
WRITTEN = frozenset({Origin.GENERATED, Origin.INPUT_ONLY, Origin.PROPERTY})
"""Tests that models wrote during the search."""

_PASSED, _INVALID, _UNJUDGED = Status.PASSED, Status.INVALID, Status.UNJUDGED
"""By names of their own: looking a member up in its class takes longer than all the rest here."""


def share_passed(
    verdict: Verdict | None, tests: Sequence[Test], origins: Collection[Origin] | None = None
) -> float | None:
    """Return the share of judged tests that passed, in [0, 1], or None when nothing could be judged.

    Args:
        verdict: verdict on `tests`; None counts as not judged.
        tests: the tests the verdict speaks about, in the order of its results.
        origins: count only tests of these origins; None counts all.
    """
    if verdict is None:
        return None
    if verdict.status is _INVALID:
        return 0.0 if any(origins is None or test.origin in origins for test in tests) else None
    if verdict.status is _PASSED and origins is None:
        return 1.0 if tests else None
    judged = passed = 0
    for test, result in zip(tests, verdict.results, strict=False):
        if origins is None or test.origin in origins:
            status = result.status
            if status is _PASSED:
                passed += 1
            if status is not _UNJUDGED:
                judged += 1
    return passed / judged if judged else None


def passes_all(
    verdict: Verdict | None, tests: Sequence[Test], origins: Collection[Origin] | None = None
) -> bool:
    """Return whether every test passed, and there was at least one.

    A test that could not be judged did not pass: `share_passed` leaves it out, so that it costs nothing, but a
    search that ends, accepts or evaluates needs to know what all tests say. Only what a model wrote and no
    program can be judged on (it is no test) is left out here as well.

    Args:
        verdict: verdict on `tests`; None counts as not judged.
        tests: the tests the verdict speaks about, in the order of its results.
        origins: count only tests of these origins; None counts all.
    """
    if verdict is None or verdict.status is _INVALID:
        return False
    if origins is None and verdict.status is not _UNJUDGED:
        return verdict.status is _PASSED and bool(tests)
    counted = [
        result.status
        for test, result in zip(tests, verdict.results, strict=False)
        if (origins is None or test.origin in origins) and not _is_none(test, result)
    ]
    return bool(counted) and all(status is _PASSED for status in counted)


def _is_none(test: Test, result: TestResult) -> bool:
    """Whether a generated test is no test at all."""
    error = result.error
    return error is not None and error.type == UNUSABLE_TEST and test.origin in WRITTEN


def rank_key(node: Node) -> tuple[float, float]:
    """Order programs: the task's own tests first, generated tests as the tie break. Larger is better."""
    given = share_passed(node.verdict, node.tests, GIVEN)
    written = share_passed(node.verdict, node.tests, WRITTEN)
    return (-1.0 if given is None else given, -1.0 if written is None else written)
