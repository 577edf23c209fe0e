"""Run directories: made while a run goes on, continued after it broke off, read when it is over."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codegrove.runs.run import Call, Execution, Run

__all__ = ["Call", "Execution", "Run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("codegrove.runs.run"), name)
