"""One started interpreter, seen from the judge: it forks a process for each run and cleans up behind it.

Runs need POSIX (process groups, descriptors sent over a unix socket); the module can be imported anywhere. What
there is without forks is `fresh`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, TypedDict

from codegrove.errors import SandboxError
from codegrove.tools.sandbox import seatbelt
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.containment import Containment
from codegrove.tools.sandbox.conversation import Control, Conversation, Ready
from codegrove.tools.sandbox.environment import MARKER, new_environment
from codegrove.tools.sandbox.rules import START_SECONDS, Rules, RunEnd
from codegrove.tools.sandbox.scratch import empty_folder, new_folder, remove_tree
from codegrove.tools.sandbox.stdin_file import stdin_file

CHILD = Path(__file__).with_name("child.py")

_SWEEPS = 10


def _no_byte_code() -> list[str]:
    """Keep byte code from being written where this process was told so.

    Elsewhere the interpreter writes that of its own modules, which nobody else imports: it would compile them anew
    at every start.
    """
    return ["-B"] if sys.dont_write_bytecode else []


def can_fork() -> bool:
    """Whether this system can do what forked runs need: fork, and hand descriptors over a socket."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


_NONE = Containment()


class Interpreter:
    """A started interpreter. Not thread-safe, except `interrupt` and `abort`.

    Args:
        python: the program to start.
        containment: walls that it raises around every run. If it cannot, it ends and runs nothing.
        around: for level ``limited``, returns what comes before the program on the command line.

    Raises:
        SandboxError: if it cannot be started.
    """

    def __init__(
        self,
        python: str,
        containment: Containment = _NONE,
        *,
        around: Callable[[str, Containment, str], list[str]] = seatbelt.command,
    ) -> None:
        if not can_fork():
            raise SandboxError(f"{sys.platform} cannot fork processes")
        self._containment = containment
        self._environment = new_environment()
        self._lock = threading.Lock()
        self._running: Ready | None = None
        self._runner: int | None = None
        self._layers: list[str] = []
        self._series = 0
        self._prepared_for: dict[str, object] | None = None
        self._ready: Ready | None = None
        self._refused = ""
        self.usable = True
        self._scratch_parent = new_folder() if containment.level in ("restricted", "limited") else ""
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._remove_scratch)
            ours, theirs = socket.socketpair()
            with theirs:
                self._control = Control(ours)
                on_failure.callback(self._control.close)
                self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
                on_failure.callback(self._errors.close)
                before = (
                    around(python, containment, self._scratch_parent)
                    if containment.level == "limited"
                    else []
                )
                self._process = self._start([*before, python], theirs.fileno())
            on_failure.pop_all()
        self._control.tell(
            {
                "level": containment.level,
                "readable": containment.readable,
                "hidden": containment.hidden,
                "scratch_parent": self._scratch_parent,
                "stages": [asdict(stage) for stage in containment.stages],
            }
        )

    def _start(self, command: list[str], control: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*command, "-s", "-P", "-S", *_no_byte_code(), str(CHILD), str(control)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[control],
                env=self._environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"cannot start {command[-1]!r}: {error}") from error

    def run(
        self,
        job: bytes,
        *,
        stdin: bytes | None,
        rules: Rules,
        on_record: Callable[[bytes], bool],
        cancelled: Callable[[], bool],
        extra: Sequence[int] = (),
        on_output: Callable[[str, bytes], bool] | None = None,
        when_ready: Callable[[], bool] = lambda: True,
    ) -> RunEnd:
        """Hand a process the job and wait until all its processes are dead.

        Args:
            job: what `child_run.run` reads.
            stdin: content of its standard input; None for none.
            on_record: gets each line of the report; False ends the run.
            cancelled: whether `interrupt` was called before the run could be interrupted.
            extra: more descriptors for the process; closed here as soon as it has them, whatever happens.
            on_output: gets what is written to ``stdout`` or ``stderr``, all that was written before a record
                before that record; False is one byte too many. None keeps it until the end, up to the limit.
            when_ready: called when a process waits for the job, before its time begins to count; False if it is
                not to have the job.

        Raises:
            SandboxError: if the process could not be restricted.
        """
        waiting = list(extra)
        try:
            if self._containment.level == "isolated":  # the run has a file system of its own
                return self._run("", job, stdin, rules, on_record, on_output, cancelled, waiting, when_ready)
            if self._scratch_parent:
                scratch = os.path.join(self._scratch_parent, "codegrove-run")
                os.mkdir(scratch, 0o700)
            else:
                scratch = tempfile.mkdtemp(prefix="codegrove-")
            try:
                return self._run(
                    scratch, job, stdin, rules, on_record, on_output, cancelled, waiting, when_ready
                )
            finally:
                if self._scratch_parent:
                    empty_folder(self._scratch_parent)
                else:
                    remove_tree(scratch)
        except BaseException:
            self.close()  # the run may still be going on
            raise
        finally:
            _close_all(waiting)

    def _run(
        self,
        scratch: str,
        job: bytes,
        stdin: bytes | None,
        rules: Rules,
        on_record: Callable[[bytes], bool],
        on_output: Callable[[str, bytes], bool] | None,
        cancelled: Callable[[], bool],
        extra: list[int],
        when_ready: Callable[[], bool],
    ) -> RunEnd:
        ready = self._wait_until_ready(self._settings(scratch, rules, ahead=not scratch and not stdin), stdin)
        if self._refused:
            raise SandboxError(f"a run could not be contained: {self._refused}")
        if ready is None:
            return self._lost()
        if not when_ready() or cancelled():
            return _NEVER_BEGUN
        talk = Conversation(
            ready,
            self._control,
            rules,
            on_record,
            on_output,
            interrupt=self.interrupt,
            abort=self.abort,
        )
        self._ready = None
        try:
            with self._lock:
                self._running = ready
                self._runner = ready.pid or None
            talk.send(job, extra)
            _close_all(extra)
            if cancelled():
                self.interrupt()
            talk.hold()
        finally:
            with self._lock:
                self._running = None
            ready.close()
        for answer in talk.about_next:
            self._take(answer)
        seconds = time.monotonic() - talk.began
        if talk.refused:
            raise SandboxError(f"a run could not be contained: {talk.refused}")
        if talk.ended is None:
            return replace(self._lost(), started=True, seconds=seconds, **_output(talk))
        if talk.ended["clean"]:
            self._runner = None
        else:
            self.close()
        killed_by_others = talk.ended["exit"] == _KILLED and not talk.stopped and not cancelled()
        exit_code, held_up = talk.ended["exit"], talk.ended.get("held_up")
        return RunEnd(
            stopped=talk.stopped,
            started=True,
            exit_code=exit_code if isinstance(exit_code, int) else None,
            held_up=held_up if isinstance(held_up, float) else None,
            cpu_seconds=float(str(talk.ended["cpu"])),
            memory_bytes=int(str(talk.ended["rss"])),
            seconds=seconds,
            untouched=killed_by_others and not talk.heard,
            **_output(talk),
        )

    def _settings(self, scratch: str, rules: Rules, *, ahead: bool) -> dict[str, object]:
        """Return what a process is bound to before it gets its job, see `walls.RunSettings`."""
        return {
            "scratch": scratch,
            "processes": rules.processes,
            "scratch_mb": rules.scratch_mb,
            "children": rules.children,
            "memory_mb": rules.memory_mb,
            "stage": rules.stage,
            "sampled": rules.sampled,
            "ahead": ahead and not rules.stage,
        }

    def _wait_until_ready(self, settings: dict[str, object], stdin: bytes | None) -> Ready | None:
        """Return a process that is bound to these settings; None when the interpreter is lost.

        As long as settings stay the same the interpreter prepares the next process by itself.
        """
        if settings != self._prepared_for or stdin:
            self._series = secrets.randbits(48)  # a run can find it, and must not learn how many ran before
            if self._ready is not None:
                self._ready.close()
                self._ready = None
            with stdin_file(stdin) as content:
                files = [content.fileno()] if stdin else []
                if not self._control.tell({"prepare": settings, "series": self._series}, files):
                    return None
            self._prepared_for = settings if settings["ahead"] else None
        deadline = time.monotonic() + START_SECONDS
        waiting = select.poll()
        waiting.register(self._control.fileno(), select.POLLIN)
        while self._ready is None or waiting.poll(0):  # hear also whether it has died while it was waiting
            if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
                self.abort()
                return None
            answers = self._control.hear()
            if answers is None:
                return None
            for answer in answers:
                self._take(answer)
            if self._refused:
                return None
        return self._ready

    def _take(self, answer: dict[str, object]) -> None:
        """Take what the interpreter said while no run is going on."""
        if isinstance(layers := answer.get("walls"), list):
            self._layers = layers
        elif "refused" in answer:
            if answer["series"] == self._series:  # an earlier one may have lost its folder to a cancelled run
                self._refused = str(answer["refused"])
        elif "ready" in answer:
            number, series, pid = (int(str(answer[key])) for key in ("ready", "series", "pid"))
            ready = Ready(number, series, pid, self._control.take_descriptors())
            if series == self._series:
                self._ready = ready
            else:
                ready.close()
        elif "ended" in answer and self._ready is not None:  # without a job: whatever has one is waited for
            self._ready.close()
            self._ready = None

    def _lost(self) -> RunEnd:
        problem = self.problem()
        self.close()
        return replace(_NEVER_BEGUN, stopped="lost", started=False, exit_code=None, problem=problem)

    def interrupt(self) -> None:
        """Kill the run that is going on, if any. Callable from any thread."""
        with self._lock:
            if self._running is not None:
                self._control.tell({"kill": self._running.number})

    def abort(self) -> None:
        """Kill the interpreter; a run that is going on ends as lost. Callable from any thread."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def is_alive(self) -> bool:
        """Whether another run can be tried."""
        return self.usable and self._process.poll() is None

    def close(self) -> None:
        """Kill the interpreter and whatever it runs. Safe to call twice."""
        self.usable = False
        with self._lock:
            self._control.close()
        if self._ready is not None:
            self._ready.close()
            self._ready = None
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._runner is not None:  # it died, or was killed, before its run was over
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._runner, signal.SIGKILL)
            self._kill_marked()
            self._runner = None
        self._errors.close()
        self._remove_scratch()

    def layers(self) -> list[str]:
        """Return what the interpreter said about its walls, in words; nothing before its first run."""
        return self._layers

    def _remove_scratch(self) -> None:
        if self._scratch_parent:
            remove_tree(self._scratch_parent)

    def problem(self) -> str:
        """Return what the interpreter wrote on its standard error before it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        self._errors.seek(0)
        text = self._errors.read(100_000).decode("utf-8", "replace").strip()
        return f"exit code {self._process.returncode}" + (f": {clip(text, 300)}" if text else "")

    def _kill_marked(self) -> None:
        """Kill processes that outlived the interpreter: they still have its environment (Linux)."""
        marker = f"{MARKER}={self._environment[MARKER]}".encode()
        for _ in range(_SWEEPS):
            found = False
            for folder in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if marker in (folder / "environ").read_bytes():
                        os.kill(int(folder.name), signal.SIGKILL)
                        found = True
            if not found:
                break


_KILLED = -9
"""By number: not every system that imports this knows the name of the signal."""

_NEVER_BEGUN = RunEnd(
    stopped="",
    started=True,
    exit_code=_KILLED,
    cpu_seconds=0.0,
    memory_bytes=0,
    seconds=0.0,
    stdout=b"",
    stderr=b"",
)
"""Of a run that was interrupted before it had its job."""


class _Output(TypedDict):
    stdout: bytes
    stderr: bytes


def _output(talk: Conversation) -> _Output:
    return _Output(stdout=bytes(talk.output["stdout"]), stderr=bytes(talk.output["stderr"]))


def _close_all(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
