"""Steps: functions of the shared state whose every update is checked.

LangGraph drops misspelt keys silently, lets wrong types pass until a later step trips over them, and ends a run
without an error when a route names an unknown step. A `Step` refuses all three at once, and works under `invoke`
as well as `ainvoke`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.runtime import get_runtime

from codegrove.errors import StateUpdateError, did_you_mean
from codegrove.graphs.checkpoints import restored
from codegrove.graphs.portal import run_sync
from codegrove.task import Task

S = TypeVar("S")

Update = Mapping[str, Any]


class Step(Runnable[S, dict[str, Any]], Generic[S]):
    """A checked step.

    Args:
        name: the step's name in drawings and errors.
        function: takes the state and the runtime context (None where the graph has none), returns the fields
            that change.
        state: the dataclass whose fields may be updated.
    """

    def __init__(self, name: str, function: Callable[[S, Any], Awaitable[Update]], state: type[S]) -> None:
        self.name: str = name
        self._function = function
        self._state = state

    def invoke(self, input: S, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """Run the step from synchronous code."""
        return run_sync(self._run(input, _context()))

    async def ainvoke(self, input: S, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """Run the step."""
        return await self._run(input, _context())

    async def _run(self, state: S, context: Any) -> dict[str, Any]:
        task = getattr(state, "task", None)
        if isinstance(task, Task) and not isinstance(task.tests, tuple):
            state = restored(state)  # it has been in a checkpoint, where tuples become lists
        update = await self._function(state, context)
        return check_update(self.name, self._state, update)


def check_update(step: str, state: type, update: Update) -> dict[str, Any]:
    """Return the update as a dict if every key is a field of `state` and every value has its type.

    Raises:
        StateUpdateError: otherwise, naming the step and what it returned.
    """
    if not isinstance(update, Mapping):
        found = type(update).__name__
        raise StateUpdateError(f"step {step!r} returned {found}; expected a dict of the fields that change")
    hints = _field_types(state)
    for key, value in update.items():
        if key not in hints:
            hint = did_you_mean(str(key), hints)
            raise StateUpdateError(f"step {step!r} returned the unknown field {key!r}{hint}")
        if not _fits(value, hints[key]):
            raise StateUpdateError(
                f"step {step!r} returned {type(value).__name__} for field {key!r}; expected {_name(hints[key])}"
            )
    return dict(update)


class Route(Runnable[S, str], Generic[S]):
    """A route that LangGraph takes on the spot; a plain function it hands to a thread each time."""

    def __init__(self, name: str, route: Callable[[S], str]) -> None:
        self.name: str = name
        self._route = route

    def __call__(self, state: S) -> str:
        """Take the route."""
        return self._route(state)

    def invoke(self, input: S, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """Take the route from synchronous code."""
        return self._route(input)

    async def ainvoke(self, input: S, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """Take the route."""
        return self._route(input)


def checked_route(step: str, route: Callable[[S], str], targets: Collection[str]) -> Route[S]:
    """Wrap a route so that an unknown target is an error, not a silent end.

    Args:
        step: the step the route leaves from, for the error.
        route: returns one of `targets`.
        targets: what the route may return: the keys of the map given to `add_conditional_edges`.
    """

    def checked(state: S) -> str:
        target = route(state)
        if target not in targets:
            hint = did_you_mean(str(target), targets)
            raise StateUpdateError(f"the route after step {step!r} named {target!r}{hint}")
        return target

    return Route(f"after {step}", checked)


@lru_cache(maxsize=64)
def _field_types(state: type) -> dict[str, Any]:
    hints = get_type_hints(state)
    return {field.name: hints[field.name] for field in dataclasses.fields(state)}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value has a type, for the kinds of types that states are made of."""
    if hint is Any:
        return True
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None:
        return isinstance(value, hint)
    if origin is Annotated:
        return _fits(value, arguments[0])
    if origin is Literal:
        return value in arguments
    if origin in (Union, UnionType):
        return any(_fits(value, option) for option in arguments)
    if not isinstance(value, origin):
        return False
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return all(_fits(item, arguments[0]) for item in value)
    if issubclass(origin, Mapping):
        return all(_fits(k, arguments[0]) and _fits(v, arguments[1]) for k, v in value.items())
    if issubclass(origin, Sequence):
        return all(_fits(item, arguments[0]) for item in value)
    return True


def _name(hint: Any) -> str:
    return (
        hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
    )


def _context() -> Any:
    try:
        runtime = get_runtime()
    except RuntimeError:  # outside a graph: a step called by hand
        return None
    return runtime.context if runtime is not None else None
