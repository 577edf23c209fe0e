"""Ctrl-C reaches a run on systems whose event loops know no signals, too."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from codegrove.cli.interrupts import on_interrupt


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
