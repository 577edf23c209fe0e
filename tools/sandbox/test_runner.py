"""One run of assert tests, in a process that never executes the candidate: the names of the candidate that a test
uses are stand-ins which send each call to the candidate's process, see `proxy`.

This process alone says that a test passed. It is as trusted as the author of the test text, and contained like a
candidate.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from importlib import import_module
from types import FrameType, ModuleType
from typing import Any

from codegrove.tools.sandbox import values
from codegrove.tools.sandbox.child_alarm import Alarm
from codegrove.tools.sandbox.describing import TEST, describe
from codegrove.tools.sandbox.proxy import Gone, Peer
from codegrove.tools.sandbox.remote_object import Remote

MODULE = "__test__"
"""Module name of test text, in either process."""
PATIENCE_SECONDS = 0.2
"""The candidate's process is the first to notice that time is up: it knows where it was."""
_LOAD_PATIENCE_SECONDS = 0.5
_START_SECONDS = 30.0
"""How long the candidate's process may take to start, which is not its own doing."""
_SHORT_NAMES = {"np": "numpy", "pd": "pandas"}
_LENT = (
    *("bisect", "cmath", "collections", "copy", "datetime", "decimal", "fractions", "functools", "heapq"),
    *("itertools", "json", "math", "numpy", "operator", "pandas", "random", "re", "statistics", "string"),
    *("sys", "time", "typing"),
)
"""Modules that a test may use although only the program imports them."""


_FAILURE = AssertionError  # what `assert` raises, whatever a candidate puts into `builtins`


class NoTests(Exception):
    """Test classes and functions in which nothing was run."""


