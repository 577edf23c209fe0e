"""CodeTree: strategies, then reflections on failing code, with a critic that prunes and accepts.

Source: Li et al., "CodeTree: Agent-guided Tree Search for Code Generation with Large Language Models", arXiv
2411.04329. Differences from paper and authors' code: docs/recipes/codetree.md.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, WAIT, ActionKind, Expansion, Signal
from codegrove.search.scoring import passes_all, share_passed
from codegrove.search.settings import Mode, PolicySettings
from codegrove.search.tree import ROOT, Node, SearchTree

CRITIC_SCALE = 15
"""A critic's score of 0 to 5 is divided by this before it is added to the share of tests passed."""
TOP_SCORE = 5


class CodeTreeSettings(PolicySettings):
    """Settings of `CodeTree`."""

    kind: Literal["codetree"] = "codetree"
    variant: Literal["agent", "bfs", "dfs"] = "agent"
    """``agent``: the critic prunes and accepts. ``bfs``/``dfs``: the paper's baselines without a critic."""
    width: int = Field(default=10, ge=1, le=100)
    """Strategies or reflections taken from one answer, at most."""
    max_depth: int = Field(default=3, ge=1)
    """Programs at this depth are not refined further; strategies have depth 1 (baselines in `mode: repo`: 0)."""
    max_programs: int = Field(default=20, ge=1)
    """Programs written at most."""
    mode: Mode = "paper"
    """``repo`` reproduces what the released code does where it departs from the paper."""
    result: Literal["best", "last_failing"] | None = None
    """When nothing is accepted: the best-valued program, or the last failing one. None: by `mode`."""


