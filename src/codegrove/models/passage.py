"""What the parts a model call passes through share: may it be sent, how often was it, how long did it only wait.

A call passes through wrappers (metering, retrying, perhaps a stranger's) whose common port has room for the
request alone. The rest travels beside it, in a context variable that `MeteredModel` sets for each call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

Wakeable = asyncio.Future[None]


class Halt:
    """Says, once and for all, that a run has ended, and wakes the calls that are waiting for their turn."""

    def __init__(self) -> None:
        self._ended = False
        self._waiting: set[Wakeable] = set()

    @property
    def ended(self) -> bool:
        """Whether nothing may be sent any more."""
        return self._ended

    def end(self) -> None:
        """End it. Doing so again changes nothing."""
        self._ended = True
        for future in tuple(self._waiting):
            wake(future)

    async def wait(self, woken: Wakeable, seconds: float | None = None) -> None:
        """Wait until `woken` is done, the time is over, or the run has ended; the caller looks which."""
        self._waiting.add(woken)
        try:
            if not self._ended:  # asked after it was added: `end` may be called from another thread
                await asyncio.wait({woken}, timeout=seconds)
        finally:
            self._waiting.discard(woken)

    async def sleep(self, sleeping: Awaitable[object]) -> None:
        """Wait for what is given, or until the run has ended."""
        task = asyncio.ensure_future(sleeping)
        ended: Wakeable = asyncio.get_running_loop().create_future()
        task.add_done_callback(lambda _: wake(ended))
        try:
            await self.wait(ended)
            if task.done():
                task.result()
        finally:
            task.cancel()


@dataclass(slots=True)
class Passage:
    """One call on its way."""

    halt: Halt = field(default_factory=Halt)
    unsent: bool = False
    """Whether it waits for its first turn. A model that knows of no turns sends at once."""
    attempts: int = 0
    """How often it was sent."""
    free: int = 0
    """Of these attempts, those by which the provider refused to work at all, and cannot have read the prompt."""
    reserve: Callable[[], None] = lambda: None
    """Reserves room for the prompt of one more attempt, and raises `BudgetExceeded` if there is none."""
    waited: float = 0.0
    """Seconds it spent waiting for turns and between attempts: no time of the model's."""


_CURRENT: ContextVar[Passage | None] = ContextVar("codegrove_passage", default=None)


def current_passage() -> Passage:
    """Return the passage of the call that is being made here; a fresh one where nobody opened any."""
    return _CURRENT.get() or Passage()


@contextmanager
def passage(halt: Halt) -> Iterator[Passage]:
    """Open the passage of one call."""
    opened = Passage(halt)
    token = _CURRENT.set(opened)
    try:
        yield opened
    finally:
        _CURRENT.reset(token)


def wake(future: Wakeable) -> None:
    """Finish a future, from any thread.

    Raises:
        RuntimeError: if its event loop is closed.
    """
    loop = future.get_loop()
    try:
        here = asyncio.get_running_loop() is loop
    except RuntimeError:
        here = False
    if here:
        _finish(future)
    else:
        loop.call_soon_threadsafe(_finish, future)


def _finish(future: Wakeable) -> None:
    if not future.done():
        future.set_result(None)
