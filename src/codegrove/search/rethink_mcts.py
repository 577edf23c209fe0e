"""RethinkMCTS: tree search over thoughts; a thought whose program fails is rewritten, not built upon.

Source: Li et al., "RethinkMCTS: Refining Erroneous Thoughts in Monte Carlo Tree Search for Code Generation",
arXiv 2409.09584; block analysis after Zhong et al., "Debug like a Human" (LDB). Differences from paper and
authors' code: docs/recipes/rethinkmcts.md.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from codegrove.outcome import Outcome, Proposal
from codegrove.search.policy import WAIT, ActionKind, Expansion, Signal
from codegrove.search.scoring import passes_all, share_passed
from codegrove.search.settings import Mode, PolicySettings
from codegrove.search.tree import ROOT, Node, SearchTree
from codegrove.task import Test
from codegrove.verdict import Status

TESTS_SHARE = 0.8
"""Weight of the visible tests in the reward of a program that passes them all; the critic has the rest."""
TRACED_AT_MOST = 6
"""Failing tests that are tried until one gives a trace."""


class RethinkMctsSettings(PolicySettings):
    """Settings of `RethinkMcts`."""

    kind: Literal["rethink_mcts"] = "rethink_mcts"
    rollouts: int = Field(default=16, ge=1)
    """R: leaves visited."""
    width: int = Field(default=3, ge=1, le=100)
    """k: thoughts per expansion."""
    c: float = Field(default=4.0, ge=0)
    """Constant part of the exploration weight."""
    base: float = Field(default=10.0, gt=0)
    """How slowly the exploration weight grows with the visits of a node."""
    gamma: float = Field(default=0.9, gt=0, le=1)
    """Discount per step upwards; the leaf's own thought already receives gamma times the reward."""
    thinks: int = Field(default=2, ge=1)
    """T: programs per rollout at most, that is T - 1 rewritten thoughts."""
    backup: Literal["max", "mean"] = "max"
    """What a thought is worth: the largest or the mean of the discounted rewards below it."""
    mode: Mode = "paper"
    """``repo`` fills an unreadable expansion with empty-line thoughts of prior 1, as the released code does;
    ``paper`` keeps the priors' sum at 1."""


@dataclass(slots=True)
class _Rollout:
    """One visit of a leaf, from its first program to the backup."""

    leaf: int
    thinks: int = 0
    reward: float = 0.0
    judged: bool = True
    """Whether the latest program could be judged; what could not says nothing about its thought."""
    passes: bool = False
    program: int | None = None
    """Node of the latest program."""
    diagnosis: str = ""


