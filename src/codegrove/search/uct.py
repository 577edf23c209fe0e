"""Monte Carlo tree search over programs: every expansion writes or repairs one program.

Sources: Kocsis and Szepesvari, "Bandit based Monte-Carlo Planning" (UCT: UCB1 in every node); Silver et al.,
"Mastering the game of Go without human knowledge" (P-UCT, methods section); Chaslot et al., "Parallel
Monte-Carlo Tree Search" (virtual loss).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, WAIT, ActionKind, Expansion, Signal
from codegrove.search.scoring import share_passed
from codegrove.search.settings import PolicySettings
from codegrove.search.tree import ROOT, Node, SearchTree


class UctSettings(PolicySettings):
    """Settings of `Uct`."""

    kind: Literal["uct"] = "uct"
    formula: Literal["uct", "puct"] = "uct"
    """``uct``: Q + c * sqrt(ln N / n). ``puct``: Q + c * prior * sqrt(N) / (1 + n)."""
    c: float = Field(default=math.sqrt(2), ge=0)
    """Weight of exploration."""
    backup: Literal["mean", "max", "discounted_max"] = "mean"
    """What Q is: the mean of all rewards below a child, the largest, or the largest discounted per step."""
    gamma: float = Field(default=0.9, gt=0, le=1)
    """Discount per step upwards for ``discounted_max``."""
    width: int = Field(default=3, ge=1)
    """Children per node; the root's are independent programs, the others' are repairs of their parent."""
    max_depth: int | None = Field(default=None, ge=1)
    """Depth of the deepest programs; None lets the tree grow as deep as it wants."""
    expansions: int = Field(default=32, ge=1)
    """Programs asked for at most."""
    stop_at_pass: bool = True
    """End with the first program that passes every test; otherwise spend all expansions."""
    virtual_loss: float = Field(default=1.0, ge=0)
    """How many lost visits an expansion in flight counts for; 0 lets workers crowd on one branch."""


class Uct:
    """UCT or P-UCT over programs.

    The root's children are written from scratch, deeper nodes repair their parent. The reward is the share of
    the task's own tests that pass. Nodes that pass everything are leaves.
    The prior of a child is uniform over its siblings' places.
    """

    def __init__(self, settings: UctSettings | None = None) -> None:
        self.settings = settings or UctSettings()
        # Copied out of the settings: reading a pydantic field costs as much as a step of the descent.
        self._c, self._loss, self._width = self.settings.c, self.settings.virtual_loss, self.settings.width
        self._plain = self.settings.formula == "uct"
        self._use_mean = self.settings.backup == "mean"
        self._asked = 0
        self._opening: Counter[int] = Counter()
        """Expansions in flight at a node: children that are not born yet."""
        self._failed: Counter[int] = Counter()
        """Expansions of a node that brought no program; they use up a place."""
        self._closed: set[int] = set()
        """Nodes below which nothing is left to expand."""
        self._best: int | None = None
        self._best_reward = -math.inf
        self._solved = False

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        return {"write": ActionKind.CODER, "debug": ActionKind.DEBUGGER}

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """Descend from the root to a node that has room for another child, and expand it."""
        if self._asked >= self.settings.expansions or ROOT in self._closed:
            return WAIT
        if self._solved and self.settings.stop_at_pass:
            return DONE
        node_id = self._select(tree)
        if node_id is None:
            return WAIT
        node = tree.nodes[node_id]
        self._asked += 1
        draw = len(node.children) + self._opening[node_id] + self._failed[node_id]
        self._opening[node_id] += 1
        tree.hold(node_id)
        if node_id == ROOT:
            return Expansion(id=serial, action="write", node=ROOT, tests=tree.task.tests, draw=draw)
        assert node.program is not None
        inputs: dict[str, Any] = {
            "program": node.program.program,
            "verdict": node.verdict,
            "tests": node.tests,
        }
        return Expansion(
            id=serial, action="debug", node=node_id, inputs=inputs, tests=tree.task.tests, draw=draw
        )

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Add the program as a child and back its reward up."""
        parent = expansion.node
        self._opening[parent] -= 1
        tree.hold(parent, -1)
        if outcome.program is None:
            self._failed[parent] += 1
            self._close_upwards(tree, parent)
            return
        tests = expansion.tests or ()
        node = tree.add(
            parent,
            "program",
            prior=1 / self.settings.width,
            program=outcome.program,
            verdict=outcome.verdict,
            tests=tests,
        )
        node.reward = share_passed(outcome.verdict, tests)
        # What could not be judged says nothing: it is backed up as what its parent already seemed worth.
        value = node.reward if node.reward is not None else tree.nodes[parent].mean
        discount = self.settings.gamma if self.settings.backup == "discounted_max" else 1.0
        tree.backup(node.id, value, discount=discount)
        known = -1.0 if node.reward is None else node.reward
        if known > self._best_reward:
            self._best, self._best_reward = node.id, known
        if node.reward == 1.0:
            self._solved = True
        if node.reward == 1.0 or node.depth == self.settings.max_depth:
            self._close_upwards(tree, node.id)

    def answer(self, tree: SearchTree) -> int | None:
        """Return the program with the largest reward; the earliest one on ties."""
        return self._best

    def _select(self, tree: SearchTree) -> int | None:
        """Return the node to expand, or None when every way down is blocked by expansions in flight.

        Goes to the open child with the highest score, the earliest on ties, until a node has a free place. One
        loop and local names on purpose: this runs once per level of every step.
        """
        nodes, closed, width = tree.nodes, self._closed, self._width
        opening, failed = self._opening.get, self._failed.get
        c, loss, plain, use_mean = self._c, self._loss, self._plain, self._use_mean
        sqrt, log = math.sqrt, math.log
        blocked: set[int] = set()
        while True:
            node = nodes[ROOT]
            while True:
                children = node.children
                if len(children) + opening(node.id, 0) + failed(node.id, 0) < width and node.id not in closed:
                    return node.id
                parent_visits = node.visits + loss * node.pending
                if plain:
                    spread = c * sqrt(log(parent_visits)) if parent_visits > 1 else 0.0
                else:
                    spread = c * sqrt(parent_visits)
                best_child, best_score = None, -math.inf
                for child_id in children:
                    if child_id in closed or child_id in blocked:
                        continue
                    child = nodes[child_id]
                    visits = child.visits + loss * child.pending
                    # In max mode an expansion in flight cannot lower Q: only its visit counts against it.
                    value = child.total / visits if use_mean else child.best
                    score = value + (spread / sqrt(visits) if plain else spread * child.prior / (1 + visits))
                    if score > best_score:
                        best_child, best_score = child, score
                if best_child is None:
                    break
                node = best_child
            if node.id == ROOT:
                return None
            blocked.add(node.id)

    def _close_upwards(self, tree: SearchTree, node_id: int) -> None:
        """Mark the node closed if nothing can be expanded below it, and its ancestors likewise."""
        for node in tree.upwards(node_id):
            if not self._is_exhausted(tree, node):
                return
            self._closed.add(node.id)

    def _is_exhausted(self, tree: SearchTree, node: Node) -> bool:
        if node.id != ROOT and (node.reward == 1.0 or node.depth == self.settings.max_depth):
            return True
        places = self.settings.width - self._failed[node.id]
        return len(node.children) >= places and _all_in(node.children, self._closed)


def _all_in(items: Iterable[int], container: set[int]) -> bool:
    return all(item in container for item in items)