class CodeTree:
    """Depth-first search in which agents decide how far to branch, what to drop and when to stop.

    A node carries a strategy (depth 1) or a reflection (deeper) and gets one program when it is visited.
    With several workers the next nodes of the stack are visited at the same time.

    Model calls of the ``agent`` variant: at most 1 + 3 * max_programs.
    """

    forms: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "score": ("last_line_score",),
        "verify": ("last_line_bool",),
    }

    def __init__(self, settings: CodeTreeSettings | None = None) -> None:
        self.settings = settings or CodeTreeSettings()
        self._think_asked = False
        self._ready: deque[tuple[str, int]] = deque()
        """Follow-up steps of nodes that have their program: (action, node)."""
        self._frontier: list[int] = []
        """Nodes without a program; the next one to visit is the last."""
        self._batch: list[int] = []
        """Baselines only: programs of the current batch that failed and may be refined."""
        self._missing = 0
        """Baselines only: programs of the current batch that are not back yet."""
        self._to_refine: deque[int] = deque()
        """Baselines only: failed programs of earlier batches, the next one to refine first."""
        self._reflecting = False
        """Baselines only: the next batch is being thought of."""
        self._tries = 0
        self._accepted: int | None = None
        self._finished = False
        self._last_failing: int | None = None
        # The released baselines count the depth of strategies from 0, so that they go one level deeper.
        baseline_as_released = self.settings.variant != "agent" and self.settings.mode == "repo"
        self._bottom = self.settings.max_depth + (1 if baseline_as_released else 0)
        """Depth of the deepest programs that are written."""

    @property
    def calls(self) -> int:
        """Model calls of a run that nothing ends early."""
        settings = self.settings
        if settings.variant == "agent":
            return 1 + 3 * settings.max_programs
        return 1 + 2 * settings.max_programs

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        actions = {
            "think": ActionKind.PLANNER,
            "solve": ActionKind.CODER,
            "reflect": ActionKind.PLANNER,
            "debug": ActionKind.DEBUGGER,
        }
        if self.settings.variant == "agent":
            actions |= {"score": ActionKind.CRITIC, "verify": ActionKind.CRITIC}
        return actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """Return the next step: follow-ups of visited nodes first, then the next node."""
        if self._finished:
            return DONE
        if not self._think_asked:
            self._think_asked = True
            return Expansion(id=serial, action="think", node=ROOT, inputs={"width": self.settings.width})
        if self._ready:
            action, node_id = self._ready.popleft()
            return self._follow_up(tree, serial, action, tree[node_id])
        if self._frontier and self._may_write(tree):
            self._tries += 1
            return self._write(tree, serial, tree[self._frontier.pop()])
        idle = self._missing == 0 and not self._reflecting and self._tries < self.settings.max_programs
        if self._to_refine and idle:
            self._reflecting = True
            return self._follow_up(tree, serial, "reflect", tree[self._to_refine.popleft()])
        return WAIT

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Record what a step brought."""
        node = tree[expansion.node]
        match expansion.action:
            case "think":
                # Without a readable list the method still has its solver: one attempt without a strategy.
                texts = [proposal.text for proposal in outcome.proposals[: self.settings.width]] or [""]
                self._push(tree, ROOT, "strategy", texts)
            case "reflect":
                self._reflecting = False
                texts = [proposal.text for proposal in outcome.proposals[: self.settings.width]]
                self._push(tree, node.id, "reflection", texts)
            case "score":
                self._tell_score(tree, node, outcome)
            case "verify":
                self._tell_verify(tree, node, outcome)
            case _:
                self._tell_program(tree, node, expansion, outcome)

    def answer(self, tree: SearchTree) -> int | None:
        """Return the accepted program, else the one that the `result` rule names."""
        if self._accepted is not None:
            return self._accepted
        rule = self.settings.result or ("last_failing" if self.settings.mode == "repo" else "best")
        if rule == "last_failing" and self._last_failing is not None:
            return self._last_failing
        best = max(tree.programs(), key=lambda node: (node.data.get("value", 0.0), -node.id), default=None)
        return best.id if best else None

    def _push(self, tree: SearchTree, parent: int, kind: str, texts: list[str]) -> None:
        children = [tree.add(parent, kind, text=text).id for text in texts]
        if tree[parent].depth >= self._bottom:
            return  # in repo mode: thought of as in the released code, and never visited
        self._frontier.extend(reversed(children))
        if self.settings.variant != "agent":
            self._missing = len(children)

    def _may_write(self, tree: SearchTree) -> bool:
        if self._tries < self.settings.max_programs:
            return True
        if self.settings.variant == "agent" or self.settings.mode == "paper":
            return False
        # As released: all strategies get a program; later, depth-first looks at its budget between batches.
        return self.settings.variant == "dfs" or tree[self._frontier[-1]].depth == 1

    def _write(self, tree: SearchTree, serial: int, node: Node) -> Expansion:
        if node.depth == 1:
            inputs: dict[str, Any] = {"strategy": node.text}
            return Expansion(id=serial, action="solve", node=node.id, inputs=inputs, tests=tree.task.tests)
        parent = tree[node.parents[0]]
        inputs = self._context(tree, parent) | {"reflection": node.text}
        return Expansion(id=serial, action="debug", node=node.id, inputs=inputs, tests=tree.task.tests)

    def _follow_up(self, tree: SearchTree, serial: int, action: str, node: Node) -> Expansion:
        inputs = self._context(tree, node)
        if action == "reflect":
            inputs |= {"review": node.review, "width": self.settings.width}
        return Expansion(id=serial, action=action, node=node.id, inputs=inputs)

    @staticmethod
    def _context(tree: SearchTree, node: Node) -> dict[str, Any]:
        strategy = next((up.text for up in tree.upwards(node.id) if up.depth == 1), "")
        program = node.program.program if node.program else ""
        return {"strategy": strategy, "program": program, "verdict": node.verdict, "tests": node.tests}

    def _tell_program(self, tree: SearchTree, node: Node, expansion: Expansion, outcome: Outcome) -> None:
        node.program = outcome.program
        node.verdict = outcome.verdict
        node.tests = expansion.tests or ()
        node.reward = share_passed(outcome.verdict, node.tests) if outcome.program else 0.0
        node.data["value"] = node.reward or 0.0
        if self.settings.variant != "agent":
            self._tell_baseline(tree, node)
        elif node.reward is None:
            pass  # our fault, not the program's: it is neither scored nor refined nor counted as failing
        elif node.program is None:
            self._close(tree, node)
        elif passes_all(node.verdict, node.tests):
            node.data["passes"] = True
            node.data["value"] = 1.0 + TOP_SCORE / CRITIC_SCALE
            self._ready.append(("verify", node.id))
        else:
            self._last_failing = node.id
            if node.depth >= self.settings.max_depth:
                self._close(tree, node)
            else:
                self._ready.append(("score", node.id))

    def _tell_score(self, tree: SearchTree, node: Node, outcome: Outcome) -> None:
        score = outcome.review.score if outcome.review else None
        node.review = outcome.review.text if outcome.review else ""
        node.data["value"] += (score or 0.0) / CRITIC_SCALE
        parent = tree[node.parents[0]]
        bar = parent.data.get("value", 0.0)
        value = node.data["value"]
        # A critic that could not be read has no opinion on depth; it neither saves nor drops the node.
        tired = score is not None and value == bar and node.depth > score
        self._close(tree, node)
        if not (value < bar or tired):
            self._ready.append(("reflect", node.id))

    def _tell_verify(self, tree: SearchTree, node: Node, outcome: Outcome) -> None:
        # What counts as acceptance when the critic is unreadable is the critic's setting; a critic that could
        # not be asked at all (model failure, budget) does not stand in the way of a passing program.
        accepted = outcome.review is None or outcome.review.accepted is not False
        node.review = outcome.review.text if outcome.review else ""
        parent = tree[node.parents[0]]
        at_bottom = node.depth >= self.settings.max_depth
        if accepted or (parent.data.get("passes") and node.depth == self.settings.max_depth):
            if self._accepted is None:
                self._accepted = node.id
            self._finished = True
        elif not at_bottom or self.settings.mode == "repo":
            self._ready.append(("reflect", node.id))
        self._close(tree, node)

    def _close(self, tree: SearchTree, node: Node) -> None:
        """Book the node's final value."""
        tree.backup(node.id, node.data["value"])

    def _tell_baseline(self, tree: SearchTree, node: Node) -> None:
        self._missing -= 1
        if node.reward is not None:
            self._close(tree, node)
            if node.program is not None:
                self._tell_baseline_program(node)
        if self._missing == 0:
            self._line_up_batch(tree)

    def _tell_baseline_program(self, node: Node) -> None:
        if passes_all(node.verdict, node.tests):
            if self._accepted is None:
                self._accepted = node.id
            self._finished = True
            return
        self._last_failing = node.id
        if node.depth < self._bottom:
            self._batch.append(node.id)

    def _line_up_batch(self, tree: SearchTree) -> None:
        """Line siblings up by value, the earliest on ties: breadth-first behind all others, else before them."""
        siblings = sorted(self._batch, key=lambda node_id: (-tree[node_id].data["value"], node_id))
        self._batch = []
        if self.settings.variant == "bfs":
            self._to_refine.extend(siblings)
        else:
            self._to_refine.extendleft(reversed(siblings))
