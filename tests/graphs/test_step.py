"""Updates and routes that LangGraph would let pass are refused."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from langgraph.graph import END, START, StateGraph

from codegrove.errors import StateUpdateError
from codegrove.graphs.step import Step, check_update, checked_route


@dataclass(kw_only=True)
class State:
    count: int = 0
    name: str | None = None
    words: tuple[str, ...] = ()
    mode: Literal["a", "b"] = "a"
    table: Annotated[Mapping[int, str], "merged"] = field(default_factory=dict)
    anything: Any = None


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"count": 2},
        {"name": None, "words": ("x", "y")},
        {"mode": "b", "table": {1: "one"}, "anything": object()},
    ],
)
def test_fitting_updates_pass_unchanged(update: dict[str, Any]) -> None:
    assert check_update("s", State, update) == update


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"cuont": 1}, "step 's' returned the unknown field 'cuont'; did you mean 'count'?"),
        ({"count": "1"}, "step 's' returned str for field 'count'; expected int"),
        ({"words": ["x"]}, "returned list for field 'words'"),
        ({"words": ("x", 1)}, "returned tuple for field 'words'"),
        ({"mode": "c"}, "returned str for field 'mode'"),
        ({"table": {"1": "one"}}, "returned dict for field 'table'"),
        (State(), "step 's' returned State; expected a dict of the fields that change"),
        (None, "step 's' returned NoneType"),
    ],
)
def test_other_updates_are_errors_that_name_step_and_field(update: Any, message: str) -> None:
    with pytest.raises(StateUpdateError) as caught:
        check_update("s", State, update)
    assert message in str(caught.value)


async def misspell(state: State, context: Any) -> dict[str, Any]:
    return {"cuont": state.count + 1}


async def add_one(state: State, context: Any) -> dict[str, Any]:
    return {"count": state.count + 1}


def graph_with(step: Step[State], route: Any = None) -> Any:
    graph = StateGraph(State)
    graph.add_node("step", step, input_schema=State)
    graph.add_edge(START, "step")
    if route is None:
        graph.add_edge("step", END)
    else:
        targets: dict[Hashable, str] = {"again": "step", "end": END}
        graph.add_conditional_edges("step", checked_route("step", route, ("again", "end")), targets)
    return graph.compile()


def test_a_misspelt_key_ends_a_graph_with_an_error() -> None:
    with pytest.raises(StateUpdateError, match="did you mean 'count'"):
        graph_with(Step("step", misspell, State)).invoke(State())


def test_an_unknown_route_ends_a_graph_with_an_error() -> None:
    graph = graph_with(Step("step", add_one, State), lambda state: "agian")
    with pytest.raises(
        StateUpdateError, match="the route after step 'step' named 'agian'; did you mean 'again'"
    ):
        graph.invoke(State())


async def test_a_step_works_synchronously_and_asynchronously_inside_a_running_loop() -> None:
    graph = graph_with(Step("step", add_one, State), lambda s: "again" if s.count < 3 else "end")
    assert (await graph.ainvoke(State()))["count"] == 3
    assert graph.invoke(State())["count"] == 3
