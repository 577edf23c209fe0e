"""Parallel search: how busy the slots are, against rounds of Send; memory per node; very deep trees.

- Busy share: 64 workers, uneven model latencies of 0.2 s in the mean; the part of 64 slots that calls took up,
  from the start of the run until the last call was started. What follows, the wait for the longest answers, is
  part of any schedule; the share over the whole run, that wait included, is printed as well.
- Against rounds: the same latencies on 16 workers, and in a plain LangGraph graph that sends 16 at a time and
  waits for all of them, as graphs without a shared tree do. The peer does nothing but wait.
- Memory: traced allocations of Python per node of 10,000 programs of about 500 bytes, less the programs and
  answers themselves: the tree alone, and all a session holds (event log, executions, verdicts).
- Depth: one line of 10,000 programs, each a repair of the one before, through the whole machine, with Python's
  and LangGraph's recursion limits as they are.

    python -P benchmarks/parallel.py [--quick] [--own-clock]

``--own-clock`` is for a machine that is busy with other things: time is then this process's CPU time plus the
waits it asked for, which is what an idle machine with one core would take.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import operator
import random
import selectors
import sys
import time
import tracemalloc
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from codegrove import Budget, CallTest, Task
from codegrove.api import run_session
from codegrove.graphs.assemble import assemble
from codegrove.graphs.session import Session
from codegrove.models.port import FREE, Price, Reply, Request
from codegrove.search.tree import SearchTree
from codegrove.tools.sandbox.scripted import ScriptedSandbox

T = TypeVar("T")

TASK = Task(
    id="bench",
    statement="Return x.",
    entry_point="f",
    tests=tuple(CallTest(args=f"({n},)", expected=str(n)) for n in range(4)),
)
SPREAD = 1.0
"""Sigma of the latencies' logarithm: one answer in twenty takes five times as long as the middle one."""


def latencies(count: int, mean: float, seed: int = 1) -> list[float]:
    """Return uneven latencies in seconds with exactly this mean."""
    rng = random.Random(seed)
    drawn = [rng.lognormvariate(0.0, SPREAD) for _ in range(count)]
    return [value * mean * count / sum(drawn) for value in drawn]


