"""Attempts on the machines of a Ray cluster: one actor for each that is made at the same time.

An actor is a `LocalEngine` in a process of its own, with a grading process of its own beside it. It writes the
runs into the evaluation directory, which all machines share, and returns rows; only the driver writes those.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import platform
import signal
import threading
from importlib.metadata import version
from typing import Any

from codegrove.account import Sweep
from codegrove.budget import Budget, Spend
from codegrove.errors import BrokenOff, CodegroveError, UsageError
from codegrove.evaluation.attempts import Attempt
from codegrove.evaluation.directory import HEADER
from codegrove.evaluation.engines import Conditions, LeftOpen, LocalEngine, Started
from codegrove.evaluation.leases import Leases
from codegrove.evaluation.results import EvalResult
from codegrove.graphs.end import End
from codegrove.problem import Problem

CLOSING_SECONDS = 15.0
"""What an actor may take to end its grading process and sandbox before it is killed."""


class RemoteMaker:
    """What runs in an actor. All methods are called through Ray, and run in one event loop."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._engine: LocalEngine | None = None
        self._stopped: End | None = None

    async def open(self, expected: tuple[str, str, bytes]) -> None:
        """Check that this machine can work for the driver, and get ready.

        Args:
            expected: version of codegrove, of Python, and the header of the evaluation as the driver sees it.

        Raises:
            UsageError: if it cannot.
        """
        where, header = platform.node(), self._conditions.out / HEADER
        if _versions() != expected[:2]:
            ours, theirs = (f"codegrove {pair[0]} and Python {pair[1]}" for pair in (expected, _versions()))
            raise UsageError(f"engine ray: {where} has {theirs}, and here are {ours}; install the same")
        if not header.is_file() or header.read_bytes() != expected[2]:
            raise UsageError(
                f"engine ray: {where} does not see the evaluation in {header.parent}; give --out a directory on a"
                " file system that all machines share"
            )
        self._engine = LocalEngine(self._conditions, jobs=1, sweep=Sweep())
        await self._engine.open()

    async def make(
        self, attempt: Attempt, problem: Problem, share: Budget
    ) -> tuple[EvalResult | LeftOpen, Spend]:
        """Make one attempt within its share of the sweep's budget; returns what it has used as well."""
        if self._stopped is not None or self._engine is None:
            return LeftOpen("" if self._stopped is None else self._stopped.reason), Spend()
        sweep = Sweep(share)
        made = await self._engine.make(attempt, problem, sweep)
        return made, sweep.spend

    async def stop(self, why: End) -> None:
        """End the attempt at work, and begin no other."""
        self._stopped = self._stopped or why
        if self._engine is not None:
            self._engine.stop(why)

    async def close(self) -> None:
        """End the grading process and the sandbox."""
        if self._engine is not None:
            await self._engine.aclose()


