"""A straight line: plan, write tests, write a program, repair it until the tests pass."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, WAIT, ActionKind, Expansion, Signal
from codegrove.search.recording import add_program
from codegrove.search.scoring import GIVEN, passes_all, rank_key
from codegrove.search.settings import PolicySettings
from codegrove.search.tree import ROOT, Node, SearchTree


class ChainSettings(PolicySettings):
    """Settings of `Chain`."""

    kind: Literal["chain"] = "chain"
    plan: bool = True
    """Ask a planner before the first program."""
    write_tests: int = Field(default=5, ge=0, le=100)
    """How many tests a tester is asked for before the first program is seen; 0 asks for none."""
    repairs: int = Field(default=4, ge=0, le=1000)
    """Repair rounds after the first program."""
    stop: Literal["visible", "all"] = "visible"
    """End when the task's own tests pass (generated ones when it has none), or only when all tests pass."""


class Chain:
    """Plan, code, test, debug: one program is repaired up to `repairs` times.

    A program that passes more of the task's own tests is never given up for one that passes fewer, whatever
    generated tests say: those may be wrong.
    """

    def __init__(self, settings: ChainSettings | None = None) -> None:
        self.settings = settings or ChainSettings()
        self._stage: Literal["plan", "write_tests", "program", "done"] = "plan"
        self._busy = False
        self._parent = ROOT
        self._current: int | None = None
        self._attempts = 0
        self._skip_unwanted()

    @property
    def calls(self) -> int:
        """Model calls of a run that nothing ends early."""
        settings = self.settings
        return int(settings.plan) + int(settings.write_tests > 0) + 1 + settings.repairs

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        actions = {"write": ActionKind.CODER}
        if self.settings.plan:
            actions["plan"] = ActionKind.PLANNER
        if self.settings.write_tests:
            actions["write_tests"] = ActionKind.TESTER
        if self.settings.repairs:
            actions["debug"] = ActionKind.DEBUGGER
        return actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """Return the next step of the line."""
        if self._stage == "done":
            return DONE
        if self._busy:
            return WAIT
        self._busy = True
        if self._stage == "plan":
            return Expansion(id=serial, action="plan", node=ROOT)
        if self._stage == "write_tests":
            return Expansion(
                id=serial, action="write_tests", node=ROOT, inputs={"width": self.settings.write_tests}
            )
        tests = (*tree.task.tests, *tree.generated_tests)
        inputs: dict[str, Any] = {"plan": tree[self._parent].text}
        if self._current is None:
            return Expansion(id=serial, action="write", node=self._parent, inputs=inputs, tests=tests)
        node = tree[self._current]
        assert node.program is not None
        inputs |= {"program": node.program.program, "verdict": node.verdict, "tests": node.tests}
        return Expansion(id=serial, action="debug", node=node.id, inputs=inputs, tests=tests)

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Record a step; a plan or tests that could not be had are done without."""
        self._busy = False
        if expansion.action == "plan":
            if outcome.proposals:
                self._parent = tree.add(ROOT, "plan", text=outcome.proposals[0].text).id
            self._stage = "write_tests"
        elif expansion.action == "write_tests":
            tree.generated_tests.extend(outcome.tests)
            self._stage = "program"
        else:
            self._tell_program(tree, expansion, outcome)
        self._skip_unwanted()

    def answer(self, tree: SearchTree) -> int | None:
        """Return the program that passes most of the task's tests, then of the generated ones; first wins."""
        best = max(tree.programs(), key=lambda node: (rank_key(node), -node.id), default=None)
        return best.id if best else None

    def _tell_program(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        self._attempts += 1
        if outcome.program is not None:
            node = add_program(tree, expansion, outcome, outcome.program)
            self._current = node.id
            if self._good_enough(tree, node):
                self._stage = "done"
        if self._attempts > self.settings.repairs:
            self._stage = "done"

    def _good_enough(self, tree: SearchTree, node: Node) -> bool:
        if not node.tests:
            return True  # nothing could ever tell a repair from the first program
        visible_only = self.settings.stop == "visible" and tree.task.tests
        return passes_all(node.verdict, node.tests, GIVEN if visible_only else None)

    def _skip_unwanted(self) -> None:
        if self._stage == "plan" and not self.settings.plan:
            self._stage = "write_tests"
        if self._stage == "write_tests" and not self.settings.write_tests:
            self._stage = "program"
