"""Ctrl-C while an event loop runs, on any system."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Call something, from the running loop, whenever somebody wants the program to end, instead of ending it.

    Only in the main thread.
    """
    loop = asyncio.get_running_loop()

    def pass_on() -> None:
        loop.call_soon_threadsafe(act)

    with contextlib.ExitStack() as undo:
        for number in _SIGNALS:
            try:
                loop.add_signal_handler(number, act)
                undo.callback(loop.remove_signal_handler, number)
            except NotImplementedError:  # event loops on Windows; a signal wakes them up all the same
                before = signal.signal(number, lambda number, frame: pass_on())
                undo.callback(signal.signal, number, before)
        yield
