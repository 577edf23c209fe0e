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

CLOSING_SECONDS = 15.0
"""What a coroutine whose caller was interrupted may take to end. A grading process alone may take 10."""


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

    Interrupting the caller (Ctrl-C) cancels the coroutine, and gives it `CLOSING_SECONDS` to let go of files and
    processes; interrupting once more does not wait.

    Raises:
        RuntimeError: if called from the background loop itself, which would wait for itself for ever.
    """
    thread = _loop_thread()
    if threading.current_thread() is thread:
        coroutine.close()
        raise RuntimeError("a synchronous codegrove call was made from inside its own event loop; await it")
    ended = threading.Event()
    tasks: list[asyncio.Task[T]] = []

    def begin() -> None:
        tasks.append(thread.loop.create_task(coroutine))
        tasks[0].add_done_callback(lambda task: ended.set())

    def cancel() -> None:
        tasks[0].cancel()

    try:
        thread.loop.call_soon_threadsafe(begin)
        ended.wait()
    except BaseException:
        thread.loop.call_soon_threadsafe(cancel)
        ended.wait(
            CLOSING_SECONDS
        )  # the thread is a daemon's: who leaves at once lets nothing be put in order
        raise
    return tasks[0].result()


def _loop_thread() -> _LoopThread:
    global _thread
    with _lock:
        # A forked child inherits the object, but not the thread.
        if _thread is None or _thread.pid != os.getpid():
            _thread = _LoopThread()
        return _thread
