"""Who may run when: no more runs than processors at a time, and now and then one with nothing else beside it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

from codegrove.tools.sandbox.assignment import Interrupted

_LOOK_EVERY = 0.1
"""Seconds after which somebody who waits looks whether that is still wanted."""


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Turns:
    """Readers and writers: shared turns go on side by side, one alone waits for them and keeps new ones waiting.

    Limits of a run are seconds on the clock. Runs beyond the number of processors would take processor time from
    each other, and limits would mean something else at every concurrency; so they wait instead.

    Args:
        most: shared turns at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.reset()

    def reset(self) -> None:
        """Forget all turns: for a forked copy of this process, in which nobody is left to end them."""
        self._changed = threading.Condition()
        self._shared = 0
        self._alone = False
        self._waiting_for_alone = 0

    @contextlib.contextmanager
    def shared(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Take a turn beside others.

        Raises:
            Interrupted: if it was cancelled while it waited.
        """
        with self._changed:
            self._wait(self._may_share, cancelled)
            self._shared += 1
        try:
            yield
        finally:
            with self._changed:
                self._shared -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Take a turn with no other turn beside it. Not within another turn: it would wait for itself.

        Raises:
            Interrupted: if it was cancelled while it waited.
        """
        with self._changed:
            self._waiting_for_alone += 1
            try:
                self._wait(lambda: not self._shared and not self._alone, cancelled)
                self._alone = True
            finally:
                self._waiting_for_alone -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()

    def _may_share(self) -> bool:
        return self._shared < self._most and not self._alone and not self._waiting_for_alone

    def _wait(self, ready: Callable[[], bool], cancelled: Callable[[], bool]) -> None:
        while not self._changed.wait_for(ready, _LOOK_EVERY):
            if cancelled():
                raise Interrupted("the run was cancelled")


OF_THIS_PROCESS = Turns(processors())
"""Shared by all sandboxes of this process: a run does not care whose neighbour it is. Other processes of the user
are not asked to wait: a lock between processes would let one that hangs stop all of them, and the machine has
other work than ours anyway. What they cost a run is found out afterwards, see `fairness`."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=OF_THIS_PROCESS.reset)
