"""Selection strategies: which of many programs to return, judged by what they did on tests.

A strategy ranks, `pick` takes programs from the ranking; the two are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codegrove.search.select.codet import CodeT
from codegrove.search.select.first_passing import FirstPassing
from codegrove.search.select.limit import limited
from codegrove.search.select.matrix import OutcomeMatrix, Row
from codegrove.search.select.most_passed import MostPassed
from codegrove.search.select.pick import Refill, expected_pass_at_k, merged, pick
from codegrove.search.select.ranking import Group, Selector, Tie

SELECTORS: Mapping[str, Callable[..., Selector]] = {
    "codet": CodeT,
    "first_passing": FirstPassing,
    "most_passed": MostPassed,
}
"""Strategies by name; call one with its parameters to get a `Selector`."""

__all__ = [
    "SELECTORS",
    "CodeT",
    "FirstPassing",
    "Group",
    "MostPassed",
    "OutcomeMatrix",
    "Refill",
    "Row",
    "Selector",
    "Tie",
    "expected_pass_at_k",
    "limited",
    "merged",
    "pick",
]
