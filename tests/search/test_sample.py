from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from codegrove.candidate import Candidate
from codegrove.outcome import Failure, Outcome
from codegrove.search.policy import DONE, WAIT, ActionKind, Expansion
from codegrove.search.sample import Sample, SampleSettings
from codegrove.search.search import Search
from codegrove.task import AssertTest, Origin, Test
from codegrove.verdict import Status, TestResult, Verdict, overall
from tests.search.harness import (
    SMALL_TASK,
    RunPlan,
    assert_same,
    check_invariants,
    check_replay,
    ended,
    finish,
    make_outcome,
    run_plans,
    run_search,
)

FAILURE = Failure(kind="model", message="no answer")


def _generated(name: str) -> AssertTest:
    return AssertTest(code=f"assert {name}", origin=Origin.GENERATED)


class World:
    """Answers of a scripted coder, tester and sandbox.

    Args:
        programs: what the coder writes, by draw; None fails.
        tests: names of the tests in the tester's answers, by draw; None fails.
        passes: names of the generated tests each program passes; a program that is missing cannot be judged.
        visible: programs that pass the task's own tests.
    """

    def __init__(
        self,
        programs: Sequence[str | None],
        tests: Sequence[str | None] = (),
        passes: Mapping[str, str] | None = None,
        visible: Sequence[str] = (),
    ) -> None:
        self.programs = programs
        self.tests = tests
        self.passes = passes or {}
        self.visible = visible
        self.asked: list[Expansion] = []

    def __call__(self, expansion: Expansion, kind: ActionKind, rng: random.Random) -> Outcome:
        self.asked.append(expansion)
        match kind:
            case ActionKind.CODER:
                program = self.programs[expansion.draw]
                if program is None:
                    return Outcome(failure=FAILURE)
                verdict = None
                if expansion.tests is not None:
                    verdict = self._verdict([program in self.visible for _ in expansion.tests])
                return Outcome(program=Candidate(program=program), verdict=verdict)
            case ActionKind.TESTER:
                names = self.tests[expansion.draw]
                if names is None:
                    return Outcome(failure=FAILURE)
                return Outcome(tests=tuple(_generated(name) for name in names.split()))
            case _:
                program = expansion.inputs["program"]
                if program not in self.passes:
                    return Outcome(failure=Failure(kind="sandbox", message="broken"))
                good = [_generated(name) for name in self.passes[program].split()]
                return Outcome(verdict=self._verdict([test in good for test in expansion.tests or ()]))

    @staticmethod
    def _verdict(passed: Sequence[bool]) -> Verdict:
        results = tuple(TestResult(status=Status.PASSED if ok else Status.FAILED) for ok in passed)
        return Verdict(status=overall(r.status for r in results), results=results)

    def count(self, action: str) -> int:
        return sum(expansion.action == action for expansion in self.asked)


def _run(settings: SampleSettings, world: World, *, seed: int = 0, workers: int = 1) -> Search:
    return run_search(
        lambda: Sample(settings), RunPlan(seed=seed, workers=workers, max_asks=999), outcomes=world
    )


def _answer(search: Search) -> str | None:
    node = search.answer()
    if node is None:
        return None
    candidate = search.tree[node].program
    assert candidate is not None
    return candidate.program


def codet(programs: int, test_answers: int, **more: object) -> SampleSettings:
    return SampleSettings.model_validate(
        {"select": "codet", "programs": programs, "test_answers": test_answers, **more}
    )


# -- visible tests ---------------------------------------------------------------------------------------


def test_programs_are_drawn_at_the_root_and_run_on_the_tasks_tests() -> None:
    world = World(["a", "b", "c"], visible=["b"])
    search = _run(SampleSettings(programs=3), world)
    assert [(e.action, e.draw, e.node, e.tests) for e in world.asked] == [
        ("write", draw, 0, SMALL_TASK.tests) for draw in range(3)
    ]
    assert _answer(search) == "b"
    nodes = list(search.tree.programs())
    assert [node.reward for node in nodes] == [0.0, 1.0, 0.0]
    assert all(
        node.kind == "program" and node.text == "" and node.tests == SMALL_TASK.tests for node in nodes
    )
    assert search.tree.root.visits == 3 and search.tree.root.best == 1.0


def test_the_earlier_of_two_passing_programs_is_the_answer() -> None:
    assert _answer(_run(SampleSettings(programs=3), World(["a", "b", "c"], visible=["b", "c"]))) == "b"


