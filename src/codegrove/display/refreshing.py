"""When a session that goes on is drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from loguru import logger


class Refresher:
    """Draws soon after it was asked to, and not more often than once in so many seconds.

    It draws on the event loop of the run, between two steps of the search: neither trees nor policies are made
    for two threads.

    Args:
        draw: what to call. If it fails the first failure is logged, and the run goes on.
        seconds: from the first request to the picture.
    """

    def __init__(self, draw: Callable[[], None], seconds: float) -> None:
        self._draw = draw
        self._seconds = seconds
        self._next: asyncio.TimerHandle | None = None
        self._failed = False

    def soon(self) -> None:
        """Ask for a picture, from the event loop of the run."""
        if self._next is None:
            self._next = asyncio.get_running_loop().call_later(self._seconds, self._now)

    def stop(self) -> None:
        """Draw nothing more."""
        if self._next is not None:
            self._next.cancel()

    def _now(self) -> None:
        self._next = None
        try:
            self._draw()
        except Exception:  # noqa: BLE001  policies and what they put into trees may be a stranger's
            if not self._failed:
                logger.opt(exception=True).warning("the display failed")
            self._failed = True
