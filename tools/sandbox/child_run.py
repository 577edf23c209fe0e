"""One run, in a process of its own: load a program, try the tests, send a record for each.

What is sent is judged elsewhere: for a call, the value it returned; for a program on stdin, how it ended. Expected
values of these are never in this process. A record is a line of JSON that carries the run's token and the
index of its test; the judge accepts them only complete and in order.

Asserts that are more than calls run elsewhere, see `test_runner`: then this process only answers the calls that
come over a pipe (mode ``serve``). The exception are asserts that need the program's own process (kind ``assert``
in mode ``run``): a candidate that looks for it can find their expected values and the token, and forge a pass. The
judge marks such verdicts, and tries variants that must fail. What is kept even there: leaving early, printing,
raising anything, replacing functions of the standard library or of `builtins` does not make a test pass.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import _sitebuiltins
import _socket
import atexit
import builtins
import contextlib
import json
import linecache
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from types import CodeType, FrameType, ModuleType
from typing import Any

from codegrove.tools import block_trace, line_counts
from codegrove.tools.sandbox import child_native, child_session, counts, linux, passing, test_runner, values
from codegrove.tools.sandbox.child_alarm import MakeAlarm, SignalAlarm
from codegrove.tools.sandbox.describing import PROGRAM, describe, frames_above
from codegrove.tools.sandbox.proxy import Gone, Peer
from codegrove.tools.sandbox.showing import show

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_TRACE_ITEMS = 40
"""Values shown per variable in a trace."""


_limits: dict[str, tuple[int, int]] = {}
"""Name to number of the limits that the kernel knows, and the hard limit in force."""


def make_ready() -> None:
    """Do what is the same for every run, in the process that runs are forked from."""
    read, write = os.pipe()
    before = [os.dup(number) for number in range(3)]
    os.dup2(write, 1)  # what a stream is written to, or read from, matters when it is made
    os.dup2(write, 2)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = _writer(1, -1, "surrogateescape")
    sys.stderr = _writer(2, 1, "backslashreplace")
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    for number, descriptor in enumerate(before):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.close(read)
    os.close(write)
    for name in ("exit", "quit"):  # the site module would, but it is not loaded
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D"))
    sys.orig_argv = []
    sys.argv = ["candidate.py"]
    random.seed(0)  # the same program should get the same verdict every time
    if resource is not None:
        for name in dir(resource):
            if name.startswith("RLIMIT_"):
                kind = getattr(resource, name)
                with contextlib.suppress(ValueError, OSError):  # known to Python, but not to this kernel
                    _limits[name.removeprefix("RLIMIT_")] = kind, resource.getrlimit(kind)[1]


def _writer(descriptor: int, buffering: int, errors: str) -> TextIOWrapper:
    return open(descriptor, "w", buffering, encoding="utf-8", errors=errors, newline="\n", closefd=False)


def use_thread_id(number: int) -> None:
    """Tell the main thread its id, which it would have learnt from `os.fork`."""
    threading.main_thread()._native_id = number  # type: ignore[attr-defined]


_FOLDERS = ("HOME", "TMPDIR", "TEMP", "TMP", *(("USERPROFILE",) if os.name == "nt" else ()))


def use_scratch(folder: str) -> None:
    """Tell the runs to come where their files belong."""
    if os.environ.get("HOME") != folder:
        for name in _FOLDERS:
            os.environ[name] = folder


def receive(channel: _socket.socket) -> tuple[bytes, list[int]]:
    """Read a job: its length in 8 bytes, then its text, and with the first part maybe descriptors.

    Returns:
        Its text, empty if the judge changed its mind, and the descriptors.
    """
    data, descriptors = passing.receive(channel, _FIRST_CHUNK, _MOST_DESCRIPTORS)
    length = int.from_bytes(data[:8], "big") + 8
    parts = [data]
    size = len(data)
    while data and size < length:
        data = channel.recv(_CHUNK)
        parts.append(data)
        size += len(data)
    return (b"".join(parts)[8:] if size == length else b""), descriptors


_read_json = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
"""What `json.loads` comes down to when the text is known to be nothing but a value."""
_CHUNK, _FIRST_CHUNK = 1 << 18, 1 << 14
_MOST_DESCRIPTORS = 3


def run(channel: _socket.socket, result: int) -> None:
    """Do the job that comes, see `do`."""
    text, peer = receive(channel)
    channel.close()
    do(text, result, peer)


def do(text: bytes, result: int, peer: Sequence[int], alarm: MakeAlarm = SignalAlarm) -> None:
    """Do a job in a process that exists for nothing else, in its scratch folder. Never returns.

    Args:
        text: the job; empty if the judge changed its mind.
        result: where records go to.
        peer: descriptors that came with the job. For a run that is one of a pair: where messages of the other one
            come from, and where they go to. For another language: the compiled program. For a session: where its
            cells come from. Last, for a run that counts its lines: where to.
        alarm: makes what ends the process when a test takes too long.
    """
    if not text:
        os._exit(0)
    work, _ = _read_json(text.decode(), 0)
    report = Channel(result, work["token"])
    try:
        _prepare(work)
    except Exception as error:  # noqa: BLE001 - nothing of the candidate has run: this is our own failure
        report.send("broken", error=describe(error))
        os._exit(70)
    if work["mode"] == "native":
        child_native.run(work, report.send, peer)
    if work["mode"] == "session":
        child_session.serve(work, report.send, *peer)
    report.send("prepared")
    if work["mode"] == "tests":
        _run_tests_apart(work, report, peer, alarm)
    Run(work, report, peer, alarm).go()


def _run_tests_apart(
    work: dict[str, Any], channel: Channel, descriptors: Sequence[int], new_alarm: MakeAlarm
) -> None:
    peer = Peer(descriptors[0], descriptors[1], describe, own_module=test_runner.MODULE)
    alarm = new_alarm(work["test_seconds"] + test_runner.PATIENCE_SECONDS, lambda frame: runner.ring(frame))
    runner = test_runner.TestRun(work, channel.send, peer, alarm)
    runner.go()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(0)


def _prepare(work: dict[str, Any]) -> None:
    sys.path += work["site_packages"]
    if not linux.available:
        random.seed(0)  # `os.fork` has seeded it anew
    for name, value in work["limits"].items():
        if name in _limits:
            lower_limit(name, value)


def lower_limit(name: str, value: int) -> None:
    """Set a limit of the kernel, for good, if it is one of those that `make_ready` found."""
    number, hard = _limits[name]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard - 1)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some it knows
        # SIGXCPU comes before SIGKILL
        resource.setrlimit(number, (value, value + 1 if name == "CPU" else value))


class Channel:
    """Sends records. Holds on to what it needs, so that a program that replaces it breaks only itself."""

    def __init__(self, descriptor: int, token: str) -> None:
        write, encode = os.write, json.JSONEncoder(check_circular=False).encode

        def send(kind: str, **fields: Any) -> None:
            rest = (encode({"token": token, "kind": kind, **fields}) + "\n").encode()
            while rest:
                rest = rest[write(descriptor, rest) :]

        self.send = send


class Run:
    """Loads the program and tries the tests."""

    def __init__(
        self, work: dict[str, Any], channel: Channel, peer: Sequence[int], new_alarm: MakeAlarm
    ) -> None:
        self.send = channel.send
        self.peer = Peer(peer[0], peer[1], describe, own_module=None) if work["mode"] == "serve" else None
        self.program: str = work["program"]
        self.entry_point: str | None = work["entry_point"]
        self.tests: list[dict[str, Any]] = work["tests"]
        self.stdio: bool = work["stdio"]
        self.alarm = new_alarm(work["test_seconds"], self._timed_out)
        self.test_seconds: float = work["test_seconds"]
        self.trace: bool = work["trace"]
        self.counts: tuple[int, int] | None = (peer[-1], work["coverage"]) if work["coverage"] else None
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
            code = self._compile()
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

    def _compile(self) -> CodeType:
        if self.counts is None:
            return compile(self.program, PROGRAM, "exec", dont_inherit=True)
        return line_counts.compile_counting(self.program, PROGRAM, counts.attach(*self.counts))

    def _run_tests(self, code: CodeType, namespace: dict[str, Any]) -> None:
        if not self._load(code, namespace):
            return
        if self.entry_point is not None and self.entry_point not in namespace:
            self.send("missing")
            return
        self.send("loaded")
        if self.peer is not None:
            self.peer.namespace = namespace
            self.peer.serve(self._serve_one)
            self._send_blocks()
        for test in self.tests:
            self._one(test["index"], lambda t=test: self._try(t, namespace))  # type: ignore[misc]

    def _load(self, code: CodeType, namespace: dict[str, Any]) -> bool:
        if self.peer is not None:
            self.peer.greet()
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

    def _serve_one(self, seconds: float, action: Callable[[], Any]) -> Any:
        """Do what the tests ask for, for at most some seconds."""
        self.current = 0
        self.alarm.start(seconds)
        try:
            if self.recorder is None:
                return action()
            self.recorder.start()
            try:
                return action()
            finally:
                self.recorder.stop()
        finally:
            self.alarm.stop()

    def _try(self, test: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
        if test["kind"] == "assert":
            seen = test_runner.Obtained()
            return test_runner.run_test(test["code"], {**namespace, **test_runner.services(seen)}, seen)
        if test["kind"] == "calls":
            return self._try_calls(test, namespace)
        return {
            "outcome": "value",
            "value": self._call(test["args"], test["kwargs"], namespace, values.Encoder()),
        }

    def _try_calls(self, test: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
        """Make the calls of one test; each answer is sent at once, in case the next call does not end."""
        encoder = values.Encoder()
        for args, kwargs in test["calls"]:
            value = self._call(args, kwargs, namespace, encoder)
            if self.pid_now() != self.pid:
                self.exit(0)  # a copy, see `_one`
            self.send("answer", index=test["index"], value=value)
        return {"outcome": "answered"}

    def _call(self, args: Any, kwargs: Any, namespace: dict[str, Any], encoder: values.Encoder) -> Any:
        budget = values.Budget(values.MAX_INPUT_ITEMS)
        positional: Any = values.from_wire(
            args, budget
        )  # decoded each time: a program may change what it gets
        named: Any = values.from_wire(kwargs, budget)
        return values.to_wire(namespace[self.entry_point or ""](*positional, **named), encoder)

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
        error = {"type": "TimeLimit", "message": where, "trace": frames_above(frame), "test_line": None}
        if self.current is None:
            self.send("load_timed_out", error=error)
        elif self.peer is not None:
            with contextlib.suppress(Gone):
                self.peer.tell_time_out(error)
        else:
            passed = self.clock() - self.started
            self.send("result", index=self.current, seconds=passed, outcome="timed_out", error=error)
        with contextlib.suppress(BaseException):  # it may have rung inside a write to the same buffer
            self.output.flush()

    def _send_blocks(self) -> None:
        if self.recorder is not None:
            total, complete = self.recorder.total, self.recorder.complete
            self.send("blocks", total=total, complete=complete, blocks=self.recorder.blocks())


def _show_in_trace(value: object) -> str:
    return show(value, most_items=_TRACE_ITEMS, most_text=block_trace.MOST_TEXT)
