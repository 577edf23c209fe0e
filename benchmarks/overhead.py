"""What the framework itself costs: per expansion, on many workers, and at start.

- Framework time per expansion: a scripted model and sandbox that answer at once, recipe `uct`, 100 to 5,000
  expansions. One expansion is controller, role and execute: three LangGraph steps.
- Workers: 192 model calls of uneven length on 16 workers, against the lower bound of any schedule.
- Start: `import codegrove` and `codegrove --help` in fresh processes.

    python -P benchmarks/overhead.py
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import subprocess
import sys
import time

from codegrove import Budget, CallTest, Task, asolve
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.tools.sandbox.scripted import ScriptedSandbox

TASK = Task(
    id="bench",
    statement="Return x.",
    entry_point="f",
    tests=tuple(CallTest(args=f"({n},)", expected=str(n)) for n in range(4)),
)


async def per_expansion(expansions: int) -> float:
    """Seconds of our own per expansion."""
    numbers = itertools.count()
    model = ScriptedModel(lambda request: f"```python\ndef f(x):\n    return {next(numbers)}\n```")
    sandbox = ScriptedSandbox(lambda program, tests: (hash(program) % 4) / 4)
    started = time.perf_counter()
    solution = await asolve(
        TASK,
        "uct",
        model=model,
        sandbox=sandbox,
        overrides={"policy.expansions": expansions},
        budget=Budget(calls=expansions),
    )
    assert solution.spend.calls == expansions, solution.reason
    return (time.perf_counter() - started) / expansions


async def uneven_waits(calls: int, workers: int) -> tuple[float, float]:
    """Seconds a search with uneven waits takes, and the lower bound: work over workers, or the longest wait."""
    rng = random.Random(1)
    waits = [rng.choice([0.02, 0.05, 0.1, 0.2, 0.6]) for _ in range(calls)]
    left = iter(waits)
    numbers = itertools.count()

    async def answer(request: Request) -> str:
        await asyncio.sleep(next(left))
        return f"```python\ndef f(x):\n    return {next(numbers)}\n```"

    sandbox = ScriptedSandbox(lambda program, tests: (hash(program) % 4) / 4)
    started = time.perf_counter()
    await asolve(
        TASK,
        "uct",
        model=ScriptedModel(answer),
        sandbox=sandbox,
        workers=workers,
        overrides={"policy.expansions": calls, "policy.width": workers},
        budget=Budget(calls=calls),
    )
    return time.perf_counter() - started, max(sum(waits) / workers, max(waits))


def start_of(*command: str) -> float:
    """Median seconds of a fresh process over nine runs, less a bare interpreter's."""

    def once(arguments: tuple[str, ...]) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-P", *arguments], check=True, capture_output=True)
        return time.perf_counter() - started

    once(command)
    bare = statistics.median(once(("-c", "pass")) for _ in range(9))
    return statistics.median(once(command) for _ in range(9)) - bare


def main() -> None:
    """Print the figures."""
    asyncio.run(per_expansion(20))  # LangGraph is imported here
    for expansions in (100, 1000, 5000):
        runs = [asyncio.run(per_expansion(expansions)) for _ in range(3 if expansions < 5000 else 1)]
        print(f"framework per expansion, {expansions:>5} expansions: {statistics.median(runs) * 1e3:.2f} ms")
    taken, bound = asyncio.run(uneven_waits(192, 16))
    print(f"192 uneven waits on 16 workers: {taken:.2f} s, lower bound {bound:.2f} s: {taken / bound:.2f} x")
    print(f"import codegrove: {start_of('-c', 'import codegrove'):.3f} s above a bare interpreter")
    print(
        f"codegrove --help: {start_of('-c', 'from codegrove.cli import main; main()', '--help'):.3f} s above it"
    )


if __name__ == "__main__":
    main()
