"""Solutions from the record, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from codegrove.budget import Spend
from codegrove.candidate import Candidate
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.solution import Result, Solution, edited_program
from codegrove.runs.ending import Ending
from codegrove.search.policy import Policy
from codegrove.search.search import Event, Search
from codegrove.search.tree import SearchTree
from codegrove.store.reader import DecisionRecord, verdict_from_json
from codegrove.task import Task


def recorded_answer(ending: Ending | None, policy: Policy, tree: SearchTree) -> int | None:
    """Return the node a run came to; where that is not known or not on record, what its method would return."""
    if ending is None or (ending.answer is not None and not 0 <= ending.answer < len(tree)):
        return policy.answer(tree)
    return ending.answer


def rebuild_solution(
    assembly: Assembly,
    task: Task,
    events: Iterable[Event],
    ending: Ending,
    spend: Spend,
    decisions: Iterable[DecisionRecord] = (),
) -> Solution:
    """Return the solution of a finished run."""
    policy = assembly.new_policy()
    search = Search(task, policy, seed=assembly.seed)
    search.replay(events)
    tree = search.tree
    node = recorded_answer(ending, policy, tree)
    known = node == ending.answer
    spend.nodes = len(tree) - 1
    return Solution(
        task_id=task.id,
        recipe=assembly.recipe.name,
        result=ending.result if known else Result.UNVERIFIED,
        reason=ending.reason,
        ended=ending.ended,
        resource=ending.resource,
        candidate=as_edited(None if node is None else tree[node].program, decisions),
        verdict=verdict_from_json(ending.verdict) if known and ending.verdict is not None else None,
        node=node,
        spend=spend,
        simulated=assembly.simulated,
        tree=tree,
    )


def as_edited(candidate: Candidate | None, decisions: Iterable[DecisionRecord]) -> Candidate | None:
    """Return what a human has made of the program a run came to; that one where it was left as it was."""
    latest = None
    for entry in decisions:
        if candidate is not None and entry.what == "solution" and entry.asked == candidate.program:
            latest = entry
    if candidate is None or latest is None or latest.kind != "edit":
        return candidate
    return edited_program(latest.text, candidate.language)


def summary(solution: Solution) -> dict[str, Any]:
    """Return a solution as JSON-ready data, without its tree."""
    verdict = solution.verdict
    return {
        "task": solution.task_id,
        "recipe": solution.recipe,
        "result": solution.result.value,
        "reason": solution.reason,
        "ended": solution.ended.value,
        "resource": solution.resource or None,
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
