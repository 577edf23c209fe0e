"""Runs coroutines for synchronous callers, on one background event loop.

codegrove is asynchronous inside. Synchronous callers (scripts, `graph.invoke`, a notebook whose own loop is
already running) hand their coroutines to this loop and wait.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _LoopThread(threading.Thread):
    """A daemon thread that runs an event loop for ever."""

    def __init__(self) -> None:
        super().__init__(name="codegrove-loop", daemon=True)
        self.loop = asyncio.new_event_loop()
        self.pid = os.getpid()
        self.start()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


_lock = threading.Lock()
_thread: _LoopThread | None = None


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on the background loop and return its result.

    Interrupting the caller (Ctrl-C) cancels the coroutine.

    Raises:
        RuntimeError: if called from the background loop itself, which would wait for itself for ever.
    """
    thread = _loop_thread()
    if threading.current_thread() is thread:
        coroutine.close()
        raise RuntimeError("a synchronous codegrove call was made from inside its own event loop; await it")
    future = asyncio.run_coroutine_threadsafe(coroutine, thread.loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _loop_thread() -> _LoopThread:
    global _thread
    with _lock:
        # A forked child inherits the object, but not the thread.
        if _thread is None or _thread.pid != os.getpid():
            _thread = _LoopThread()
        return _thread
