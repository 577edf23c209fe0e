"""Synchronous callers: results, errors, and an orderly end when they are interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest

from codegrove.graphs.portal import run_sync


def ctrl_c_soon() -> None:
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()


async def test_results_and_errors_come_back() -> None:
    async def divide(a: int, b: int) -> float:
        await asyncio.sleep(0)
        return a / b

    # Also from a thread whose own loop is running, as in a notebook.
    assert run_sync(divide(6, 3)) == 2
    with pytest.raises(ZeroDivisionError):
        run_sync(divide(6, 0))


@pytest.mark.skipif(os.name == "nt", reason="a signal to oneself ends a process there")
def test_who_is_interrupted_waits_until_things_are_put_in_order() -> None:
    order: list[str] = []

    async def work() -> None:
        try:
            ctrl_c_soon()
            await asyncio.sleep(60)
        finally:
            order.append("cancelled")
            await asyncio.sleep(0.2)
            order.append("in order")

    with pytest.raises(KeyboardInterrupt):
        run_sync(work())
    assert order == ["cancelled", "in order"]


@pytest.mark.skipif(os.name == "nt", reason="a signal to oneself ends a process there")
def test_a_second_interruption_does_not_wait() -> None:
    async def work() -> None:
        try:
            ctrl_c_soon()
            await asyncio.sleep(60)
        finally:
            ctrl_c_soon()
            await asyncio.sleep(5)

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_sync(work())
    assert time.monotonic() - begun < 4


async def test_from_its_own_loop_it_is_refused() -> None:
    async def inner() -> None:
        """Nothing."""

    async def outer() -> None:
        run_sync(inner())

    with pytest.raises(RuntimeError, match="from inside its own event loop"):
        run_sync(outer())
