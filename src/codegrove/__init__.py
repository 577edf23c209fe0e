"""codegrove: teams of coding agents as LangGraph nodes, with tree search over candidate programs.

    from codegrove import Task, CallTest, solve
    task = Task(id="double", statement="Return twice x.", entry_point="double",
                tests=(CallTest(args="(2,)", expected="4"),))
    solution = solve(task, recipe="codetree", model="openai:gpt-4o-mini")

Names are imported when they are first used, so that ``import codegrove`` itself costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from loguru import logger as _logger

if TYPE_CHECKING:
    from codegrove.api import aresume, asolve, build_graph, resume, solve
    from codegrove.budget import Budget
    from codegrove.errors import CodegroveError
    from codegrove.evaluation.comparison import compare
    from codegrove.evaluation.evaluating import evaluate
    from codegrove.graphs.recipe import Recipe, load_recipe
    from codegrove.graphs.solution import Solution
    from codegrove.problem import Problem
    from codegrove.problems import load_problems, load_task
    from codegrove.runs.run import Run
    from codegrove.task import AssertTest, CallTest, StdioTest, Task

__version__ = "0.1.0"

_HOMES = {
    "AssertTest": "codegrove.task",
    "Budget": "codegrove.budget",
    "CallTest": "codegrove.task",
    "CodegroveError": "codegrove.errors",
    "Problem": "codegrove.problem",
    "Recipe": "codegrove.graphs.recipe",
    "Run": "codegrove.runs.run",
    "Solution": "codegrove.graphs.solution",
    "StdioTest": "codegrove.task",
    "Task": "codegrove.task",
    "aresume": "codegrove.api",
    "asolve": "codegrove.api",
    "build_graph": "codegrove.api",
    "compare": "codegrove.evaluation.comparison",
    "evaluate": "codegrove.evaluation.evaluating",
    "load_problems": "codegrove.problems",
    "load_recipe": "codegrove.graphs.recipe",
    "load_task": "codegrove.problems",
    "resume": "codegrove.api",
    "solve": "codegrove.api",
}

__all__ = [
    "AssertTest",
    "Budget",
    "CallTest",
    "CodegroveError",
    "Problem",
    "Recipe",
    "Run",
    "Solution",
    "StdioTest",
    "Task",
    "aresume",
    "asolve",
    "build_graph",
    "compare",
    "evaluate",
    "load_problems",
    "load_recipe",
    "load_task",
    "resume",
    "solve",
]

# A library stays silent until its user wants to hear it: loguru.logger.enable("codegrove").
_logger.disable("codegrove")


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'codegrove' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
