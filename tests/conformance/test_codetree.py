"""The numbered conformance checks of the CodeTree sheet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from codegrove.models.port import Request
from codegrove.search.tree import Node, SearchTree
from tests.conformance.machine import Answers, Run, run


def numbered(strategies: int, reflections: int) -> dict[str, Any]:
    """Answers with so many strategies and reflections."""

    def lines(count: int) -> str:
        return "\n".join(f"{n}. a line of its own, number {n}" for n in range(1, count + 1))

    return {"think": lines(strategies), "reflect": lines(reflections)}


def codetree(special: dict[str, Any], **settings: Any) -> Run:
    """Run the recipe, in repo mode and with the depth and budget of the sheet unless settings say otherwise."""
    merged: dict[str, Any] = {"mode": "repo", "max_depth": 3, "width": 10, "max_programs": 20} | settings
    return run("codetree", Answers(special), **merged)


def deepest_program(done: Run) -> int:
    """Depth of the deepest node that has a program."""
    tree = done.solution.tree
    assert tree is not None
    return max(node.depth for node in tree.programs())


def test_1_depth_first_order_and_counts() -> None:
    done = run(
        "codetree", Answers(numbered(2, 2) | {"score": "why\n3"}), mode="repo", max_depth=3, max_programs=20
    )
    one = "solve score reflect debug score reflect debug debug debug score reflect debug debug".split()
    assert done.order == ["think", *one, *one]
    assert len(done.order) == 27
    assert done.executions == 14


def test_2_a_hopeless_score_drops_every_strategy() -> None:
    done = codetree(numbered(2, 2) | {"score": "why\n0"})
    assert done.order == ["think", "solve", "score", "solve", "score"]


def test_3_a_first_program_that_passes_and_is_accepted() -> None:
    done = run(
        "codetree", Answers(numbered(2, 2)), decide=lambda program, tests: 1.0, mode="repo", max_depth=3
    )
    assert done.order == ["think", "solve", "verify"]
    assert done.executions == 1
    assert done.solution.solved


def test_4_twice_passing_at_the_bottom_is_accepted_against_the_critic() -> None:
    done = run(
        "codetree",
        Answers(numbered(1, 1) | {"verify": "no\nfalse"}),
        decide=lambda program, tests: 1.0,
        mode="repo",
        max_depth=3,
    )
    assert done.order == [
        "think",
        *["solve", "verify", "reflect"],
        *["debug", "verify", "reflect"],
        "debug",
        "verify",
    ]
    assert done.solution.node is not None and done.solution.tree is not None
    assert done.solution.tree[done.solution.node].depth == 3


@pytest.mark.parametrize(("mode", "in_vain"), [("repo", ["reflect"]), ("paper", [])])
def test_4_nothing_is_written_below_the_bottom(mode: str, in_vain: list[str]) -> None:
    # The program at the bottom is the first to pass; it is rejected, and its parent has not passed.
    written = itertools.count(1)
    done = codetree(
        numbered(1, 1) | {"verify": "no\nfalse"},
        decide=lambda program, tests: 1.0 if next(written) >= 3 else 0.0,
        mode=mode,
    )
    down = ["solve", "score", "reflect", "debug", "score", "reflect", "debug", "verify"]
    assert done.order == ["think", *down, *in_vain]
    assert deepest_program(done) == 3


def test_5_children_worse_than_their_parent_are_not_refined() -> None:
    numbers = itertools.count()

    def solve(request: Request) -> str:
        return f"```python\ndef f(x):\n    return {next(numbers)}, 'from a strategy'\n```"

    done = run(
        "codetree",
        Answers(numbered(3, 2) | {"score": "why\n3", "solve": solve}),
        decide=lambda program, tests: 0.5 if "from a strategy" in program else 0.0,
        mode="repo",
        max_depth=3,
    )
    assert len(done.order) == 22
    assert done.executions == 9
    assert done.counts["reflect"] == 3


def test_6_the_budget_of_twenty_programs() -> None:
    done = codetree(numbered(5, 5) | {"score": "fine\n5"})
    assert len(done.order) == 31
    assert done.executions == 20


def test_7_breadth_first_baseline() -> None:
    done = codetree(numbered(3, 3), variant="bfs", width=3)
    assert len(done.order) == 27
    assert done.executions == 20
    assert not {"score", "verify"} & set(done.order)


def test_7_depth_first_baseline_overshoots_as_released() -> None:
    done = codetree(numbered(3, 3), variant="dfs", width=3)
    assert len(done.order) == 28
    assert done.executions == 21


@pytest.mark.parametrize(("mode", "programs"), [("repo", 22), ("paper", 20)])
def test_7_the_last_batch_of_the_depth_first_baseline_is_written_as_a_whole(mode: str, programs: int) -> None:
    done = codetree(numbered(1, 3), variant="dfs", width=3, mode=mode, max_depth=9)
    assert done.counts["debug"] + done.counts["solve"] == programs


@pytest.mark.parametrize("variant", ["bfs", "dfs"])
@pytest.mark.parametrize(("mode", "deepest"), [("repo", 4), ("paper", 3)])
def test_7_released_baselines_count_depth_from_0(variant: str, mode: str, deepest: int) -> None:
    done = codetree(numbered(1, 1), variant=variant, mode=mode)
    assert deepest_program(done) == deepest


@pytest.mark.parametrize(
    ("variant", "refined"),
    [("bfs", "2 1 2.2 2.1 1.2 1.1 2.2.2"), ("dfs", "2 2.2 2.2.2 2.2.1 2.1 2.1.2 2.1.1")],
)
def test_7_batches_are_refined_best_first_and_stay_together(variant: str, refined: str) -> None:
    # The later a sibling was written, the better it is; between batches only the order of the batches counts.
    numbers = itertools.count(1)

    def write(request: Request) -> str:
        return f"```python\ndef f(x):\n    return {next(numbers)}\n```"

    done = codetree(
        numbered(2, 2) | {"solve": write, "debug": write},
        decide=lambda program, tests: 0.5 if int(program.rsplit(maxsplit=1)[-1]) % 2 == 0 else 0.0,
        variant=variant,
        max_programs=16,
    )
    tree = done.solution.tree
    assert tree is not None
    order = sorted((node for node in tree if node.children), key=lambda node: node.children[0])[1:]
    names = [
        ".".join(str(up.children.index(down.id) + 1) for up, down in _steps(tree, node.id)) for node in order
    ]
    assert " ".join(names) == refined


def test_7_every_strategy_of_the_released_baselines_gets_a_program() -> None:
    assert codetree(numbered(5, 1), variant="bfs", max_programs=3).counts["solve"] == 5
    assert codetree(numbered(5, 1), variant="bfs", max_programs=3, mode="paper").counts["solve"] == 3


def _steps(tree: SearchTree, node: int) -> Iterator[tuple[Node, Node]]:
    return itertools.pairwise(tree.path(node))


def test_7_depth_first_baseline_keeps_its_budget_in_paper_mode() -> None:
    done = codetree(numbered(3, 3), variant="dfs", width=3, mode="paper")
    assert len(done.order) == 27
    assert done.executions == 20


def test_8_programs_at_the_greatest_depth_are_not_scored() -> None:
    done = codetree(numbered(1, 1))
    tree = done.solution.tree
    assert tree is not None
    deep = [node for node in tree.programs() if node.depth == 3]
    assert deep
    assert done.counts["score"] == sum(1 for node in tree.programs() if node.depth < 3)


def test_9_an_unreadable_verification_counts_as_acceptance() -> None:
    done = run(
        "codetree",
        Answers(numbered(1, 1) | {"verify": "I would rather not say."}),
        decide=lambda program, tests: 1.0,
        mode="repo",
    )
    assert done.order == ["think", "solve", "verify"]
    assert done.solution.solved


def test_10_debugging_never_sees_the_review_and_reflecting_does() -> None:
    done = codetree(numbered(1, 1) | {"score": "REVIEW-TEXT of the critic\n3"})
    assert done.prompts("debug") and done.prompts("reflect")
    assert not any("REVIEW-TEXT" in prompt for prompt in done.prompts("debug"))
    assert all("REVIEW-TEXT" in prompt for prompt in done.prompts("reflect"))


def test_unresolved_runs_return_the_last_failing_program_in_repo_mode_and_the_best_in_paper_mode() -> None:
    def best_first(program: str, tests: object) -> float:
        return 0.5 if "return 1001" in program else 0.0

    answers = numbered(2, 1)
    last = run("codetree", Answers(answers), decide=best_first, mode="repo")
    best = run("codetree", Answers(answers), decide=best_first, mode="paper")
    assert last.order == best.order
    assert last.solution.program != best.solution.program
    assert best.solution.program is not None and "return 1001" in best.solution.program