class RethinkMcts:
    """UCT with priors over natural-language thoughts.

    A path of thoughts from the root is the reasoning; programs are children of the thought they were written
    from and take no part in selection. Several workers visit different leaves at the same time.

    Model calls: at most 1 + 3 * thinks * rollouts.
    """

    traces: ClassVar[bool] = True
    """Some expansions want a failing run traced, so that the graph needs that tool."""
    forms: ClassVar[Mapping[str, tuple[str, ...]]] = {"evaluate": ("number",)}

    def __init__(self, settings: RethinkMctsSettings | None = None) -> None:
        self.settings = settings or RethinkMctsSettings()
        self._root_asked = False
        self._started = 0
        self._thoughts: dict[int, list[int]] = {}
        """Children of a node that are thoughts; a node without an entry is a leaf."""
        self._rollouts: dict[int, _Rollout] = {}
        """Rollouts under way, by leaf."""
        self._ready: deque[tuple[str, int]] = deque()
        self._rewards: dict[str, float] = {}
        """First reward of every program, by content."""

    @property
    def calls(self) -> int:
        """Model calls of a run that nothing ends early."""
        return 1 + 3 * self.settings.thinks * self.settings.rollouts

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        actions = {
            "expand": ActionKind.PLANNER,
            "expand_informed": ActionKind.PLANNER,
            "write": ActionKind.CODER,
            "diagnose": ActionKind.CRITIC,
            "evaluate": ActionKind.CRITIC,
        }
        if self.settings.thinks > 1:
            actions["rethink"] = ActionKind.PLANNER
        return actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """Expand the root first; then continue rollouts under way, or start the next one."""
        if not self._root_asked:
            self._root_asked = True
            return self._expansion(tree, serial, "expand", ROOT)
        if self._ready:
            action, leaf = self._ready.popleft()
            return self._expansion(tree, serial, action, leaf)
        if self._started >= self.settings.rollouts:
            return WAIT
        leaf_or_none = self._select(tree)
        if leaf_or_none is None:
            return WAIT
        self._started += 1
        self._rollouts[leaf_or_none] = _Rollout(leaf_or_none)
        tree.hold(leaf_or_none)
        return self._expansion(tree, serial, "write", leaf_or_none)

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Record a step and line up the rollout's next one."""
        node_id = expansion.node
        if expansion.action in ("expand", "expand_informed"):
            self._add_thoughts(tree, node_id, outcome)
            if node_id != ROOT:
                self._finish(tree, self._rollouts.pop(node_id))
            return
        rollout = self._rollouts[node_id]
        match expansion.action:
            case "write":
                self._tell_program(tree, rollout, expansion, outcome)
            case "evaluate":
                score = outcome.review.score if outcome.review else None
                rollout.reward = TESTS_SHARE + (1 - TESTS_SHARE) * (score or 0.0)
                self._record(tree, rollout, outcome.review.text if outcome.review else "")
                self._ready.append(("expand", node_id))
            case "diagnose":
                rollout.diagnosis = outcome.review.text if outcome.review else ""
                self._after_diagnosis(rollout)
            case _:
                self._rethink(tree[node_id], outcome)
                self._ready.append(("write", node_id))

    def answer(self, tree: SearchTree) -> int | None:
        """Return the program with the largest first-recorded reward; the earliest one on ties."""
        best, best_reward = None, -math.inf
        for node in tree.programs():
            assert node.program is not None
            reward = self._rewards.get(node.program.key)
            if reward is not None and reward > best_reward:
                best, best_reward = node.id, reward
        if best is None:
            return next((node.id for node in tree.programs()), None)
        return best

    def _select(self, tree: SearchTree) -> int | None:
        """Descend to a thought that was not expanded yet; None when all ways down are under way."""
        blocked: set[int] = set()
        while True:
            node = tree.root
            while (children := self._thoughts.get(node.id)) is not None:
                child = self._best_child(tree, node, children, blocked)
                if child is None:
                    break
                node = child
            if node.id == ROOT:
                return None
            if node.id not in self._thoughts and node.id not in self._rollouts:
                return node.id
            blocked.add(node.id)

    def _best_child(
        self, tree: SearchTree, node: Node, children: list[int], blocked: set[int]
    ) -> Node | None:
        """Q + beta(N) * prior * sqrt(ln N) / (1 + n), beta(N) = ln((N + base + 1) / base) + c.

        N counts from 1, so that the first visit of a node has no exploration bonus and takes the first child.
        Expansions in flight count as visits.
        """
        settings = self.settings
        total = 1 + node.visits + node.pending
        beta = math.log((total + settings.base + 1) / settings.base) + settings.c
        bonus = beta * math.sqrt(math.log(total))
        best_child, best_score = None, -math.inf
        for child_id in children:
            if child_id in blocked:
                continue
            child = tree.nodes[child_id]
            value = max(child.best, 0.0) if settings.backup == "max" else child.mean
            score = value + bonus * child.prior / (1 + child.visits + child.pending)
            if score > best_score:
                best_child, best_score = child, score
        return best_child

    def _expansion(self, tree: SearchTree, serial: int, action: str, node_id: int) -> Expansion:
        inputs: dict[str, Any] = {
            "thoughts": tuple(node.text for node in tree.path(node_id) if node.kind == "thought")
        }
        if action in ("expand", "expand_informed"):
            inputs["width"] = self.settings.width
        rollout = self._rollouts.get(node_id)
        if rollout is None or rollout.program is None:
            tests = tree.task.tests if action == "write" else None
            return Expansion(id=serial, action=action, node=node_id, inputs=inputs, tests=tests)
        program = tree[rollout.program]
        assert program.program is not None
        traced: tuple[Test, ...] = ()
        if action == "write":
            return Expansion(id=serial, action=action, node=node_id, inputs=inputs, tests=tree.task.tests)
        if action != "expand":
            inputs |= {"program": program.program.program, "verdict": program.verdict, "tests": program.tests}
        if action in ("expand_informed", "rethink"):
            inputs["diagnosis"] = rollout.diagnosis
        if action == "diagnose":
            traced = tuple(_failing(program))[:TRACED_AT_MOST]
        return Expansion(id=serial, action=action, node=node_id, inputs=inputs, trace=traced)

    def _tell_program(
        self, tree: SearchTree, rollout: _Rollout, expansion: Expansion, outcome: Outcome
    ) -> None:
        rollout.thinks += 1
        rollout.diagnosis = ""
        rollout.passes = False
        if outcome.program is None:
            rollout.reward, rollout.judged = 0.0, True
            self._after_diagnosis(rollout)
            return
        tests = expansion.tests or ()
        program = tree.add(
            rollout.leaf,
            "program",
            text=tree[rollout.leaf].text,
            program=outcome.program,
            verdict=outcome.verdict,
            tests=tests,
        )
        rollout.program = program.id
        share = share_passed(outcome.verdict, tests)
        rollout.judged = share is not None
        rollout.reward = share or 0.0
        rollout.passes = passes_all(outcome.verdict, tests)
        if rollout.passes:
            self._ready.append(("evaluate", rollout.leaf))
            return
        self._record(tree, rollout, "")
        if next(_failing(program), None) is None:
            self._after_diagnosis(rollout)  # nothing that failed is known: there is no run to look at
        else:
            self._ready.append(("diagnose", rollout.leaf))

    def _after_diagnosis(self, rollout: _Rollout) -> None:
        if rollout.thinks < self.settings.thinks:
            self._ready.append(("rethink", rollout.leaf))
        else:
            self._ready.append(("expand_informed", rollout.leaf))

    def _record(self, tree: SearchTree, rollout: _Rollout, review: str) -> None:
        assert rollout.program is not None
        node = tree[rollout.program]
        assert node.program is not None
        node.review = review
        if rollout.judged:
            node.reward = self._rewards.setdefault(node.program.key, rollout.reward)

    @staticmethod
    def _rethink(leaf: Node, outcome: Outcome) -> None:
        """Replace the leaf's thought. Its statistics are empty already: only fresh leaves are visited."""
        if outcome.proposals:
            leaf.data.setdefault("earlier_thoughts", []).append(leaf.text)
            leaf.text = outcome.proposals[0].text
            leaf.prior = 1.0

    def _add_thoughts(self, tree: SearchTree, parent: int, outcome: Outcome) -> None:
        width = self.settings.width
        proposals = outcome.proposals[:width]
        if not proposals:
            # The search goes on: the children carry no thought, but programs can still be drawn below them.
            prior = 1.0 if self.settings.mode == "repo" else 1 / width
            proposals = (Proposal(text="\n", score=prior),) * width
        self._thoughts[parent] = [
            tree.add(
                parent,
                "thought",
                text=proposal.text,
                prior=proposal.score if proposal.score is not None else 1 / width,
            ).id
            for proposal in proposals
        ]

    def _finish(self, tree: SearchTree, rollout: _Rollout) -> None:
        tree.hold(rollout.leaf, -1)
        if not rollout.judged:
            return
        tree.backup(rollout.leaf, self.settings.gamma * rollout.reward, discount=self.settings.gamma)


def _failing(node: Node) -> Iterator[Test]:
    """Yield the tests that a program is known to fail."""
    results = node.verdict.results if node.verdict else ()
    for test, result in zip(node.tests, results, strict=False):
        if not result.passed and result.status is not Status.UNJUDGED:
            yield test
