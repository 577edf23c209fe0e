"""An evaluation in a process that dies at a model call. Answers are on a ledger before they are given.

python -P -m tests.evaluation.paid_evaluation OUT LEDGER [DIE_AT]
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from codegrove.budget import Budget
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.runner import EvalSettings, Evaluator
from codegrove.models.journal import request_key
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from tests.support import small_benchmark


def paid_model(ledger: Path, die_at: int | None = None) -> ScriptedModel:
    """The benchmark's model; the n-th answer it pays for kills the process before anybody has it."""
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    paid = 0

    def answer(request: Request) -> str:
        nonlocal paid
        os.write(file, f"{request_key('scripted:', request).hex()}\n".encode())
        paid += 1
        if paid == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return small_benchmark.answer(request)

    return ScriptedModel(answer)


def evaluate(out: Path, ledger: Path, die_at: int | None = None) -> Evaluation:
    """Evaluate two recipes, or go on with it."""
    settings = EvalSettings(
        problems=small_benchmark.benchmark(),
        recipes=("direct", small_benchmark.MEND),
        budget=Budget(calls=5),
        jobs=2,
        settings={"model": paid_model(ledger, die_at)},
        level="basic",
    )
    return asyncio.run(Evaluator(settings, out).run())


if __name__ == "__main__":
    evaluate(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)
