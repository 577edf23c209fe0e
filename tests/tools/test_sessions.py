"""Interpreter sessions: what lasts from cell to cell, what a record says, and how sessions end."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegrove.errors import SandboxError, UsageError
from codegrove.task import CallTest
from codegrove.tools.sandbox import (
    CellStatus,
    Limits,
    ProcessSandbox,
    Session,
    SessionLimits,
    SessionSandbox,
)
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from codegrove.tools.sandbox.values import Opaque

QUICK = SessionLimits(cell_seconds=0.3)

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the process table of Linux")


async def test_variables_last_from_cell_to_cell(sandbox: ProcessSandbox) -> None:
    async with sandbox.session() as session:
        first = await session.run("x = 1\nx + 1")
        second = await session.run("print(x + 1)")
        assert isinstance(session, Session)
    assert (first.status, first.number, first.value, first.shown, first.stdout) == ("ok", 1, 2, "2", "")
    assert (second.status, second.number, second.value, second.stdout) == ("ok", 2, None, "2\n")
    assert first.ok and first.alive and 0 < first.seconds < 5


async def test_an_exception_is_a_record_and_what_was_done_stays(sandbox: ProcessSandbox) -> None:
    async with sandbox.session() as session:
        await session.run("def f(x):\n    return 1 / x\n")
        failed = await session.run("y = 5\nprint('before')\nf(0)\ny = 6")
        assert (failed.status, failed.stdout, failed.alive) == (CellStatus.RAISED, "before\n", True)
        assert failed.error is not None
        assert (failed.error.type, failed.error.message, failed.error.line) == (
            "ZeroDivisionError",
            "division by zero",
            3,
        )
        assert failed.error.trace == ((3, "<module>"), (2, "f of cell 1"))
        assert (await session.get("y")).value == 5
        left = await session.run("raise SystemExit(3)")
        assert (left.status, left.alive) == (CellStatus.RAISED, True)


async def test_text_that_does_not_parse_runs_nothing(sandbox: ProcessSandbox) -> None:
    async with sandbox.session() as session:
        bad = await session.run("x = 1\nx = = 2")
        assert (bad.status, bad.error and (bad.error.type, bad.error.line)) == (
            CellStatus.INVALID,
            ("SyntaxError", 2),
        )
        missing = await session.get("x")
        assert (missing.status, missing.error and missing.error.type) == (CellStatus.RAISED, "NameError")
        inside = await session.run("\n\neval('1 +')")
        assert (inside.status, inside.error and inside.error.line) == (CellStatus.RAISED, 3)


CELLS = {
    "classes": ("class A:\n    def __init__(self, x): self.x = x", "A(3).x", 3),
    "generators": ("def g():\n    yield from range(3)\nit = g(); next(it)", "list(it)", [1, 2]),
    "coroutines": (
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x",
        "asyncio.run(f(7))",
        7,
    ),
    "recursion": ("def f(n): return 0 if n == 0 else 1 + f(n - 1)", "f(900)", 900),
    "threads": (
        "import threading\nseen = []\nt = threading.Thread(target=lambda: seen.append(1)); t.start()",
        "t.join(); seen",
        [1],
    ),
    "files": ("open('notes.txt', 'w').write('kept')", "open('notes.txt').read()", "kept"),
    "dataclasses": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\np = P(2)",
        "import pickle; pickle.loads(pickle.dumps(p)) == p",
        True,
    ),
    "sources": (
        "def f():\n    return 12\n",
        "import inspect; inspect.getsource(f)",
        "def f():\n    return 12\n",
    ),
    "comments only": ("# nothing", "", None),
    "a name like a builtin": ("compile = exec = list = print = len = None", "1 + 1", 2),
    "input at its end": ("try:\n    input()\nexcept EOFError:\n    x = 'end'", "x", "end"),
}


@pytest.mark.parametrize("name", CELLS)
async def test_ordinary_cells(sandbox: ProcessSandbox, name: str) -> None:
    first, second, expected = CELLS[name]
    async with sandbox.session() as session:
        assert (await session.run(first)).status == "ok"
        result = await session.run(second)
        assert (result.status, result.value, result.error) == ("ok", expected, None)


async def test_arrays_and_tables_are_shown(sandbox: ProcessSandbox) -> None:
    async with sandbox.session() as session:
        if not (await session.run("import numpy as np")).ok:
            pytest.skip("the interpreter has no numpy")
        result = await session.run("a = np.arange(3)\na * 2")
        assert isinstance(result.value, Opaque)
        assert result.shown == "array([0, 2, 4])"
        assert (await session.run("(a * 2).sum()")).value == 6


async def test_values_that_are_not_plain_are_opaque_and_shown_by_themselves(sandbox: ProcessSandbox) -> None:
    async with sandbox.session(SessionLimits(value_bytes=10_000)) as session:
        result = await session.run("class A:\n    def __repr__(self): return 'A' * 10_000\n[A()]")
        assert isinstance(result.value, list) and isinstance(result.value[0], Opaque)
        assert result.shown.startswith("[AAA") and len(result.shown) < 4300
        plain = await session.run("object()")
        assert plain.shown == "<object object at 0x...>"
        large = await session.run("[0] * 10**5")
        assert isinstance(large.value, Opaque) and large.value.reason == "too large"


async def test_values_are_put_in_and_read_back(sandbox: ProcessSandbox) -> None:
    value = {"rows": [(1, 2.5, None)], "set": {1, 2}, b"x": "é\ud800", "big": 10**3000, "nan": math.inf}
    async with sandbox.session() as session:
        assert (await session.put({"value": value, "other": 3})).ok
        assert (await session.get("value")).value == value
        assert (await session.run("value['rows'].append(4); other")).value == 3
        assert (await session.get("value")).value == {**value, "rows": [(1, 2.5, None), 4]}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.frozensets(st.integers(), max_size=4)
    ),
    max_leaves=12,
)


async def test_what_is_put_in_comes_back() -> None:
    box = ProcessSandbox(workers=1, level="basic")
    async with box.session() as session:

        @given(value=PLAIN)
        @settings(max_examples=30, database=None, suppress_health_check=list(HealthCheck))
        def check(value: object) -> None:
            seen.append(value)

        seen: list[object] = []
        check()
        for value in seen:
            assert (await session.put({"x": value})).ok
            back = await session.get("x")
            assert (back.value, type(back.value)) == (value, type(value))
    await box.aclose()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"x": object()}, "'x': found a object"),
        ({"x": [1, {"y": print}]}, "'x': found a builtin_function_or_method"),
        ({"x y": 1}, "'x y' is no name"),
        ({"class": 1}, "'class' is no name"),
        ({"x": "a" * 2000}, "takes more than 1000 bytes"),
        ({"x": [0] * 600}, "takes more than 1000 bytes"),
    ],
)
async def test_what_cannot_be_put_in_is_refused(variables: dict[str, object], message: str) -> None:
    session = ProcessSandbox(workers=1).session(SessionLimits(value_bytes=1000))
    with pytest.raises(UsageError, match=message):
        await session.put(variables)


async def test_values_with_cycles_and_depth_are_refused_or_opaque(sandbox: ProcessSandbox) -> None:
    loop: list[object] = []
    loop.append(loop)
    async with sandbox.session() as session:
        with pytest.raises(UsageError, match="levels deep"):
            await session.put({"x": loop})
        result = await session.run("a = []; a.append(a); a")
        assert (result.status, result.shown) == ("ok", "[[...]]")


async def test_a_cell_that_takes_too_long_is_interrupted_and_the_next_one_runs(
    sandbox: ProcessSandbox,
) -> None:
    async with sandbox.session(QUICK) as session:
        await session.run("x = 1")
        slow = await session.run("print('begun')\nx = 2\nwhile True:\n    pass")
        assert (slow.status, slow.limit, slow.alive, slow.stdout) == ("timed_out", "cell", True, "begun\n")
        assert slow.error is not None and slow.error.line in (3, 4)
        assert 0.3 <= slow.seconds < 1.3
        assert (await session.run("x")).value == 2


@pytest.mark.slow
async def test_a_cell_that_cannot_be_interrupted_ends_the_session(sandbox: ProcessSandbox) -> None:
    async with sandbox.session(QUICK) as session:
        await session.run("x = 1")
        slow = await session.run("print('begun')\nsum(range(10**12))")
        assert (slow.status, slow.limit, slow.alive, slow.stdout) == ("timed_out", "cell", False, "begun\n")
        gone = await session.run("x")
        assert (gone.status, gone.limit, gone.alive) == (CellStatus.NOT_RUN, "cell", False)
        assert gone.error is not None and gone.error.type == "SessionEnded"
        assert "could not be interrupted" in gone.error.message and "2 cells" in gone.error.message
        assert (await session.get("x")).status is CellStatus.NOT_RUN
        assert not session.alive


async def test_the_output_of_a_cell_is_bounded(sandbox: ProcessSandbox) -> None:
    async with sandbox.session(SessionLimits(output_bytes=1000)) as session:
        much = await session.run("print('x' * 10**6); 5")
        assert (much.status, much.value, much.limit, len(much.stdout)) == ("ok", 5, "output", 1000)
        assert (await session.run("print('y')")).stdout == "y\n"
        flood = await session.run("import os\nwhile True: os.write(1, b'z' * 1000)")
        assert (flood.status, flood.limit, flood.alive) == (CellStatus.KILLED, "output", False)
        assert flood.stdout == "z" * 1000


async def test_cells_are_counted(sandbox: ProcessSandbox) -> None:
    async with sandbox.session(SessionLimits(cells=2), setup="x = 1") as session:
        for _ in range(2):
            assert (await session.run("x")).value == 1
            assert (await session.get("x")).ok
        over = await session.run("x")
        assert (over.status, over.limit, over.alive) == (CellStatus.NOT_RUN, "cells", False)
        assert (await session.get("x")).value == 1


@pytest.mark.parametrize(
    ("limits", "code", "limit"),
    [
        (SessionLimits(wall_seconds=0.5), "import time; time.sleep(20)", "wall"),
        (
            SessionLimits(processes=4),
            "import threading, time\n"
            "for _ in range(12): threading.Thread(target=time.sleep, args=(5,)).start()\ntime.sleep(5)",
            "processes" if sys.platform == "linux" else "cell",
        ),
    ],
    ids=["wall", "processes"],
)
async def test_limits_of_the_session_end_it(
    sandbox: ProcessSandbox, limits: SessionLimits, code: str, limit: str
) -> None:
    async with sandbox.session(replace(limits, cell_seconds=6.0)) as session:
        result = await session.run(code)
        assert (result.status, result.limit, result.alive) == (CellStatus.KILLED, limit, False)


async def test_processor_time_is_bounded() -> None:
    box = ProcessSandbox(workers=1, level="basic")
    async with box.session(SessionLimits(cpu_seconds=1)) as session:
        result = await session.run("while True: pass")
        assert (result.status, result.limit, result.alive) == (CellStatus.KILLED, "cpu", False)
    await box.aclose()


async def test_memory_is_bounded_and_the_session_goes_on(sandbox: ProcessSandbox) -> None:
    async with sandbox.session(SessionLimits(memory_mb=300)) as session:
        result = await session.run("x = bytearray(10**9)")
        assert (result.status, result.limit, result.alive) == (CellStatus.RAISED, "memory", True)
        assert (await session.run("1")).value == 1


async def test_the_setup_must_run(sandbox: ProcessSandbox) -> None:
    with pytest.raises(UsageError, match="setup .* NameError: .*nothing.*line 2"):
        async with sandbox.session(setup="x = 1\nnothing"):
            raise AssertionError("not reached")
    async with sandbox.session(setup="def twice(x):\n    return 2 * x") as session:
        result = await session.run("twice('a')")
        assert (result.value, result.number) == ("aa", 1)


async def test_a_session_is_started_once_and_only_used_when_started(sandbox: ProcessSandbox) -> None:
    session = sandbox.session()
    with pytest.raises(UsageError, match="not started"):
        await session.run("1")
    async with session:
        with pytest.raises(UsageError, match="started once"):
            await session.start()
    await session.aclose()
    assert (await session.run("1")).status is CellStatus.NOT_RUN


@pytest.mark.parametrize("name", ["cell_seconds", "wall_seconds", "cpu_seconds", "cells", "value_bytes"])
def test_limits_must_leave_room(name: str) -> None:
    values: dict[str, int] = {name: 0}
    with pytest.raises(UsageError, match=f"{name} is 0"):
        SessionLimits(**values)  # type: ignore[arg-type]


def test_limits_follow_the_sandbox() -> None:
    sandbox = ProcessSandbox(Limits(memory_mb=123, children=True), workers=1)
    assert (sandbox.session().limits.memory_mb, sandbox.session().limits.children) == (123, True)


def test_a_sandbox_need_not_have_sessions() -> None:
    assert isinstance(ProcessSandbox(workers=1), SessionSandbox)
    assert not isinstance(ScriptedSandbox(lambda program, tests: 1.0), SessionSandbox)


async def test_sessions_are_apart_and_leave_the_workers_to_runs() -> None:
    box = ProcessSandbox(workers=1, level="basic")
    sessions = [box.session() for _ in range(4)]
    await asyncio.gather(*(session.start() for session in sessions))
    await asyncio.gather(*(s.run(f"x = {number}") for number, s in enumerate(sessions)))
    busy = [asyncio.create_task(session.run("import time; time.sleep(0.2); x")) for session in sessions]
    verdict = await box.judge("def f(x): return x", [CallTest(args="(1,)", expected="1")], entry_point="f")
    assert verdict.passed  # the only worker is free, however many sessions are busy
    assert [result.value for result in await asyncio.gather(*busy)] == [0, 1, 2, 3]
    await box.aclose()
    assert not any(session.alive for session in sessions)


async def test_cells_of_one_session_wait_for_each_other(sandbox: ProcessSandbox) -> None:
    async with sandbox.session(setup="seen = []") as session:
        await asyncio.gather(*(session.run(f"seen.append({number})") for number in range(5)))
        assert (await session.get("seen")).value == [0, 1, 2, 3, 4]


# -- everything is dead afterwards ---------------------------------------------------------------------------

WITH_CHILD = (
    "import os, subprocess\nos.getpid(), subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True).pid"
)


async def begin(box: ProcessSandbox) -> tuple[Session, list[int]]:
    """Start a session with a process that detaches from it; both ids mean something on level ``basic``."""
    session = box.session()
    await session.start()
    value = (await session.run(WITH_CHILD)).value
    assert isinstance(value, tuple)
    return session, [pid for pid in value if isinstance(pid, int)]


async def all_dead(pids: list[int], is_alive: Callable[[int], bool], within: float = 3.0) -> bool:
    deadline = time.monotonic() + within
    while any(map(is_alive, pids)) and time.monotonic() < deadline:  # noqa: ASYNC110 - it is about processes
        await asyncio.sleep(0.01)
    return not any(map(is_alive, pids))


@linux
@pytest.mark.parametrize("how", ["closed", "cell cancelled", "sandbox closed", "sandbox forgotten"])
async def test_nothing_is_left(how: str, is_alive: Callable[[int], bool]) -> None:
    box = ProcessSandbox(workers=1, level="basic")
    session, pids = await begin(box)
    assert len(pids) == 2 and all(map(is_alive, pids))
    if how == "closed":
        await session.aclose()
        assert not any(map(is_alive, pids))
    elif how == "cell cancelled":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await session.run("import time; time.sleep(100)")
        assert await all_dead(pids, is_alive)
        gone = await session.run("1")
        assert gone.status is CellStatus.NOT_RUN
        assert gone.error is not None and "cancelled" in gone.error.message
    elif how == "sandbox closed":
        await box.aclose()
        assert await all_dead(pids, is_alive)
    else:
        del session, box
        gc.collect()
        assert await all_dead(pids, is_alive)
        return
    await box.aclose()


@linux
async def test_a_forgotten_session_ends(is_alive: Callable[[int], bool]) -> None:
    box = ProcessSandbox(workers=1, level="basic")
    session, pids = await begin(box)
    del session
    gc.collect()
    assert await all_dead(pids, is_alive)
    await box.aclose()


@linux
def test_an_event_loop_that_is_cancelled_ends_its_sessions(is_alive: Callable[[int], bool]) -> None:
    box = ProcessSandbox(workers=1, level="basic")
    found: list[int] = []
    begun = asyncio.Event()

    async def forever() -> None:
        async with box.session() as session:
            value = (await session.run(WITH_CHILD)).value
            assert isinstance(value, tuple)
            found.extend(pid for pid in value if isinstance(pid, int))
            begun.set()
            await session.run("import time; time.sleep(100)")

    async def main() -> None:
        task = asyncio.create_task(forever())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert len(found) == 2 and not any(map(is_alive, found))
    asyncio.run(box.aclose())


@linux
async def test_many_sessions_leave_no_descriptors_and_no_interpreters() -> None:
    box = ProcessSandbox(workers=1, level="basic")
    async with box.session() as session:
        await session.run("1")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(8):
        async with box.session() as session:
            assert (await session.run("1 + 1")).value == 2
    sessions = [box.session() for _ in range(4)]
    await asyncio.gather(*(session.start() for session in sessions))
    await asyncio.gather(*(session.aclose() for session in sessions))
    assert len(os.listdir("/proc/self/fd")) <= before + 3  # one more interpreter may wait
    await box.aclose()


async def test_a_closed_sandbox_starts_no_sessions() -> None:
    box = ProcessSandbox(workers=1)
    await box.aclose()
    with pytest.raises(SandboxError, match="closed"):
        async with box.session():
            raise AssertionError("not reached")


async def test_an_interpreter_that_is_none_starts_no_sessions() -> None:
    box = ProcessSandbox(workers=1, python="/bin/false", site_packages=False)
    with pytest.raises(SandboxError, match="runs nothing"):
        async with box.session():
            raise AssertionError("not reached")
    await box.aclose()
