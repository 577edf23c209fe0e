"""What the interpreter behind the sandbox does before its first run."""

from __future__ import annotations

import json
import linecache
import os
import signal
import sys

import pytest

from codegrove.tools.sandbox import interpreter
from codegrove.tools.sandbox.rehearsal import rehearse


def test_rehearsed_runs_go_the_way_that_right_programs_go() -> None:
    records = [json.loads(line) for line in rehearse().splitlines()]
    said = [(record["kind"], record.get("outcome", "")) for record in records]
    calls = [("answer", ""), ("answer", ""), ("result", "answered"), ("result", "value")]
    alone = [("loaded", ""), *calls, ("finished", "")]
    assert said == [*alone, ("loaded", ""), ("result", "passed"), ("finished", "")]


def test_a_rehearsal_leaves_nothing_behind() -> None:
    def state() -> tuple[object, ...]:
        made = {name: item for name, item in sys.modules.items() if getattr(item, "__spec__", 1) is None}
        return made, dict(linecache.cache), signal.getsignal(signal.SIGALRM), len(os.listdir("/dev/fd"))

    before = state()
    rehearse()
    assert state() == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("told", [False, True])
def test_byte_code_is_written_unless_python_was_told_not_to(
    told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", told)
    started = interpreter.Interpreter(sys.executable)
    started.close()
    command = started._process.args
    assert isinstance(command, list)
    assert ("-B" in command) is told
