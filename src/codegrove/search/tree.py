"""The search tree: what was tried, and running sums over it. Pure bookkeeping, no opinions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codegrove.candidate import Candidate
from codegrove.errors import TreeError
from codegrove.task import Task, Test
from codegrove.verdict import Verdict

if TYPE_CHECKING:
    import networkx as nx

ROOT = 0
"""Id of the root, which stands for the task itself."""


@dataclass(slots=True)
class Node:
    """One entry of the tree. Links are integer ids, so that depth costs neither recursion nor cycles."""

    id: int
    parents: tuple[int, ...]
    """Ids of all parents; the first one is the path that statistics travel up."""
    depth: int
    kind: str
    """What it stands for: ``root``, ``plan``, ``strategy``, ``thought``, ``reflection``, ``program``."""
    text: str = ""
    """The plan, strategy, thought or reflection."""
    prior: float = 1.0
    """Belief before anything was tried: a confidence or probability; its range is the policy's."""
    program: Candidate | None = None
    verdict: Verdict | None = None
    """Verdict of `program` on `tests`."""
    tests: tuple[Test, ...] = ()
    """The tests `verdict` speaks about, in the order of its results."""
    reward: float | None = None
    """The policy's value of this node itself."""
    review: str = ""
    """What a critic said about `program`."""
    data: dict[str, Any] = field(default_factory=dict)
    """What only this node's policy needs."""
    children: list[int] = field(default_factory=list)
    visits: int = 0
    pending: int = 0
    """Expansions in flight below (or at) this node."""
    total: float = 0.0
    total_squares: float = 0.0
    best: float = -math.inf
    """Largest value that was backed up to this node."""

    @property
    def mean(self) -> float:
        """Mean of the values backed up to this node; 0 before the first."""
        return self.total / self.visits if self.visits else 0.0


@dataclass(eq=False, repr=False)
class SearchTree:
    """An append-only list of nodes. Node 0 is the root and stands for the task.

    A node may have several parents (the graph is then a DAG); depth, path and statistics follow the first.
    A dataclass so that a solution with its tree can go through a LangGraph checkpointer.
    """

    task: Task
    nodes: list[Node] = field(default_factory=lambda: [Node(id=ROOT, parents=(), depth=0, kind="root")])
    generated_tests: list[Test] = field(default_factory=list)
    """Tests written by models during the search, in the order they were told; repeats are kept."""

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, node_id: int) -> Node:
        return self.nodes[node_id]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    @property
    def root(self) -> Node:
        """The node that stands for the task."""
        return self.nodes[ROOT]

    def add(
        self,
        parents: int | Sequence[int],
        kind: str,
        *,
        text: str = "",
        prior: float = 1.0,
        program: Candidate | None = None,
        verdict: Verdict | None = None,
        tests: tuple[Test, ...] = (),
        reward: float | None = None,
        data: dict[str, Any] | None = None,
    ) -> Node:
        """Append a node and return it.

        Raises:
            TreeError: if a parent does not exist, or there is none.
        """
        parent_ids = (parents,) if isinstance(parents, int) else tuple(dict.fromkeys(parents))
        if not parent_ids or min(parent_ids) < 0 or max(parent_ids) >= len(self.nodes):
            raise TreeError(f"parents {parent_ids} do not exist in a tree of {len(self.nodes)} nodes")
        node = Node(
            id=len(self.nodes),
            parents=parent_ids,
            depth=self.nodes[parent_ids[0]].depth + 1,
            kind=kind,
            text=text,
            prior=prior,
            program=program,
            verdict=verdict,
            tests=tests,
            reward=reward,
            data=data if data is not None else {},
        )
        self.nodes.append(node)
        for parent in parent_ids:
            self.nodes[parent].children.append(node.id)
        return node

    def parent(self, node_id: int) -> Node | None:
        """Return the first parent, or None for the root."""
        parents = self.nodes[node_id].parents
        return self.nodes[parents[0]] if parents else None

    def upwards(self, node_id: int) -> Iterator[Node]:
        """Yield the node, its first parent and so on up to the root."""
        nodes = self.nodes
        node = nodes[node_id]
        yield node
        while node.parents:
            node = nodes[node.parents[0]]
            yield node

    def path(self, node_id: int) -> list[Node]:
        """Return the nodes from the root down to the given node."""
        return list(self.upwards(node_id))[::-1]

    def backup(self, node_id: int, value: float, *, discount: float = 1.0) -> None:
        """Add one visit with `value` to the node and everything above it.

        Args:
            node_id: where the value was obtained.
            value: what it was worth there.
            discount: factor per step upwards; the node itself receives `value` undiscounted.
        """
        nodes = self.nodes
        node = nodes[node_id]
        while True:
            node.visits += 1
            node.total += value
            node.total_squares += value * value
            if value > node.best:
                node.best = value
            if not node.parents:
                return
            value *= discount
            node = nodes[node.parents[0]]

    def hold(self, node_id: int, change: int = 1) -> None:
        """Mark one more expansion in flight on the node and everything above it (-1: one fewer)."""
        nodes = self.nodes
        node = nodes[node_id]
        while True:
            node.pending += change
            if not node.parents:
                return
            node = nodes[node.parents[0]]

    def programs(self) -> Iterator[Node]:
        """Yield the nodes that hold a program, in the order they were added."""
        return (node for node in self.nodes if node.program is not None)

    def to_networkx(self) -> nx.DiGraph[int]:
        """Return a directed graph (edges from parent to child) whose nodes carry plain attributes."""
        import networkx as nx  # heavy; only analysis and drawing need it

        graph: nx.DiGraph[int] = nx.DiGraph(task=self.task.id)
        for node in self.nodes:
            graph.add_node(
                node.id,
                kind=node.kind,
                depth=node.depth,
                text=node.text,
                prior=node.prior,
                reward=node.reward,
                visits=node.visits,
                mean=node.mean,
                status=node.verdict.status.value if node.verdict else None,
                passed=node.verdict.passed_count if node.verdict else None,
                tests=len(node.verdict.results) if node.verdict else None,
                program=node.program.program if node.program else None,
            )
            graph.add_edges_from((parent, node.id) for parent in node.parents)
        return graph

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        from codegrove.search import drawing  # only displays need it

        return {"text/plain": drawing.text(self, most=60), "image/svg+xml": drawing.svg(self)}
