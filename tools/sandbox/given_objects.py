"""Which objects of a test a call is given: it may change them, and they arrive as values that share nothing."""

from __future__ import annotations

from collections.abc import Iterable

from codegrove.tools.sandbox.plain_functions import Budget, NotPlain

_DEEPEST = 90
"""Containers inside containers of an argument; a little less than what arrives whole, see `values.MAX_DEPTH`."""
_SCALARS = (int, float, complex, str, bytes, bool, type(None))


def changeable(value: object, budget: Budget) -> set[int]:
    """Return the ids of the lists, dicts and sets in a value. They last as long as the value does.

    Raises:
        NotPlain: if it has more parts than the budget allows.
    """
    found: set[int] = set()
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        budget.spend()
        if type(item) in _SCALARS or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, (list, dict, set)):
            found.add(id(item))
        if isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, (list, tuple, set, frozenset)):
            waiting += item
    return found


def require_unshared(arguments: Iterable[object], budget: Budget) -> None:
    """Refuse arguments that would not arrive as they are: anything but plain values, and what is in two places.

    A list that is given twice is one list to the program: a change of it shows in both places.

    Raises:
        NotPlain: for such arguments, and for more than the budget allows.
    """
    seen: set[int] = set()
    waiting = [(argument, 0) for argument in arguments]
    while waiting:
        item, depth = waiting.pop()
        budget.spend()
        budget.spend_on(item)
        if type(item) in _SCALARS:
            continue
        if depth > _DEEPEST:
            raise NotPlain("an argument that is nested too deeply")
        if isinstance(item, (list, dict, set)):
            if id(item) in seen:
                raise NotPlain("one object in two places")
            seen.add(id(item))
        if isinstance(item, dict):
            waiting += [(part, depth + 1) for part in (*item, *item.values())]
        elif isinstance(item, (list, tuple, set, frozenset)):
            waiting += [(part, depth + 1) for part in item]
        else:
            raise NotPlain(f"an argument of type {type(item).__name__}")
