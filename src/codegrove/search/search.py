"""One search: a policy, its tree, its random numbers, and the log from which all of them can be rebuilt."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from codegrove.errors import TreeError, did_you_mean
from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, WAIT, ActionKind, Expansion, Policy, Signal
from codegrove.search.tree import SearchTree
from codegrove.task import Task, Test

_OUTCOME = TypeAdapter(Outcome)


@dataclass(frozen=True, slots=True)
class Asked:
    """The policy was asked and gave the expansion with this id."""

    expansion: int


@dataclass(frozen=True, slots=True)
class Told:
    """The expansion with this id was answered."""

    expansion: int
    outcome: Outcome


Event = Asked | Told


class Search:
    """Drives one policy and keeps the log of what happened.

    The tree is a fold over the log: replaying the same events on a fresh policy with the same seed gives the
    same tree, the same open expansions and the same next choice.
    """

    def __init__(self, task: Task, policy: Policy, *, seed: int = 0) -> None:
        self.tree = SearchTree(task)
        self.policy = policy
        self.seed = seed
        self.events: list[Event] = []
        self.open: dict[int, Expansion] = {}
        """Expansions in flight, by id."""
        self._rng = random.Random(seed)
        self._actions = dict(policy.actions)
        self._asked = 0
        self._draws: dict[tuple[Any, ...], int] = {}

    def ask(self) -> Expansion | Signal:
        """Return what to do next. `WAIT` is only returned while something is in flight.

        Raises:
            TreeError: if the policy answers something that cannot be carried out.
        """
        choice = self.policy.ask(self.tree, self._asked, self._rng)
        if isinstance(choice, Signal):
            return DONE if choice is WAIT and not self.open else choice
        self._check(choice)
        return self._opened(choice)

    def tell(self, expansion_id: int, outcome: Outcome) -> None:
        """Record what an open expansion brought.

        Raises:
            TreeError: if no such expansion is open (never asked, or told twice).
        """
        self._tell(Told(expansion_id, outcome))

    def answer(self) -> int | None:
        """Return the node the method would return now, or None.

        Raises:
            TreeError: if the policy's answer is no node of the tree.
        """
        node = self.policy.answer(self.tree)
        if node is not None and not (isinstance(node, int) and 0 <= node < len(self.tree)):
            raise TreeError(
                f"the policy answered {node!r}; expected a node of its tree (0 to {len(self.tree) - 1}) or None"
            )
        return node

    def replay(self, events: Iterable[Event]) -> None:
        """Apply recorded events to this fresh search; expansions without an answer stay open.

        Raises:
            TreeError: if the events do not belong to this task, policy and seed.
        """
        ask, tell, tree, rng = self.policy.ask, self._tell, self.tree, self._rng  # large trees are read often
        for event in events:
            if event.__class__ is Told:
                tell(event)
                continue
            # Not checked once more: it was carried out before.
            choice = ask(tree, self._asked, rng)
            if not isinstance(choice, Expansion) or choice.id != event.expansion:
                raise TreeError(f"event log does not fit: expected expansion {event.expansion}, got {choice}")
            self._opened(choice)

    def _opened(self, choice: Expansion) -> Expansion:
        self._asked += 1
        choice = self._numbered(choice)
        self.open[choice.id] = choice
        self.events.append(Asked(choice.id))
        return choice

    def _check(self, choice: Expansion) -> None:
        """Refuse an expansion that the machine would stumble over: policies may be anybody's."""
        if not isinstance(choice, Expansion):
            raise TreeError(f"the policy asked for {choice!r:.60}; expected an Expansion, WAIT or DONE")
        if choice.id != self._asked:
            raise TreeError(f"the policy numbered an expansion {choice.id}; expected {self._asked}")
        action = choice.action
        kind = self._actions.get(action)
        if kind is None:
            raise TreeError(
                f"the policy asked for action {action!r}, which is none of its own"
                f"{did_you_mean(str(action), self._actions)} (its actions: {', '.join(self._actions)})"
            )
        if choice.node.__class__ is not int or not 0 <= choice.node < len(self.tree.nodes):
            raise TreeError(
                f"the policy asked for {action!r} at node {choice.node!r}; expected a node of its tree"
                f" (0 to {len(self.tree.nodes) - 1})"
            )
        if choice.tests.__class__ is not tuple and choice.tests is not None:
            raise TreeError(
                f"tests of {action!r}: expected a tuple of tests or None, found {choice.tests!r:.60}"
            )
        if choice.trace:
            self._check_trace(choice, kind)
        thoughts = choice.inputs.get("thoughts")
        if thoughts is not None and not (
            isinstance(thoughts, tuple) and all(isinstance(thought, str) for thought in thoughts)
        ):
            raise TreeError(
                f"input 'thoughts' of {action!r}: expected a tuple of texts, found {thoughts!r:.60}"
            )

    def _check_trace(self, choice: Expansion, kind: ActionKind) -> None:
        for what, tests in (("trace", choice.trace), ("input 'tests'", choice.inputs.get("tests", ()))):
            if not (isinstance(tests, tuple) and all(isinstance(test, Test) for test in tests)):
                raise TreeError(
                    f"{what} of {choice.action!r}: expected a tuple of tests, found {tests!r:.60}"
                )
        if not getattr(self.policy, "traces", False):
            raise TreeError(
                f"the policy asked for a trace with {choice.action!r}, but has no class attribute 'traces = True'"
            )
        if kind not in (ActionKind.CRITIC, ActionKind.DEBUGGER):
            raise TreeError(
                f"the policy asked for a trace with {choice.action!r}, which a {kind.value} carries out;"
                " only a critic or a debugger can be shown one"
            )

    def _tell(self, event: Told) -> None:
        expansion = self.open.pop(event.expansion, None)
        if expansion is None:
            raise TreeError(f"expansion {event.expansion} is not open: it was never asked for, or told twice")
        self.policy.tell(self.tree, expansion, event.outcome)
        self.events.append(event)

    def _numbered(self, expansion: Expansion) -> Expansion:
        """Number the expansions that ask the same thing again, so that k samples stay k samples.

        Only texts count as "the same": that is what a model is shown, while a verdict also holds run times.
        """
        inputs = expansion.inputs
        texts = [value for value in inputs.values() if value.__class__ is str]
        key = (expansion.action, inputs.get("thoughts"), *texts)
        draw = self._draws.get(key, 0)
        self._draws[key] = draw + 1
        if draw == expansion.draw:
            return expansion
        # In place: it was made for this ask alone, and a copy would cost as much as a step of the search.
        object.__setattr__(expansion, "draw", draw)
        return expansion


def event_to_json(event: Event) -> dict[str, Any]:
    """Return an event as JSON-ready data."""
    if isinstance(event, Asked):
        return {"asked": event.expansion}
    outcome = _OUTCOME.dump_python(event.outcome, mode="json", exclude_defaults=True)
    return {"told": event.expansion, "outcome": outcome}


def event_from_json(data: dict[str, Any]) -> Event:
    """Rebuild an event from `event_to_json`'s data."""
    if "asked" in data:
        return Asked(data["asked"])
    return Told(data["told"], _OUTCOME.validate_python(data["outcome"]))
