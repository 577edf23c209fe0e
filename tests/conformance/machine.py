"""Runs shipped recipes through the whole machine with a scripted model and a scripted sandbox."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from codegrove import solve
from codegrove.graphs.solution import Solution
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.task import CallTest, Task
from codegrove.tools.sandbox.scripted import Decide, ScriptedSandbox

Script = Callable[[Request], str]
"""Answers one request."""

TASK = Task(
    id="conformance",
    statement="Return something about x.",
    entry_point="f",
    stub="def f(x):\n",
    tests=tuple(CallTest(args=f"({n},)", expected=str(n)) for n in range(4)),
)


@dataclass(frozen=True)
class Run:
    """What a run did."""

    solution: Solution
    model: ScriptedModel
    sandbox: ScriptedSandbox

    @property
    def requests(self) -> list[Request]:
        """Every model call, in order."""
        return list(self.model.requests)

    @property
    def order(self) -> list[str]:
        """The actions of the calls, in order."""
        return [request.action for request in self.model.requests]

    @property
    def counts(self) -> Counter[str]:
        """Calls by action."""
        return Counter(self.order)

    @property
    def executions(self) -> int:
        """Suite runs asked for; identical programs that were not run again count as well."""
        return len(self.sandbox.judged) + self.solution.spend.reused

    def prompts(self, action: str) -> list[str]:
        """The whole text of every prompt of an action."""
        return [text_of(request) for request in self.requests if request.action == action]


def run(
    recipe: str,
    script: Script,
    *,
    decide: Decide = lambda program, tests: 0.0,
    task: Task = TASK,
    traceable: bool = True,
    seed: int = 0,
    **policy: Any,
) -> Run:
    """Run a recipe with one worker; keyword arguments are settings of its policy."""
    model = ScriptedModel(script)
    sandbox = ScriptedSandbox(decide, traceable=traceable)
    overrides = {f"policy.{name}": value for name, value in policy.items()}
    solution = solve(task, recipe, model=model, sandbox=sandbox, overrides=overrides, seed=seed)
    return Run(solution, model, sandbox)


def text_of(request: Request) -> str:
    """All messages of a request as one text."""
    return "\n".join(message.text for message in request.messages)


class Answers:
    """Well-formed answers for every action, no program twice.

    Args:
        special: answers by action that differ from the plain ones: a text, or a function of the request.
    """

    def __init__(self, special: Mapping[str, str | Script] | None = None) -> None:
        self._special = dict(special or {})
        self._numbers = itertools.count(1)

    def __call__(self, request: Request) -> str:
        special = self._special.get(request.action)
        if special is not None:
            return special if isinstance(special, str) else special(request)
        return self.plain(request)

    def plain(self, request: Request) -> str:
        """The answer that the prompt's format asks for."""
        number = next(self._numbers)
        width = int(request.variables.get("width", 1) or 1)
        match request.answer_format:
            case "code":
                return program(number)
            case "numbered":
                return "\n".join(f"{n}. idea number {number}-{n}" for n in range(1, width + 1))
            case "thoughts_json":
                return thoughts([1 / width] * width, number)
            case "exemplars":
                return exemplars(width)
            case "confidence":
                return confidence(50)
            case "last_line_score":
                return "Some analysis.\n3"
            case "last_line_bool":
                return "Some analysis.\ntrue"
            case "number":
                return "0"
            case "blocks_json":
                return '{"block": "BLOCK-0", "correct": false, "explanation": "wrong value"}'
            case "tests":
                return f"```python\nassert f({number}) == {number}\n```"
            case _:
                return f"text number {number}"


def program(number: int) -> str:
    """A fenced program that differs from all others."""
    return f"```python\ndef f(x):\n    return {1000 + number}\n```"


def thoughts(priors: list[float], number: int = 0) -> str:
    """A list of thoughts with priors."""
    items = [{"thought": f"thought {number}-{i}", "reasonableness": p} for i, p in enumerate(priors)]
    return json.dumps(items)


def exemplars(count: int) -> str:
    """Recalled problems with recognisable parts."""
    problems = "".join(
        f"<problem><description>exemplar description {n}</description>"
        f"<code>exemplar_code_{n}()</code><planning>exemplar plan {n}</planning></problem>"
        for n in range(1, count + 1)
    )
    return f"<root>{problems}<algorithm>recalled algorithm</algorithm></root>"


def confidence(value: int) -> str:
    """A graded plan."""
    return f"<root><explanation>why</explanation><confidence>{value}</confidence></root>"
