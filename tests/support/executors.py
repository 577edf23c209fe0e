"""Executors for tests: one that listens in on plain processes, one that plays a script."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from typing import Any

from codegrove.tools.sandbox import Limits
from codegrove.tools.sandbox.remote.frames import FrameReader, FrameWriter


class PlainProcess:
    """The program as a process of this machine. Remembers what it was sent."""

    def __init__(self, source: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", source]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
        self.sent = b""

    def send(self, data: bytes) -> None:
        self.sent += data
        assert self.process.stdin is not None
        while data:
            data = data[self.process.stdin.write(data) or 0 :]

    def receive(self) -> bytes:
        assert self.process.stdout is not None
        return os.read(self.process.stdout.fileno(), 1 << 16)

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> str:
        assert self.process.stderr is not None
        with self.process:
            words = self.process.stderr.read().decode()
        return f"exit code {self.process.returncode} {words}"

    def messages(self) -> dict[str, bytes]:
        """What it was sent, by kind."""
        found: dict[str, bytes] = {}
        for kind, content in FrameReader().feed(self.sent):
            found[kind] = found.get(kind, b"") + content
        return found


class PlainExecutor:
    """Plain processes, all of them kept.

    Args:
        relays: without, input is closed before the output is read, as services do that take it all at once.
    """

    name = "plain"

    def __init__(self, *, relays: bool = True, guarantees: tuple[str, ...] = ()) -> None:
        self.relays, self.guarantees = relays, guarantees
        self.processes: list[PlainProcess] = []

    def start(self, source: str, limits: Limits) -> PlainProcess | _AllAtOnce:
        if not self.relays:
            return _AllAtOnce(source)
        self.processes.append(PlainProcess(source))
        return self.processes[-1]

    def close(self) -> None:
        for process in self.processes:
            process.kill()


class _AllAtOnce:
    """The program with a file as its input, read to its end when it is over."""

    def __init__(self, source: str) -> None:
        self._command = [sys.executable, "-c", source]
        self.process: subprocess.Popen[bytes]
        self._done = False

    def send(self, data: bytes) -> None:
        assert not hasattr(self, "process"), "everything is sent at once"
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(self._command, stdin=file, stdout=pipe, stderr=pipe)

    def receive(self) -> bytes:
        if self._done:
            return b""
        self._done = True
        output, self._words = self.process.communicate()
        return output

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> str:
        return f"exit code {self.process.wait()} {self._words.decode()}"


Script = Callable[[dict[str, Any]], Iterable[bytes]]
"""From the job to what the process says; HANG keeps it from saying anything more."""
HANG = b"<hang>"


class ScriptedProcess:
    """Says what a script says once it has its job."""

    def __init__(self, script: Script, *, stubborn: bool) -> None:
        self._script, self._stubborn = script, stubborn
        self._reader, self._job = FrameReader(), b""
        self._said: queue.Queue[bytes] = queue.Queue()
        self._over = threading.Event()

    def send(self, data: bytes) -> None:
        for kind, content in self._reader.feed(data):
            if kind == "job":
                self._job += content
            elif kind == "go":
                for part in self._script(json.loads(self._job)):
                    self._said.put(part)
                self._said.put(b"")

    def receive(self) -> bytes:
        said = self._said.get()
        if said == HANG:
            self._over.wait()
        return b"" if self._over.is_set() else said

    def kill(self) -> None:
        if self._stubborn:
            self._over.wait()
        self._said.put(b"")
        self._over.set()

    def close(self) -> str:
        return "as the script says"


class ScriptedExecutor:
    """Runs nothing, and says what the script says.

    Args:
        stubborn: whether its processes cannot be killed.
    """

    name = "script"
    guarantees: tuple[str, ...] = ()
    relays = True

    def __init__(self, script: Script, *, stubborn: bool = False) -> None:
        self._script, self._stubborn = script, stubborn
        self.processes: list[ScriptedProcess] = []

    def start(self, source: str, limits: Limits) -> ScriptedProcess:
        self.processes.append(ScriptedProcess(self._script, stubborn=self._stubborn))
        return self.processes[-1]

    def close(self) -> None:
        for process in self.processes:
            process._over.set()


Said = tuple[str, dict[str, Any] | bytes]
"""Kind and content of a frame; ``record`` has the fields of one, without the token."""


def frames(job: dict[str, Any], said: Iterable[Said]) -> list[bytes]:
    """Return frames that a supervisor would send for the job."""
    writer = FrameWriter()
    found = []
    for kind, content in said:
        if kind == "record" and isinstance(content, dict):
            content = json.dumps({"token": job["token"], **content}).encode() + b"\n"
        elif isinstance(content, dict):
            content = json.dumps(content).encode()
        found.append(writer.frames(kind, content))
    return found


ENDED: Said = ("ended", {"stopped": "", "exit": 0, "cpu": 0.1, "rss": 1000, "seconds": 0.1})


def honest(values: Iterable[int]) -> list[Said]:
    """Return what is said about a program whose calls return these values."""
    results = [
        ("record", {"kind": "result", "index": i, "seconds": 0.1, "outcome": "value", "value": value})
        for i, value in enumerate(values)
    ]
    return [
        ("ready", {"python": "3.12.1"}),
        ("started", b""),
        ("record", {"kind": "prepared"}),
        ("record", {"kind": "loaded"}),
        *results,
        ("record", {"kind": "finished"}),
        ENDED,
    ]
