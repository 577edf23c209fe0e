"""Ctrl-C reaches a run on systems whose event loops know no signals, too."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from codegrove.cli.interrupts import on_interrupt
from codegrove.cli.running import _run
from codegrove.display.terminal import make_display
from codegrove.graphs.assemble import assemble
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from codegrove.task import CallTest, Task
from codegrove.tools.sandbox.scripted import ScriptedSandbox


class LoopOfWindows(asyncio.SelectorEventLoop):
    """Takes no signal handlers, like the loops there."""

    def add_signal_handler(self, *arguments: Any) -> None:  # type: ignore[override]
        """Refuse."""
        raise NotImplementedError


@pytest.mark.skipif(os.name == "nt", reason="a signal to oneself ends a process there")
@pytest.mark.parametrize("make_loop", [asyncio.SelectorEventLoop, LoopOfWindows])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_ends_nothing(make_loop: Callable[[], Any], number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    told = 0

    async def work() -> None:
        arrived = asyncio.Event()

        def tell() -> None:
            nonlocal told
            told += 1
            arrived.set()

        with on_interrupt(tell):
            for count in (1, 2):
                arrived.clear()
                os.kill(os.getpid(), number)
                await asyncio.wait_for(arrived.wait(), 10)
                assert told == count

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.get_loop()
        runner.run(work())
    after = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert [each or signal.SIG_DFL for each in after] == before


@pytest.mark.skipif(os.name == "nt", reason="a signal to oneself ends a process there")
@pytest.mark.parametrize("signals", [1, 2])
def test_the_first_signal_leaves_paid_calls_alone_even_where_the_run_is_ending(signals: int) -> None:
    async def answer(request: Request) -> str:
        session.stop("enough of it")  # as an observer, or the end of the budget, would
        for _ in range(signals):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.1)
        return "```python\ndef f(x):\n    return x\n```"

    task = Task(id="t", statement="Return x.", entry_point="f", tests=(CallTest(args="(1,)", expected="1"),))
    sandbox = ScriptedSandbox(lambda program, tests: 1.0)
    assembly = assemble("direct", model=ScriptedModel(answer), sandbox=sandbox)
    session = assembly.open_session(task)
    if signals == 1:
        solution = asyncio.run(_run(assembly, session, make_display(session, assembly, quiet=True)))
        assert (solution.spend.calls, solution.spend.failed_calls) == (1, 0)
        assert solution.program is not None
    else:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(_run(assembly, session, make_display(session, assembly, quiet=True)))
