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
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, WAIT, ActionKind, Expansion, Signal
from codegrove.search.scoring import GIVEN, WRITTEN, passes_all, share_passed
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
    plan: bool = False
    """Put a layer of plans below the root: its children are plans, and programs are written below them."""
    write_tests: int = Field(default=0, ge=0, le=100)
    """How many tests a tester is asked for before the first program is seen; 0 asks for none."""
    generated_weight: float = Field(default=0.2, ge=0, le=1)
    """Weight of generated tests in the reward where the task has tests of its own."""
    stop_at_pass: bool = True
    """End with the first program that passes all of the task's own tests; otherwise spend all expansions."""
    virtual_loss: float = Field(default=1.0, ge=0)
    """How many lost visits an expansion in flight counts for; 0 lets workers crowd on one branch."""

    @model_validator(mode="after")
    def _room_for_programs(self) -> Self:
        if self.plan and self.max_depth == 1:
            raise ValueError("with plan: true, max_depth must be 2 or more: plans have depth 1")
        return self


class Uct:
    """UCT or P-UCT over programs.

    The root's children are written from scratch (or are plans that programs are written from), deeper nodes repair
    their parent. The reward is the share of the task's own tests that pass, mixed with that of generated ones
    where there are any. Nodes that pass all of the task's tests are leaves.
    The prior of a child is uniform over its siblings' places.
    """

    def __init__(self, settings: UctSettings | None = None) -> None:
        self.settings = settings or UctSettings()
        # Copied out of the settings: reading a pydantic field costs as much as a step of the descent.
        self._c, self._loss, self._width = self.settings.c, self.settings.virtual_loss, self.settings.width
        self._plain = self.settings.formula == "uct"
        self._prior = 1 / self.settings.width
        self._discount = self.settings.gamma if self.settings.backup == "discounted_max" else 1.0
        self._use_mean = self.settings.backup == "mean"
        self._asked = 0
        self._opening: Counter[int] = Counter()
        """Expansions in flight at a node: children that are not born yet."""
        self._failed: Counter[int] = Counter()
        """Expansions of a node that brought no program and use up a place."""
        self._forgiven: Counter[int] = Counter()
        """Expansions of a node that brought no program and leave their place to another one."""
        self._closed: set[int] = set()
        """Nodes below which nothing is left to expand."""
        self._best: int | None = None
        self._best_key = (-math.inf, -math.inf)
        self._solved = False
        self._tests: Literal["wanted", "asked", "there"] = "wanted" if self.settings.write_tests else "there"

    @property
    def calls(self) -> int:
        """Model calls of a run that nothing ends early."""
        settings = self.settings
        plans = settings.width if settings.plan else 0
        return settings.expansions + plans + int(settings.write_tests > 0)

    @property
    def redrawn(self) -> frozenset[str]:
        """Actions whose answers differ by chance only."""
        several = self.settings.width > 1
        return frozenset(("plan", "write", "debug")) if several else frozenset()

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        actions = {"write": ActionKind.CODER, "debug": ActionKind.DEBUGGER}
        if self.settings.plan:
            actions["plan"] = ActionKind.PLANNER
        if self.settings.write_tests:
            actions["write_tests"] = ActionKind.TESTER
        return actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """Descend from the root to a node that has room for another child, and expand it."""
        if self._tests != "there":
            if self._tests == "asked":
                return WAIT
            self._tests = "asked"
            wanted = {"width": self.settings.write_tests}
            return Expansion(id=serial, action="write_tests", node=ROOT, inputs=wanted)
        if self._solved and self.settings.stop_at_pass:
            return DONE  # before all else: what still waits to be sent is not needed any more
        if self._asked >= self.settings.expansions or ROOT in self._closed:
            return WAIT
        node_id = self._select(tree)
        if node_id is None:
            return WAIT
        node = tree.nodes[node_id]
        self._opening[node_id] += 1
        tree.hold(node_id)
        if node_id == ROOT and self.settings.plan:
            return Expansion(id=serial, action="plan", node=ROOT)
        self._asked += 1
        generated = tree.generated_tests
        tests = (*tree.task.tests, *generated) if generated else tree.task.tests
        if node.program is None:
            inputs: dict[str, Any] = {"plan": node.text} if self.settings.plan else {}
            return Expansion(id=serial, action="write", node=node_id, inputs=inputs, tests=tests)
        inputs = {"program": node.program.program, "verdict": node.verdict, "tests": node.tests}
        if self.settings.plan:
            inputs["plan"] = next(up.text for up in tree.upwards(node_id) if up.kind == "plan")
        return Expansion(id=serial, action="debug", node=node_id, inputs=inputs, tests=tests)

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Add the program as a child and back its reward up."""
        if expansion.action == "write_tests":
            tree.generated_tests.extend(outcome.tests)
            self._tests = "there"
            return
        parent = expansion.node
        self._opening[parent] -= 1
        tree.hold(parent, -1)
        if expansion.action == "plan":
            # A plan that could not be had leaves its place to programs written without one.
            tree.add(
                ROOT, "plan", text=outcome.proposals[0].text if outcome.proposals else "", prior=self._prior
            )
            return
        if outcome.program is None:
            self._tell_nothing(tree, parent, outcome)
            return
        tests = expansion.tests or ()
        node = tree.add(
            parent,
            "program",
            prior=self._prior,
            program=outcome.program,
            verdict=outcome.verdict,
            tests=tests,
        )
        passes = self._judge(tree, node)
        if node.reward is not None:  # what could not be judged says nothing: it has a place, but is no visit
            tree.backup(node.id, node.reward, discount=self._discount)
        if passes:
            self._solved = True
        if passes or node.depth == self.settings.max_depth:
            self._close_upwards(tree, node.id)

    def answer(self, tree: SearchTree) -> int | None:
        """Return the program that passes most of the task's tests, then has the largest reward; first wins."""
        return self._best

    def _tell_nothing(self, tree: SearchTree, parent: int, outcome: Outcome) -> None:
        """Book an expansion without a program: it is spent; its place is, too, unless asking again may help."""
        again = outcome.failure is not None and outcome.failure.kind in ("model", "unreadable")
        if again and self._forgiven[parent] < self._width:
            self._forgiven[parent] += 1
        else:
            self._failed[parent] += 1
            self._close_upwards(tree, parent)

    def _judge(self, tree: SearchTree, node: Node) -> bool:
        """Set the node's reward, keep the best node, and say whether it passes all that the task asks for."""
        given: float | None
        if tree.generated_tests:
            given = share_passed(node.verdict, node.tests, GIVEN)
            written = share_passed(node.verdict, node.tests, WRITTEN)
            if given is None or written is None:
                node.reward = written if given is None else given
            else:
                weight = self.settings.generated_weight
                node.reward = (1 - weight) * given + weight * written
        else:
            node.reward = given = share_passed(node.verdict, node.tests)
        passes = passes_all(
            node.verdict, node.tests, GIVEN if tree.task.tests and tree.generated_tests else None
        )
        key = (-1.0 if given is None else given, -1.0 if node.reward is None else node.reward)
        if key > self._best_key:
            self._best, self._best_key = node.id, key
        if passes:
            node.data["passes"] = True
        return passes

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
        some_shut = bool(closed)
        while True:
            node = nodes[ROOT]
            while True:
                children = node.children
                places = width - len(children)
                if places > 0 and opening(node.id, 0) + failed(node.id, 0) < places and node.id not in closed:
                    return node.id
                parent_visits = node.visits + loss * node.pending if node.pending else node.visits
                if plain:
                    spread = c * sqrt(log(parent_visits)) if parent_visits > 1 else 0.0
                else:
                    spread = c * sqrt(parent_visits)
                best_child, best_score = None, -math.inf
                for child_id in children:
                    if some_shut and (child_id in closed or child_id in blocked):
                        continue
                    child = nodes[child_id]
                    visits = child.visits + loss * child.pending if child.pending else child.visits
                    if child.visits:
                        # In max mode an expansion in flight cannot lower Q: only its visit counts against it.
                        value = child.total / visits if use_mean else max(child.best, 0.0)
                    elif child.program is not None:
                        # Never judged, nor anything below it: for now as good as its siblings, and visited once.
                        value, visits = node.mean, visits + 1
                    elif visits:
                        value = 0.0
                    else:  # a plan that nothing was written from yet
                        best_child = child
                        break
                    score = value + (spread / sqrt(visits) if plain else spread * child.prior / (1 + visits))
                    if score > best_score:
                        best_child, best_score = child, score
                if best_child is None:
                    break
                node = best_child
            if node.id == ROOT:
                return None
            blocked.add(node.id)
            some_shut = True

    def _close_upwards(self, tree: SearchTree, node_id: int) -> None:
        """Mark the node closed if nothing can be expanded below it, and its ancestors likewise."""
        for node in tree.upwards(node_id):
            if not self._is_exhausted(tree, node):
                return
            self._closed.add(node.id)

    def _is_exhausted(self, tree: SearchTree, node: Node) -> bool:
        if node.data.get("passes") or node.depth == self.settings.max_depth:
            return True
        places = self.settings.width - self._failed[node.id]
        return len(node.children) >= places and _all_in(node.children, self._closed)


def _all_in(items: Iterable[int], container: set[int]) -> bool:
    return all(item in container for item in items)
