"""Cells that cheat or do damage: the judge answers in time, nothing is left, others are untouched.

A session may lie about itself: all its cells share one process. What must hold is that it harms nobody else, and
that what is measured outside of it stays true.
"""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from codegrove.task import CallTest
from codegrove.tools.sandbox import CellStatus, ProcessSandbox, SessionLimits
from codegrove.tools.sandbox.session_line import INTERRUPT_SECONDS

pytestmark = pytest.mark.slow

LIMITS = SessionLimits(
    cell_seconds=0.3, cpu_seconds=5, output_bytes=10_000, value_bytes=100_000, memory_mb=300, scratch_mb=8
)
LATEST = LIMITS.cell_seconds + INTERRUPT_SECONDS + 4.0
"""A record must be there. An interpreter that was stopped is waited for, on a busy machine."""

TOKEN = """\
import gc, json, os
session = next(o for o in gc.get_objects() if type(o).__name__ == '_Session')
token = session.send.__closure__
token = next(c.cell_contents for c in token if type(c.cell_contents) is str)
def send(**fields):
    os.write(10, json.dumps({'token': token, 'kind': 'cell', **fields}).encode() + b'\\n')
"""

HOSTILE: dict[str, str] = {
    "swallows the interrupt": (
        "def go():\n    try:\n        while True: pass\n    except BaseException: go()\n"
        "import sys; sys.setrecursionlimit(10**6)\ngo()"
    ),
    "switches the alarm off": "import signal\nsignal.setitimer(0, 0)\nwhile True: pass",
    "blocks all signals": "import signal\nsignal.pthread_sigmask(0, range(1, 65))\nwhile True: pass",
    "stops itself": "import os\nos.kill(os.getpid(), 19)",
    "hard exit": "import os\nos._exit(0)",
    "crash": "import ctypes\nctypes.string_at(0)",
    "closes the pipes": "import os\nos.closerange(3, 64)",
    "reads its own cells": "import os\nos.set_blocking(15, False)\nos.read(15, 10)",
    "endless repr": "class A:\n    def __repr__(self):\n        while True: pass\nA()",
    "hostile repr": "class A:\n    def __repr__(self): raise SystemExit\nA()",
    "huge repr": "class A:\n    def __repr__(self): return 'x' * 10**8\nA()",
    "repr that is no text": (
        "class S(str):\n    def __len__(self): raise SystemExit\n    def __str__(self): return 1\n"
        "class A:\n    def __repr__(self): return S('x')\nA()"
    ),
    "hostile value": (
        "class L(list):\n    __class__ = int\n    def __iter__(self): raise SystemExit\n"
        "    def __len__(self): return 10**9\n    def __getattribute__(self, n): raise SystemExit\nL([1])"
    ),
    "value with cycles": "a = {}; a['a'] = [a, (a,)]; a",
    "deep value": "a = []\nfor _ in range(10**5): a = [a]\na",
    "huge value": "'x' * 10**8",
    "equal hashes": "{(2**61 - 1) * n: n for n in range(3000)}",
    "surrogates": "print('\\ud800'); raise ValueError('\\udfff')",
    "hostile message": "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
    "endless message": "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
    "recursion": "def f(): f()\nf()",
    "memory": "x = []\nwhile True: x.append(bytearray(10**6))",
    "memory in a thread": (
        "import threading\ndef f():\n    x = []\n    while True: x.append(bytearray(10**6))\n"
        "threading.Thread(target=f).start()\nimport time; time.sleep(5)"
    ),
    "disk": "f = open('x', 'wb')\nwhile True: f.write(bytes(10**6)); f.flush()",
    "fork": "import os\nfor _ in range(3): os.fork()",
    "garbage record": "import os\nos.write(10, b'\\xff\\n')",
    "endless record": "import os\nwhile True: os.write(10, b'[' * 60_000)",
    "records": "import os\nwhile True: os.write(10, b'{}\\n' * 1000)",
    "second readiness": TOKEN
    + "os.write(10, json.dumps({'token': token, 'kind': 'ready'}).encode() + b'\\n')",
    "wrong key": TOKEN + "send(key='0' * 32, outcome='ok', value=1)",
    "record with code": TOKEN + "send(key=[], outcome={'o': 1}, value={'x': 1})",
    "malformed error": TOKEN + "send(key='', outcome='raised', error={'type': 1})",
    "claims to be broken": (
        TOKEN + "os.write(10, json.dumps({'token': token, 'kind': 'broken', 'error':"
        " {'type': 'E', 'message': '', 'trace': []}}).encode() + b'\\n')"
    ),
}


async def still_right(sandbox: ProcessSandbox) -> bool:
    verdict = await sandbox.judge(
        "def f(x):\n    return x + 1", [CallTest(args="(1,)", expected="2")], entry_point="f"
    )
    return verdict.passed


async def problem(sandbox: ProcessSandbox, code: str) -> str:
    """Return what is wrong with the record of a hostile cell, or of the one after it; nothing is."""
    async with sandbox.session(LIMITS) as session:
        began = time.monotonic()
        result = await session.run(code)
        seconds = time.monotonic() - began
        if seconds > LATEST:
            return f"a record after {seconds:.1f} s"
        if len(result.shown) > 5000 or len(result.stdout) > 4000:
            return "more text than there may be"
        after = await session.run("1 + 1")
        # it goes on, or says that it is gone; what the process made of itself is its own affair
        return "" if after.value == 2 or after.status is not CellStatus.OK else f"{after.value} instead of 2"