def program(number: int, size: int = 0) -> str:
    """Return the text of an answer with a program of its own, of about so many bytes."""
    body = f"    return {number}\n"
    padding = "".join(f"    y{line} = x + {line}\n" for line in range(max(0, size - 40) // 16))
    return f"```python\ndef f(x):\n{padding}{body}```"


class OwnTimeSelector(selectors.DefaultSelector):
    """Skips waits, and counts them."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready; if nothing is, the time is over at once."""
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self.skipped += timeout
        return ready


class OwnTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is CPU time of this process plus the waits."""

    def __init__(self) -> None:
        self._own = OwnTimeSelector()
        super().__init__(self._own)

    def time(self) -> float:
        """Seconds of CPU time and waits."""
        return time.process_time() + self._own.skipped


class Waiting:
    """A model whose answers take the given seconds, and that remembers nothing."""

    spec = "scripted:waiting"
    price: Price | None = FREE

    def __init__(self, waits: list[float] | None = None, size: int = 0) -> None:
        self._waits = None if waits is None else iter(waits)
        self._numbers = itertools.count()
        self._size = size
        self.calls: list[tuple[float, float]] = []
        """Start and end of each call that took time."""

    async def complete(self, request: Request) -> Reply:
        """Answer with a program of its own."""
        if self._waits is not None:
            clock = asyncio.get_running_loop().time
            started = clock()
            await asyncio.sleep(next(self._waits))
            self.calls.append((started, clock()))
        return Reply(text=program(next(self._numbers), self._size), input_tokens=100, output_tokens=100)


async def search(
    expansions: int, *, workers: int, width: int, model: Waiting | None = None
) -> tuple[Session, float]:
    """Run a tree search; return its session and the elapsed seconds."""
    assembly = assemble(
        "uct",
        model=model or Waiting(),
        sandbox=ScriptedSandbox(lambda text, tests: (hash(text) % 4) / 4),
        workers=workers,
        overrides={"policy.expansions": expansions, "policy.width": width},
        budget=Budget(calls=expansions),
    )
    session = assembly.open_session(TASK)
    clock = asyncio.get_running_loop().time
    started = clock()
    solution = await run_session(assembly, session)
    elapsed = clock() - started
    assert solution.spend.calls == expansions, solution.reason
    return session, elapsed


async def busy_share(waits: list[float], workers: int) -> tuple[float, float]:
    """Return the part of the slots in use until the last call started, and over the whole run."""
    model = Waiting(waits)
    started = asyncio.get_running_loop().time()
    _, elapsed = await search(len(waits), workers=workers, width=workers, model=model)
    last = max(start for start, _ in model.calls)
    used = sum(min(end, last) - start for start, end in model.calls)
    return used / (workers * (last - started)), sum(waits) / (workers * elapsed)


@dataclass(kw_only=True)
class Rounds:
    """State of the peer."""

    left: list[float]
    done: Annotated[list[float], operator.add] = field(default_factory=list)


async def rounds_of_send(waits: list[float], workers: int) -> float:
    """Return the seconds that rounds of Send take over the same latencies."""

    async def wait(seconds: Any) -> dict[str, Any]:
        await asyncio.sleep(seconds)
        return {"done": [seconds]}

    def start(state: Rounds) -> list[Send] | str:
        return [Send("wait", seconds) for seconds in state.left[:workers]] or END

    graph = StateGraph(Rounds)
    graph.add_node("wait", wait)  # type: ignore[call-overload]  # Send hands it a number, not a state
    graph.add_node("collect", lambda state: {"left": state.left[workers:]})
    graph.add_conditional_edges(START, start, ["wait", END])
    graph.add_edge("wait", "collect")
    graph.add_conditional_edges("collect", start, ["wait", END])
    compiled = graph.compile()
    clock = asyncio.get_running_loop().time
    started = clock()
    result = await compiled.ainvoke(Rounds(left=waits), {"recursion_limit": 10**6})
    assert sorted(result["done"]) == sorted(waits)
    return clock() - started


def texts(session: Session) -> int:
    """Bytes of the distinct programs and answers that a session holds."""
    held = {
        id(node.program.program): node.program.program
        for node in session.search.tree.programs()
        if node.program
    }
    for event in session.search.events:
        answer = getattr(getattr(event, "outcome", None), "answer", "")
        held[id(answer)] = answer
    return sum(map(sys.getsizeof, held.values()))


async def memory(nodes: int) -> tuple[float, float]:
    """Return bytes per node beyond texts: of the tree alone, and of all that the session holds."""
    await search(20, workers=1, width=3)  # what is imported or cached once
    gc.collect()
    tracemalloc.start()
    session, _ = await search(nodes, workers=1, width=3, model=Waiting(size=500))
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    own_texts = texts(session)
    tree = session.search.tree
    alone = SearchTree(TASK)
    before, _ = tracemalloc.get_traced_memory()
    for node in itertools.islice(tree, 1, None):
        candidate, verdict = node.program, node.verdict
        assert candidate is not None and verdict is not None
        copy = alone.add(node.parents, node.kind, program=candidate, verdict=verdict, tests=node.tests)
        copy.visits, copy.total, copy.best = node.visits, node.total, node.best
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    count = len(tree) - 1
    return (after - before) / count, (held - own_texts) / count


def row(what: str, measured: str, wanted: str, met: bool) -> None:
    """Print one row of the table."""
    print(f"| {what:<62} | {measured:>10} | {wanted:>8} | {'yes' if met else 'NO':>3} |", flush=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Parallel search, measured.")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a tenth of the calls and nodes: too few to hold against the wanted figures",
    )
    parser.add_argument(
        "--own-clock", action="store_true", help="count CPU time and waits, not the wall clock"
    )
    options = parser.parse_args()
    scale = 10 if options.quick else 1
    calls, nodes = 6400 // scale, 10_000 // scale

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        factory = OwnTimeLoop if options.own_clock else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(coroutine)

    print(f"clock: {'CPU time and waits' if options.own_clock else 'wall'}")
    if options.quick:
        print("quick: start, tail and what is allocated once weigh ten times as much as in the full run")
    print(f"| {'figure':<62} | {'measured':>10} | {'wanted':>8} | met |")
    print(f"|{'-' * 64}|{'-' * 12}|{'-' * 10}|{'-' * 5}|")
    run(search(20, workers=1, width=3))  # LangGraph is imported here

    waits = latencies(calls, 0.2)
    while_work, whole = run(busy_share(waits, 64))
    row(
        f"busy share of 64 slots, {calls} calls of 0.2 s in the mean",
        f"{while_work:.1%}",
        ">= 85 %",
        while_work >= 0.85,
    )
    row("the same, with the wait for the last answers", f"{whole:.1%}", "", True)

    waits = latencies(calls // 5, 0.2)
    _, elapsed = run(search(len(waits), workers=16, width=16, model=Waiting(waits)))
    rounds = run(rounds_of_send(waits, 16))
    faster = rounds / elapsed
    row(
        f"16 workers ({elapsed:.1f} s), rounds of Send ({rounds:.1f} s)",
        f"{faster:.2f} x",
        ">= 3 x",
        faster >= 3,
    )

    tree, session = run(memory(nodes))
    row(f"memory per node beyond its texts, tree of {nodes}", f"{tree:.0f} B", "< 2048 B", tree < 2048)
    row("the same, with all else that the session holds", f"{session:.0f} B", "< 2048 B", session < 2048)

    deep, elapsed = run(search(nodes, workers=1, width=1))
    depth = max(node.depth for node in deep.search.tree)
    limit = sys.getrecursionlimit()
    row(
        f"depth of a line of repairs (recursion limit {limit}; {elapsed:.0f} s)",
        str(depth),
        str(nodes),
        depth == nodes,
    )


if __name__ == "__main__":
    main()
