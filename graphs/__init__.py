"""The state machine: states, checked steps, the worker, and recipes compiled into graphs.

Names are imported when they are first used: recipes can be read without loading LangGraph.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codegrove.graphs.checkpoints import checkpoint_serde
    from codegrove.graphs.picture import Picture, draw
    from codegrove.graphs.session import Observer, RunContext, Session
    from codegrove.graphs.solution import Result, Solution
    from codegrove.graphs.state import BranchState, SearchState
    from codegrove.graphs.step import Step, checked_route
    from codegrove.graphs.steps import execute_step, role_step

_HOMES = {
    "BranchState": "state",
    "Observer": "session",
    "Picture": "picture",
    "Result": "solution",
    "RunContext": "session",
    "SearchState": "state",
    "Session": "session",
    "Solution": "solution",
    "Step": "step",
    "checkpoint_serde": "checkpoints",
    "checked_route": "step",
    "draw": "picture",
    "execute_step": "steps",
    "role_step": "steps",
}

__all__ = [
    "BranchState",
    "Observer",
    "Picture",
    "Result",
    "RunContext",
    "SearchState",
    "Session",
    "Solution",
    "Step",
    "checked_route",
    "checkpoint_serde",
    "draw",
    "execute_step",
    "role_step",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'codegrove.graphs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"codegrove.graphs.{home}"), name)
