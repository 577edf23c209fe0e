"""A benchmark of small sums, and a model whose answers to it depend on the question only."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codegrove.models.port import Request
from codegrove.problem import Problem
from codegrove.problems import ProblemSet
from codegrove.problems.load_report import LoadedProblem
from codegrove.task import CallTest, Origin, Task

MEND = Path(__file__).with_name("mend.yaml")
"""A recipe with one call for a problem that is solved at once, and three for others."""
SECRET = 7_340_000
"""Hidden values are this and more; nobody would write such a number by himself."""


def outcome(number: int) -> str:
    """What the model makes of a problem; ``misled`` passes the visible tests and not the hidden ones."""
    return ("right", "misled", "wrong")[number % 3]


def problem(number: int) -> Problem:
    """Add a number."""
    return Problem(
        task=Task(
            id=f"add/{number}",
            statement=f"Return x plus {number}.",
            entry_point="f",
            stub=f'def f(x):\n    """Return x plus {number}."""\n',
            tests=(CallTest(args="(1,)", expected=str(1 + number)),),
        ),
        hidden=(
            CallTest(args=f"({SECRET},)", expected=str(SECRET + number), origin=Origin.HIDDEN),
            CallTest(args="(-5,)", expected=str(number - 5), origin=Origin.HIDDEN),
        ),
        reference=f"def f(x):\n    return x + {number}\n",
    )


def benchmark(size: int = 6) -> ProblemSet:
    """So many problems."""

    def maker(number: int) -> Callable[[], LoadedProblem]:
        return lambda: LoadedProblem(problem=problem(number), forms=("written with the problem",))

    return ProblemSet({f"add/{n}": maker(n) for n in range(size)}, source="sums", format="codegrove")


def humaneval_file(folder: Path, size: int = 6) -> Path:
    """The same in the format of HumanEval."""
    path = folder / "sums.jsonl"
    rows = [
        {
            "task_id": f"Sums/{number}",
            "prompt": problem(number).task.stub,
            "entry_point": "f",
            "canonical_solution": f"    return x + {number}\n",
            "test": f"def check(candidate):\n    assert candidate({SECRET}) == {SECRET + number}\n",
        }
        for number in range(size)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answer(request: Request) -> str:
    """A program; of the same question the same."""
    question = "".join(message.text for message in request.messages)
    found = re.search(r"Return x plus (\d+)", question)
    assert found is not None, question
    number = int(found[1])
    draw = hashlib.sha256(f"{question}{request.draw}".encode()).hexdigest()[:6]
    body = {
        "right": f"x + {number}",
        "misled": f"x + {number} if x > 0 and x < 1000 else 0x{draw}",
        "wrong": f"x + {number} + 0x{draw}",
    }[outcome(number)]
    return f"```python\ndef f(x):\n    return {body}\n```"


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    """A row of an evaluation without what is never twice the same."""
    return {name: value for name, value in row.items() if name not in ("seconds", "workers")}
