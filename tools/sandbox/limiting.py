"""Setting a limit of the kernel as far as it can be set.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def limit(kind: int, value: int) -> None:
    """Set both limits of a kind, for good, to a value or to what is left of it."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
