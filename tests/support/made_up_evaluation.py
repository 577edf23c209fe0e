"""Rows of evaluations that never took place, with figures of a known make."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from codegrove.evaluation.results import EvalHeader, EvalResult
from codegrove.verdict import Status


def made_up_row(**changes: Any) -> EvalResult:
    """One solved attempt, with changes."""
    fields: dict[str, Any] = {
        "recipe": "grove",
        "recipe_fingerprint": "f00d",
        "models": {"write": "openai:small", "plan": "openai:small"},
        "simulated": False,
        "benchmark": "made-up",
        "benchmark_fingerprint": "b0b0",
        "problem": "p0",
        "seed": 0,
        "budget": {"calls": 20},
        "sandbox": "basic",
        "result": "solved",
        "reason": "the search is done",
        "visible_passed": 3,
        "visible_total": 3,
        "hidden": Status.PASSED,
        "hidden_passed": 10,
        "hidden_total": 10,
        "calls": 4,
        "input_tokens": 900,
        "output_tokens": 100,
        "dollars": 0.002,
        "executions": 2,
        "seconds": 1.5,
        "program": "def f():\n    return 1\n",
    }
    return EvalResult(**(fields | changes))


def made_up_header(rows: Sequence[EvalResult], **changes: Any) -> EvalHeader:
    """The header of an evaluation that set out to write these rows."""
    first = rows[0]
    fields: dict[str, Any] = {
        "codegrove": "0.1.0",
        "created_at": "2026-01-01T00:00:00+00:00",
        "benchmark": first.benchmark,
        "benchmark_fingerprint": first.benchmark_fingerprint,
        "problems": tuple(dict.fromkeys(row.problem for row in rows)),
        "recipes": tuple(dict.fromkeys(row.recipe for row in rows)),
        "seeds": tuple(sorted({row.seed for row in rows})),
        "samples": max(row.sample for row in rows) + 1,
        "budget": first.budget,
    }
    return EvalHeader(**(fields | changes))


def made_up_rows(
    recipe: str,
    *,
    problems: int = 50,
    seeds: int = 1,
    skill: float = 0.5,
    most_calls: int = 20,
    seed: int = 0,
    **changes: Any,
) -> list[EvalResult]:
    """Attempts whose success depends on the problem's difficulty (the same for all recipes) and the skill."""
    rng = random.Random(f"{recipe}/{seed}")
    rows = []
    for number in range(problems):
        difficulty = random.Random(number).random()
        for attempt in range(seeds):
            right = rng.random() < max(0.02, min(0.98, 0.5 + skill - difficulty))
            calls = min(most_calls, 1 + int(rng.expovariate(1 / (1 + 8 * difficulty))))
            seen = right or rng.random() < 0.15
            rows.append(
                made_up_row(
                    recipe=recipe,
                    recipe_fingerprint=f"of-{recipe}",
                    problem=f"p{number:03}",
                    seed=attempt,
                    result="solved" if seen else "unsolved",
                    visible_passed=3 if seen else rng.randrange(3),
                    hidden=Status.PASSED if right else Status.FAILED,
                    hidden_passed=10 if right else rng.randrange(10),
                    calls=calls if seen else most_calls,
                    input_tokens=900 * calls,
                    output_tokens=int(120 * calls * (0.5 + rng.random())),
                    dollars=0.0004 * calls,
                    executions=calls,
                    seconds=round(1.3 * calls * (0.5 + rng.random()), 3),
                    program=f"def f():\n    return {number}, {attempt}\n",
                ).model_copy(update=changes)
            )
    return rows
