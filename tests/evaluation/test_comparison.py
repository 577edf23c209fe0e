"""Comparisons: figures that were worked out by hand, and everything that must be said beside them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegrove.errors import UsageError
from codegrove.evaluation.comparison import Comparison, compare
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.resampling import Bootstrap
from codegrove.evaluation.results import EvalResult
from codegrove.evaluation.statistics import mcnemar, wilson
from codegrove.verdict import Status
from tests.support.made_up_evaluation import made_up_header, made_up_row, made_up_rows

QUICK = Bootstrap(replicates=200)


def evaluation(*rows: EvalResult, name: str = "made-up", **header: Any) -> Evaluation:
    """An evaluation of these rows."""
    return Evaluation(path=Path(name), header=made_up_header(rows, **header), results=rows)


def attempts(recipe: str, marks: str, **changes: Any) -> list[EvalResult]:
    """One attempt a problem: right ``+``, wrong ``-``, unjudged ``?``, not graded ``.``, no program ``0``."""
    kinds: dict[str, dict[str, Any]] = {
        "+": {"hidden": Status.PASSED},
        "-": {"hidden": Status.FAILED, "hidden_passed": 4},
        "?": {"hidden": Status.UNJUDGED, "hidden_passed": 0, "hidden_total": 0},
        ".": {"hidden": None, "hidden_passed": 0, "hidden_total": 0},
        "0": {"hidden": None, "program": None, "result": "unsolved", "hidden_passed": 0, "hidden_total": 0},
    }
    rows = []
    for number, mark in enumerate(marks):
        fields = {
            "recipe": recipe,
            "recipe_fingerprint": recipe,
            "problem": f"p{number}",
            "calls": number + 1,
        }
        rows.append(made_up_row(**(fields | kinds[mark] | changes)))
    return rows


def said(comparison: Comparison) -> str:
    """Everything a comparison warns of."""
    return "\n".join(comparison.warnings)


def test_rates_pairs_and_order() -> None:
    rows = [*attempts("weak", "+---+-"), *attempts("strong", "+++++-")]
    found = compare(evaluation(*rows), bootstrap=QUICK)
    assert [method.label for method in found.methods] == ["strong", "weak"]
    strong, weak = found.methods
    assert strong.pass_1.value == pytest.approx(5 / 6)
    assert (strong.solved, strong.problems) == (5, 6)
    assert (weak.pass_1.low, weak.pass_1.high) == (wilson(2, 6).low, wilson(2, 6).high)
    (pair,) = found.pairs
    assert (pair.a, pair.b, pair.problems) == ("strong", "weak", 6)
    assert (pair.both, pair.only_a, pair.only_b, pair.neither) == (2, 3, 0, 1)
    assert pair.difference == pytest.approx(0.5)
    assert pair.p == pair.p_adjusted == mcnemar(3, 0)
    assert found.ranked and not found.simulated and found.warnings == ()


@pytest.mark.parametrize(("confidence", "level"), [(0.8, "80 %"), (0.999, "99.9 %")])
def test_every_interval_has_the_level_that_was_asked_for(confidence: float, level: str) -> None:
    rows = [*attempts("weak", "+---+-"), *attempts("strong", "+++++-")]
    found = compare(evaluation(*rows), bootstrap=Bootstrap(replicates=200, confidence=confidence))
    exact = wilson(5, 6, confidence)
    assert (found.methods[0].pass_1.low, found.methods[0].pass_1.high) == (exact.low, exact.high)
    for shown in (str(found), found._repr_mimebundle_()["text/html"]):
        assert level in shown and "95 %" not in shown
    assert json.loads(found.to_json())["level"] == level


def test_unjudged_is_neither_right_nor_wrong() -> None:
    found = compare(evaluation(*attempts("a", "++-?."), *attempts("b", "+-++0")), bootstrap=QUICK)
    b, a = found.methods
    assert (a.unjudged, a.ungraded, a.solved) == (1, 1, 2)
    assert a.pass_1.value == pytest.approx(2 / 5)
    assert a.pass_1_judged is not None and a.pass_1_judged.value == pytest.approx(2 / 3)
    assert (b.unjudged, b.ungraded, b.pass_1_judged) == (0, 0, None), (
        "without a program there is nothing to judge"
    )
    assert b.pass_1.value == pytest.approx(3 / 5)
    assert found.pairs[0].problems == 3, "the other two were judged for one of them only"
    assert "a: 1 of 5 attempts could not be judged" in said(found)
    assert "a: 1 of 5 attempts were not graded" in said(found)


def test_nothing_judged_is_no_result() -> None:
    found = compare(evaluation(*attempts("a", "??"), *attempts("b", "+-")), bootstrap=QUICK)
    assert found.methods[1].pass_1.value == 0
    assert found.methods[1].pass_1_judged is None
    assert found.pairs == ()


def test_several_attempts_a_problem() -> None:
    rows = [row for seed in range(3) for row in attempts("a", "++-+"[seed:] + "++-+"[:seed], seed=seed)]
    rows += [row for seed in range(3) for row in attempts("b", "+---", seed=seed)]
    found = compare(evaluation(*rows), ks=(1, 2, 3, 4), bootstrap=QUICK)
    a = found.methods[0]
    # right of three attempts: p0 2, p1 2, p2 2, p3 3
    assert a.pass_1.value == pytest.approx((2 / 3 * 3 + 1) / 4)
    assert a.pass_1.method == "bootstrap"
    assert a.pass_k[2] is not None and a.pass_k[2].value == pytest.approx(1.0)
    assert a.choose_k[3] is not None and a.choose_k[3].value == pytest.approx(a.pass_1.value)
    assert a.pass_k[4] is None, "three attempts say nothing of four"
    assert found.pairs[0].test == "sign flips"
    assert found.pairs[0].only_a is None


def test_the_gap_between_visible_and_hidden_tests() -> None:
    rows = attempts("a", "++--") + attempts("a", "-", problem="p9", result="unsolved", visible_passed=1)
    rows += attempts(
        "a", "+", problem="no visible tests", visible_passed=0, visible_total=0, result="unverified"
    )
    gap = compare(evaluation(*rows), bootstrap=QUICK).methods[0].gap
    assert gap is not None
    assert gap.attempts == 5
    assert gap.visible == pytest.approx(4 / 5)
    assert gap.hidden == pytest.approx(2 / 5)
    assert gap.misled == pytest.approx(1 / 2)
    assert gap.value == pytest.approx(2 / 5)


def test_an_unknown_price_is_never_a_number() -> None:
    rows = attempts("a", "++") + attempts("a", "+", problem="p9", dollars=None)
    found = compare(
        evaluation(*rows, *attempts("b", "+++", dollars=0.0)[:2], *attempts("b", "+", problem="p9"))
    )
    costs = {method.label: method.costs["dollars"] for method in found.methods}
    assert costs["a"] is None
    assert costs["b"] is not None and costs["b"].median == 0
    assert "unknown" in str(found)


def test_curves_count_only_what_was_solved_by_then() -> None:
    found = compare(evaluation(*attempts("a", "+-+?+")), bootstrap=QUICK)  # 1, 2, ... 5 calls
    calls, tokens = found.curves
    assert (calls.axis, tokens.axis) == ("calls", "tokens")
    assert calls.spent == (0, 1, 3, 5)
    assert calls.solved == pytest.approx((0, 1 / 5, 2 / 5, 3 / 5))
    assert calls.end == 5
    assert tokens.spent == (0, 1000)


@settings(max_examples=25)
@given(problems=st.integers(1, 90), seeds=st.integers(1, 3), seed=st.integers(0, 99), skill=st.floats(0, 1))
def test_curves_rise_to_the_solve_rate_inside_their_bands(
    problems: int, seeds: int, seed: int, skill: float
) -> None:
    rows = made_up_rows("a", problems=problems, seeds=seeds, seed=seed, skill=skill)
    found = compare(evaluation(*rows), bootstrap=Bootstrap(replicates=40))
    for curve in found.curves:
        assert list(curve.spent) == sorted(set(curve.spent))
        assert len(curve.spent) <= 32
        assert list(curve.solved) == sorted(curve.solved)
        assert curve.solved[-1] == pytest.approx(found.methods[0].pass_1.value)
        assert curve.spent[-1] <= curve.end
        assert len(curve.low) == len(curve.high) == len(curve.spent)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"budget": {"calls": 50}}, "the budgets differ: a: 20 calls; b: 50 calls"),
        ({"budget": {}}, "the budgets differ: a: 20 calls; b: no limit"),
        (
            {"benchmark": "other", "benchmark_fingerprint": "0ther"},
            "the benchmarks differ: a: made-up; b: other",
        ),
        ({"benchmark_fingerprint": "0ther"}, "the benchmark's contents differ"),
    ],
)
def test_what_is_not_alike_is_not_ranked(changes: dict[str, Any], reason: str) -> None:
    found = compare(evaluation(*attempts("a", "+-"), *attempts("b", "++", **changes)), bootstrap=QUICK)
    assert not found.ranked
    assert reason in "\n".join(found.refusals)
    assert found.pairs == ()
    assert [method.label for method in found.methods] == ["a", "b"], "in the order given, not by rate"
    assert "Not ranked" in str(found)


def test_other_problems_are_not_ranked() -> None:
    rows = [*attempts("a", "+-"), *attempts("b", "++-"), *attempts("c", "+--")]
    found = compare(evaluation(*rows), bootstrap=QUICK)
    assert found.refusals == ("the problems differ: a: 2 problems; b, c: 3 problems; not in all of them: p2",)
    assert [(pair.a, pair.b) for pair in found.pairs] == [("b", "c")], (
        "those that are alike are still compared"
    )
    assert found.groups == (("a",), ("b", "c"))


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"seed": 1}, "the seeds differ: a: 0; b: 1"),
        ({"models": {"write": "ollama:x"}}, "the models differ: a: openai:small; b: ollama:x"),
        ({"sandbox": "isolated"}, "the sandbox levels differ: a: basic; b: isolated"),
        ({"workers": 4}, "the numbers of workers differ, so seconds cannot be compared: a: 1; b: 4"),
        ({"simulated": True}, "some are simulation and some are not; simulated: b"),
    ],
)
def test_what_a_reader_must_know(changes: dict[str, Any], warning: str) -> None:
    found = compare(evaluation(*attempts("a", "+-"), *attempts("b", "++", **changes)), bootstrap=QUICK)
    assert warning in said(found)
    assert found.ranked
    assert f"Warning: {warning}"[:60] in str(found)


def test_simulation_is_said_everywhere() -> None:
    found = compare(evaluation(*attempts("a", "+-", simulated=True)), bootstrap=QUICK)
    assert found.simulated
    for shown in (str(found), found._repr_mimebundle_()["text/html"]):
        assert "Simulation: answers came from the simulated programmer" in shown
    assert json.loads(found.to_json())["simulated"] is True
    assert list(csv.DictReader(io.StringIO(found.to_csv())))[0]["simulated"] == "True"


def test_an_unfinished_evaluation_says_so() -> None:
    rows = attempts("a", "+-")
    found = compare(evaluation(*rows, problems=("p0", "p1", "p2")), bootstrap=QUICK)
    assert "made-up is not finished: 2 of 3 attempts" in said(found)


def test_shards_are_one_method_and_repetitions_are_two() -> None:
    rows = attempts("a", "+-+-")
    names = ("p0", "p1", "p2", "p3")
    shards = compare(
        evaluation(*rows[::2], name="one", problems=names, shard=(1, 2)),
        evaluation(*rows[1::2], name="two", problems=names, shard=(2, 2)),
        bootstrap=QUICK,
    )
    assert [(method.label, method.problems) for method in shards.methods] == [("a", 4)]
    assert shards.warnings == ()
    again = compare(evaluation(*rows, name="one"), evaluation(*rows, name="two"), bootstrap=QUICK)
    assert [method.label for method in again.methods] == ["a · one", "a · two"]


def test_methods_of_one_recipe_are_told_apart() -> None:
    rows = [*attempts("a", "+"), *attempts("a", "+", models={"plan": "x", "write": "y"}), *attempts("b", "+")]
    rows += attempts("b", "+", recipe_fingerprint="another version of it")
    labels = {method.label for method in compare(evaluation(*rows), bootstrap=QUICK).methods}
    assert labels == {"a · openai:small", "a · x (plan), y (write)", "b · version b", "b · version anothe"}


def test_what_cannot_be_compared_at_all() -> None:
    rows = evaluation(*attempts("a", "+"))
    with pytest.raises(UsageError, match="given 2 times"):
        compare(rows, rows)
    with pytest.raises(UsageError, match="nothing to compare"):
        compare()
    with pytest.raises(UsageError, match="k=0"):
        compare(rows, ks=(0,))
    with pytest.raises(UsageError, match="holds no results yet"):
        compare(Evaluation(path=Path("x"), header=rows.header, results=()))


def test_many_pairs_are_adjusted_and_said() -> None:
    rows = [row for skill in (2, 5, 8) for row in made_up_rows(f"m{skill}", problems=60, skill=skill / 10)]
    found = compare(evaluation(*rows), bootstrap=QUICK)
    assert "3 pairs were tested" in "\n".join(found.notes)
    assert all(pair.p_adjusted >= pair.p for pair in found.pairs)
    assert any(pair.p_adjusted > pair.p for pair in found.pairs)


@pytest.mark.parametrize(
    ("problems", "note"),
    [
        (
            164,
            "about 7 points and 10 % of the problems come out differently for two methods",
        ),
        (30, "30 % of the problems come"),
        (2, "2 problems are too few to find any difference reliably"),
    ],
)
def test_what_so_many_problems_can_show_is_said(problems: int, note: str) -> None:
    rows = [*made_up_rows("a", problems=problems), *made_up_rows("b", problems=problems)]
    assert note in "\n".join(compare(evaluation(*rows), bootstrap=QUICK).notes)


def test_csv_and_json_hold_the_figures() -> None:
    rows = [row for seed in (0, 1) for row in attempts("a,b\n", "+-", seed=seed)]
    found = compare(evaluation(*rows), ks=(1, 2, 5), bootstrap=QUICK)
    (row,) = csv.DictReader(io.StringIO(found.to_csv()))
    assert (row["method"], row["pass@1"], row["pass@2"], row["pass@5"]) == ("a,b\n", "0.5", "0.5", "")
    content = json.loads(found.to_json())
    assert content["methods"][0]["pass_k"] == {"2": content["methods"][0]["pass_1"], "5": None}
    assert content["curves"][0]["spent"] == [0, 1]


def test_names_are_never_markup() -> None:
    hostile = "<b>[bold]&\x00\x1b\u202e</script>"
    found = compare(evaluation(*attempts(hostile, "+"), *attempts("b", "-")), bootstrap=QUICK)
    assert "[bold]&\ufffd\ufffd\ufffd" in str(found)
    html = found._repr_mimebundle_()["text/html"]
    assert "<b>" not in html and "&lt;b&gt;" in html and "\x00" not in html
    page = found.to_html()
    assert "<b>" not in page and page.count("</script>") == 2


def test_the_text_is_the_same_inside_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = compare(evaluation(*attempts("a", "++-"), *attempts("b", "+--")), bootstrap=QUICK)
    outside = str(comparison)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert str(comparison) == outside
    assert "pass@1" in outside
