"""UCT over programs: what fails, what cannot be judged, and when it ends."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from codegrove.candidate import Candidate
from codegrove.outcome import Failure, Outcome, Proposal
from codegrove.search.policy import DONE, WAIT, Expansion
from codegrove.search.search import Search
from codegrove.search.uct import Uct, UctSettings
from codegrove.verdict import Status, TestResult, Verdict
from tests.search.harness import SMALL_TASK


def uct(**settings: Any) -> Search:
    return Search(SMALL_TASK, Uct(UctSettings(**settings)))


def ask(search: Search) -> Expansion:
    choice = search.ask()
    assert isinstance(choice, Expansion)
    return choice


def program(number: int, status: Status = Status.FAILED) -> Outcome:
    results = tuple(TestResult(status=status) for _ in SMALL_TASK.tests)
    return Outcome(
        program=Candidate(program=f"x = {number}"), verdict=Verdict(status=status, results=results)
    )


def asks_until_the_end(search: Search, outcome: Outcome) -> int:
    count = 0
    while isinstance(choice := search.ask(), Expansion):
        count += 1
        search.tell(choice.id, outcome)
    assert choice is DONE
    return count


@pytest.mark.parametrize(
    ("kind", "asks"), [("model", 6), ("unreadable", 6), ("rejected", 3), ("step", 3), ("budget", 3)]
)
def test_failures_that_may_pass_leave_their_place_as_often_as_a_node_has_places(
    kind: Literal["model", "unreadable", "rejected", "step", "budget"], asks: int
) -> None:
    assert asks_until_the_end(uct(width=3), Outcome(failure=Failure(kind=kind, message="no"))) == asks


def test_two_failed_calls_at_the_start_do_not_make_it_a_search_of_one_branch() -> None:
    search = uct(width=3, expansions=6)
    failure = Outcome(failure=Failure(kind="model", message="the line is down"))
    for number in range(5):
        search.tell(ask(search).id, failure if number < 2 else program(number))
    assert len(search.tree.root.children) == 3
    search.tell(ask(search).id, program(9))
    assert search.ask() is DONE, "failures are expansions all the same"


def test_what_could_not_be_judged_has_a_place_and_is_no_visit() -> None:
    search = uct(plan=True, width=2, backup="discounted_max")
    for text in ("one", "two"):
        search.tell(ask(search).id, Outcome(proposals=(Proposal(text=text),)))
    search.tell(ask(search).id, program(1, Status.UNJUDGED))
    first, second = (search.tree[child] for child in search.tree.root.children)
    assert (first.visits, first.total, search.tree.root.visits) == (0, 0.0, 0)
    search.tell(ask(search).id, program(2))
    search.tell(ask(search).id, program(3))
    assert len(first.children) == 2, "a plan is tried until something written from it was judged"
    assert (first.visits, second.visits, search.tree.root.visits) == (1, 1, 2)


@pytest.mark.parametrize("formula", ["uct", "puct"])
@pytest.mark.parametrize("backup", ["mean", "max", "discounted_max"])
def test_programs_that_cannot_be_judged_end_no_search_and_block_no_branch(formula: str, backup: str) -> None:
    search = uct(formula=formula, backup=backup, width=2, expansions=20)
    for number in range(20):
        search.tell(ask(search).id, program(number, Status.UNJUDGED if number % 3 else Status.FAILED))
    assert search.ask() is DONE
    assert search.tree.root.visits == 7
    assert all(node.pending == 0 for node in search.tree)


def test_a_solved_search_is_done_while_others_are_in_flight() -> None:
    search = uct(expansions=2)
    first, second = ask(search), ask(search)
    assert search.ask() is WAIT
    search.tell(first.id, program(1, Status.PASSED))
    assert search.ask() is DONE
    search.tell(second.id, program(2))
    assert search.ask() is DONE


def test_the_debugger_is_told_the_plan_its_program_was_written_after() -> None:
    search = uct(plan=True, width=1)
    search.tell(ask(search).id, Outcome(proposals=(Proposal(text="count upwards"),)))
    write = ask(search)
    assert (write.action, write.inputs["plan"]) == ("write", "count upwards")
    search.tell(write.id, program(1))
    for number in (2, 3):
        debug = ask(search)
        assert (debug.action, debug.inputs["plan"]) == ("debug", "count upwards")
        search.tell(debug.id, program(number))


def test_without_plans_the_debugger_is_told_of_none() -> None:
    search = uct(width=1)
    search.tell(ask(search).id, program(1))
    assert "plan" not in ask(search).inputs