@pytest.mark.parametrize("part", range(4))
async def test_hostile_cells(sandbox: ProcessSandbox, part: int) -> None:
    names = list(HOSTILE)[part::4]
    async with sandbox.session(LIMITS) as other:
        await other.put({"mine": "untouched"})
        problems = await asyncio.gather(*(problem(sandbox, HOSTILE[name]) for name in names))
        assert dict(zip(names, problems, strict=True)) == dict.fromkeys(names, "")
        assert (await other.get("mine")).value == "untouched"
    assert await still_right(sandbox)


async def test_a_cell_that_lies_about_time_is_late_all_the_same(sandbox: ProcessSandbox) -> None:
    lie = (
        "import gc, signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
        "end = time.monotonic() + 0.9\nwhile time.monotonic() < end: pass\n'in time'"
    )
    async with sandbox.session(LIMITS) as session:
        result = await session.run(lie)
        assert (result.status, result.limit) == (CellStatus.TIMED_OUT, "cell")
        assert result.seconds > 0.8


async def test_a_record_sent_ahead_is_not_taken_for_that_of_the_next_cell(sandbox: ProcessSandbox) -> None:
    ahead = TOKEN + (
        "import threading, time\ndef later():\n    time.sleep(0.1)\n"
        "    send(key='', outcome='ok', value='forged')\nthreading.Thread(target=later).start()"
    )
    async with sandbox.session(LIMITS) as session:
        assert (await session.run(ahead)).ok
        await asyncio.sleep(0.3)
        result = await session.run("'true'")
        assert result.status in (CellStatus.NOT_RUN, CellStatus.KILLED)
        assert result.value is None
        assert result.error is not None and "no record of this cell" in result.error.message


async def test_output_of_threads_left_running_shows_in_the_next_cell(sandbox: ProcessSandbox) -> None:
    thread = (
        "import threading, time\ndef later():\n    time.sleep(0.1)\n    print('late')\n"
        "t = threading.Thread(target=later); t.start()\nprint('first')"
    )
    async with sandbox.session(LIMITS) as session:
        assert (await session.run(thread)).stdout == "first\n"
        assert (await session.run("t.join()")).stdout == "late\n"
        assert (await session.run("print('own')")).stdout == "own\n"


async def test_a_thread_that_floods_between_cells_ends_the_session(sandbox: ProcessSandbox) -> None:
    flood = (
        "import threading, os\ndef f():\n    while True: os.write(1, b'x' * 1000)\n"
        "threading.Thread(target=f, daemon=True).start()"
    )
    async with sandbox.session(LIMITS) as session:
        await session.run(flood)
        for _ in range(50):
            if not session.alive:
                break
            await asyncio.sleep(0.02)
        result = await session.run("1")
        assert (result.status, result.limit) == (CellStatus.NOT_RUN, "output")


REPLACED = """\
import builtins, json, os, sys, time
for name in ('print', 'compile', 'exec', 'eval', 'repr', 'len', 'isinstance', 'type', 'str'):
    setattr(builtins, name, None)
json.dumps = json.loads = os.read = os.write = os.getpid = time.monotonic = None
sys.stdout = sys.stderr = sys.modules = None
"""


async def test_replaced_builtins_harm_only_their_session(sandbox: ProcessSandbox) -> None:
    async with sandbox.session(LIMITS) as session, sandbox.session(LIMITS) as other:
        await session.run(REPLACED)
        await session.run("1")
        assert (await other.run("print(len(repr(12))); 12")).stdout == "2\n"
    async with sandbox.session(LIMITS) as fresh:  # its process may be forked from the same interpreter
        assert (await fresh.run("print(len(repr(12)))")).stdout == "2\n"
    assert await still_right(sandbox)


HUNT = """\
import gc, os, re
found = []
def look(data):
    if re.search(b'nee' + b'dle-[0-9]+', data):
        found.append(1)
for o in gc.get_objects():
    try: look(repr(o).encode())
    except BaseException: pass
for name in ('/proc/%d/mem' % p for p in (os.getppid(), 1)):
    try:
        for line in open(name.replace('mem', 'maps')):
            a, b = (int(x, 16) for x in line.split()[0].split('-'))
            with open(name, 'rb', 0) as f:
                f.seek(a); look(f.read(min(b - a, 1 << 24)))
    except (OSError, ValueError, OverflowError): pass
for top, _, files in os.walk('.'):
    for file in files: look(open(os.path.join(top, file), 'rb').read())
found
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs the strict levels")
async def test_a_session_finds_nothing_of_another_one(sandbox: ProcessSandbox) -> None:
    if sandbox.level == "basic":
        pytest.skip("processes of one user can read each other there")
    limits = SessionLimits(cell_seconds=10.0)
    async with sandbox.session(limits) as first:
        await first.run("x = 'needle-1'; open('notes', 'w').write(x)")
    async with sandbox.session(limits) as beside, sandbox.session(limits) as session:
        await beside.run("x = 'needle-2'; open('notes', 'w').write(x)")
        result = await session.run(HUNT)
        assert (result.status, result.value) == ("ok", [])
