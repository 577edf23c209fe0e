"""Same program, tests and limits: same verdict, in any order and beside any others."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox import Limits, ProcessSandbox
from codegrove.verdict import Verdict

pytestmark = pytest.mark.slow


LIMITS = Limits(wall_seconds=6.0, test_seconds=0.4, memory_mb=512, output_bytes=50_000)


@dataclass(frozen=True)
class Job:
    program: str
    tests: tuple[Test, ...]
    entry_point: str | None = "f"


CALLS = tuple(CallTest(args=f"({x},)", expected=str(x * x)) for x in range(4))
LINES = (StdioTest(stdin="3\n", expected="9\n"), StdioTest(stdin="4\n", expected="16\n"))
ASSERTS = (
    AssertTest(code="assert f(3) == 9"),
    AssertTest(code="for i in range(3):\n    assert f(i) == i * i"),
)

BODIES = (
    "return x * x",
    "return x ** 2 + 0.0",
    "return x + x",
    "return [x]",
    "return 1 // x",
    "return x * x if x != 2 else {}[x]",
    "import os; os._exit(x)",
    "import sys; sys.exit(0)",
    "raise KeyboardInterrupt",
    "return f(x)",
    "import ctypes; ctypes.string_at(0)",
    "while x == 1: pass\n    return x * x",
    "import time\n    if x == 2: time.sleep(9)\n    return x * x",
    "data = bytearray(1 << 30); return x * x",
    "print('x' * 20_000); return x * x",
    "import random; return random.random()",
    "return sorted({'a', 'b', 'c', str(x)}) and list({'a', 'b', 'c', str(x)})",
    "import threading\n    seen = []\n    t = threading.Thread(target=seen.append, args=(x * x,))\n    t.start()\n"
    "    t.join()\n    return seen[0]",
    "open('n', 'a').write('.'); return len(open('n').read()) and x * x",
    "import os; return len(os.listdir('.')) + x * x",
    "global n; n = globals().get('n', 0) + 1; return x * x if n == x + 1 else 0",
    "return lambda: x",
    "return float('nan')",
    "import numpy_that_is_not_there",
)
JOBS = [
    *(Job(f"def f(x):\n    {body}\n", CALLS) for body in BODIES),
    *(Job(f"def f(x):\n    {body}\n", ASSERTS) for body in BODIES[:8]),
    *(Job(text, LINES, None) for text in ("print(int(input()) ** 2)", "print(input())", "input(); input()")),
    Job("x = int(input())\nwhile x == 3: pass\nprint(x * x)", LINES, None),
    Job("def f(x:", CALLS),
    Job("def g(x): return x", CALLS),
    Job("raise ValueError('at import')", CALLS),
    Job("import time\ntime.sleep(9)", CALLS),
    Job("def f(x): return x * x", ()),
]


def essence(verdict: Verdict) -> tuple[object, ...]:
    """What must not depend on anything but the job: everything except seconds, bytes and addresses."""
    results = [(r.status, r.output, r.error and (r.error.type, r.error.line)) for r in verdict.results]
    return verdict.status, verdict.error and verdict.error.type, verdict.limit, verdict.stdout, results


async def judge_all(sandbox: ProcessSandbox, order: list[int], at_once: int) -> dict[int, tuple[object, ...]]:
    free = asyncio.Semaphore(at_once)
    found = {}

    async def one(number: int) -> None:
        job = JOBS[number]
        async with free:
            verdict = await sandbox.judge(job.program, job.tests, entry_point=job.entry_point, limits=LIMITS)
        found[number] = essence(verdict)

    await asyncio.gather(*map(one, order))
    return found


@pytest.mark.timeout(90)
async def test_neither_order_nor_company_changes_a_verdict(sandbox: ProcessSandbox) -> None:
    assert len(JOBS) >= 40
    crowded = ProcessSandbox(LIMITS, workers=8, level=sandbox.level)  # type: ignore[arg-type]
    shuffled = list(range(len(JOBS)))
    random.Random(7).shuffle(shuffled)
    one_by_one = await judge_all(sandbox, list(range(len(JOBS))), at_once=1)
    beside_others = await judge_all(crowded, shuffled, at_once=8)
    await crowded.aclose()
    different = {
        JOBS[n].program: (one_by_one[n], beside_others[n])
        for n in shuffled
        if one_by_one[n] != beside_others[n]
    }
    assert different == {}
    statuses = {str(seen[0]) for seen in one_by_one.values()}
    assert statuses == {"passed", "failed", "crashed", "timed_out", "invalid", "unjudged"}