class TestRun:
    """Runs the tests of a job one after another and sends a record for each."""

    def __init__(self, work: dict[str, Any], send: Callable[..., None], peer: Peer, alarm: Alarm) -> None:
        self.send, self.peer, self.alarm = send, peer, alarm
        self.tests: list[dict[str, Any]] = work["tests"]
        self.test_seconds: float = work["test_seconds"]
        self.clock = time.monotonic
        self.started = 0.0
        self.current: int | None = None

    def go(self) -> None:
        """Run all tests, or as many as the candidate lives for."""
        self.started = self.clock()
        try:
            self.alarm.start(_START_SECONDS)
            self.peer.await_greeting()
            self.alarm.start(self.test_seconds + _LOAD_PATIENCE_SECONDS)
            self.peer.ask("names")  # answered as soon as the program is loaded
        except Gone:
            return
        finally:
            self.alarm.stop()
        self.send("loaded")
        for test in self.tests:
            if not self._one(test):
                return
        self.send("finished")

    def ring(self, frame: FrameType | None) -> None:
        """Report that time is up. Called by the alarm, which then ends the process."""
        seconds = f"{self.test_seconds:g} seconds"
        where = f"not loaded within {seconds}" if self.current is None else f"no result within {seconds}"
        error: dict[str, Any] = {"type": "TimeLimit", "message": where, "trace": [], "test_line": None}
        if self.current is None:
            self.send("load_timed_out", error=error)
            return
        fields = {"outcome": "timed_out", "error": error}
        self.send("result", index=self.current, seconds=self.clock() - self.started, **fields)

    def _one(self, test: dict[str, Any]) -> bool:
        self.current, self.started = test["index"], self.clock()
        self.peer.deadline = self.started + self.test_seconds
        self.peer.own_equality = False
        self.alarm.start()
        try:
            fields = self._try(test)
        except BaseException as error:  # noqa: BLE001 - a test may raise anything
            fields = {"outcome": "raised", "error": describe_in_test(error)}
        self.alarm.stop()
        if self.peer.lost and not (self.peer.lost == "interrupted" and fields["outcome"] == "raised"):
            timed_out = self.peer.lost == "timed out"  # whatever the test made of it
            fields = (
                {"outcome": "timed_out", "error": self.peer.time_out}
                if timed_out
                else {"outcome": "lost", "nonsense": self.peer.lost == "nonsense"}
            )
        seconds = self.clock() - self.started
        self.send("result", index=test["index"], seconds=seconds, own=self.peer.own_equality, **fields)
        return not self.peer.lost

    def _try(self, test: dict[str, Any]) -> dict[str, Any]:
        seen = Obtained()
        scope = {**self._names(test["names"]), **services(seen)}
        main = ModuleType(MODULE)
        main.__dict__.update(scope)
        sys.modules[MODULE] = sys.modules["__main__"] = main
        sys.modules["candidate"] = _Program(self.peer)
        return run_test(test["code"], main.__dict__, seen)

    def _names(self, names: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, introduced in zip(names, self.peer.ask("names", *names), strict=True):
            if not isinstance(introduced, tuple) or len(introduced) != 2:
                continue
            module, value = introduced
            lent = _lend(name, module, value is None) if isinstance(module, str) and module else None
            found[name] = value if lent is None else lent
        return found


class _Program(ModuleType):
    """What ``import candidate`` finds."""

    def __init__(self, peer: Peer) -> None:
        super().__init__("candidate")
        self.__dict__["_peer"] = peer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        (introduced,) = self._peer.ask("names", name)
        if not isinstance(introduced, tuple) or len(introduced) != 2:
            raise AttributeError(f"the program does not define {name!r}")
        return introduced[1]


def _lend(name: str, module: str, whole: bool) -> Any:
    """Return a module, or what it has under this very name, for a name that the program imported.

    The program says which module; so it has no say in what the name means beyond that.
    """
    if module.partition(".")[0] not in _LENT:
        return None
    if whole and _SHORT_NAMES.get(name, name) != module:
        return None
    try:
        loaded = import_module(module)
    except ImportError:
        return None
    return loaded if whole else getattr(loaded, name, None)


def services(seen: Obtained) -> dict[str, Any]:
    """Return the names that rewritten test text uses."""
    return {
        "__obtained__": seen,
        "__run_tests__": run_collected,
        "__survived__": Survived(),
        "__name__": MODULE,
    }


def run_test(code: str, scope: dict[str, Any], seen: Obtained) -> dict[str, Any]:
    """Execute test text and return the fields of its record; raises what it raises, except a failed assertion."""
    try:
        exec(compile(code, TEST, "exec", dont_inherit=True), scope)
    except BaseException as error:
        if not isinstance(error, _FAILURE) and values.type_name(error) != "Failed":  # as pytest calls it
            raise
        problem = describe_in_test(error)
        return {"outcome": "raised", "error": problem, "failed": True, "obtained": seen.report()}
    return {"outcome": "passed"}


def describe_in_test(error: BaseException) -> dict[str, Any]:
    """Return an exception as plain data; what the candidate raised, as its own process described it."""
    fields = describe(error)
    carried = getattr(error, "_codegrove_", None)
    if not isinstance(carried, dict):
        return fields
    kept = {name: carried.get(name) for name in ("type", "message", "trace")}
    return kept | {"test_line": fields["test_line"]}


class Survived:
    """What tests that run together with the program are told by, see `must_fail`.

    Each call has two numbers. They mean something if the first is larger; so it looks the same where they do not.
    """

    def __init__(self) -> None:
        self._made = False
        self._any = False
        self._nobody = object()

    def value(self, one: int, other: int, value: object) -> object:
        """Return the value, or an object that nothing is equal to."""
        self._made = True
        return self._nobody if one > other else value

    def items(self, one: int, other: int, items: object) -> object:
        """Return the container, or one that holds nothing but such an object."""
        self._made = True
        return [self._nobody] if one > other else items

    def __call__(self, one: int, other: int) -> None:
        """Note behind a claim, if it was made, that it held although no honest program can meet it."""
        self._any |= self._made and one > other
        self._made = False

    def held(self, one: int, other: int) -> bool:
        """Whether the test may pass at its end: any such claim held, or none had to."""
        return self._any or one <= other


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
        encoder = _Shown()
        return {
            "assertion": self._assertion,
            "values": [values.to_wire(value, encoder) for value in self._values[:3]],
        }


class _Shown(values.Encoder):
    def foreign(self, value: object) -> Any:
        name = value._remote_type if type(value) is Remote else values.type_name(value)
        return {"o": [name, ""]}


def run_collected(*items: Any) -> None:
    """Run test functions and test classes as pytest and unittest would; raises what the first failure raises.

    Raises:
        NoTests: if nothing was run.
    """
    if not sum(map(_run_one, items)):
        raise NoTests("no test was run")


def _run_one(item: Any) -> int:
    if not isinstance(item, type):
        cases = list(_parameters(item))
        for arguments in cases:
            item(**arguments)
        return len(cases)
    import unittest

    if issubclass(item, unittest.TestCase):
        return _run_case(item)
    ran = 0
    for name in [name for name in dir(item) if name.startswith("test")]:
        for arguments in _parameters(getattr(item, name)):
            instance = item()
            getattr(instance, "setup_method", lambda: None)()
            getattr(instance, name)(**arguments)
            getattr(instance, "teardown_method", lambda: None)()
            ran += 1
    return ran


def _run_case(case: Any) -> int:
    import unittest

    class Result(unittest.TestResult):
        def addError(self, test: Any, err: Any) -> None:
            raise _Stop(err[1])

        addFailure = addError

        def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
            if err is not None:
                raise _Stop(err[1])

        def addUnexpectedSuccess(self, test: Any) -> None:
            raise _Stop(_FAILURE(f"{test} passed unexpectedly"))

    result = Result()
    try:
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    except _Stop as stop:
        raise stop.error.with_traceback(stop.error.__traceback__) from None
    return result.testsRun - len(result.skipped)


class _Stop(BaseException):
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _parameters(function: Any) -> list[dict[str, Any]]:
    """Return the arguments of each case: of marks as pytest has them, else none at all."""
    cases: list[dict[str, Any]] = [{}]
    for mark in getattr(function, "pytestmark", ()):
        if mark.name in ("skip", "skipif"):
            return []
        if mark.name == "parametrize":
            names, rows = mark.args[:2]
            split = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
            options = [_row(split, row) for row in rows]
            cases = [one | other for one, other in itertools.product(cases, options)]
    return cases


def _row(names: list[str], row: Any) -> dict[str, Any]:
    if type(row).__name__ == "ParameterSet":  # pytest.param(...)
        return dict(zip(names, row.values, strict=True))
    return {names[0]: row} if len(names) == 1 else dict(zip(names, row, strict=True))
