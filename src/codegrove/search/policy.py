"""The contract between a search policy and the machine that carries out what it asks for."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from codegrove.outcome import Outcome
from codegrove.search.tree import SearchTree
from codegrove.task import Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """One thing to do next: an action at a node.

    The policy decides what the role may see by putting it into `inputs`; a method that hides the exemplar's
    code from its planner does so by not passing it.
    """

    id: int
    """Serial number of the ask, from 0."""
    action: str
    """Name from the policy's `actions`; the recipe says which role and prompt carry it out."""
    node: int
    """The node the action works at."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What the role sees besides the task, by prompt variable name."""
    tests: tuple[Test, ...] | None = None
    """Tests to execute the resulting program on; None: do not execute it."""
    trace: tuple[Test, ...] = ()
    """Failing tests to trace before the role is asked; the first that gives a trace is shown to it. Where
    none does, the role is not asked and the outcome is empty. Tests whose run broke off, as far as the inputs
    ``verdict`` and ``tests`` say, are not tried: their traces would break off as well."""
    draw: int = 0
    """Which of several independent samples of the same request this is. `Search` sets it."""


class Signal(Enum):
    """Answers of `ask` other than an expansion."""

    WAIT = "wait"
    """Nothing now, but an expansion in flight may open something."""
    DONE = "done"
    """Nothing now or later."""


WAIT = Signal.WAIT
DONE = Signal.DONE


class ActionKind(Enum):
    """Who carries out an action."""

    PLANNER = "planner"
    CODER = "coder"
    TESTER = "tester"
    DEBUGGER = "debugger"
    CRITIC = "critic"
    EXECUTE = "execute"
    """No model: run the program in `inputs["program"]` on the expansion's tests."""


class Policy(Protocol):
    """A method's choosing rule. One object serves one run; its state is a function of the asks and tells.

    Rules every policy keeps (property-tested):

    - an `ask` that returns a signal changes nothing and draws no randomness;
    - each expansion is told exactly once, in any order, and every paid result ends up in the tree;
    - all randomness comes from the generator passed in;
    - no model, file, clock or thread is touched.

    What a policy may say of itself in class attributes:

    - ``traces = True``: some expansions set `Expansion.trace`, so that the graph gets the tool;
    - ``inputs = ("hint",)``: names in `Expansion.inputs` that prompts may use as they are, besides those that
      `codegrove.agents.variables` derives; recipes whose prompts use others are refused;
    - ``forms = {"verify": ("last_line_bool",)}``: the forms of answers (see `codegrove.agents.answers`) that it
      can use, by action. Without an entry these are programs for coders and debuggers, tests for testers,
      proposals for planners, and anything for critics.
    - ``calls``: model calls of a run that nothing ends early; a recipe's call budget grows with it;
    - ``redrawn``: actions that are asked for several times with equal inputs, where only chance makes the answers
      differ; a recipe may not give them temperature 0.
    """

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """The actions this policy can ask for, and the role that normally carries each out."""
        ...

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """Return the next expansion (with id `serial`), `WAIT` or `DONE`."""
        ...

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Record what an expansion brought."""
        ...

    def answer(self, tree: SearchTree) -> int | None:
        """Return the id of the node whose program the method would return now, or None."""
        ...