@pytest.mark.parametrize(("stop", "writes"), [(True, 2), (False, 5)])
def test_drawing_stops_at_the_first_pass_only_where_asked(stop: bool, writes: int) -> None:
    world = World(["a", "b", "b", "a", "a"], visible=["b"])
    search = _run(SampleSettings(programs=5, stop_at_first_pass=stop), world)
    assert world.count("write") == writes
    assert ended(search)


def test_draws_in_flight_are_kept_after_a_pass() -> None:
    world = World(["b", "a", "c", "d", "e"], visible=["b"])
    search = _run(SampleSettings(programs=5, stop_at_first_pass=True), world, workers=3)
    assert world.count("write") == len(list(search.tree.programs())) == 3


def test_a_pass_ends_a_run_that_stops_there_at_once() -> None:
    search = Search(SMALL_TASK, Sample(SampleSettings(programs=5, stop_at_first_pass=True)))
    world = World(["a", "b"], visible=["b"])
    first, second = search.ask(), search.ask()
    assert isinstance(first, Expansion) and isinstance(second, Expansion)
    search.tell(second.id, world(second, ActionKind.CODER, random.Random(0)))
    assert search.ask() is DONE, "others are in flight, and nobody waits for them"
    search.tell(first.id, world(first, ActionKind.CODER, random.Random(0)))
    assert search.ask() is DONE


@pytest.mark.parametrize(("programs", "answers"), [(6, 6), (10, 2), (2, 10), (1, 7), (7, 1), (5, 3)])
def test_any_beginning_of_the_drawing_has_programs_and_tests_in_proportion(
    programs: int, answers: int
) -> None:
    settings = SampleSettings(select="codet", programs=programs, test_answers=answers)
    search = Search(SMALL_TASK, Sample(settings))
    writes = tests = 0
    while isinstance(choice := search.ask(), Expansion):
        writes, tests = writes + (choice.action == "write"), tests + (choice.action == "write_tests")
        assert writes >= 1, "without a program there is nothing to judge"
        assert abs(writes / programs - tests / answers) <= max(1 / programs, 1 / answers) + 1e-9
    assert (writes, tests) == (programs, answers)


def test_without_any_program_there_is_no_answer() -> None:
    search = _run(SampleSettings(programs=2), World([None, None]))
    assert search.answer() is None
    assert search.tree.root.data["failed"] == {"write": 2}
    assert ended(search)


def test_a_failed_draw_is_counted_and_the_others_go_on() -> None:
    search = _run(SampleSettings(programs=3), World([None, "b", "c"], visible=["c"]))
    assert _answer(search) == "c"
    assert search.tree.root.data["failed"] == {"write": 1}


# -- CodeT -----------------------------------------------------------------------------------------------

PROGRAMS = ["x = 1", "x = 2", "x  =  1", "x = 3"]


def test_programs_are_executed_once_each_and_only_when_all_is_drawn() -> None:
    world = World(PROGRAMS, ["t1 t2", "t2 t3"], {"x = 1": "t1", "x = 2": "t2", "x = 3": ""})
    _run(codet(4, 2), world)
    draws, executions = world.asked[:6], world.asked[6:]
    assert [(e.action, e.draw) for e in draws] == [
        *[("write", 0), ("write_tests", 0), ("write", 1)],
        *[("write", 2), ("write_tests", 1), ("write", 3)],
    ]
    assert all(e.tests is None and not e.inputs for e in draws)
    assert [e.inputs["program"] for e in executions] == ["x = 1", "x = 2", "x = 3"]
    tests: tuple[Test, ...] = tuple(_generated(name) for name in ("t1", "t2", "t3"))
    assert all(e.action == "execute" and e.tests == tests for e in executions)


def test_draws_do_not_wait_for_each_other_but_executions_wait_for_all_draws() -> None:
    search = Search(SMALL_TASK, Sample(codet(2, 1)))
    asked = [search.ask() for _ in range(3)]
    assert all(isinstance(choice, Expansion) for choice in asked)
    assert search.ask() is WAIT
    search.tell(0, Outcome(program=Candidate(program="x = 1")))
    search.tell(1, Outcome(tests=(_generated("t"),)))
    assert search.ask() is WAIT
    search.tell(2, Outcome(failure=FAILURE))
    execution = search.ask()
    assert isinstance(execution, Expansion) and execution.action == "execute"
    assert search.ask() is WAIT
    search.tell(execution.id, Outcome(verdict=World._verdict([True])))
    assert search.ask() is DONE


