"""One run, in a process of its own: load a program, try the tests, send a record for each.

What is sent is judged elsewhere: for a call, the value it returned; for a program on stdin, how it ended. Expected
values of these are never in this process. A record is a line of JSON that carries the run's token and the
index of its test; the judge accepts them only complete and in order.

Assert tests are the exception: here they share the process with the candidate, in a copy of its namespace. A
candidate that looks for it (frames, the garbage collector) can find the expected values and the token, and
forge a pass. What is kept: leaving early, printing, raising anything, replacing functions of the standard
library or of `builtins` does not make a test pass.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import _sitebuiltins
import atexit
import builtins
import contextlib
import json
import linecache
import os
import random
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any

from codegrove.tools import block_trace
from codegrove.tools.sandbox import values

PROGRAM = "<candidate>"
TEST = "<test>"
"""File names of the compiled program and of assert tests, as frames show them."""

_FAILURE = AssertionError  # what `assert` raises, whatever a candidate puts into `builtins`
_MOST_FRAMES = 20
_MOST_MESSAGE = 2000
_TRACE_ITEMS = 40
"""Values shown per variable in a trace."""


def run(job: int, result: int, stdin: int, stdout: int, stderr: int, *, scratch: str) -> None:
    """Do the job that is read from a descriptor, in a process that exists for nothing else. Never returns."""
    for number, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    with os.fdopen(job, "rb") as file:
        text = file.read()
    if not text:
        os._exit(0)  # the judge changed its mind
    work = json.loads(text)
    channel = Channel(result, work["token"])
    try:
        _prepare(work, scratch)
    except Exception as error:  # noqa: BLE001 - nothing of the candidate has run: this is our own failure
        channel.send("broken", error=describe(error))
        os._exit(70)
    Run(work, channel).go()


def _prepare(work: dict[str, Any], scratch: str) -> None:
    os.chdir(scratch)
    for name in ("HOME", "TMPDIR", "TEMP", "TMP"):
        os.environ[name] = scratch
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    for name in ("exit", "quit"):  # the site module would, but it is not loaded
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D"))
    sys.argv = ["candidate.py"]
    sys.path += work["site_packages"]
    random.seed(0)  # the same program should get the same verdict every time
    for name, value in work["limits"].items():
        lower_limit(name, value)


def lower_limit(name: str, value: int) -> None:
    """Set a limit of the kernel, for good; where the platform does not know it, nothing happens."""
    try:
        import resource
    except ImportError:
        return
    number = getattr(resource, f"RLIMIT_{name}", None)
    if number is None:
        return
    hard = resource.getrlimit(number)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard - 1)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some it knows
        resource.setrlimit(
            number, (value, value + 1 if name == "CPU" else value)
        )  # SIGXCPU comes before SIGKILL


class Channel:
    """Sends records. Holds on to what it needs, so that a program that replaces it breaks only itself."""

    def __init__(self, descriptor: int, token: str) -> None:
        write, dumps = os.write, json.dumps

        def send(kind: str, **fields: Any) -> None:
            rest = memoryview(dumps({"token": token, "kind": kind, **fields}).encode() + b"\n")
            while rest:
                rest = rest[write(descriptor, rest) :]

        self.send = send


class Alarm:
    """Ends the process when a test takes too long: unlike an exception, that cannot be caught."""

    def __init__(self, seconds: float, at_alarm: Callable[[FrameType | None], None]) -> None:
        self._seconds = seconds
        self._at_alarm = at_alarm
        self._set_timer, self._set_handler = signal.setitimer, signal.signal
        self._exit = os._exit

    def start(self) -> None:
        self._set_handler(signal.SIGALRM, self._ring)
        self._set_timer(signal.ITIMER_REAL, self._seconds)

    def stop(self) -> None:
        self._set_timer(signal.ITIMER_REAL, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        try:
            sys.setrecursionlimit(sys.getrecursionlimit() + 200)  # it may ring at the deepest point
            self._at_alarm(frame)
        finally:
            self._exit(0)


class Run:
    """Loads the program and tries the tests."""

    def __init__(self, work: dict[str, Any], channel: Channel) -> None:
        self.send = channel.send
        self.program: str = work["program"]
        self.entry_point: str | None = work["entry_point"]
        self.tests: list[dict[str, Any]] = work["tests"]
        self.stdio: bool = work["stdio"]
        self.alarm = Alarm(work["test_seconds"], self._timed_out)
        self.test_seconds: float = work["test_seconds"]
        self.trace: bool = work["trace"]
        self.recorder: block_trace.Recorder | None = None
        self.current: int | None = None
        self.started = 0.0
        self.clock = time.perf_counter
        self.exit = os._exit
        self.pid, self.pid_now = os.getpid(), os.getpid
        self.output = sys.stdout

    def go(self) -> None:
        module = ModuleType("__main__" if self.stdio else "candidate")
        module.__dict__["__file__"] = PROGRAM
        sys.modules[module.__name__] = sys.modules["__main__"] = module
        linecache.cache[PROGRAM] = (
            *(len(self.program), None),
            *(self.program.splitlines(keepends=True), PROGRAM),
        )
        try:
            code = compile(self.program, PROGRAM, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self.send("invalid", error=describe(error))
            self.exit(0)
        if self.trace:
            self.recorder = block_trace.Recorder(self.program, PROGRAM, _show_in_trace)
        if self.stdio:
            self._run_as_script(code, module.__dict__)
        else:
            self._run_tests(code, module.__dict__)
        with contextlib.suppress(BaseException):  # the program may have closed or replaced it
            self.output.flush()
        self.send("finished")
        self.exit(0)

    def _run_tests(self, code: CodeType, namespace: dict[str, Any]) -> None:
        if not self._load(code, namespace):
            return
        if self.entry_point is not None and self.entry_point not in namespace:
            self.send("missing")
            return
        self.send("loaded")
        for test in self.tests:
            self._one(test["index"], lambda t=test: self._try(t, namespace))  # type: ignore[misc]

    def _load(self, code: CodeType, namespace: dict[str, Any]) -> bool:
        self.alarm.start()
        try:
            exec(code, namespace)
            self.alarm.stop()
        except BaseException as error:  # noqa: BLE001 - the candidate may raise anything
            problem = describe(error)
            self.alarm.stop()
            self.send("load_failed", error=problem)
            return False
        return True

    def _one(self, index: int, action: Callable[[], dict[str, Any]]) -> None:
        """Run one test under the alarm and send its record; `action` returns the fields of the record."""
        self.current = index
        self.started = self.clock()
        self.alarm.start()
        try:
            if self.recorder is not None:
                self.recorder.start()
            try:
                fields = action()
            finally:
                if self.recorder is not None:
                    self.recorder.stop()
        except BaseException as error:  # noqa: BLE001 - the candidate may raise anything
            fields = {"outcome": "raised", "error": describe(error)}
        self.alarm.stop()
        if self.pid_now() != self.pid:
            self.exit(0)  # a copy that the candidate forked; the original answers
        self._send_blocks()
        self.send("result", index=index, seconds=self.clock() - self.started, **fields)

    def _try(self, test: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
        if test["kind"] == "assert":
            return self._try_asserts(test["code"], namespace)
        args: Any = values.from_wire(
            test["args"]
        )  # decoded for each test: a program may change what it is given
        kwargs: Any = values.from_wire(test["kwargs"])
        value = namespace[self.entry_point or ""](*args, **kwargs)
        return {"outcome": "value", "value": values.to_wire(value)}

    def _try_asserts(self, code: str, namespace: dict[str, Any]) -> dict[str, Any]:
        seen = Obtained()
        scope = {**namespace, "__obtained__": seen}
        try:
            exec(compile(code, TEST, "exec", dont_inherit=True), scope)
        except _FAILURE as error:
            problem = describe(error)
            return {"outcome": "raised", "error": problem, "failed": True, "obtained": seen.report()}
        return {"outcome": "passed"}

    def _run_as_script(self, code: CodeType, namespace: dict[str, Any]) -> None:
        def script() -> dict[str, Any]:
            try:
                exec(code, namespace)
            except SystemExit as error:
                if error.code not in (None, 0):
                    raise
            threading._shutdown()  # type: ignore[attr-defined]  # wait for threads, as the interpreter does
            atexit._run_exitfuncs()
            sys.stdout.flush()
            return {"outcome": "ended"}

        self._one(self.tests[0]["index"], script)

    def _timed_out(self, frame: FrameType | None) -> None:
        self._send_blocks()
        seconds = f"{self.test_seconds:g} seconds"
        where = f"no result within {seconds}" if self.current is not None else f"not loaded within {seconds}"
        error = {"type": "TimeLimit", "message": where, "trace": _frames_above(frame), "test_line": None}
        if self.current is None:
            self.send("load_timed_out", error=error)
        else:
            passed = self.clock() - self.started
            self.send("result", index=self.current, seconds=passed, outcome="timed_out", error=error)
        with contextlib.suppress(BaseException):  # it may have rung inside a write to the same buffer
            self.output.flush()

    def _send_blocks(self) -> None:
        if self.recorder is not None:
            self.send("blocks", total=self.recorder.total, blocks=self.recorder.blocks())


def _show_in_trace(value: object) -> str:
    return values.show(value, most_items=_TRACE_ITEMS)


class Obtained:
    """Remembers the values that the assertion under way compares. Assertions call it, see `asserts`."""

    def __init__(self) -> None:
        self._assertion = -1
        self._position = -1
        self._values: list[object] = []

    def __call__(self, assertion: int, position: int, value: object) -> object:
        if assertion != self._assertion or position <= self._position:  # another one, or the next round
            self._values = []
        self._assertion, self._position = assertion, position
        self._values.append(value)
        return value

    def report(self) -> dict[str, Any]:
        return {
            "assertion": self._assertion,
            "values": [values.to_wire(value) for value in self._values[:3]],
        }


def describe(error: BaseException) -> dict[str, Any]:
    """Return an exception as plain data. Its `__str__` belongs to the candidate and may do anything."""
    try:
        message = str.__str__(str(error))[:_MOST_MESSAGE]
    except BaseException:  # noqa: BLE001 - see above
        message = ""
    trace, test_line = _frames_below(sys.exc_info()[2])
    if isinstance(error, SyntaxError) and not trace and type(error.lineno) is int:
        trace = [[error.lineno, "<module>"]]
        message = str(error.msg)[:_MOST_MESSAGE]
    return {
        "type": values.type_name(error),
        "message": message,
        "trace": trace,
        "test_line": test_line,
    }


def _frames_below(traceback: TracebackType | None) -> tuple[list[list[Any]], int | None]:
    """Return the candidate's frames, outermost first, and the line of the test that the exception passed."""
    first: list[list[Any]] = []
    last: deque[list[Any]] = deque(maxlen=_MOST_FRAMES // 2)
    test_line = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == PROGRAM:
            (first if len(first) < _MOST_FRAMES // 2 else last).append([traceback.tb_lineno, code.co_name])
        elif code.co_filename == TEST:
            test_line = traceback.tb_lineno
        traceback = traceback.tb_next
    return [*first, *last], test_line


def _frames_above(frame: FrameType | None) -> list[list[Any]]:
    """Return the innermost frames of the candidate, outermost of them first. There may be a million more."""
    frames: list[list[Any]] = []
    while frame is not None and len(frames) < _MOST_FRAMES:
        if frame.f_code.co_filename == PROGRAM:
            frames.append([frame.f_lineno, frame.f_code.co_name])
        frame = frame.f_back
    return frames[::-1]
