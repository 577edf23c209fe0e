"""Runs searches in child processes that can be killed at any moment, without paying for imports each time.

Started as a script. Reads one JSON job per line, forks a child in a process group of its own for each, kills the
group if the job says so, and answers with one JSON line: how the child ended, and how long it lived.

Everything a child pays for is written to a ledger before it gets it, one line per answer or execution.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from codegrove import Budget, asolve
from codegrove.graphs.build import build_graph  # noqa: F401  imported once for all children
from codegrove.graphs.session import Observer, Session
from codegrove.models.journal import request_key
from codegrove.models.metered import CallRecord
from codegrove.models.port import Price, Reply, Request
from codegrove.models.specs import make_model
from codegrove.outcome import Outcome
from codegrove.problems import load_problems
from codegrove.search.policy import Expansion
from codegrove.task import Test
from codegrove.tools.sandbox.scripted import ScriptedSandbox

PROBLEM = "merge-shifts"


class Ledger:
    """What was paid for, on disk before anybody has it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def pay(self, kind: str, key: str) -> None:
        """Add one line. Writes of this size are whole or absent."""
        os.write(self._file, f"{kind} {key}\n".encode())


class PaidModel:
    """The simulated programmer, with every answer on the ledger."""

    def __init__(self, ledger: Ledger, latency: float) -> None:
        self._ledger = ledger
        self._model = make_model("sim:pass_rate=0.1,repair_rate=0.1")
        self._latency = latency

    @property
    def spec(self) -> str:
        return self._model.spec

    @property
    def price(self) -> Price | None:
        return self._model.price

    async def complete(self, request: Request) -> Reply:
        key = request_key(self.spec, request).hex()
        if self._latency:
            # Uneven and the same for the same request, so that workers overtake each other.
            await asyncio.sleep(self._latency * (1 + int(key[:2], 16) % 4))
        reply = await self._model.complete(request)
        self._ledger.pay("call", key)
        return reply


class Reaper(Observer):
    """Kills the whole process group at the n-th event."""

    def __init__(self, die_at: int | None) -> None:
        self._die_at = die_at
        self.events = 0

    def asked(self, session: Session, expansion: Expansion) -> None:
        self._count()

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        self._count()

    def called(self, session: Session, record: CallRecord) -> None:
        self._count()

    def _count(self) -> None:
        self.events += 1
        if self.events == self._die_at:
            os.killpg(0, signal.SIGKILL)


def search(job: dict[str, Any]) -> NoReturn:
    """Do one job in this process, and end it."""
    ledger = Ledger(Path(job["ledger"]))
    reaper = Reaper(job.get("die_at"))

    def passing(program: str, tests: Sequence[Test]) -> float:
        digest = hashlib.sha256(program.encode()).hexdigest()
        ledger.pay("execution", digest)
        return int(digest[:4], 16) % 4 / 5  # never all tests: the search goes on to its end

    solution = asyncio.run(
        asolve(
            load_problems("bundled").by_id(PROBLEM).task,
            job["recipe"],
            out=job["out"],
            model=PaidModel(ledger, job.get("latency", 0.0)),
            sandbox=ScriptedSandbox(passing),
            overrides=job.get("overrides", {}),
            workers=job["workers"],
            seed=3,
            budget=Budget(calls=job.get("calls", 40)),
            observers=[reaper],
        )
    )
    print(json.dumps({"events": reaper.events, "reason": solution.reason}), file=sys.stderr)
    sys.stderr.flush()
    os._exit(0)


def main() -> None:
    """Serve jobs until the input ends."""
    for line in sys.stdin:
        job = json.loads(line)
        started = time.monotonic()
        child = os.fork()
        if not child:
            os.setpgid(0, 0)
            os.dup2(os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            search(job)
        if job.get("kill_after") is not None:
            time.sleep(job["kill_after"])
            try:
                os.killpg(child, signal.SIGKILL)
            except ProcessLookupError:  # it was faster, or has not made its group yet
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        ended = {"status": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - started}
        print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    main()
