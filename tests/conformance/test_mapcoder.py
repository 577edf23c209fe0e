"""The numbered conformance checks of the MapCoder sheet."""

from __future__ import annotations

from typing import Any

import pytest

from codegrove.models.port import Request
from tests.conformance.machine import Answers, confidence, exemplars, run


@pytest.mark.parametrize("mode", ["paper", "repo"])
def test_1_three_plans_five_repairs_always_failing_cost_25_calls(mode: str) -> None:
    done = run("mapcoder", Answers(), plans=3, repairs=5, mode=mode)
    assert dict(done.counts) == {"recall": 1, "plan": 3, "rate": 3, "write": 3, "debug": 15}
    assert done.solution.spend.calls == 25


def test_2_five_plans_five_repairs_cost_41_calls() -> None:
    done = run("mapcoder", Answers(), plans=5, repairs=5)
    assert len(done.order) == 41
    assert done.counts["debug"] == 25


def test_3_plans_and_ratings_alternate_before_the_first_program() -> None:
    done = run("mapcoder", Answers(), plans=3, repairs=0)
    assert done.order == ["recall", *["plan", "rate"] * 3, "write", "write", "write"]


def test_4_programs_follow_confidence_and_ties_keep_recall_order() -> None:
    ratings = iter([50, 90, 90])
    plans = iter(["first plan", "second plan", "third plan"])
    answers = Answers({"rate": lambda _: confidence(next(ratings)), "plan": lambda _: next(plans)})
    done = run("mapcoder", answers, plans=3, repairs=0)
    written_for = [request.variables["plan"] for request in done.requests if request.action == "write"]
    assert written_for == ["second plan", "third plan", "first plan"]


@pytest.mark.parametrize("plans", [1, 3, 5])
def test_5_a_first_program_that_passes_costs_2k_plus_2_calls_and_one_execution(plans: int) -> None:
    done = run("mapcoder", Answers(), decide=lambda program, tests: 1.0, plans=plans, repairs=5)
    assert len(done.order) == 2 * plans + 2
    assert done.executions == 1
    assert "debug" not in done.counts
    assert done.solution.solved


@pytest.mark.parametrize(("mode", "executions"), [("repo", 15), ("paper", 18)])
def test_6_executions_by_mode(mode: str, executions: int) -> None:
    done = run("mapcoder", Answers(), plans=3, repairs=5, mode=mode, result="best")
    assert len(done.order) == 25
    assert sum(node.verdict is not None for node in done.solution.tree or ()) == executions


def test_7_repo_mode_returns_the_last_repair_of_the_least_confident_plan() -> None:
    ratings = iter([10, 90, 50])
    done = run(
        "mapcoder",
        Answers({"rate": lambda _: confidence(next(ratings))}),
        decide=_second_program_passes_half,
        plans=3,
        repairs=5,
        mode="repo",
    )
    last = [request for request in done.requests if request.action == "debug"][-1]
    tree, node = done.solution.tree, done.solution.node
    assert tree is not None and node is not None
    assert tree.path(node)[1].prior == pytest.approx(0.1)
    assert node == max(n.id for n in tree.programs())
    assert last.action == "debug"


def test_7_the_best_seen_option_changes_only_the_result() -> None:
    settings: dict[str, Any] = {"plans": 3, "repairs": 5, "mode": "repo"}
    last = run("mapcoder", Answers(), decide=_second_program_passes_half, **settings, result="last")
    best = run("mapcoder", Answers(), decide=_second_program_passes_half, **settings, result="best")
    assert last.order == best.order
    assert [r.messages for r in last.requests] == [r.messages for r in best.requests]
    assert last.solution.node != best.solution.node
    assert best.solution.tree is not None and best.solution.node is not None
    assert best.solution.tree[best.solution.node].reward == 0.5


def _second_program_passes_half(program: str, tests: object) -> float:
    # Answers are numbered: 1 recall, then three plans and ratings, then the programs 8, 9, ...
    return 0.5 if "1009" in program or "1006" in program else 0.0


def test_8_the_plan_prompt_has_the_exemplars_words_but_not_its_code() -> None:
    done = run("mapcoder", Answers(), plans=2, repairs=0)
    first, second = done.prompts("plan")
    assert "exemplar description 1" in first and "exemplar plan 1" in first
    assert "exemplar description 2" in second and "exemplar plan 2" in second
    assert not any("exemplar_code" in prompt for prompt in (first, second))
    for prompt in done.prompts("rate"):
        assert "f(0) == 0" not in prompt


def test_9_debugging_sees_the_whole_previous_reply_and_nothing_crosses_plans() -> None:
    def debug(request: Request) -> str:
        number = request.variables["previous"].count("REPLY") + 1
        return f"REPLY {number} modified plan\n```python\ndef f(x):\n    return {id(request)}\n```"

    plans = iter(["first plan", "second plan"])
    done = run("mapcoder", Answers({"debug": debug, "plan": lambda _: next(plans)}), plans=2, repairs=2)
    debugs = [request for request in done.requests if request.action == "debug"]
    assert "first plan" in debugs[0].variables["previous"]
    assert debugs[1].variables["previous"].startswith("REPLY 1 modified plan\n```python\ndef f(x):")
    second_write = done.prompts("write")[1]
    assert "REPLY" not in second_write and "first plan" not in second_write


def test_10_hidden_tests_cannot_reach_a_run() -> None:
    # A Task refuses hidden tests (tests/test_task.py), and a run is given nothing but a Task: what the sandbox
    # was asked to judge are the visible tests and no others.
    done = run("mapcoder", Answers(), plans=1, repairs=1)
    assert {tests for _, tests in done.sandbox.judged} == {done.solution.tree.task.tests}  # type: ignore[union-attr]


def test_an_unreadable_recall_still_leaves_k_plans() -> None:
    done = run("mapcoder", Answers({"recall": "no structure at all"}), plans=3, repairs=0)
    # The recipe asks once more for the form, and no oftener.
    assert dict(done.counts) == {"recall": 2, "plan": 3, "rate": 3, "write": 3}


def test_fewer_exemplars_than_asked_for_are_used() -> None:
    done = run("mapcoder", Answers({"recall": exemplars(1)}), plans=3, repairs=0)
    assert dict(done.counts) == {"recall": 1, "plan": 1, "rate": 1, "write": 1}