def test_equal_programs_share_their_verdict_and_each_has_a_node() -> None:
    world = World(PROGRAMS, ["t1 t2"], {"x = 1": "t1", "x = 2": "t1 t2", "x = 3": ""})
    search = _run(codet(4, 1), world)
    nodes = list(search.tree.programs())
    assert [node.reward for node in nodes] == [0.5, 1.0, 0.5, 0.0]
    assert nodes[0].verdict is nodes[2].verdict is not None
    assert search.tree.root.visits == 4
    assert all(node.visits == 1 and len(node.tests) == 2 for node in nodes)


def test_agreement_beats_a_program_that_passes_more() -> None:
    world = World(
        ["x = 1", "x = 2", "x = 2", "x = 2"], ["t1 t2 t3 t4"], {"x = 1": "t1 t2 t3 t4", "x = 2": "t1 t2"}
    )
    assert _answer(_run(codet(4, 1), world)) == "x = 2"


def test_the_tasks_own_tests_are_never_used() -> None:
    world = World(["x = 1", "x = 2"], ["t1"], {"x = 1": "t1", "x = 2": ""}, visible=["x = 2"])
    search = _run(codet(2, 1), world)
    assert _answer(search) == "x = 1"
    assert not any(test in SMALL_TASK.tests for e in world.asked for test in e.tests or ())


@pytest.mark.parametrize(
    ("more", "winner"),
    [
        ({}, "x = 1"),
        ({"mode": "paper"}, "x = 1"),
        ({"mode": "repo"}, "x = 2"),
        ({"mode": "repo", "code_exponent": 1.0}, "x = 1"),
        ({"mode": "paper", "code_exponent": 0.5}, "x = 2"),
    ],
)
def test_codet_check_6_paper_and_repository_disagree(more: dict[str, object], winner: str) -> None:
    world = World(["x = 1"] * 9 + ["x = 2"], ["t1 t2 t3 t4 t5"], {"x = 1": "t1", "x = 2": "t2 t3 t4 t5"})
    assert _answer(_run(codet(10, 1, **more), world)) == winner


def test_codet_check_2_ties_are_drawn_by_multiplicity_and_depend_on_the_seed_only() -> None:
    programs = ["x = 1"] * 4 + ["x = 2"]
    passes = {"x = 1": "t1", "x = 2": "t1 t2 t3"}
    answers = []
    for seed in range(200):
        world = World(programs, ["t1 t2", "t1 t3"], passes)
        answers.append(_answer(_run(codet(5, 2, mode="repo"), world, seed=seed)))
        assert world.count("execute") == 2
    assert Counter(answers)["x = 2"] == pytest.approx(40, abs=16)
    again = _run(codet(5, 2, mode="repo"), World(programs, ["t1 t2", "t1 t3"], passes), seed=7)
    assert _answer(again) == answers[7]


@pytest.mark.parametrize(("limit", "kept"), [(1, "t1 t4"), (2, "t1 t2 t4 t2"), (9, "t1 t2 t3 t4 t2 t3")])
def test_codet_check_3_only_the_first_tests_of_an_answer_count(limit: int, kept: str) -> None:
    world = World(["x = 1", "x = 2"], ["t1 t2 t3", "t4 t2 t3"], {"x = 1": "t2 t3", "x = 2": "t4"})
    search = _run(codet(2, 2, tests_per_answer=limit), world)
    assert search.tree.generated_tests == [_generated(name) for name in kept.split()]
    assert _answer(search) == ("x = 2" if limit == 1 else "x = 1")


def test_tests_that_are_written_more_often_weigh_more() -> None:
    passes = {"x = 1": "t1", "x = 2": "t2 t3"}
    assert _answer(_run(codet(2, 3), World(["x = 1", "x = 2"], ["t1 t2", "t1 t3", "t1"], passes))) == "x = 1"
    assert _answer(_run(codet(2, 3), World(["x = 1", "x = 2"], ["t1 t2", "t2 t3", "t1"], passes))) == "x = 2"


@pytest.mark.parametrize("tests", [["t1"], [None], [""]])
def test_codet_check_5_without_a_ranking_any_program_may_be_the_answer(tests: list[str | None]) -> None:
    answers = set()
    for seed in range(40):
        world = World(["x = 1", "x = 2", "x = 3"], tests, {"x = 1": "", "x = 2": "", "x = 3": ""})
        answers.add(_answer(_run(codet(3, 1), world, seed=seed)))
        assert world.count("execute") == (3 if tests == ["t1"] else 0)
    assert answers == {"x = 1", "x = 2", "x = 3"}


def test_a_program_that_could_not_be_judged_is_no_visit_and_is_not_chosen() -> None:
    search = _run(codet(3, 1), World(["x = 1", "x = 1", "x = 2"], ["t1 t2"], {"x = 2": "t1"}))
    assert _answer(search) == "x = 2"
    assert search.tree.root.visits == 1
    assert search.tree.root.data["failed"] == {"execute": 1}


