"""What a place where runs can happen has to offer: the port for containers, micro-VMs and hosted engines."""

from __future__ import annotations

from typing import Protocol

from codegrove.tools.sandbox.port import Limits


class RemoteProcess(Protocol):
    """One started process, seen through its standard input and output. It is used for one run.

    Methods may block and may raise anything; `RemoteSandbox` calls them in threads of their own, gives up on what
    does not come back, and turns what is raised into an unjudged verdict with that message.
    """

    def send(self, data: bytes) -> None:
        """Write all of it to the standard input of the process. ASCII only."""
        ...

    def receive(self) -> bytes:
        """Return what came on its standard output, as soon as there is any; nothing at the end."""
        ...

    def kill(self) -> None:
        """Kill it with everything it started, and let `send` and `receive` come back.

        Called from another thread, at most once, also when it has ended already. When this returns, nothing of
        the run may be left.
        """
        ...

    def close(self) -> str:
        """Release what is held for it, and say how it ended: exit code, last words on standard error.

        Called once, after `receive` returned nothing or raised.
        """
        ...


class Executor(Protocol):
    """Starts processes somewhere. Several at once, from several threads."""

    @property
    def name(self) -> str:
        """Short name for messages."""
        ...

    @property
    def guarantees(self) -> tuple[str, ...]:
        """What it enforces for every run besides what the judge keeps itself, of the table in docs/sandbox.md.

        ``G3`` and ``G11`` say that a run reaches no process of this machine. State only what is enforced at
        present: verdicts carry it.
        """
        ...

    @property
    def relays(self) -> bool:
        """Whether `send` and `receive` work while the process runs.

        Without, everything is sent at once before the first `receive`, so a run cannot be connected with another
        one: assert tests that need more than calls run together with the program, marked and never as proof.
        """
        ...

    def start(self, source: str, limits: Limits) -> RemoteProcess:
        """Start Python 3.11 or newer on a program, as ``python3 -c SOURCE`` or from a file.

        The program is the same for every run and holds nothing of it: a process may have been started earlier.
        Processor time, files and memory of one process are limited by the program itself; what `limits` says of
        the run as a whole is for the executor to enforce.

        Raises:
            SandboxError: if it cannot be started, with the engine's message.
        """
        ...

    def close(self) -> None:
        """Kill what is running and release everything. May be called twice."""
        ...
