"""One ask and tell of our UCT against treequest's StandardMCTS, on trees of 1,000 and 10,000 nodes.

treequest is measured with `inplace=True` and with its default step, which copies the whole tree; the tree it
starts from is always grown in place. Both get random rewards; growing the trees is not timed.

    python -P benchmarks/uct.py
"""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

from codegrove import CallTest, Task
from codegrove.candidate import Candidate
from codegrove.outcome import Outcome
from codegrove.search.policy import Expansion
from codegrove.search.search import Search
from codegrove.search.uct import Uct, UctSettings
from codegrove.verdict import Status, TestResult, Verdict

TESTS = 5
TASK = Task(id="t", statement="s", entry_point="f", tests=(CallTest(args="(1,)", expected="1"),) * TESTS)
WINDOW = 300
"""Steps timed at each size."""


def outcome(number: int, passing: int) -> Outcome:
    """A program of its own that passes so many tests. Made beforehand: running programs is not what is timed."""
    results = tuple(
        TestResult(status=Status.PASSED if index < passing else Status.FAILED) for index in range(TESTS)
    )
    program = Candidate(program=f"def f(x): return {number}")
    return Outcome(program=program, verdict=Verdict(status=Status.FAILED, results=results))


def ours(size: int) -> float:
    """Median seconds of one ask and tell."""
    rng = random.Random(0)
    outcomes = [outcome(number, rng.randrange(TESTS)) for number in range(size + WINDOW)]
    search = Search(TASK, Uct(UctSettings(expansions=10**9, width=2)))
    samples = []
    for step in range(size + WINDOW):
        brought = outcomes[step]
        started = time.perf_counter()
        expansion = search.ask()
        assert isinstance(expansion, Expansion)
        search.tell(expansion.id, brought)
        if step >= size:
            samples.append(time.perf_counter() - started)
    return statistics.median(samples)


def theirs(size: int, *, in_place: bool) -> float:
    """Median seconds of one step of treequest."""
    try:
        from treequest import StandardMCTS  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise SystemExit("this comparison needs treequest: pip install treequest") from None

    rng = random.Random(0)

    def generate(parent: Any) -> tuple[int, float]:
        return 0, rng.randrange(TESTS) / TESTS

    algorithm: Any = StandardMCTS(samples_per_action=2)
    state = algorithm.init_tree()
    for _ in range(size):
        state = algorithm.step(state, {"act": generate}, inplace=True)
    samples = []
    for _ in range(WINDOW if in_place else max(5, 20_000 // size)):
        started = time.perf_counter()
        state = algorithm.step(state, {"act": generate}, inplace=in_place)
        samples.append(time.perf_counter() - started)
    return statistics.median(samples)


def main() -> None:
    """Print one table."""
    print(
        f"{'nodes':>6} {'ours us':>9} {'in place us':>12} {'default us':>12} {'x in place':>11} {'x default':>10}"
    )
    mine: dict[int, float] = {}
    for size in (1_000, 10_000):
        mine[size] = ours(size)
        in_place, default = theirs(size, in_place=True), theirs(size, in_place=False)
        print(
            f"{size:>6} {mine[size] * 1e6:>9.1f} {in_place * 1e6:>12.1f} {default * 1e6:>12.1f}"
            f" {in_place / mine[size]:>11.1f} {default / mine[size]:>10.1f}"
        )
    print(f"growth of ours from 1,000 to 10,000 nodes: {mine[10_000] / mine[1_000]:.2f} x per step")


if __name__ == "__main__":
    main()