def test_there_is_an_answer_before_anything_is_executed() -> None:
    search = Search(SMALL_TASK, Sample(codet(2, 1)), seed=3)
    assert search.answer() is None
    search.ask()
    search.tell(0, Outcome(program=Candidate(program="x = 1")))
    assert _answer(search) == "x = 1"


# -- settings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"select": "codet"}, "test_answers to 1 or more"),
        ({"select": "codet", "test_answers": 3, "stop_at_first_pass": True}, "stop_at_first_pass"),
        ({"select": "most_passed", "test_answers": 3}, "does not use generated tests"),
        ({"code_exponent": 1.0}, "belongs to select 'codet'"),
        ({"select": "codet", "test_answers": 1, "code_exponent": float("inf")}, "finite"),
        ({"programs": 0}, "greater than or equal to 1"),
        ({"program": 3}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SampleSettings.model_validate(settings)


def test_only_actions_that_are_used_are_declared() -> None:
    assert dict(Sample(SampleSettings()).actions) == {"write": ActionKind.CODER}
    assert dict(Sample(codet(1, 1)).actions) == {
        "write": ActionKind.CODER,
        "write_tests": ActionKind.TESTER,
        "execute": ActionKind.EXECUTE,
    }


# -- properties ------------------------------------------------------------------------------------------

SETTINGS = st.one_of(
    st.builds(
        SampleSettings,
        programs=st.integers(1, 12),
        select=st.sampled_from(("first_passing", "most_passed")),
        stop_at_first_pass=st.booleans(),
    ),
    st.builds(
        SampleSettings,
        programs=st.integers(1, 12),
        test_answers=st.integers(1, 6),
        tests_per_answer=st.integers(1, 6),
        select=st.just("codet"),
        mode=st.sampled_from(("paper", "repo")),
    ),
)


@given(SETTINGS, run_plans())
def test_nothing_is_lost_and_the_log_rebuilds_the_run(settings: SampleSettings, plan: RunPlan) -> None:
    search = run_search(lambda: Sample(settings), plan)
    check_invariants(search, counts_programs=True)
    check_replay(search, lambda: Sample(settings))
    finish(search, plan)
    check_invariants(search, counts_programs=True)
    check_replay(search, lambda: Sample(settings))


@given(SETTINGS, run_plans(may_stop_early=False))
def test_a_whole_run_asks_exactly_what_was_ordered(settings: SampleSettings, plan: RunPlan) -> None:
    asked: dict[int, Expansion] = {}

    def noted(expansion: Expansion, kind: ActionKind, rng: random.Random) -> Outcome:
        asked[expansion.id] = expansion
        return make_outcome(expansion, kind, rng, plan)

    search = run_search(lambda: Sample(settings), plan, outcomes=noted)
    assert ended(search)
    in_order = [asked[serial] for serial in sorted(asked)]
    draws = {action: [e.draw for e in in_order if e.action == action] for action in ("write", "write_tests")}
    executed = [Candidate(program=e.inputs["program"]).key for e in in_order if e.action == "execute"]
    passed = any(node.verdict and node.verdict.passed for node in search.tree.programs())
    if not (settings.stop_at_first_pass and passed):
        assert draws["write"] == list(range(settings.programs))
    assert draws["write"] == list(range(len(draws["write"])))
    assert draws["write_tests"] == list(range(settings.test_answers))
    unique = {node.program.key for node in search.tree.programs() if node.program}
    assert len(executed) == len(set(executed))
    assert set(executed) == (unique if search.tree.generated_tests else set())


@given(SETTINGS, run_plans(may_stop_early=False, failures=False), run_plans())
def test_order_and_number_of_workers_change_no_result(
    settings: SampleSettings, plan: RunPlan, other: RunPlan
) -> None:
    settings = settings.model_copy(update={"stop_at_first_pass": False})
    elsewhere = replace(plan, workers=other.workers, order=other.order, seed=other.seed)
    results = [
        Counter(
            (node.program.program, node.reward, node.visits)
            for node in run_search(lambda: Sample(settings), each).tree.programs()
            if node.program
        )
        for each in (plan, elsewhere)
    ]
    assert results[0] == results[1]


@given(SETTINGS, run_plans())
def test_the_same_seed_makes_the_same_run(settings: SampleSettings, plan: RunPlan) -> None:
    assert_same(run_search(lambda: Sample(settings), plan), run_search(lambda: Sample(settings), plan))
