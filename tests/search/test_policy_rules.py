"""Rules that every policy keeps, whatever models and tests come up with and in whatever order answers arrive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as checks
from pydantic import ValidationError

from codegrove.candidate import Candidate
from codegrove.outcome import Outcome, Proposal, Review
from codegrove.search.policy import ActionKind, Expansion, Policy
from codegrove.search.registry import POLICIES, make_policy
from codegrove.search.scoring import GIVEN, WRITTEN, passes_all, share_passed
from codegrove.search.search import Search
from codegrove.task import AssertTest, Origin, Task
from codegrove.verdict import UNUSABLE_TEST, ErrorInfo, Status, TestResult, Verdict
from tests.search.harness import (
    SMALL_TASK,
    RunPlan,
    check_invariants,
    check_replay,
    finish,
    run_plans,
    run_search,
)

BARE_TASK = replace(SMALL_TASK, tests=())

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    *((kind, {}) for kind in sorted(POLICIES)),
    ("chain", {"stop": "all", "repairs": 2}),
    ("chain", {"plan": False, "write_tests": 0}),
    ("ranked_plans", {"mode": "repo", "plans": 2, "repairs": 1}),
    ("ranked_plans", {"result": "last", "repairs": 0}),
    ("codetree", {"mode": "repo", "max_depth": 2}),
    ("codetree", {"variant": "bfs", "width": 2, "max_programs": 9}),
    ("codetree", {"variant": "dfs", "width": 3, "max_programs": 9, "mode": "repo"}),
    ("uct", {"plan": True, "write_tests": 2, "width": 2, "expansions": 9}),
    ("uct", {"formula": "puct", "backup": "max", "plan": True, "expansions": 8}),
    ("uct", {"backup": "discounted_max", "max_depth": 2, "stop_at_pass": False, "expansions": 12}),
    ("uct", {"virtual_loss": 0, "width": 1, "expansions": 6}),
    ("rethink_mcts", {"backup": "mean", "mode": "repo", "rollouts": 4}),
    ("rethink_mcts", {"thinks": 1, "width": 1, "rollouts": 4}),
]


def ids(value: object) -> str:
    return value if isinstance(value, str) else " ".join(f"{k}={v}" for k, v in value.items()) or "default"  # type: ignore[attr-defined]


def maker(kind: str, settings: dict[str, Any]) -> Policy:
    return make_policy(POLICIES[kind].settings(**settings))


@pytest.mark.parametrize(("kind", "settings"), SETTINGS, ids=ids)
@checks(max_examples=40)
@given(plan=run_plans())
def test_every_policy_keeps_the_rules(kind: str, settings: dict[str, Any], plan: RunPlan) -> None:
    def make() -> Policy:
        return maker(kind, settings)

    search = run_search(make, plan)
    check_invariants(search)
    check_replay(search, make)
    finish(search, plan)
    check_invariants(search)
    check_replay(search, make)


@pytest.mark.parametrize("kind", ["chain", "ranked_plans", "sample", "uct"])
@checks(max_examples=30)
@given(plan=run_plans())
def test_tasks_without_tests_of_their_own_keep_them_too(kind: str, plan: RunPlan) -> None:
    search = run_search(lambda: maker(kind, {}), plan, task=BARE_TASK)
    finish(search, plan)
    check_invariants(search)


def failing(search: Search, expansion: Expansion, number: int) -> Outcome:
    """A readable answer for every action; programs differ and pass nothing."""
    match search.policy.actions[expansion.action]:
        case ActionKind.PLANNER:
            width = int(expansion.inputs.get("width", 1))
            return Outcome(proposals=tuple(Proposal(text=f"idea {number}-{n}") for n in range(width)))
        case ActionKind.CRITIC:
            return Outcome(review=Review(text="hm", score=3.0, accepted=False))
        case ActionKind.CODER | ActionKind.DEBUGGER:
            results = tuple(TestResult(status=Status.FAILED) for _ in expansion.tests or ())
            verdict = Verdict(status=Status.FAILED, results=results) if expansion.tests else None
            return Outcome(program=Candidate(program=f"x = {number}"), verdict=verdict)
        case _:
            return Outcome()


def programs_with(kind: str, settings: dict[str, Any], workers: int) -> int:
    """How many programs a search writes when so many expansions are in flight at all times."""
    search = Search(SMALL_TASK, maker(kind, settings))
    flying: list[Expansion] = []
    number = 0
    while True:
        while len(flying) < workers and isinstance(choice := search.ask(), Expansion):
            flying.append(choice)
        if not flying:
            return sum(1 for _ in search.tree.programs())
        number += 1
        expansion = flying.pop(0)
        search.tell(expansion.id, failing(search, expansion, number))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("chain", {}),
        ("ranked_plans", {}),
        ("codetree", {"width": 2}),
        ("codetree", {"variant": "bfs", "width": 3, "max_programs": 30, "max_depth": 4}),
        ("codetree", {"variant": "dfs", "width": 3, "max_programs": 30, "max_depth": 4}),
        ("uct", {"expansions": 30}),
        ("uct", {"expansions": 30, "plan": True, "backup": "max"}),
        ("rethink_mcts", {"rollouts": 10}),
        ("sample", {"programs": 7}),
    ],
    ids=ids,
)
@pytest.mark.parametrize("workers", [2, 5, 16])
def test_failing_searches_write_as_many_programs_with_any_number_of_workers(
    kind: str, settings: dict[str, Any], workers: int
) -> None:
    assert programs_with(kind, settings, workers) == programs_with(kind, settings, 1) > 0


def test_idle_workers_get_work_while_plans_are_in_flight() -> None:
    for backup in ("mean", "max", "discounted_max"):
        search = Search(SMALL_TASK, maker("uct", {"plan": True, "backup": backup, "width": 2}))
        plan = search.ask()
        assert isinstance(plan, Expansion)
        search.tell(plan.id, Outcome(proposals=(Proposal(text="p"),)))
        asked = [search.ask() for _ in range(3)]
        assert all(isinstance(choice, Expansion) for choice in asked), backup


def test_plans_leave_room_for_programs() -> None:
    with pytest.raises(ValidationError, match="max_depth must be 2 or more"):
        POLICIES["uct"].settings.model_validate({"plan": True, "max_depth": 1})


INVALID = Verdict(
    status=Status.INVALID,
    results=(TestResult(status=Status.INVALID),),
    error=ErrorInfo(type="SyntaxError"),
)
UNJUDGED = Verdict(status=Status.UNJUDGED, results=(TestResult(status=Status.UNJUDGED),))
GENERATED = (AssertTest(code="assert double(1) == 2", origin=Origin.GENERATED),)


def test_a_text_that_is_no_program_says_nothing_about_tests_that_are_not_there() -> None:
    assert share_passed(INVALID, GENERATED, GIVEN) is None
    assert share_passed(INVALID, GENERATED, WRITTEN) == 0.0
    assert share_passed(INVALID, ()) is None


@pytest.mark.parametrize(("kind", "settings"), [("chain", {"plan": False}), ("uct", {"write_tests": 1})])
def test_a_text_that_is_no_program_never_beats_one_that_runs(kind: str, settings: dict[str, Any]) -> None:
    search = Search(BARE_TASK, maker(kind, settings))
    passing = Verdict(status=Status.FAILED, results=(TestResult(status=Status.PASSED),) * 4 + INVALID.results)
    tests = tuple(
        AssertTest(code=f"assert double({n}) == {2 * n}", origin=Origin.GENERATED) for n in range(5)
    )
    for brought in (
        Outcome(tests=tests),
        Outcome(program=Candidate(program="def double(n): return 2 * n"), verdict=passing),
        Outcome(
            program=Candidate(program="def double(n:"), verdict=replace(INVALID, results=INVALID.results * 5)
        ),
    ):
        expansion = search.ask()
        assert isinstance(expansion, Expansion)
        search.tell(expansion.id, brought)
    answer = search.answer()
    assert answer is not None
    node = search.tree[answer]
    assert node.program is not None and "2 * n" in node.program.program


@pytest.mark.parametrize("kind", ["chain", "ranked_plans", "codetree", "uct", "rethink_mcts", "sample"])
def test_what_could_not_be_judged_is_no_visit_worth_nothing(kind: str) -> None:
    search = Search(SMALL_TASK, maker(kind, {}))
    for number in range(200):
        choice = search.ask()
        if not isinstance(choice, Expansion):
            break
        outcome = failing(search, choice, number)
        if outcome.verdict is not None:
            unjudged = replace(UNJUDGED, results=UNJUDGED.results * len(choice.tests or ()))
            outcome = replace(outcome, verdict=unjudged)
        search.tell(choice.id, outcome)
    programs = list(search.tree.programs())
    assert programs
    assert all(node.reward is None for node in programs)
    assert all(node.visits == 0 for node in search.tree)


PASSED = TestResult(status=Status.PASSED)
PARTLY = Verdict(status=Status.UNJUDGED, results=(PASSED, PASSED, *UNJUDGED.results))
"""Of `SMALL_TASK`: nothing speaks against the program, but one test has not spoken."""


@pytest.mark.parametrize("kind", ["chain", "ranked_plans", "codetree", "uct", "rethink_mcts", "sample"])
def test_a_program_with_an_unjudged_test_ends_no_search_and_is_not_accepted(kind: str) -> None:
    settings: dict[str, Any] = {"stop_at_first_pass": True, "programs": 3} if kind == "sample" else {}
    search = Search(SMALL_TASK, maker(kind, settings))
    asked: list[str] = []
    for number in range(200):
        choice = search.ask()
        if not isinstance(choice, Expansion):
            break
        asked.append(choice.action)
        outcome = failing(search, choice, number)
        if outcome.verdict is not None:
            outcome = replace(outcome, verdict=PARTLY)
        search.tell(choice.id, outcome)
    assert sum(1 for _ in search.tree.programs()) > 1
    assert not {"verify", "evaluate"} & set(asked), "a critic was asked about a program that passes"
    assert all(node.reward == 1.0 for node in search.tree.programs()), "the share counts judged tests only"


def test_passing_all_takes_every_test_to_be_judged() -> None:
    tests = SMALL_TASK.tests
    assert share_passed(PARTLY, tests) == 1.0
    assert not passes_all(PARTLY, tests)
    assert passes_all(PARTLY, tests[:2])
    assert passes_all(replace(PARTLY, results=(*PARTLY.results[:2], PASSED)), tests, GIVEN)
    assert not passes_all(PARTLY, tests, WRITTEN), "no test at all"
    assert not passes_all(None, tests) and not passes_all(INVALID, tests) and not passes_all(UNJUDGED, ())


def test_a_generated_text_that_is_no_test_keeps_nothing_from_passing() -> None:
    broken = TestResult(status=Status.UNJUDGED, error=ErrorInfo(type=UNUSABLE_TEST))
    verdict = Verdict(status=Status.UNJUDGED, results=(PASSED, broken))
    generated = (*GENERATED, AssertTest(code="assert double(", origin=Origin.GENERATED))
    assert passes_all(verdict, generated)
    assert not passes_all(verdict, SMALL_TASK.tests[:2])
    assert not passes_all(replace(verdict, results=(broken, broken)), generated)


def test_tasks_are_not_shared_between_trees() -> None:
    first, second = Search(SMALL_TASK, maker("chain", {})), Search(SMALL_TASK, maker("chain", {}))
    first.tree.add(0, "plan")
    assert (len(first.tree), len(second.tree)) == (2, 1)
    assert isinstance(first.tree.task, Task)
