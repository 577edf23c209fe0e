"""Runs in containers of docker or podman, by their command line: one container per run, used once.

A few containers are started ahead and wait without a job, so a run need not wait for the start of its own and
still shares nothing with the runs before it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Sequence
from typing import IO

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.port import Limits
from codegrove.tools.sandbox.remote.engine import Engine, find_engine, said

IMAGE = "python:3.12-slim"
"""Image used where none is named. Any with Python 3.11 or newer will do; pin one with ``NAME@sha256:...``."""

GUARANTEES = ("G3", "G4", "G5", "G6", "G8", "G9", "G10", "G11")
"""What the options below enforce, given an engine that does what they say. Not G7: a container has no privileges,
but may start processes, as many as its limit allows."""

_OWN_MEMORY_MB = 64
"""For the supervisor of a run."""
_OWN_PROCESSES = 4
_READ = 1 << 16
_NO_LIMIT_SIGNS = ("discarded", "limited without swap", "not supported", "does not support")
"""In warnings of engines that cannot enforce a limit on this host."""


class ContainerExecutor:
    """Starts containers without network, privileges and writable files but a small folder in memory.

    Nothing happens before the first run. The image has to be there: none is pulled.

    Args:
        image: what containers are made of.
        engine: ``docker``, ``podman`` or a path; None takes what there is.
        warm: containers that wait for runs to come.
        cpus: processors that one container may use.
        python: the interpreter in the image.
        command_seconds: deadline of every command to the engine.
        options: more options for ``run``, such as ``("--runtime", "runsc")``.
    """

    relays = True

    def __init__(
        self,
        image: str = IMAGE,
        *,
        engine: str | None = None,
        warm: int = 1,
        cpus: float = 1.0,
        python: str = "python3",
        command_seconds: float = 10.0,
        options: Sequence[str] = (),
    ) -> None:
        if warm < 0:
            raise SandboxError(f"warm={warm}: expected 0 or more")
        if not image or image.startswith("-"):
            raise SandboxError(f"image {image!r}: expected a name such as {IMAGE!r}")
        self.image = image
        self._wanted_engine, self._warm, self._cpus, self._python = engine, warm, cpus, python
        self._seconds, self._options = command_seconds, tuple(options)
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._idle: list[_Container] = []
        self._all: set[_Container] = set()
        self._warnings: list[str] = []
        self._closed = False
        weakref.finalize(self, _end_all, self._all, os.getpid())

    @property
    def name(self) -> str:
        """Name of the engine in use."""
        return self._engine.name if self._engine is not None else self._wanted_engine or "container engine"

    @property
    def guarantees(self) -> tuple[str, ...]:
        """See `GUARANTEES`; without G8 once the engine has said that it cannot enforce a limit here."""
        return tuple(name for name in GUARANTEES if name != "G8" or not self._warnings)

    def check(self) -> Engine:
        """Find the engine and the image, once.

        Raises:
            SandboxError: if one of them is missing or out of reach, with what to do.
        """
        with self._lock:
            if self._engine is None:
                engine = find_engine(self._wanted_engine, seconds=self._seconds)
                engine.require_image(self.image)
                self._engine = engine
            return self._engine

    def start(self, source: str, limits: Limits) -> _Container:
        """Return a container that has waited for this, or a new one; start the next ones."""
        engine = self.check()
        with self._lock:
            if self._closed:
                raise SandboxError("the sandbox is closed")
            self._all.difference_update([container for container in self._all if container.gone])
            fitting = [one for one in self._idle if one.limits == limits and one.is_alive()]
            taken = fitting[0] if fitting else self._launch(engine, source, limits)
            kept = fitting[1 : self._warm + 1]
            for container in self._idle:
                if container is not taken and container not in kept:
                    threading.Thread(target=container.end, daemon=True).start()
            self._idle = kept + [self._launch(engine, source, limits) for _ in range(self._warm - len(kept))]
            return taken

    def close(self) -> None:
        """Kill all containers."""
        with self._lock:
            self._closed = True
            self._idle = []
        _end_all(self._all, os.getpid())

    def run_command(self, engine: Engine, name: str, source: str, limits: Limits) -> list[str]:
        """Return the command line that starts a container."""
        memory = f"{limits.memory_mb + limits.scratch_mb + _OWN_MEMORY_MB}m"
        scratch = f"/tmp:rw,nosuid,nodev,noexec,size={limits.scratch_mb}m,mode=1777"
        if (
            not engine.is_podman
        ):  # which knows no such limit; there it is the memory of the container that counts
            scratch += f",nr_inodes={limits.scratch_mb * 256}"
        command = [
            *(engine.path, "run", "--rm", "--interactive", "--pull", "never", "--name", name),
            *("--network", "none", "--ipc", "none", "--hostname", "sandbox"),
            *("--read-only", "--tmpfs", scratch, "--workdir", "/tmp"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534"),
            *("--pids-limit", str(limits.processes + _OWN_PROCESSES)),
            *("--memory", memory, "--memory-swap", memory, "--cpus", f"{self._cpus:g}"),
            *("--ulimit", "core=0", "--log-driver", "none", "--no-healthcheck"),
        ]
        if engine.is_podman:
            command.append("--read-only-tmpfs=false")  # else there are more writable folders, without a limit
        return [*command, *self._options, "--entrypoint", self._python, self.image, "-I", "-S", "-c", source]

    def _launch(self, engine: Engine, source: str, limits: Limits) -> _Container:
        name = f"codegrove-{secrets.token_hex(8)}"
        command = self.run_command(engine, name, source, limits)
        container = _Container(engine, name, self.image, limits, command, self._warnings)
        self._all.add(container)
        return container


class _Container:
    """One container, and the program that runs it and carries its streams."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        image: str,
        limits: Limits,
        command: Sequence[str],
        warnings: list[str],
    ) -> None:
        self.limits = limits
        self.gone = False
        """Whether it is known that nothing is left of it."""
        self._engine, self._name, self._image, self._warnings = engine, name, image, warnings
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._seen = False
        self._lock = threading.Lock()
        try:
            self._client = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for us; we end what has to be ended
            )
        except OSError as error:
            self._errors.close()
            raise SandboxError(f"cannot start {engine.path!r}: {error.strerror or error}") from None
        assert self._client.stdin is not None and self._client.stdout is not None
        self._in, self._out = self._client.stdin, self._client.stdout

    def is_alive(self) -> bool:
        """Whether a run can be tried."""
        return self._client.poll() is None

    def send(self, data: bytes) -> None:
        """See `RemoteProcess`."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._in.write(rest) or 0 :]

    def receive(self) -> bytes:
        """See `RemoteProcess`."""
        data = self._out.read(_READ) or b""
        self._seen |= bool(data)
        return data

    def kill(self) -> None:
        """See `RemoteProcess`. The client goes first: it must not start what is about to be removed."""
        if self.gone:
            return
        with contextlib.suppress(ProcessLookupError):
            self._client.kill()
        removed = self._engine.remove(self._name)
        self.gone = removed or self._seen  # else the engine may still be about to make it: `end` asks again

    def close(self) -> str:
        """See `RemoteProcess`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._client.wait(self._engine.seconds)
        code = self._client.poll()
        with self._lock:
            if self._errors.closed:
                return f"exit code {code}"
            self._errors.seek(0)
            text = said(self._errors.read())
            for file in (self._errors, self._out, self._in):
                file.close()
        if any(sign in text.lower() for sign in _NO_LIMIT_SIGNS):
            self._warnings.append(text)
        self.gone |= (
            code == 0
        )  # by its option --rm; a client that was cut off says nothing about its container
        in_container = code in (
            126,
            127,
        )  # the interpreter could not be started; no advice on engines helps there
        explained = text if in_container else self._engine.explain(text, self._image)
        return f"exit code {code}" + (f": {explained}" if explained else "")

    def end(self) -> None:
        """Kill and close it, as far as the engine answers. Without a client its input ends, and so does it."""
        with contextlib.suppress(SandboxError, OSError):
            self.kill()
        with contextlib.suppress(OSError):
            self.close()


def _end_all(containers: set[_Container], owner: int) -> None:
    """Kill containers, all at the same time, so that an engine that hangs is waited for only once."""
    if os.getpid() != owner:
        return  # a forked copy of the user's process: they are not its own
    found = list(containers)
    threads = [threading.Thread(target=container.end) for container in found]
    for container, thread in zip(found, threads, strict=True):
        try:
            thread.start()
        except RuntimeError:  # some versions of Python start no threads when they are about to end
            container.end()
    for thread in threads:
        if thread.ident is not None:
            thread.join()
    containers.difference_update([container for container in found if container.gone])
