"""Evaluations: complete, continued without paying twice, ended by budgets, and blind to hidden tests."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegrove import Budget
from codegrove.errors import BrokenOff, EvaluationError, ModelError, UsageError
from codegrove.evaluation import engines, runner
from codegrove.evaluation.attempts import Attempt
from codegrove.evaluation.directory import Evaluation, ResultWriter
from codegrove.evaluation.results import EvalResult
from codegrove.graphs.assemble import Assembly, assemble
from codegrove.graphs.recipe import Recipe, load_recipe
from codegrove.models.port import Request
from codegrove.problems import ProblemSet
from codegrove.problems.load_report import LoadedProblem
from codegrove.verdict import Status
from tests.evaluation.paid_evaluation import evaluate as paid_evaluation
from tests.support.made_up_evaluation import made_up_header, made_up_row
from tests.support.small_benchmark import MEND, SECRET, answer, benchmark, outcome, problem, without_times
from tests.support.small_evaluation import evaluate, evaluator

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ("direct", "mend")


def keys(evaluation: Evaluation) -> set[tuple[str, str, int]]:
    return {(row.recipe, row.problem, row.seed) for row in evaluation.results}


def comparable(rows: tuple[EvalResult, ...]) -> list[dict[str, Any]]:
    ordered = sorted(rows, key=lambda row: (row.recipe, row.problem, row.seed))
    return [without_times(row.model_dump()) for row in ordered]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """An evaluation that came to its end, with eight attempts at a time."""
    return evaluate(tmp_path_factory.mktemp("finished") / "eval")


def test_every_attempt_has_one_row(finished: Evaluation) -> None:
    expected = {(recipe, f"add/{n}", 0) for recipe in RECIPES for n in range(6)}
    assert keys(finished) == expected
    assert len(finished.results) == len(expected)
    assert finished.header.benchmark_format == "codegrove"
    assert {row.simulated for row in finished.results} == {False}


def test_hidden_verdicts_are_right_and_not_the_visible_ones(finished: Evaluation) -> None:
    for row in finished.results:
        kind = outcome(int(row.problem.partition("/")[2]))
        assert row.correct is (kind == "right"), row.problem
        assert row.result == ("unsolved" if kind == "wrong" else "solved")
        assert row.hidden_total == 2
        assert row.hidden_passed == (2 if kind == "right" else 0)
        assert row.calls == (3 if (row.recipe, kind) == ("mend", "wrong") else 1)


def test_hidden_tests_never_reach_a_model(finished: Evaluation) -> None:
    prompts = []
    for path in finished.path.rglob("run.sqlite"):
        with closing(sqlite3.connect(path)) as connection:
            tables = [
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            for table in tables:
                prompts += [
                    str(value) for row in connection.execute(f"SELECT * FROM {table}") for value in row
                ]
    prompts += [path.read_text() for path in finished.path.rglob("task.json")]
    text = "\n".join(prompts)
    assert "Return x plus 4." in text  # the right columns were read
    assert str(SECRET)[:4] not in text
    assert "(-5,)" not in text


def test_jobs_do_not_change_the_rows(finished: Evaluation, tmp_path: Path) -> None:
    alone = evaluate(tmp_path / "eval", jobs=1)
    assert comparable(alone.results) == comparable(finished.results)


def test_an_evaluation_that_is_finished_calls_nobody(finished: Evaluation) -> None:
    def refuse(request: Request) -> str:
        raise AssertionError("it was asked again")

    assert evaluate(finished.path, refuse).results == finished.results


@pytest.mark.slow
def test_a_killed_evaluation_pays_nothing_twice(tmp_path: Path) -> None:
    out, ledger = tmp_path / "eval", tmp_path / "ledger"
    command = [sys.executable, "-P", "-m", "tests.evaluation.paid_evaluation", str(out), str(ledger), "9"]
    died = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert len(ledger.read_text().splitlines()) == 9
    evaluation = paid_evaluation(out, ledger)
    assert keys(evaluation) == {(recipe, f"add/{n}", 0) for recipe in RECIPES for n in range(6)}
    # What was in flight when the process died is bought again (two attempts at a time), all else once.
    paid = Counter(ledger.read_text().splitlines())
    recorded: Counter[str] = Counter()
    for path in out.rglob("run.sqlite"):
        with closing(sqlite3.connect(path)) as connection:
            recorded.update(key.hex() for (key,) in connection.execute("SELECT key FROM calls"))
    assert 1 <= (paid - recorded).total() <= 2
    assert recorded - paid == Counter()
    assert sum(row.calls for row in evaluation.results) == recorded.total()


def test_a_sweep_ends_with_a_reason_and_goes_on_with_a_larger_one(tmp_path: Path) -> None:
    asked: list[Request] = []

    def counted(request: Request) -> str:
        asked.append(request)
        return answer(request)

    def sweep(calls: int) -> tuple[Evaluation, str | None]:
        session = evaluator(tmp_path / "eval", counted, sweep=Budget(calls=calls), jobs=2)
        return asyncio.run(session.run()), session.stop_reason

    first, reason = sweep(11)
    assert len(asked) == 11
    assert reason is not None and "the sweep's budget for calls is used up: 11 of 11" in reason
    assert 0 < len(first.results) < 12
    # What runs have spent that are not at their end counts as well: nothing is left for a second session.
    again, reason = sweep(11)
    assert len(asked) == 11 and reason is not None
    last, reason = sweep(1000)
    assert reason is None
    assert len(last.results) == 12
    assert len(asked) == sum(row.calls for row in last.results)
    assert last.header.sweep_budget == {"calls": 1000}


@pytest.mark.slow
def test_a_limit_of_seconds_holds_over_sessions(tmp_path: Path) -> None:
    """A clock that is read from the directory: 100 s are on record, and the session itself takes moments."""
    out = tmp_path / "eval"
    first = evaluate(out, ids=("add/0",))
    assert 0 < first.seconds < 60
    (out / "eval.seconds").write_text("100\n")

    def refuse(request: Request) -> str:
        raise AssertionError("a model was asked")

    late = evaluator(out, refuse, sweep=Budget(seconds=100))
    found = asyncio.run(late.run())
    assert late.stop_reason is not None and "the sweep's budget for seconds is used up" in late.stop_reason
    assert len(found.results) == 2
    assert 100 <= found.seconds < 160
    whole = evaluate(out, sweep=Budget(seconds=1000))
    assert len(whole.results) == 12
    assert whole.seconds > found.seconds
    assert evaluate(out, refuse).seconds == whole.seconds  # nothing to do took no time
    (out / "eval.seconds").write_text("soon")
    with pytest.raises(
        EvaluationError, match="eval.seconds: expected a number of seconds, found 'soon'; delete it"
    ):
        evaluate(out)


@pytest.mark.slow
def test_a_killed_session_has_noted_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_TICK", 0.01)
    out, read = tmp_path / "eval", []

    def look(request: Request) -> str:
        time.sleep(0.05)
        read.append(float((out / "eval.seconds").read_text()))
        return answer(request)

    evaluate(out, look, jobs=1)
    assert read == sorted(read) and read[0] < read[-1]


@pytest.mark.slow
def test_shards_are_all_of_it_and_share_nothing(tmp_path: Path) -> None:
    parts = [evaluate(tmp_path / str(part), shard=(part, 2)) for part in (1, 2)]
    assert keys(parts[0]).isdisjoint(keys(parts[1]))
    assert keys(parts[0]) | keys(parts[1]) == {
        (recipe, f"add/{n}", 0) for recipe in RECIPES for n in range(6)
    }
    with pytest.raises(
        UsageError, match="made with part 1 of 2 as its part of the problems; this one has part 2 of 2"
    ):
        evaluate(tmp_path / "1", shard=(2, 2))


@pytest.mark.slow
def test_attempts_whose_model_fails_are_no_rows(tmp_path: Path) -> None:
    def down(request: Request) -> str:
        text = answer(request)
        if "plus 4" in "".join(message.text for message in request.messages):
            raise ModelError("out of reach", kind="auth")
        return text

    first = evaluate(tmp_path / "eval", down)
    assert {problem for _, problem, _ in keys(first)} == {f"add/{n}" for n in (0, 1, 2, 3, 5)}
    second = evaluate(tmp_path / "eval")
    assert len(second.results) == 12
    assert {row.hidden for row in second.results if row.problem == "add/4"} == {Status.FAILED}


def untested(number: int) -> LoadedProblem:
    """A problem; every second one shows no test."""
    whole = problem(number)
    return LoadedProblem(problem=whole if number % 2 else replace(whole, task=replace(whole.task, tests=())))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            load_recipe(MEND, ["needs_tests=visible", "name=steered"]),
            r"recipe 'steered' cannot attempt 7 of 14 problems \(add/0, add/2, add/4, add/6, add/8 and 2 more\):"
            " it steers by visible tests, and they have none; leave them out by naming the others",
        ),
        (
            load_recipe(MEND, ["approve=[solution]", "name=approved"]),
            r"recipe 'approved' wants approval \(solution\), and an evaluation has nobody to ask",
        ),
    ],
)
def test_a_recipe_that_cannot_attempt_a_problem_is_refused_before_anything_is_made(
    tmp_path: Path, recipe: Recipe, message: str
) -> None:
    problems = ProblemSet(
        {f"add/{n}": lambda n=n: untested(n) for n in range(14)},  # type: ignore[misc]
        source="sums",
        format="codegrove",
    )

    def refuse(request: Request) -> str:
        raise AssertionError("a model was asked")

    with pytest.raises(UsageError, match=message):
        evaluate(tmp_path / "eval", refuse, problems=problems, recipes=("direct", recipe))
    assert not (tmp_path / "eval").exists()
    if recipe.needs_tests == "visible":
        with_tests = [one.id for one in problems if one.task.tests]
        made = evaluate(tmp_path / "eval", problems=problems, recipes=("direct", recipe), ids=with_tests)
        assert len(made.results) == 14


def test_a_problem_that_the_simulation_does_not_know_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    def unsolved(number: int) -> LoadedProblem:
        return LoadedProblem(
            problem=replace(problem(number), reference="" if number == 1 else problem(number).reference)
        )

    problems = ProblemSet(
        {f"add/{n}": lambda n=n: unsolved(n) for n in range(2)},  # type: ignore[misc]
        source="sums",
        format="codegrove",
    )
    settings = {"model": "sim:pass_rate=1"}
    with pytest.raises(
        UsageError, match=r"'direct' cannot attempt 1 of 2 problems \(add/1\): sim: is a simulation"
    ):
        evaluate(tmp_path / "eval", problems=problems, recipes=("direct",), settings=settings)
    assert not (tmp_path / "eval").exists()
    made = evaluate(
        tmp_path / "eval", problems=problems, recipes=("direct",), settings=settings, ids=("add/0",)
    )
    assert made.results[0].simulated


def test_only_a_simulation_is_handed_problems_with_their_hidden_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[object] = []

    def watched(recipe: Any, **settings: Any) -> Assembly:
        handed.append(settings.get("problems"))
        return assemble(recipe, **settings)

    monkeypatch.setattr(engines, "assemble", watched)
    evaluate(tmp_path / "asked", recipes=("direct",), ids=("add/0",))
    assert handed == [None]
    evaluate(tmp_path / "sim", recipes=("direct",), ids=("add/0",), settings={"model": "sim:pass_rate=1"})
    assert handed == [None, [problem(0)]]


def test_a_watcher_that_fails_ends_nothing(tmp_path: Path) -> None:
    class Watcher:
        def __getattr__(self, event: str) -> Callable[..., None]:
            def fail(*details: object) -> None:
                told.append(event)
                raise RuntimeError(f"{event}: a mistake of a stranger")

            return fail

    told: list[str] = []
    session = evaluator(tmp_path / "eval", recipes=("direct",), sweep=Budget(calls=5), jobs=1)
    session.watchers = [Watcher()]
    assert len(asyncio.run(session.run()).results) == 5
    assert (
        session.stop_reason is not None and "the sweep's budget for calls is used up" in session.stop_reason
    )
    assert set(told) == {"planned", "started", "finished", "left_open"}


def test_one_directory_has_one_writer(tmp_path: Path) -> None:
    header = made_up_header([made_up_row()])
    with ResultWriter(tmp_path, header), pytest.raises(EvaluationError, match="in use by another process"):
        evaluate(tmp_path)


def test_recipes_and_seeds_can_be_added(finished: Evaluation) -> None:
    more = evaluate(finished.path, recipes=("direct",), seeds=(0, 1))
    assert len(more.results) == 12 + 6
    assert more.header.seeds == (0, 1)
    assert more.header.recipes == RECIPES


@pytest.mark.slow
def test_problems_can_be_added_and_what_is_there_stays(tmp_path: Path) -> None:
    first = evaluate(tmp_path / "eval", ids=("add/3", "add/1"))
    both = evaluate(tmp_path / "eval", ids=("add/0", "add/1", "add/3"))
    assert both.results[: len(first.results)] == first.results  # times and all: nothing was made again
    assert keys(both) - keys(first) == {(recipe, "add/0", 0) for recipe in RECIPES}
    assert both.header.problems == ("add/3", "add/1", "add/0")

    def refuse(request: Request) -> str:
        raise AssertionError("a model was asked")

    fewer = evaluate(tmp_path / "eval", refuse, ids=("add/1",))
    assert fewer.results == both.results and fewer.header == both.header


@pytest.mark.slow
def test_a_shard_grows_only_where_it_stays_the_same_part(tmp_path: Path) -> None:
    four = tuple(f"add/{n}" for n in range(4))
    for part in (1, 2):
        evaluate(tmp_path / str(part), ids=four, shard=(part, 2))
    all_six = tuple(f"add/{n}" for n in range(6))
    parts = [evaluate(tmp_path / str(part), ids=all_six, shard=(part, 2)) for part in (1, 2)]
    assert keys(parts[0]).isdisjoint(keys(parts[1]))
    assert len(parts[0].results) + len(parts[1].results) == 12
    with pytest.raises(
        UsageError, match="as its order of problems, by which shards are dealt out; this one has"
    ):
        evaluate(tmp_path / "1", ids=all_six[::-1], shard=(1, 2))


def test_a_directory_that_fails_on_the_way_is_no_mistake_of_the_caller(tmp_path: Path) -> None:
    out = tmp_path / "eval"
    in_the_way = out / Attempt("direct", "add/3", 0).folder
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("no directory")
    with pytest.raises(BrokenOff, match="cannot write to .*File exists"):
        evaluate(out, recipes=("direct",), jobs=1)
    in_the_way.unlink()
    assert len(evaluate(out, recipes=("direct",)).results) == 6


def test_a_directory_that_holds_a_run_is_refused(finished: Evaluation) -> None:
    run = next(finished.path.rglob("run.sqlite")).parent
    before = sorted(run.rglob("*"))
    with pytest.raises(EvaluationError, match="holds the run of one task"):
        evaluate(run)
    assert sorted(run.rglob("*")) == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"spec": "scripted:other"},
            "made with scripted: as its model for recipe '(direct|mend)'; this one has scripted:other; to go on"
            " with it give the same model, else name a new directory",
        ),
        ({"budget": Budget(calls=4)}, "made with 5 calls as its limits of one attempt; this one has 4 calls"),
        ({"problems": benchmark(5)}, "as its benchmark; this one has"),
        (
            {"recipes": (load_recipe(MEND, ["seed=9"]),)},
            "made with version .* as its recipe text for recipe 'mend'; this one has version",
        ),
    ],
)
def test_another_evaluation_is_refused(finished: Evaluation, changes: dict[str, Any], message: str) -> None:
    before = sorted(finished.path.rglob("*"))
    with pytest.raises(UsageError, match=message):
        evaluate(finished.path, **changes)
    assert sorted(finished.path.rglob("*")) == before
