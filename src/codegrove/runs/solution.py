"""Solutions from the record, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from codegrove.budget import Spend
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.solution import Result, Solution
from codegrove.runs.ending import Ending
from codegrove.search.search import Event, Search
from codegrove.store.reader import verdict_from_json
from codegrove.task import Task


def rebuild_solution(
    assembly: Assembly, task: Task, events: Iterable[Event], ending: Ending, spend: Spend
) -> Solution:
    """Return the solution of a finished run."""
    search = Search(task, assembly.new_policy(), seed=assembly.seed)
    search.replay(events)
    tree = search.tree
    spend.nodes = len(tree) - 1
    return Solution(
        task_id=task.id,
        recipe=assembly.recipe.name,
        result=Result(ending.result),
        reason=ending.reason,
        candidate=None if ending.answer is None else tree[ending.answer].program,
        verdict=None if ending.verdict is None else verdict_from_json(ending.verdict),
        node=ending.answer,
        spend=spend,
        simulated=assembly.simulated,
        tree=tree,
    )


def summary(solution: Solution) -> dict[str, Any]:
    """Return a solution as JSON-ready data, without its tree."""
    verdict = solution.verdict
    return {
        "task": solution.task_id,
        "recipe": solution.recipe,
        "result": solution.result.value,
        "reason": solution.reason,
        "simulated": solution.simulated,
        "program": solution.program,
        "node": solution.node,
        "path": [node.id for node in solution.tree.path(solution.node)]
        if solution.tree is not None and solution.node is not None
        else [],
        "verdict": None
        if verdict is None
        else {
            "status": verdict.status.value,
            "passed": verdict.passed_count,
            "tests": len(verdict.results),
            "sandbox": verdict.level,
        },
        "spend": {**asdict(solution.spend), "tokens": solution.spend.tokens},
        "nodes": len(solution.tree) if solution.tree is not None else None,
        "codegrove": version("codegrove"),
    }
