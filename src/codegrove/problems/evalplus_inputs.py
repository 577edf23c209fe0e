"""What EvalPlus keeps beside its files: the types that JSON lost, and problems with more than one right answer.

Both are facts about single tasks, read from EvalPlus' grader (Apache-2.0); `restored` undoes what JSON did to the
inputs of MBPP+, without which references fail on their own inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_Arguments = list[Any]

_FLAT = (
    *(2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424),
    *(429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809),
)
_LISTS = (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780)
_FIRST_LIST = (75, 413, 444, 753)
_FIRST = (250, 307, 405, 446, 617, 720, 763, 808)
_SECOND = (106, 750)
_NESTED = (259, 401, 445)
_ALL = (580, 615, 791)


def _tuples(items: Any) -> list[tuple[Any, ...]]:
    return [tuple(item) for item in items]


def _deep(value: Any) -> Any:
    return tuple(map(_deep, value)) if isinstance(value, list) else value


_RESTORE: dict[int, Callable[[_Arguments], _Arguments]] = {
    **dict.fromkeys(_FLAT, _tuples),
    **dict.fromkeys(_LISTS, lambda given: [_tuples(argument) for argument in given]),
    **dict.fromkeys(_FIRST_LIST, lambda given: [_tuples(given[0]), *given[1:]]),
    **dict.fromkeys(_FIRST, lambda given: [tuple(given[0]), *given[1:]]),
    **dict.fromkeys(_SECOND, lambda given: [given[0], tuple(given[1])]),
    **dict.fromkeys(_NESTED, lambda given: [tuple(_tuples(argument)) for argument in given]),
    **dict.fromkeys(_ALL, lambda given: [_deep(argument) for argument in given]),
    # An empty one became a dict in EvalPlus, and its reference was run on that.
    115: lambda given: [[set(item) if isinstance(item, list) and item else {} for item in given[0]]],
    124: lambda given: [float(given[0]), complex(given[1])],
    252: lambda given: [complex(given[0])],
    278: lambda given: [
        tuple(tuple(item) if isinstance(item, list) else item for item in argument) for argument in given
    ],
    722: lambda given: [{name: tuple(values) for name, values in given[0].items()}, *given[1:]],
}


def restored(number: int, arguments: _Arguments) -> tuple[Any, ...]:
    """Return the arguments of a call with the types that task `number` of MBPP+ takes.

    Raises:
        TypeError, ValueError, IndexError, AttributeError: for arguments that are not as the task's are.
    """
    restore = _RESTORE.get(number)
    return tuple(arguments if restore is None else restore(arguments))


FIND_ZERO = "abs(sum(c * result ** i for i, c in enumerate(arguments[0]))) <= {atol!r}"
"""HumanEval/32: a zero of a polynomial is right if the polynomial is about zero there."""

_SETS = (
    *("similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum"),
    *("intersection_array", "find_dissimilar", "Diff"),
)
_FOUND = ("check_str", "text_match_three", "text_starta_endb")

CLAIMS: dict[str, str] = {
    **dict.fromkeys(_SETS, "set(result) == set(expected)"),
    **dict.fromkeys(_FOUND, "(result if isinstance(result, bool) else result is not None) == returned"),
    "are_equivalent": "True",
    "sum_div": "result == expected or result == 0",
    "digit_distance_nums": (
        "result == expected or result == sum(abs(int(a) - int(b)) for a, b in zip("
        "*(str(n).zfill(max(len(str(m)) for m in arguments)) for n in arguments)))"
    ),
    "surface_Area": (
        "result == expected or abs(result - round(arguments[0] ** 2 + 2 * arguments[0]"
        " * ((arguments[0] / 2) ** 2 + arguments[1] ** 2) ** 0.5)) <= {atol!r}"
    ),
}
"""By the function of MBPP+: what must hold instead of equality with the reference's value."""
