"""MapCoder: recall similar problems, plan from each, try the plans from the most to the least confident.

Source: Islam et al., "MapCoder: Multi-Agent Code Generation for Competitive Problem Solving", arXiv
2405.11403. Differences from paper and authors' code: docs/recipes/mapcoder.md.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import Field

from codegrove.outcome import Outcome, Proposal
from codegrove.search.policy import DONE, WAIT, ActionKind, Expansion, Signal
from codegrove.search.recording import add_program
from codegrove.search.scoring import passes_all, rank_key
from codegrove.search.settings import Mode, PolicySettings
from codegrove.search.tree import ROOT, Node, SearchTree


class RankedPlansSettings(PolicySettings):
    """Settings of `RankedPlans`."""

    kind: Literal["ranked_plans"] = "ranked_plans"
    plans: int = Field(default=3, ge=1, le=9)
    """k: how many similar problems are recalled, hence how many plans are made."""
    repairs: int = Field(default=5, ge=0, le=1000)
    """t: repair rounds per plan."""
    mode: Mode = "paper"
    """``paper`` tests after every repair; ``repo`` before each, so the last repair is never executed."""
    result: Literal["best", "last"] | None = None
    """When nothing passes: the best program seen or the last one. None: best in paper mode, last in repo."""


@dataclass(slots=True)
class _Plan:
    """One exemplar and what became of it."""

    exemplar: Proposal
    stage: Literal["plan", "planning", "rate", "rating", "rated", "lost"] = "plan"
    node: int | None = None
    confidence: float = 0.0


@dataclass(slots=True)
class _Line:
    """The programs of one plan, in order."""

    plan: _Plan
    busy: bool = False
    attempts: int = 0
    last: int | None = None
    answers: list[str] = field(default_factory=list)


class RankedPlans:
    """Plans in order of confidence, each a chain of one program and up to t repairs.

    Model calls when nothing passes: 1 + 3k + kt. With several workers later plans are started before the
    earlier ones have failed; among programs that pass, the one of the more confident plan wins.
    """

    forms: ClassVar[Mapping[str, tuple[str, ...]]] = {"recall": ("exemplars",), "rate": ("confidence",)}

    def __init__(self, settings: RankedPlansSettings | None = None) -> None:
        self.settings = settings or RankedPlansSettings()
        self._recall_asked = False
        self._plans: list[_Plan] | None = None
        self._lines: list[_Line] | None = None
        self._solved = False

    @property
    def calls(self) -> int:
        """Model calls of a run that nothing ends early."""
        return 1 + self.settings.plans * (3 + self.settings.repairs)

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        actions = {
            "recall": ActionKind.PLANNER,
            "plan": ActionKind.PLANNER,
            "rate": ActionKind.CRITIC,
            "write": ActionKind.CODER,
        }
        if self.settings.repairs:
            actions["debug"] = ActionKind.DEBUGGER
        return actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """Recall first; then plan and rate exemplar by exemplar; then write and repair plan by plan."""
        if self._solved:
            return DONE
        if self._plans is None:
            if self._recall_asked:
                return WAIT
            self._recall_asked = True
            return Expansion(id=serial, action="recall", node=ROOT, inputs={"width": self.settings.plans})
        if self._lines is None:
            return self._ask_plans(tree, serial, self._plans)
        return self._ask_programs(tree, serial, self._lines)

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Record what a step brought."""
        if expansion.action == "recall":
            # Without a readable recall the method still has its planner: k plans from no exemplar.
            nothing = Proposal(text="")
            exemplars = outcome.proposals[: self.settings.plans] or (nothing,) * self.settings.plans
            self._plans = [_Plan(exemplar) for exemplar in exemplars]
        elif expansion.action in ("plan", "rate"):
            self._tell_plan(tree, expansion, outcome)
        else:
            self._tell_program(tree, expansion, outcome)

    def answer(self, tree: SearchTree) -> int | None:
        """Return the program that passed, else the best or last one according to `result`."""
        rule = self.settings.result or ("last" if self.settings.mode == "repo" else "best")
        if rule == "last" and not self._solved:
            lines = reversed(self._lines or [])
            return next((line.last for line in lines if line.last is not None), None)
        order = {line.plan.node: rank for rank, line in enumerate(self._lines or ())}

        def preference(node: Node) -> tuple[tuple[float, float], int, int]:
            plan = next((up.id for up in tree.upwards(node.id) if up.kind == "plan"), None)
            return rank_key(node), -order.get(plan, len(order)), -node.id

        best = max(tree.programs(), key=preference, default=None)
        return best.id if best else None

    def _ask_plans(self, tree: SearchTree, serial: int, plans: list[_Plan]) -> Expansion | Signal:
        for index, plan in enumerate(plans):
            exemplar = plan.exemplar
            if plan.stage == "plan":
                plan.stage = "planning"
                inputs = {
                    "exemplar": exemplar.data.get("description", ""),
                    "exemplar_plan": exemplar.text,
                    "algorithm": exemplar.data.get("algorithm", ""),
                }
                return Expansion(id=serial, action="plan", node=ROOT, inputs={**inputs, "index": index})
            if plan.stage == "rate":
                plan.stage = "rating"
                assert plan.node is not None
                rated = {"plan": tree[plan.node].text, "index": index}
                return Expansion(id=serial, action="rate", node=plan.node, inputs=rated)
        return WAIT

    def _tell_plan(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        assert self._plans is not None
        plan = self._plans[expansion.inputs["index"]]
        if expansion.action == "plan":
            if outcome.proposals:
                data = {
                    "exemplar": plan.exemplar.data.get("description", ""),
                    "algorithm": plan.exemplar.data.get("algorithm", ""),
                }
                plan.node = tree.add(ROOT, "plan", text=outcome.proposals[0].text, prior=0.0, data=data).id
                plan.stage = "rate"
            else:
                plan.stage = "lost"
        else:
            assert plan.node is not None
            score = outcome.review.score if outcome.review else None
            plan.confidence = score if score is not None else 0.0
            tree[plan.node].prior = plan.confidence / 100
            tree[plan.node].review = outcome.review.text if outcome.review else ""
            plan.stage = "rated"
        if all(plan.stage in ("rated", "lost") for plan in self._plans):
            usable = [plan for plan in self._plans if plan.stage == "rated"] or self._plans[:1]
            self._lines = [_Line(plan) for plan in sorted(usable, key=lambda plan: -plan.confidence)]

    def _ask_programs(self, tree: SearchTree, serial: int, lines: list[_Line]) -> Expansion | Signal:
        for index, line in enumerate(lines):
            if line.busy or line.attempts > self.settings.repairs:
                continue
            line.busy = True
            plan_node = ROOT if line.plan.node is None else line.plan.node
            inputs: dict[str, Any] = {
                "algorithm": line.plan.exemplar.data.get("algorithm", ""),
                "line": index,
            }
            tests = self._tests_for(tree, line)
            if line.last is None:
                inputs["plan"] = tree[plan_node].text
                return Expansion(id=serial, action="write", node=plan_node, inputs=inputs, tests=tests)
            program = tree[line.last]
            assert program.program is not None
            glued = f"{tree[plan_node].text}\n\n{program.program.program}"
            inputs |= {
                "previous": line.answers[-1] if len(line.answers) > 1 else glued,
                "program": program.program.program,
                "verdict": program.verdict,
                "tests": program.tests,
            }
            return Expansion(id=serial, action="debug", node=program.id, inputs=inputs, tests=tests)
        return WAIT

    def _tests_for(self, tree: SearchTree, line: _Line) -> tuple[Any, ...] | None:
        """Tests for the line's next program; None where the released code would not execute it."""
        if not tree.task.tests:
            return None
        if self.settings.mode == "repo" and line.attempts == self.settings.repairs:
            return None
        return tree.task.tests

    def _tell_program(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        assert self._lines is not None
        line = self._lines[expansion.inputs["line"]]
        line.busy = False
        line.attempts += 1
        if outcome.program is None:
            return
        node = add_program(tree, expansion, outcome, outcome.program)
        line.last = node.id
        line.answers.append(outcome.answer)
        # Without sample tests a program counts as passing, as in the released code.
        if passes_all(node.verdict, node.tests) or not tree.task.tests:
            self._solved = True
