"""`codegrove.evaluate`, as a script would call it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import codegrove
from codegrove import Budget, compare, evaluate, load_problems
from codegrove.errors import UsageError

IDS = ("merge-shifts", "rotate-ring")


def test_recipes_are_evaluated_and_what_is_on_record_is_not_made_again(tmp_path: Path) -> None:
    problems = load_problems("bundled")
    settings: dict[str, Any] = {"ids": IDS, "model": "sim:pass_rate=1", "budget": Budget(calls=6)}
    first = evaluate(problems, "direct", out=tmp_path / "e", **settings)
    assert {(row.recipe, row.problem, row.seed) for row in first.results} == {("direct", i, 0) for i in IDS}
    assert all(row.correct and row.simulated for row in first.results)

    both = evaluate("bundled", ["direct", "loop"], out=tmp_path / "e", **settings)
    assert both.results[:2] == first.results  # seconds and all: nothing was made again
    assert [row.recipe for row in both.results[2:]] == ["loop", "loop"]
    comparison = compare(both)
    assert comparison.ranked and comparison.simulated
    assert {method.label for method in comparison.methods} == {"direct", "loop"}


def test_bad_settings_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"seed": 3}
    with pytest.raises(TypeError, match="no setting 'seed'; there are: ids, seeds"):
        evaluate("bundled", "direct", out=tmp_path / "e", **wrong)
    with pytest.raises(UsageError, match="two recipes are called 'direct'"):
        evaluate("bundled", ["direct", "direct"], out=tmp_path / "e")
    for limits, name in ((Budget(nodes=9), "nodes"), (Budget(role_calls={"critic": 3}), "role_calls.critic")):
        with pytest.raises(UsageError, match=f"sweep: it is not on record how much of {name} attempts took"):
            evaluate("bundled", "direct", out=tmp_path / "e", sweep=limits)
    assert not (tmp_path / "e").exists()


def test_a_setting_that_the_call_names_reaches_the_attempts(tmp_path: Path) -> None:
    made = evaluate(
        "bundled", "direct", out=tmp_path / "e", ids=IDS[:1], seeds=(4, 5), model="sim:pass_rate=1", jobs=1
    )
    assert [row.seed for row in made.results] == [4, 5]
    assert made.header.seeds == (4, 5)


def test_the_names_are_public() -> None:
    assert {"compare", "evaluate"} <= set(codegrove.__all__)
