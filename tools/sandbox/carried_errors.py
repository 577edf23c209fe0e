"""Classes that both processes of a split run have, and exceptions on their way from one to the other.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import builtins
from typing import Any

from codegrove.tools.sandbox.carrying import CarryDecoder

ERRORS: dict[str, type[BaseException]] = {
    name: item
    for name, item in vars(builtins).items()
    if isinstance(item, type) and issubclass(item, BaseException) and not issubclass(item, BaseExceptionGroup)
}
CLASSES: dict[str, type] = {
    **{kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, bytearray, type, object)},
    **{kind.__name__: kind for kind in (list, tuple, dict, set, frozenset, range, type(None))},
    **ERRORS,
}
"""Classes that both processes have, by name."""
CLASS_NAMES = {id(kind): name for name, kind in CLASSES.items()}


def carried_error(fields: Any, decoder: CarryDecoder, do: str) -> BaseException:
    """Return an exception of the other process as one of this process."""
    base = ERRORS[fields["base"]]
    kind, message = str(fields["type"])[:100], str(fields["message"])
    if issubclass(base, (StopIteration, StopAsyncIteration)) and do != "next":
        base = RuntimeError
    args = decoder.all(fields["args"])
    error: BaseException
    try:
        error = base(*args)
        same = kind == base.__name__ and str(error) == message
    except Exception:  # noqa: BLE001 - some want arguments of a certain kind
        base, same = _plain_ancestor(base), False
    if not same:
        own = type(
            kind or base.__name__, (base,), {"__str__": lambda self: message, "__module__": "candidate"}
        )
        error = own(*args)
    error._codegrove_ = fields  # type: ignore[attr-defined]
    return error


def _plain_ancestor(base: type[BaseException]) -> type[BaseException]:
    """Return the nearest ancestor that takes any arguments."""
    return ValueError if issubclass(base, ValueError) else Exception
