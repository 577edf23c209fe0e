"""Runs that nobody asked for, in the interpreter that the real ones are forked from, so that those are quicker.

Python adapts its code to what it does while it does it, and remembers what it has looked up. In a forked process
that costs time twice, since each page of memory that is written to is copied first. What the interpreter has
learnt before, its copies need not learn. The programs here are fixed, so copies learn nothing from them but that.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import linecache
import os
import signal
import sys
from typing import Any, Self

from codegrove.tools.sandbox import child_run, test_runner
from codegrove.tools.sandbox.child_alarm import SignalAlarm
from codegrove.tools.sandbox.describing import describe
from codegrove.tools.sandbox.proxy import Peer

_ALL = 1 << 16
"""More bytes than the records of one run; a pipe holds as many."""
_TIMES = 10
"""Python 3.11 and newer adapt a function when it was called eight times; two more settle what it looks up."""

_PROGRAM = '''\
from typing import List


def rehearse(numbers: List[int], text: str = "") -> List[int]:
    """Return the numbers above one."""
    found = [number for number in numbers if number > 1]
    return found + [len(text)]
'''
_TEST = "for number in range(2):\n    assert rehearse([number, 2], 'a') == [2, 1]\n"
_CALL = {"args": {"t": [[1, 2, 3.5], "a"]}, "kwargs": {"d": []}}
_TESTS: list[dict[str, Any]] = [
    {"kind": "calls", "calls": [[_CALL["args"], _CALL["kwargs"]]] * 2},
    {"kind": "call", **_CALL},
]


def rehearse() -> bytes:
    """Go through what runs do, and leave nothing behind. Nothing may wait in this process to be printed.

    Returns:
        the records of the last runs, as a judge would get them.
    """
    modules = {name: sys.modules.get(name) for name in ("__main__", "candidate", test_runner.MODULE)}
    cached = dict(linecache.cache)
    alarm = signal.getsignal(signal.SIGALRM)
    said = b""
    for _ in range(_TIMES):
        said = _run() + _run_pair()
    for name, module in modules.items():  # what runs have imported may stay
        if module is not None:
            sys.modules[name] = module
        else:
            sys.modules.pop(name, None)
    linecache.cache.clear()
    linecache.cache.update(cached)
    signal.signal(signal.SIGALRM, alarm)
    return said


def _run() -> bytes:
    tests = [{**test, "index": index} for index, test in enumerate(_TESTS)]
    with _Pipe() as records:
        run = child_run.Run(_job("run", tests), child_run.Channel(records.write, ""), (), SignalAlarm)
        run.exit = _stay  # type: ignore[assignment]
        run.go()
        return os.read(records.read, _ALL)


def _run_pair() -> bytes:
    with _Pipe() as records, _Pipe() as calls, _Pipe() as answers:
        channel = child_run.Channel(records.write, "")
        run = child_run.Run(_job("serve", []), channel, (calls.read, answers.write), SignalAlarm)
        peer = _Beside(answers.read, calls.write, run)
        job = {"kind": "assert", "index": 0, "code": _TEST, "names": ["rehearse"]}
        alarm = SignalAlarm(60.0, lambda frame: None)
        tests = test_runner.TestRun(_job("tests", [job]), channel.send, peer, alarm)
        namespace: dict[str, Any] = {}
        run._load(compile(_PROGRAM, "<rehearsal>", "exec", dont_inherit=True), namespace)
        assert run.peer is not None
        run.peer.namespace = namespace
        tests.go()
        return os.read(records.read, _ALL)


def _job(mode: str, tests: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "mode": mode,
        "token": "",
        "program": _PROGRAM,
        "entry_point": "rehearse",
        "stdio": False,
        "tests": tests,
        "test_seconds": 60.0,
        "trace": False,
        "coverage": 0,
        "limits": {},
    }


def _stay(code: int) -> None:
    pass


class _Beside(Peer):
    """The end of the tests, in the same thread as the other end: that one answers when this one waits."""

    def __init__(self, read: int, write: int, run: child_run.Run) -> None:
        super().__init__(read, write, describe, own_module=test_runner.MODULE)
        self._run = run
        self._greeted = False

    def _receive(self) -> dict[str, Any]:
        if self._greeted and self._run.peer is not None:
            self._run.peer.answer(self._run.peer._receive(), self._run._serve_one)
        self._greeted = True
        return super()._receive()


class _Pipe:
    def __init__(self) -> None:
        self.read, self.write = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.read)
        os.close(self.write)
