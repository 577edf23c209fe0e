"""The harness must find the faults it looks for: each policy here breaks one rule."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from codegrove.candidate import program_key
from codegrove.errors import TreeError
from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, WAIT, Expansion, Signal
from codegrove.search.sample import Sample, SampleSettings
from codegrove.search.tree import ROOT, SearchTree
from tests.search.harness import (
    PROGRAMS,
    REFORMATTED,
    RunPlan,
    check_invariants,
    check_replay,
    ended,
    finish,
    run_search,
)

PLAN = RunPlan(world=1, workers=2, max_asks=50)


class Base(Sample):
    """Draws more programs than there are texts, so that some come twice."""

    def __init__(self) -> None:
        super().__init__(SampleSettings(programs=12))


class LosesPrograms(Base):
    """Forgets what comes late."""

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        if len(tree) < 4:
            super().tell(tree, expansion, outcome)
        else:
            self._in_flight -= 1


class LosesDuplicates(Base):
    """Keeps one node for each program."""

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        super().tell(tree, expansion, outcome)
        if len({node.program.program for node in tree.programs() if node.program}) < len(tree) - 1:
            tree.root.children.remove(tree.nodes.pop().id)


class Leaks(Base):
    """Holds the root and never lets go."""

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        tree.hold(ROOT)
        super().tell(tree, expansion, outcome)


class CountsTwice(Base):
    """Counts a visit at a child only."""

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        super().tell(tree, expansion, outcome)
        tree.nodes[-1].visits += 1


class GamblesOnSignals(Base):
    """Draws a random number although it has nothing to ask for."""

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        choice = super().ask(tree, serial, rng)
        if isinstance(choice, Signal):
            rng.random()
        return choice


class TouchesOnSignals(Base):
    """Writes into the tree although it has nothing to ask for."""

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        choice = super().ask(tree, serial, rng)
        if isinstance(choice, Signal):
            tree.root.data["asked"] = tree.root.data.get("asked", 0) + 1
        return choice


class ComesBack(Base):
    """Says that it is done while it is not."""

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        return DONE if serial == 1 and len(tree) == 1 else super().ask(tree, serial, rng)


class InventsActions(Base):
    """Asks for what it did not declare."""

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        return Expansion(id=serial, action="dream", node=ROOT)


class NoAnswer(Base):
    """Never has an answer."""

    def answer(self, tree: SearchTree) -> int | None:
        return None


class Restless(Base):
    """Never comes to an end."""

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        self._in_flight += 1
        return Expansion(id=serial, action="write", node=ROOT, draw=serial)


def test_a_good_policy_passes() -> None:
    search = run_search(Base, PLAN)
    assert ended(search)
    check_invariants(search, counts_programs=True)
    check_replay(search, Base)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (LosesPrograms, "not in the tree"),
        (LosesDuplicates, "node of its own"),
        (Leaks, "still waits"),
        (CountsTwice, "visits, children"),
        (GamblesOnSignals, "changed something"),
        (TouchesOnSignals, "changed something"),
        (ComesBack, "said DONE"),
        (InventsActions, "none of the policy's actions"),
        (NoAnswer, "no answer"),
    ],
)
def test_faults_are_found(policy: Callable[[], Sample], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_invariants(run_search(policy, PLAN), counts_programs=True)


def test_a_policy_whose_state_hangs_on_the_number_of_asks_fails_the_replay() -> None:
    class CountsAsks(Base):
        """Stops after a number of asks, signals included."""

        asks = 0

        def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
            self.asks += 1
            if self.asks % 3 == 2 and self._in_flight:
                return WAIT
            return super().ask(tree, serial, rng)

    with pytest.raises((AssertionError, TreeError)):
        check_replay(run_search(CountsAsks, PLAN), CountsAsks)


def test_a_run_without_end_is_left_at_the_limit_and_can_be_finished() -> None:
    search = run_search(Restless, PLAN)
    assert not ended(search)
    assert len(search.tree) + len(search.open) >= 50
    finish(search, PLAN)
    assert not search.open


def test_reformatted_programs_are_the_same_programs_as_other_texts() -> None:
    for program, other in REFORMATTED.items():
        assert program != other and program_key(program) == program_key(other)
    assert len({program_key(program) for program in PROGRAMS}) == len(PROGRAMS)