class RayEngine:
    """Makes attempts on a Ray cluster: that of ``RAY_ADDRESS``, or one on this machine.

    Args:
        conditions: what the attempts share.
        jobs: attempts made at the same time; each takes one of the cluster's processors.
        sweep: account of all attempts.
        started: told of every attempt that begins.

    Raises:
        UsageError: if ray is not installed, or the sweep's limits cannot be kept across processes.
    """

    def __init__(self, conditions: Conditions, jobs: int, sweep: Sweep, started: Started) -> None:
        self._ray = _import_ray()
        self._conditions = conditions
        self._jobs = jobs
        self._started = started
        self._leases = Leases(sweep, list(conditions.arms.values()))
        self._actors: list[Any] = []
        self._idle: asyncio.Queue[Any] = asyncio.Queue()
        self._opening: list[asyncio.Task[None]] = []
        self._expected = ("", "", b"")
        self._failed: asyncio.Future[None] | None = None
        self._ours = False
        self._stopped: End | None = None

    async def open(self) -> None:
        """Connect, and start the actors. Those for which there is no processor yet join in when there is one."""
        self._failed = asyncio.get_running_loop().create_future()
        self._connect()
        self._expected = (*_versions(), (self._conditions.out / HEADER).read_bytes())
        for _ in range(self._jobs):
            self._add_actor()

    async def make(self, attempt: Attempt, problem: Problem) -> EvalResult | LeftOpen:
        """Make an attempt on the actor that is free first."""
        arm = self._conditions.arms[attempt.recipe]
        lease, used = await self._leases.take(arm), None
        try:
            actor = await self._free_actor()
            if self._stopped is not None:
                self._idle.put_nowait(actor)
                used = Spend()
                return LeftOpen(self._stopped.reason)
            self._started(attempt, None)
            try:
                made, used = await self._answer(actor.make.remote(attempt, problem, lease.budget))
            except self._ray.exceptions.RayActorError as error:
                # What the attempt has spent is on disk, and known when it goes on.
                self._replace(actor)
                return LeftOpen(f"its process was lost: {str(error).splitlines()[0]}")
            self._idle.put_nowait(actor)
            assert isinstance(made, EvalResult | LeftOpen)
            return made
        finally:
            self._leases.give_back(lease, used)

    def stop(self, why: End) -> None:
        """End what the actors are doing."""
        self._stopped = self._stopped or why
        for actor in self._actors:
            actor.stop.remote(why)

    async def aclose(self) -> None:
        """End the actors, and the cluster if it was started here."""
        for task in self._opening:
            task.cancel()
        try:
            if self._idle.qsize():
                free = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
                closing = asyncio.gather(*(self._answer(actor.close.remote()) for actor in free))
                with contextlib.suppress(TimeoutError, self._ray.exceptions.RayError):
                    await asyncio.wait_for(closing, CLOSING_SECONDS)
        finally:
            for actor in self._actors:
                self._ray.kill(actor)
            if self._ours:
                await asyncio.to_thread(self._ray.shutdown)

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        # A cluster that is started here reports to nobody, unless the user says so.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        in_main = threading.current_thread() is threading.main_thread()
        before = signal.getsignal(signal.SIGTERM)
        try:
            self._ray.init(include_dashboard=None, logging_level="ERROR", configure_logging=True)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"engine ray: no connection to the cluster of RAY_ADDRESS={os.environ.get('RAY_ADDRESS', '')!r}:"
                f" {error}"
            ) from None
        if in_main and before is not None:
            signal.signal(signal.SIGTERM, before)  # ray sets a handler of its own that exits at once
        self._ours = True

    def _add_actor(self) -> None:
        remote = self._ray.remote(RemoteMaker).options(num_cpus=1, scheduling_strategy="SPREAD")
        try:
            actor = remote.remote(self._conditions)
        except (TypeError, AttributeError) as error:  # how pickle refuses
            raise UsageError(
                f"engine ray: the settings cannot be sent to other processes ({error}); name models by their"
                " specification"
            ) from None
        self._actors.append(actor)
        self._opening.append(asyncio.ensure_future(self._open(actor)))

    def _replace(self, actor: Any) -> None:
        self._actors.remove(actor)
        self._ray.kill(actor)
        self._add_actor()

    async def _open(self, actor: Any) -> None:
        assert self._failed is not None
        try:
            await self._answer(actor.open.remote(self._expected))
        except (CodegroveError, self._ray.exceptions.RayError) as error:
            if not self._failed.done():
                found = (
                    error
                    if isinstance(error, CodegroveError)
                    else BrokenOff(f"engine ray: no process could be started: {error}")
                )
                self._failed.set_exception(found)
            return
        self._idle.put_nowait(actor)

    async def _free_actor(self) -> Any:
        """Wait for an actor, or for the news that one of them cannot work."""
        assert self._failed is not None
        waiting = asyncio.ensure_future(self._idle.get())
        try:
            await asyncio.wait({waiting, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            return await waiting
        finally:
            waiting.cancel()

    async def _answer(self, reference: Any) -> Any:
        """Wait for a call; an exception of the other side is raised as it was there."""
        try:
            return await reference
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, CodegroveError):
                raise error.cause from None
            raise


def _versions() -> tuple[str, str]:
    return version("codegrove"), ".".join(platform.python_version_tuple()[:2])


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        if error.name != "ray":
            raise
        raise UsageError(
            "engine ray needs a package that is not installed; pip install 'codegrove[ray]'"
        ) from None
