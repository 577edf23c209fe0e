"""Programs whose verdict is known: whoever judges one of them otherwise must not judge any other."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from codegrove.errors import SandboxError
from codegrove.task import AssertTest, CallTest, StdioTest, Test
from codegrove.tools.sandbox.port import Limits
from codegrove.verdict import Status, Verdict

KNOWN_LIMITS = Limits(wall_seconds=20.0, test_seconds=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A program and what becomes of it."""

    name: str
    program: str
    expected: Status
    test: Test = CallTest(args="(3, 4)", expected="7")
    entry_point: str | None = "add"
    limits: Limits = KNOWN_LIMITS

    def complaint(self, verdict: Verdict) -> str:
        """Say what is wrong with a verdict on this program: a right one must pass, a wrong one must not, and both
        must be judged. How a wrong one is wrong may be seen differently elsewhere."""
        passed = verdict.status is Status.PASSED or any(result.passed for result in verdict.results)
        if verdict.status is not Status.UNJUDGED and passed == (self.expected is Status.PASSED):
            return ""
        note = f" ({verdict.note})" if verdict.note else ""
        return f"{self.name}: {verdict.status}, expected {self.expected}{note}"


_LIAR = """\
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 7
def add(a, b):
    return Equal()
"""
_FORGER = """\
import os
def add(a, b):
    for number in range(1, 40):
        for said in (b'{"kind": "result", "index": 0, "seconds": 0.1, "outcome": "passed"}', b'passed', b'7'):
            try:
                os.write(number, said + b'\\n')
            except OSError:
                pass
    os._exit(0)
"""
_REPLACER = """\
import builtins, json, operator
json.dumps = json.loads = operator.eq = lambda *a, **k: 7
builtins.AssertionError = SystemExit
def add(a, b):
    return 0
"""
_CLAIM = AssertTest(code="assert add(3, 4) == 7")

FIRST_USE = (
    Known(name="right function", program="def add(a, b):\n    return a + b\n", expected=Status.PASSED),
    Known(name="wrong function", program="def add(a, b):\n    return a - b\n", expected=Status.FAILED),
    Known(name="early exit", program="import os\ndef add(a, b):\n    os._exit(0)\n", expected=Status.CRASHED),
    Known(name="value that equals everything", program=_LIAR, expected=Status.FAILED),
    Known(name="forged reports", program=_FORGER, expected=Status.CRASHED),
    Known(name="replaced built-ins", program=_REPLACER, expected=Status.FAILED, test=_CLAIM),
    Known(
        name="right function after all of these",
        program="def add(a, b):\n    print('adding')\n    return a + b\n",
        expected=Status.PASSED,
        test=_CLAIM,
    ),
)
"""Few and quick: they are judged before the first verdict of a process."""

MORE = (
    Known(name="crashing function", program="def add(a, b):\n    return a / 0\n", expected=Status.CRASHED),
    Known(
        name="endless function",
        program="def add(a, b):\n    while True:\n        pass\n",
        expected=Status.TIMED_OUT,
        limits=Limits(wall_seconds=10.0, test_seconds=0.5),
    ),
    Known(name="no program", program="def add(a, b:\n", expected=Status.INVALID),
    Known(name="other function", program="def sub(a, b):\n    return a - b\n", expected=Status.INVALID),
    Known(
        name="right stdin program",
        program="print(int(input()) + int(input()))\n",
        expected=Status.PASSED,
        test=StdioTest(stdin="3\n4\n", expected="7\n"),
        entry_point=None,
    ),
    Known(
        name="right function, test of its own",
        program="def add(a, b):\n    return a + b\n",
        expected=Status.PASSED,
        test=AssertTest(code="for a in range(3):\n    assert add(a, a) == 2 * a"),
    ),
    Known(
        name="value that equals everything, test of its own",
        program=_LIAR,
        expected=Status.FAILED,
        test=AssertTest(code="for a in range(3):\n    assert str(add(a, a)) == str(2 * a)"),
    ),
)
"""For whoever has a second: `codegrove doctor`."""


def refusal(complaints: list[str]) -> str:
    """Return why a sandbox with these complaints judges nothing."""
    return (
        f"it misjudges programs whose verdict is known ({'; '.join(complaints)}), so it judges nothing;"
        " `codegrove doctor` shows more"
    )


class FirstUse:
    """Judges the known programs once, before anything else is judged. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._complaints: list[str] | None = None

    def require(self, judge: Callable[[Known], Verdict]) -> None:
        """Return if the known programs were judged as they must, now or earlier.

        Raises:
            SandboxError: if not; every time. If nothing is wrong but that time ran out, as on a busy machine, the
                next call tries again.
            whatever `judge` raises: then the next call tries again.
        """
        with self._lock:
            complaints = self._complaints
            if complaints is None:
                verdicts = [(known, judge(known)) for known in FIRST_USE]
                wrong = [(known, verdict) for known, verdict in verdicts if known.complaint(verdict)]
                complaints = [known.complaint(verdict) for known, verdict in wrong]
                if not wrong or any(verdict.status is not Status.TIMED_OUT for _, verdict in wrong):
                    self._complaints = complaints
        if complaints:
            raise SandboxError(refusal(complaints))


_uses: dict[tuple[str, str, bool, bool | None], FirstUse] = {}
_uses_lock = threading.Lock()


def _forget() -> None:
    """In a forked copy of this process nobody is left to end a test that was going on."""
    global _uses_lock
    _uses_lock = threading.Lock()
    _uses.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def first_use(level: str, python: str, site_packages: bool, fork: bool | None) -> FirstUse:
    """Return what this process knows of sandboxes of this kind."""
    with _uses_lock:
        return _uses.setdefault((level, python, site_packages, fork), FirstUse())
