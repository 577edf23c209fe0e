"""What durability costs: time and disk per node, against LangGraph's own checkpoints, and the way back.

- 1,000 programs of about 500 bytes, each written by one call and judged on four tests (recipe `uct`, scripted
  model and sandbox that answer at once), with a clock in the recorder.
- The same tree as a dictionary in the state of a LangGraph graph under `SqliteSaver` (needs the package
  langgraph-checkpoint-sqlite; takes half a gigabyte in the temporary folder for a minute).
- Opening a run of 10,000 nodes to continue it, and to read it.

    python -P benchmarks/durability.py [--programs 1000] [--resume 10000] [--no-peer]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

from codegrove import Budget, CallTest, Run, Task, asolve
from codegrove.api import run_in
from codegrove.graphs.assemble import assemble
from codegrove.graphs.recording import Recorder
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.runs.directory import RunDirectory
from codegrove.tools.sandbox.scripted import ScriptedSandbox

TASK = Task(
    id="bench",
    statement="Return x after a few changes, as the tests say.",
    entry_point="f",
    tests=tuple(CallTest(args=f"({n},)", expected=str(n)) for n in range(4)),
)
PROGRAM_BYTES = 500


def program(number: int) -> str:
    """A program of about 500 bytes that no other number gives."""
    rng = random.Random(number)
    lines = [f"def f(x):  # attempt {number}"]
    while sum(map(len, lines)) + len(lines) < PROGRAM_BYTES - 20:
        lines.append(f"    x = x * {rng.randrange(10_000)} + {rng.randrange(10_000)}")
    return "\n".join([*lines, "    return x", ""])


def settings(programs: int) -> dict[str, Any]:
    """A search whose model and sandbox answer at once."""
    numbers = itertools.count()

    def answer(request: Request) -> str:
        return f"```python\n{program(next(numbers))}```"

    rng = random.Random(0)
    return {
        "model": ScriptedModel(answer),
        "sandbox": ScriptedSandbox(lambda text, tests: rng.randrange(4) / 4),
        "overrides": {"policy.expansions": programs},
        "budget": Budget(calls=programs),
    }


RECORDING = (
    "asked",
    "told",
    "called",
    "executed",
    "own",
    "shared",
    "known_verdict",
    "shared_verdict",
    "unused",
)
"""Everything a session asks of its recorder while it runs."""


@contextmanager
def clocked(spent: list[float]) -> Iterator[None]:
    """Add the processor seconds of recorders to `spent`; a difference of two whole runs would drown in noise."""
    before = {name: getattr(Recorder, name) for name in RECORDING}

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            started = time.thread_time()
            try:
                return method(*arguments, **named)
            finally:
                spent.append(time.thread_time() - started)

        return call

    for name, method in before.items():
        setattr(Recorder, name, timed(method))
    try:
        yield
    finally:
        for name, method in before.items():
            setattr(Recorder, name, method)


async def recorded(programs: int, out: Path) -> None:
    """Run one search, without its report."""
    assembly = assemble("uct", **settings(programs))
    with RunDirectory(out, assembly, TASK) as directory:
        solution = await run_in(directory, assembly, report=False)
    assert solution.spend.calls == programs, solution.reason


class _Held(TypedDict):
    tree: dict[int, Any]


def checkpointed(programs: int, folder: Path) -> tuple[float, int]:
    """Seconds and bytes of the same tree kept in checkpointed state."""
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import END, START, StateGraph

    def grow(state: _Held) -> _Held:
        number = len(state["tree"])
        node = {"parent": number // 3, "program": program(number), "passed": [True, False, True, False]}
        return {"tree": {**state["tree"], number: node}}

    graph = StateGraph(_Held)
    graph.add_node("grow", grow)
    graph.add_edge(START, "grow")
    graph.add_conditional_edges("grow", lambda state: END if len(state["tree"]) >= programs else "grow")
    path = folder / "peer.sqlite"
    started = time.perf_counter()
    with SqliteSaver.from_conn_string(str(path)) as saver:
        compiled = graph.compile(checkpointer=saver)
        config: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": 10**9}
        compiled.invoke({"tree": {}}, config)
    return time.perf_counter() - started, _size(folder)


def median(times: int, measure: Callable[[], float]) -> float:
    """Median of several measurements."""
    return statistics.median(measure() for _ in range(times))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.sqlite*"))


def _opening(folder: Path, programs: int) -> float:
    assembly = assemble("uct", **settings(programs))
    started = time.process_time()
    with RunDirectory(folder, assembly, TASK):
        return time.process_time() - started


def _reading(folder: Path) -> float:
    started = time.process_time()
    Run.open(folder)
    return time.process_time() - started


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--programs", type=int, default=1000)
    options.add_argument("--resume", type=int, default=10_000)
    options.add_argument("--no-peer", action="store_true")
    given = options.parse_args()
    programs: int = given.programs
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        costs = []
        for number in range(3):
            spent: list[float] = []
            with clocked(spent):
                asyncio.run(recorded(programs, base / f"run-{number}"))
            costs.append(sum(spent) / programs)
        extra = statistics.median(costs)
        size = _size(base / "run-0")
        print(f"{programs} programs of about {PROGRAM_BYTES} bytes")
        print(f"  recording: {extra * 1e3:.3f} ms per node (target 0.3)")
        print(f"  disk: {size / programs / 1024:.2f} KiB per node (target 3)")
        if not given.no_peer:
            folder = base / "peer"
            folder.mkdir()
            seconds, peer = checkpointed(programs, folder)
            print(f"  checkpointed dict state: {peer / 1e6:.0f} MB in {seconds:.1f} s")
            print(f"  ratio: {peer / size:.0f} x the disk of ours (target 200)")
        many: int = given.resume
        large = base / "large"
        assembly_calls = many
        run_large = settings(many)
        run_large["budget"] = Budget(calls=assembly_calls - 1)
        asyncio.run(asolve(TASK, "uct", out=large, **run_large))
        print(f"{len(Run.open(large).tree)} nodes")
        print(f"  opened to go on: {median(5, lambda: _opening(large, many)):.3f} s (target 0.3)")
        print(f"  opened to read: {median(5, lambda: _reading(large)):.3f} s")


if __name__ == "__main__":
    main()
