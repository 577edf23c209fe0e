"""Ends the process of a run when a test takes too long: unlike an exception, that cannot be caught.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Protocol

AtAlarm = Callable[[FrameType | None], None]
"""What is done before the end. It gets the frame that the main thread is in."""


class Alarm(Protocol):
    """Rings once, unless it is stopped before."""

    def start(self, seconds: float | None = None) -> None:
        """Let it ring in so many seconds; None for its own number. Another start counts instead of this one."""
        ...

    def stop(self) -> None:
        """Keep it from ringing."""
        ...


MakeAlarm = Callable[[float, AtAlarm], Alarm]

_SIGALRM, _REAL_TIME = int(getattr(signal, "SIGALRM", 0)), int(getattr(signal, "ITIMER_REAL", 0))


class SignalAlarm:
    """Rings by a signal, where the system has such."""

    def __init__(self, seconds: float, at_alarm: AtAlarm) -> None:
        self._seconds = seconds
        self._at_alarm = at_alarm
        self._set_timer, self._set_handler = signal.setitimer, _signal.signal  # `signal.signal` does more
        self._exit = os._exit

    def start(self, seconds: float | None = None) -> None:
        """See `Alarm`."""
        self._set_handler(_SIGALRM, self._ring)
        self._set_timer(_REAL_TIME, self._seconds if seconds is None else seconds)

    def stop(self) -> None:
        """See `Alarm`."""
        self._set_timer(_REAL_TIME, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        try:
            sys.setrecursionlimit(sys.getrecursionlimit() + 200)  # it may ring at the deepest point
            self._at_alarm(frame)
        finally:
            self._exit(0)


class ThreadAlarm:
    """Rings from a thread. A call in C that keeps the interpreter to itself is ended from outside only."""

    def __init__(self, seconds: float, at_alarm: AtAlarm) -> None:
        self._seconds = seconds
        self._at_alarm = at_alarm
        self._deadline: float | None = None
        self._ringing = _thread.allocate_lock()
        """Held while it rings, and for ever from then on: a test that ends at that moment must not be reported
        a second time."""
        self._news = _thread.allocate_lock()
        self._news.acquire()
        self._of = _thread.get_ident()
        self._started = False
        self._clock, self._frames, self._exit = time.monotonic, sys._current_frames, os._exit

    def start(self, seconds: float | None = None) -> None:
        """See `Alarm`."""
        with self._ringing:
            self._deadline = self._clock() + (self._seconds if seconds is None else seconds)
            if self._news.locked():
                self._news.release()
        if not self._started:
            self._started = True
            _thread.start_new_thread(self._watch, ())  # one of `threading` would be seen by the program

    def stop(self) -> None:
        """See `Alarm`."""
        with self._ringing:
            self._deadline = None

    def _watch(self) -> None:
        while True:
            deadline = self._deadline
            self._news.acquire(True, -1 if deadline is None else max(0.0, deadline - self._clock()))
            with self._ringing:
                if self._deadline is None or self._clock() < self._deadline:
                    continue
                try:
                    self._at_alarm(self._frames().get(self._of))
                finally:
                    self._exit(0)
