"""A policy of one's own makes a mistake: the run ends with its best program and says what was wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from codegrove import CallTest
from codegrove.api import run_session
from codegrove.candidate import Candidate
from codegrove.graphs.assemble import assemble
from codegrove.graphs.end import Ended
from codegrove.graphs.portal import run_sync
from codegrove.graphs.solution import Solution
from codegrove.models.scripted import ScriptedModel
from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, ActionKind, Expansion, Signal
from codegrove.search.registry import POLICIES, PolicyKind
from codegrove.search.tree import SearchTree
from codegrove.search.uct import UctSettings
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.conformance.machine import TASK, Answers


class Mistaken:
    """Writes a program, and then asks for something."""

    second: dict[str, Any]

    def __init__(self, settings: object = None) -> None:
        self.programs: list[Candidate] = []

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        return {"write": ActionKind.CODER, "debug": ActionKind.DEBUGGER}

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        if serial == 0:
            return Expansion(id=0, action="write", node=0, tests=tree.task.tests)
        if serial > 1:
            return DONE
        given: dict[str, Any] = {"id": serial, "action": "debug", "node": 0, "tests": tree.task.tests}
        given |= {key: value(self) if callable(value) else value for key, value in self.second.items()}
        return Expansion(**given) if given["action"] else None  # type: ignore[return-value]

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        if outcome.program is not None:
            self.programs.append(outcome.program)
            tree.add(
                0, "program", program=outcome.program, verdict=outcome.verdict, tests=expansion.tests or ()
            )

    def answer(self, tree: SearchTree) -> int | None:
        return next((node.id for node in tree.programs()), None)


@pytest.fixture
def solving(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], Solution]:
    def run(second: dict[str, Any]) -> Solution:
        monkeypatch.setattr(Mistaken, "second", second, raising=False)
        monkeypatch.setitem(POLICIES, "uct", PolicyKind(UctSettings, Mistaken))
        assembly = assemble("uct", model=ScriptedModel(Answers()), sandbox=ScriptedSandbox(lambda *_: 0.5))
        return run_sync(run_session(assembly, assembly.open_session(TASK)))

    return run


TEST = CallTest(args="(1,)", expected="1")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"action": "debugg"}, "'debugg', which is none of its own; did you mean 'debug'"),
        ({"action": None}, "asked for None; expected an Expansion, WAIT or DONE"),
        ({"id": 7}, "numbered an expansion 7; expected 1"),
        ({"node": 9}, "at node 9; expected a node of its tree (0 to 1)"),
        ({"node": "0"}, "at node '0'; expected a node of its tree"),
        ({"tests": [TEST]}, "tests of 'debug': expected a tuple of tests or None"),
        ({"trace": (TEST,)}, "asked for a trace with 'debug', but has no class attribute 'traces = True'"),
        ({"inputs": {"thoughts": ["a"]}}, "'thoughts' of 'debug': expected a tuple of texts, found ['a']"),
        ({"inputs": {"thoughts": ({},)}}, "'thoughts' of 'debug': expected a tuple of texts"),
        ({"inputs": {"program": 5}}, "input 'program': expected text, found int 5"),
        ({"inputs": {"verdict": "passed"}}, "returned str for field 'verdict'; expected"),
    ],
)
def test_a_mistake_ends_the_run_with_what_there_is(
    solving: Callable[[dict[str, Any]], Solution], second: dict[str, Any], said: str
) -> None:
    solution = solving(second)
    assert solution.ended is Ended.ERROR
    assert solution.reason.startswith("error: the search policy failed with ")
    assert said in solution.reason
    assert solution.program is not None and solution.spend.calls == 1


def test_a_trace_is_for_those_who_can_be_shown_one(
    solving: Callable[[dict[str, Any]], Solution], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mistaken, "traces", True, raising=False)
    solution = solving({"action": "write", "trace": (TEST,)})
    assert "which a coder carries out; only a critic or a debugger can be shown one" in solution.reason
    assert solution.program is not None
    assert solving({"trace": (TEST,)}).ended is Ended.DONE
    solution = solving({"trace": (TEST,), "inputs": {"tests": [TEST]}})
    assert "input 'tests' of 'debug': expected a tuple of tests, found [" in solution.reason


def test_a_program_may_be_given_as_it_was_received(solving: Callable[[dict[str, Any]], Solution]) -> None:
    solution = solving({"inputs": lambda policy: {"program": policy.programs[0]}})
    assert (solution.ended, solution.spend.calls) == (Ended.DONE, 2)
