"""A search of any size from random outcomes: as much text as a talkative model writes, and no model asked."""

from __future__ import annotations

import random

from codegrove.budget import Budget, Spend
from codegrove.candidate import Candidate
from codegrove.graphs.end import Ended
from codegrove.graphs.solution import Result, Solution
from codegrove.problems import load_problems
from codegrove.report import ReportCall, ReportData, report_data
from codegrove.search.tree import Node, SearchTree
from codegrove.task import AssertTest, Origin, Test
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict, overall

_WORDS = (
    "list value empty order sort index shift begin end merge case return loop compare keep first last pair sum"
    " bound edge wrong right because therefore when while every each none input output test fails passes fix"
).split()
_SYSTEM = "You write Python programs. Think about the edge cases first, then answer with one fenced block.\n"


def made_up_run(nodes: int, *, seed: int = 0, words: int = 60) -> ReportData:
    """Return the report's data of a made-up run.

    Args:
        nodes: nodes of the tree.
        seed: start of all randomness.
        words: words of prose in every answer, besides its program.
    """
    rng = random.Random(seed)
    problem = load_problems("bundled").by_id("merge-shifts")
    task = problem.task
    generated = tuple(
        AssertTest(
            code=f"assert merge_shifts([[{n}, {n + 2}]], 0) == [[{n}, {n + 2}]]", origin=Origin.GENERATED
        )
        for n in range(3)
    )
    tests: tuple[Test, ...] = (*task.tests, *generated)
    tree = SearchTree(task)
    for _ in range(min(3, nodes - 1)):
        tree.add(0, "plan", text=_prose(rng, 40))
    calls, spend = [], Spend(nodes=nodes - 1)
    while len(tree) < nodes:
        parent = tree[_choose(tree, rng)]
        program = _changed(parent.program.program if parent.program else problem.reference, rng)
        verdict = _verdict(rng, len(tests), parent)
        node = tree.add(
            parent.id,
            "program",
            program=Candidate(
                program=program, action="debug" if parent.program else "write", model="made-up"
            ),
            verdict=verdict,
            tests=tests,
            reward=verdict.passed_count / len(tests),
        )
        tree.backup(node.id, node.reward or 0.0)
        prompt = f"{task.statement}\n\nThe program so far:\n```python\n{program}\n```\n\n{_prose(rng, 12)}"
        call = ReportCall(
            expansion=node.id,
            node=parent.id,
            role="debugger",
            action="debug",
            model="made-up",
            messages=(("system", _SYSTEM), ("user", prompt)),
            reply=f"{_prose(rng, words)}\n```python\n{program}\n```",
            input_tokens=len(prompt) // 4,
            output_tokens=len(program) // 4 + words,
            seconds=rng.random() * 4,
        )
        calls.append(call)
        spend.calls += 1
        spend.unpriced_calls += 1
        spend.input_tokens += call.input_tokens
        spend.output_tokens += call.output_tokens
        spend.seconds += call.seconds
    best = max(tree.programs(), key=lambda node: (node.reward or 0.0, -node.id), default=None)
    solved = best is not None and best.verdict is not None and best.verdict.passed
    solution = Solution(
        task_id=task.id,
        recipe="made-up",
        result=Result.SOLVED if solved else Result.UNSOLVED,
        reason="the search is done",
        ended=Ended.DONE,
        node=best.id if best else None,
        spend=spend,
        tree=tree,
    )
    return report_data(
        task=task,
        tree=tree,
        solution=solution,
        calls=calls,
        added={call.expansion: (call.expansion,) for call in calls},
        budget=Budget(calls=nodes, tokens=4_000_000),
        seed=seed,
        workers=1,
    )


def _choose(tree: SearchTree, rng: random.Random) -> int:
    """Prefer what looks good, so that the tree has thick and thin branches."""
    some = [rng.randrange(1, len(tree)) for _ in range(3)]
    return max(some, key=lambda node_id: (tree[node_id].best - 0.15 * len(tree[node_id].children), node_id))


def _prose(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=words))


def _changed(program: str, rng: random.Random) -> str:
    lines = program.rstrip("\n").split("\n")
    at = rng.randrange(1, len(lines))
    if len(lines) > 14:
        del lines[at]
    else:
        lines.insert(at, f"    value_{rng.randrange(900)} = {rng.randrange(99)}  # {_prose(rng, 4)}")
    return "\n".join(lines) + "\n"


def _verdict(rng: random.Random, tests: int, parent: Node) -> Verdict:
    skill = min(0.9, 0.25 + 0.08 * parent.depth)
    results = []
    for _ in range(tests):
        status = rng.choices(
            (Status.PASSED, Status.FAILED, Status.CRASHED, Status.UNJUDGED),
            (skill, 0.75 * (1 - skill), 0.2 * (1 - skill), 0.05 * (1 - skill)),
        )[0]
        error = (
            ErrorInfo(type="IndexError", message="out of range", line=3) if status is Status.CRASHED else None
        )
        output = str([rng.randrange(9) for _ in range(4)]) if status is Status.FAILED else ""
        results.append(TestResult(status=status, output=output, error=error))
    return Verdict(
        status=overall(r.status for r in results), results=tuple(results), seconds=0.01, level="basic"
    )
