"""Programs that attack the block tracer: the trace stays bounded, the judge answers, benign ones are traced."""

from __future__ import annotations

import asyncio
import time

import pytest

from codegrove.task import AssertTest, CallTest, Test
from codegrove.tools.sandbox import BlockTrace, Limits, ProcessSandbox

LIMITS = Limits(wall_seconds=10, test_seconds=4, memory_mb=1000)
CALL = CallTest(args="(1,)", expected="1")
SPLIT = AssertTest(code="for x in (1,):\n    assert f(x) == x")
MOST = 2_500_000
"""Characters of a whole trace."""

LOOP = "    for i in range(300):\n        t = i\n    return x"

LARGE: dict[str, str] = {
    "string": f"def f(x):\n    s = 'ab' * 10**7\n{LOOP}",
    "strings in lists": f"def f(x):\n    s = [['z' * 10**6] * 1000] * 1000\n{LOOP}",
    "bytes": f"def f(x):\n    s = [bytes(10**7), bytearray(10**7)]\n{LOOP}",
    "integer": f"def f(x):\n    s = -1 << 10**7\n{LOOP}",
    "set": f"def f(x):\n    s = set(range(10**5))\n{LOOP}",
    "variables": "def f(x):\n" + "".join(f"    v{i} = 'é' * 1000\n" for i in range(500)) + LOOP,
    "line": "def f(x):\n    for i in range(300):\n        t = i; u = '" + "q" * 40_000 + "'\n    return x",
    "name": "def f(x):\n    " + "n" * 40_000 + f" = 1\n{LOOP}",
}

VALUES: dict[str, str] = {
    "cycles": "a = []; a.append(a); d = {}; d['d'] = d",
    "lying metaclass": (
        "class M(type):\n        def __eq__(s, o): raise SystemExit\n        def __hash__(s): return 1\n"
        "        def __getattribute__(s, n): raise SystemExit\n"
        "        def __instancecheck__(s, o): raise SystemExit\n"
        "    class C(metaclass=M):\n        __class__ = int\n"
        "        def __getattribute__(s, n): raise SystemExit\n        def __repr__(s): raise SystemExit\n"
        "    c = C()"
    ),
    "lying list": (
        "class L(list):\n        def __iter__(s): raise SystemExit\n        def __len__(s): return 10**12\n"
        "        def __repr__(s):\n            while True: pass\n    c = L([1])"
    ),
    "names in an object": (
        "class D:\n        def __init__(s): s.d = {}\n        def __getitem__(s, k): return s.d[k]\n"
        "        def __setitem__(s, k, v): s.d[k] = v\n        def keys(s): return s.d\n"
        "    class M(type):\n        @classmethod\n        def __prepare__(*a): return D()\n"
        "        def __new__(c, n, b, d): return type.__new__(c, n, b, d.d)\n"
        "    class A(metaclass=M):\n        a = 1"
    ),
    "names that are none": "exec('x = 1', {1: 2, (): 3})",
    "generator": "g = (i for i in range(3)); next(g)",
    "coroutine": "import asyncio\n    async def h(): return 1\n    c = asyncio.run(h())",
    "recursion": "r = lambda n: 0 if n == 0 else r(n - 1); r(100)",
}


def size(trace: BlockTrace) -> int:
    return sum(len(str(block)) for block in trace.blocks)


async def test_large_values_do_not_make_large_or_slow_traces(sandbox: ProcessSandbox) -> None:
    async def trace(name: str) -> tuple[bool, int, bool]:
        test: Test = SPLIT if name == "variables" else CALL
        found = await sandbox.trace(LARGE[name], test, entry_point="f", limits=LIMITS)
        return found.error is None, len(found.blocks), size(found) < MOST

    found = await asyncio.gather(*map(trace, LARGE))
    assert dict(zip(LARGE, found, strict=True)) == dict.fromkeys(LARGE, (True, 400, True))


async def test_hostile_values_are_shown_without_asking_them(sandbox: ProcessSandbox) -> None:
    async def trace(body: str) -> BlockTrace:
        program = f"def f(x):\n    {body}\n    for i in range(3): t = i\n    return x"
        return await sandbox.trace(program, CALL, entry_point="f", limits=LIMITS)

    for name, found in zip(VALUES, await asyncio.gather(*map(trace, VALUES.values())), strict=True):
        assert found.error is None, name
        assert found.complete, name
        assert found.blocks[-1].after[-1] == ("_ret", "1"), name


async def test_a_tracer_that_was_taken_away_is_missed(sandbox: ProcessSandbox) -> None:
    program = (
        "import sys\ndef f(x):\n    a = 1\n    sys.settrace({})\n    for i in range(3): a += i\n    return x"
    )
    for other in ("None", "lambda *a: None"):
        found = await sandbox.trace(program.format(other), CALL, entry_point="f")
        assert (found.error, found.complete) == (None, False)
    kept = await sandbox.trace(program.format("sys.gettrace()"), CALL, entry_point="f")
    assert (kept.error, kept.complete) == (None, True)


FORGE = """\
import gc, json, os
def f(x):
    token = next(o['token'] for o in gc.get_objects() if type(o) is dict and type(o.get('token')) is str
                 and 'program' in o)
    block = {{'index': 1, 'lines': [1, 2], 'source': 'x' * 10**6, 'before': [['a', 'b' * 10**6]] * 5, 'after': []}}
    for i in range({count}):
        record = {{'token': token, 'kind': 'blocks', 'total': 2**50, 'complete': True, 'blocks': [block]}}
        record.update({change})
        os.write(10, json.dumps(record).encode() + b'\\n')
    os._exit(0)
"""


@pytest.mark.parametrize(
    ("count", "change"),
    [
        (1, "{}"),
        (100, "{}"),
        (1, "{'blocks': [[]]}"),
        (1, "{'blocks': {}}"),
        (1, "{'total': 'x'}"),
        (1, "{'total': 2**70}"),
    ],
)
async def test_forged_traces_are_bounded_or_refused(sandbox: ProcessSandbox, count: int, change: str) -> None:
    program = FORGE.format(count=count, change=change)
    began = time.monotonic()
    found = await sandbox.trace(program, CALL, entry_point="f", limits=LIMITS)
    assert time.monotonic() - began < LIMITS.wall_seconds
    assert found.error is not None
    assert size(found) < 100_000


async def test_a_trace_that_nobody_asked_for_is_no_record(sandbox: ProcessSandbox) -> None:
    verdict = await sandbox.judge(FORGE.format(count=1, change="{}"), [CALL], entry_point="f", limits=LIMITS)
    assert verdict.error is not None or verdict.results[0].error is not None
    assert "FalseReport" in str((verdict.error, verdict.results[0].error))


async def test_forks_of_a_traced_program_say_nothing(sandbox: ProcessSandbox) -> None:
    program = (
        "import os\ndef f(x):\n    try:\n        child = os.fork()\n    except OSError:\n        child = 1\n"
        "    return x if child else 2"
    )
    found = await sandbox.trace(program, CALL, entry_point="f", limits=LIMITS)
    assert (found.error, found.blocks[-1].after[-1]) == (None, ("_ret", "1"))
