"""What a report says about a run: nothing is invented, and nothing that is unknown looks known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from codegrove import Budget, Run, load_problems, solve
from codegrove.graphs.end import Ended
from codegrove.graphs.solution import Result, Solution
from codegrove.report import ReportCall, ReportData, report_data, run_report
from codegrove.report.pack import MOST_CHARACTERS, clipped, pack
from codegrove.search.tree import SearchTree
from codegrove.task import CallTest, Task
from codegrove.verdict import Status, TestResult, Verdict
from tests.report.hostile import TEXTS, hostile_data, marks_data
from tests.report.unpacking import text

TASK = Task(id="t", statement="s", entry_point="f", tests=(CallTest(args="(1,)", expected="2"),))


def bare(**changes: object) -> ReportData:
    """The report of a run that never got anywhere."""
    tree = SearchTree(TASK)
    solution = Solution(
        task_id="t", recipe="r", result=Result.UNSOLVED, reason="budget", ended=Ended.BUDGET, tree=tree
    )
    return report_data(**{"task": TASK, "tree": tree, "solution": solution, **changes})  # type: ignore[arg-type]


def test_every_judgement_has_its_own_mark() -> None:
    data = marks_data()
    marks = {node.text: (node.mark, node.status, node.visible) for node in data.nodes[1:]}
    assert marks == {
        "passed": ("passed", "passed", (2, 2, 2)),
        "half": ("failed", "failed", (1, 2, 2)),
        "none": ("failed", "failed", (0, 2, 2)),
        "crashed": ("crashed", "crashed", (0, 2, 2)),
        "timed out": ("crashed", "timed_out", (1, 2, 2)),
        "invalid": ("crashed", "invalid", (0, 2, 2)),
        "unjudged": ("unjudged", "unjudged", (0, 0, 2)),
        "half judged": ("unjudged", "unjudged", (1, 1, 2)),
        "not run": ("unjudged", "not_run", (0, 0, 2)),
    }
    assert data.nodes[0].mark == "none"
    assert [node.pending for node in data.nodes[:3]] == [1, 0, 1]


def test_generated_tests_do_not_turn_a_mark() -> None:
    node = hostile_data().nodes[2]
    assert node.verdict is not None and node.verdict.status == "crashed"
    assert (node.mark, node.visible, node.written) == ("failed", (1, 2, 2), (0, 1, 1))


def test_unknown_is_not_zero() -> None:
    data = bare()
    assert data.hidden is None
    assert data.answer is None
    assert dict(data.limits) == {}
    (root,) = data.nodes
    assert (root.mean, root.best, root.deviation, root.reward) == (None, None, None, None)
    call = ReportCall(expansion=0, node=0, role="coder", action="write", model="m", messages=(), reply="")
    packed = json.loads(pack(bare(calls=[call])))
    assert packed["calls"][0]["dollars"] is None


def test_limits_and_the_hidden_verdict_are_shown_as_they_are() -> None:
    results = (TestResult(status=Status.PASSED), TestResult(status=Status.FAILED))
    hidden = Verdict(status=Status.FAILED, results=results)
    data = bare(budget=Budget(calls=5, seconds=0, role_calls={"critic": 2}), hidden=hidden)
    assert dict(data.limits) == {"calls": 5, "seconds": 0, "critic calls": 2}
    assert data.hidden is not None
    assert (data.hidden.status, data.hidden.passed, data.hidden.total) == ("failed", 1, 2)


@pytest.mark.parametrize(("model", "simulated"), [("sim:pass_rate=0.5", True), ("openai:simple", False)])
def test_one_simulated_call_makes_a_simulation(model: str, simulated: bool) -> None:
    call = ReportCall(expansion=0, node=0, role="coder", action="write", model=model, messages=(), reply="")
    assert bare(calls=[call]).simulated is simulated


def test_a_recorded_run_is_there_in_full(tmp_path: Path) -> None:
    problem = load_problems("bundled").by_id("rotate-ring")
    budget = Budget(calls=30, tokens=10**6)
    solve(
        problem,
        "grove",
        out=tmp_path / "run",
        model="sim:pass_rate=0.1,repair_rate=0.1",
        seed=1,
        workers=2,
        budget=budget,
    )
    run = Run.open(tmp_path / "run")
    data = run_report(run)
    assert (data.seed, data.workers, data.simulated) == (1, 2, True)
    assert dict(data.limits) == {"calls": 30, "tokens": 10**6}
    assert data.answer == run.answer
    assert len(data.nodes) == len(run.tree)
    assert len(data.calls) == run.spend.calls == data.spend.calls
    assert sum(call.input_tokens + call.output_tokens for call in data.calls) == run.spend.tokens
    made = [node for nodes in data.added.values() for node in nodes]
    assert sorted(made) == list(range(1, len(data.nodes)))
    content = json.loads(pack(data))
    assert "generated_weight" in text(content, content["run"]["yaml"])
    for row, node in zip(content["nodes"], run.tree, strict=True):
        assert row["parents"] == list(node.parents)
        assert (text(content, row["program"]) if "program" in row else None) == (
            node.program.program if node.program else None
        )
    for row, call in zip(content["calls"], run.calls, strict=True):
        assert [(role, text(content, number)) for role, number in row["messages"]] == list(call.messages)
        assert text(content, row["reply"]) == call.reply


def test_hidden_tests_are_nowhere_in_a_report() -> None:
    problem = load_problems("bundled").by_id("neighbour-swaps")
    solution = solve(problem, "direct", seed=1)
    assert solution.tree is not None
    data = report_data(task=problem.task, tree=solution.tree, solution=solution)
    assert problem.hidden
    assert {test.origin for test in data.tests} == {"visible"}


@given(st.lists(st.text(st.characters(codec=None, categories=None) | st.sampled_from("\n\r\x00\ud800"))))
def test_any_text_survives_packing(texts: list[str]) -> None:
    call = ReportCall(
        expansion=0,
        node=0,
        role="coder",
        action="write",
        model="m",
        messages=tuple(("user", each) for each in texts),
        error="none",
    )
    content = json.loads(pack(bare(calls=[call])))
    assert [text(content, number) for _, number in content["calls"][0]["messages"]] == texts


def test_a_giant_text_loses_its_middle_and_says_so() -> None:
    giant = "a" * MOST_CHARACTERS + "b" * MOST_CHARACTERS
    short = clipped(giant)
    assert len(short) < MOST_CHARACTERS + 100
    assert short.startswith("a") and short.endswith("b")
    assert f"[{MOST_CHARACTERS:,} characters are left out of this report]" in short
    assert clipped("a" * MOST_CHARACTERS) == "a" * MOST_CHARACTERS


def test_the_data_goes_through_json() -> None:
    adapter = TypeAdapter(ReportData)
    data = marks_data()
    assert adapter.validate_json(adapter.dump_json(data)) == data


def test_hostile_texts_pack_to_ascii() -> None:
    packed = pack(hostile_data())
    assert packed.isascii()
    content = json.loads(packed)
    programs = [text(content, row["program"]) for row in content["nodes"] if "program" in row]
    assert programs == [clipped(program) for program in TEXTS.values()]
