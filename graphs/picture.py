"""Pictures of graphs that need no network.

LangGraph shows a compiled graph in a notebook by sending it to a web service. What is shown here is mermaid text,
which notebooks and most Markdown viewers draw themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langgraph.graph.state import CompiledStateGraph


@dataclass(frozen=True, slots=True)
class Picture:
    """A state machine as mermaid text."""

    mermaid: str

    def __str__(self) -> str:
        return self.mermaid

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        return {"text/plain": self.mermaid, "text/markdown": f"```mermaid\n{self.mermaid}\n```"}


def draw(graph: CompiledStateGraph[Any, Any, Any, Any]) -> Picture:
    """Return the picture of a compiled graph, with what is inside its subgraphs."""
    return Picture(graph.get_graph(xray=1).draw_mermaid().rstrip("\n"))
