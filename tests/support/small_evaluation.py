"""Evaluations of two recipes on the small benchmark."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codegrove import Budget
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.runner import EvalSettings, Evaluator
from codegrove.models.port import Request
from codegrove.models.scripted import Answer, ScriptedModel
from tests.support.small_benchmark import MEND, answer, benchmark


def evaluator(
    out: Path, answers: Callable[[Request], Answer] = answer, spec: str = "scripted:", **changes: Any
) -> Evaluator:
    """Two recipes on six problems, with changes to the settings."""
    given: dict[str, Any] = {
        "problems": benchmark(),
        "recipes": ("direct", MEND),
        "seeds": (0,),
        "budget": Budget(calls=5),
        "jobs": 8,
        "settings": {"model": ScriptedModel(answers, spec=spec)},
        "level": "basic",
        **changes,
    }
    return Evaluator(EvalSettings(**given), out)


def evaluate(out: Path, *arguments: Any, **changes: Any) -> Evaluation:
    """The same, run to its end."""
    return asyncio.run(evaluator(out, *arguments, **changes).run())
