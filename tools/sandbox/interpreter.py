"""One started interpreter, seen from the judge: it forks a process for each run and cleans up behind it.

Runs need POSIX (process groups, descriptors sent over a unix socket); the module can be imported anywhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from codegrove.errors import SandboxError
from codegrove.tools.sandbox import seatbelt
from codegrove.tools.sandbox.clip import clip
from codegrove.tools.sandbox.containment import Containment
from codegrove.tools.sandbox.scratch import empty_folder, new_folder, remove_tree
from codegrove.tools.sandbox.values import MAX_BYTES

CHILD = Path(__file__).with_name("child.py")

START_SECONDS = 30.0
"""How long an interpreter may take to start and fork. Never counted against a candidate."""

GRACE_SECONDS = 3.0
"""After a kill was asked for, how long the interpreter may take to report that everything is dead."""

_MARKER = "CODEGROVE_SANDBOX"
_SWEEPS = 10
_CHUNK = 1 << 16
_MOST_RECORD = 2 * MAX_BYTES

Stopped = Literal["", "wall", "step", "output", "processes", "disk", "memory", "records", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended, as seen from outside of it."""

    stopped: Stopped
    """Why it was killed: a limit, `records` (the receiver of records had enough) or `lost` (the interpreter
    itself is gone). Empty: it ended by itself, or was interrupted."""
    started: bool
    """Whether a process was forked for it."""
    exit_code: int | None
    """Negative for a signal; None when nobody knows."""
    cpu_seconds: float
    memory_bytes: int
    """Peak resident memory of its largest process."""
    seconds: float
    """From the fork to the end of the last process."""
    stdout: bytes
    stderr: bytes
    problem: str = ""
    """What the interpreter said when it was lost."""
    held_up: int | None = None
    """How often the kernel gave the processor to somebody else although the run could have gone on, or let it wait
    for the disk; None when nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Limits of one run that are kept from outside."""

    wall_seconds: float
    """From the fork to the end."""
    step_seconds: float
    """From the start, or the last record, to the next record."""
    output_bytes: int
    processes: int
    scratch_mb: int = 64
    """What the scratch folder may hold, on the strict levels."""
    children: bool = False
    """Whether the run may start processes and programs, on the strict levels."""
    memory_mb: int | None = None
    """What all processes of such a run may hold together, looked at now and then. Each of them has a limit of its
    own in any case."""
    stage: str = ""
    """Kind of run with rules of its own, see `Containment.stages`; empty for a program of this interpreter."""
    sampled: bool = False
    """Whether `memory_mb` is looked at even if the run starts no processes."""


FIXED_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    # sets of strings in the same order every time, hence the same verdict
    "PYTHONHASHSEED": "0",
    # libraries that start a thread per core or reserve memory per thread would run into the limits
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""What every candidate finds in its environment, wherever it runs."""


def _environment() -> dict[str, str]:
    """Everything a candidate finds in its environment, except its home and temporary folder."""
    fixed = {**FIXED_ENVIRONMENT, _MARKER: secrets.token_hex(8)}
    needed = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # some builds of Python do not start without
    return fixed | {name: os.environ[name] for name in needed if name in os.environ}


def can_run() -> bool:
    """Whether this system can do what runs need: fork, and hand descriptors over a socket."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


NO_PROCESSES = (
    f"programs cannot be run on this system ({sys.platform}): the sandbox forks processes, which needs Linux,"
    " macOS or another POSIX system; on Windows, use WSL 2, or pass a sandbox of your own"
)

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
        if not can_run():
            raise SandboxError(NO_PROCESSES)
        self._containment = containment
        self._scratch_parent = new_folder() if containment.level in ("restricted", "limited") else ""
        self._environment = _environment()
        self._control, theirs = socket.socketpair()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._lock = threading.Lock()
        self._running = False
        self._runner: int | None = None
        self._answers = b""
        self._layers: list[str] = []
        self.usable = True
        try:
            start = [python]
            if containment.level == "limited":
                start = [*around(python, containment, self._scratch_parent), python]
        except SandboxError:
            theirs.close()
            self._let_go()
            raise
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [*start, "-s", "-P", "-S", "-B", str(CHILD), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    pass_fds=[theirs.fileno()],
                    env=self._environment,
                    cwd="/",
                    start_new_session=True,
                )
        except OSError as error:
            self._let_go()
            raise SandboxError(f"cannot start {python!r}: {error}") from error
        self._tell(
            {
                "level": containment.level,
                "readable": containment.readable,
                "hidden": containment.hidden,
                "scratch_parent": self._scratch_parent,
                "stages": [asdict(stage) for stage in containment.stages],
            }
        )

    def run(
        self,
        job: bytes,
        *,
        stdin: bytes | None,
        rules: Rules,
        on_record: Callable[[bytes], bool],
        cancelled: Callable[[], bool],
        extra: Sequence[int] = (),
    ) -> RunEnd:
        """Fork a process, hand it the job and wait until all its processes are dead.

        Args:
            job: what `child_run.run` reads.
            stdin: content of its standard input; None for none.
            on_record: gets each line of the report; False ends the run.
            cancelled: whether `interrupt` was called before the run could be interrupted.
            extra: more descriptors for the process; closed here as soon as it has them, whatever happens.
        """
        conversation = _Conversation(self, job, rules, on_record, extra)
        if self._containment.level == "isolated":  # the run has a file system of its own
            return conversation.hold("", stdin, cancelled)
        if self._scratch_parent:
            scratch = os.path.join(self._scratch_parent, "codegrove-run")
            os.mkdir(scratch, 0o700)
        else:
            scratch = tempfile.mkdtemp(prefix="codegrove-")
        try:
            return conversation.hold(scratch, stdin, cancelled)
        finally:
            if self._scratch_parent:
                empty_folder(self._scratch_parent)
            else:
                remove_tree(scratch)

    def interrupt(self) -> None:
        """Kill the run that is going on, if any. Callable from any thread."""
        with self._lock:
            if self._running:
                self._tell({"kill": True})

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

    def _let_go(self) -> None:
        """Give back what an interpreter that was never started has."""
        self._control.close()
        self._errors.close()
        self._remove_scratch()

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

    def _tell(self, message: dict[str, object], descriptors: Sequence[int] = ()) -> bool:
        try:
            socket.send_fds(self._control, [json.dumps(message).encode() + b"\n"], list(descriptors))
        except OSError:
            return False
        return True

    def _hear(self) -> list[dict[str, object]] | None:
        """Return the answers that have come; None when the interpreter is gone."""
        try:
            data = self._control.recv(_CHUNK)
        except OSError:
            return None
        if not data:
            return None
        *lines, self._answers = (self._answers + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def _kill_marked(self) -> None:
        """Kill processes that outlived the interpreter: they still have its environment (Linux)."""
        marker = f"{_MARKER}={self._environment[_MARKER]}".encode()
        for _ in range(_SWEEPS):
            found = False
            for folder in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if marker in (folder / "environ").read_bytes():
                        os.kill(int(folder.name), signal.SIGKILL)
                        found = True
            if not found:
                break


class _Conversation:
    """One run: feeds the job in, reads records and output, keeps the limits."""

    def __init__(
        self,
        interpreter: Interpreter,
        job: bytes,
        rules: Rules,
        on_record: Callable[[bytes], bool],
        extra: Sequence[int] = (),
    ) -> None:
        self.interpreter = interpreter
        self.job = memoryview(job)
        self.rules = rules
        self.on_record = on_record
        self.began = time.monotonic()
        self.deadline = self.step_deadline = self.began + START_SECONDS
        self.stopped: Stopped = ""
        self.gone = False
        self.refused = ""
        self.kill_deadline: float | None = None
        self.started = False
        self.ended: dict[str, object] | None = None
        self.record = bytearray()
        self.output = {"stdout": bytearray(), "stderr": bytearray()}
        self.selector = selectors.DefaultSelector()
        self.opened: list[int] = list(extra)
        self.extra = extra

    def hold(self, scratch: str, stdin: bytes | None, cancelled: Callable[[], bool]) -> RunEnd:
        interpreter = self.interpreter
        try:
            self._send(scratch, stdin)
            if cancelled():
                interpreter.interrupt()
            while self.ended is None and not self.gone:
                self._step()
            self._drain()
        except BaseException:
            interpreter.close()  # the run may still be going on in it
            raise
        finally:
            with interpreter._lock:
                interpreter._running = False
            self.selector.close()
            for descriptor in self.opened:
                os.close(descriptor)
        problem = interpreter.problem() if self.gone else ""
        if self.ended is None or not self.ended["clean"]:
            interpreter.close()
        else:
            interpreter._runner = None
        if self.refused:
            raise SandboxError(f"a run could not be contained: {self.refused}")
        return self._end(problem)

    def _send(self, scratch: str, stdin: bytes | None) -> None:
        job_read, job_write = self._pipe()
        result_read, result_write = self._pipe()
        out_read, out_write = self._pipe()
        err_read, err_write = self._pipe()
        with _content(stdin) as content:
            settings = {
                "scratch": scratch,
                "processes": self.rules.processes,
                "scratch_mb": self.rules.scratch_mb,
                "children": self.rules.children,
                "memory_mb": self.rules.memory_mb,
                "stage": self.rules.stage,
                "sampled": self.rules.sampled,
            }
            request: dict[str, object] = {"run": settings}
            theirs = [job_read, result_write, content.fileno(), out_write, err_write, *self.extra]
            with self.interpreter._lock:
                self.interpreter._running = True
                if not self.interpreter._tell(request, theirs):
                    self.gone = True
        for descriptor in (job_read, result_write, out_write, err_write, *self.extra):
            self._close(descriptor)
        os.set_blocking(job_write, False)
        for descriptor, name in ((result_read, "result"), (out_read, "stdout"), (err_read, "stderr")):
            os.set_blocking(descriptor, False)
            self.selector.register(descriptor, selectors.EVENT_READ, name)
        self.selector.register(job_write, selectors.EVENT_WRITE, "job")
        self.selector.register(self.interpreter._control, selectors.EVENT_READ, "control")

    def _pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        self.opened += ends
        return ends

    def _close(self, descriptor: int) -> None:
        self.opened.remove(descriptor)
        os.close(descriptor)

    def _step(self) -> None:
        for key, _ in self.selector.select(self._time_left()):
            if key.data == "control":
                self._hear()
            elif key.data == "job":
                self._feed(key.fd)
            elif key.fd in self.selector.get_map():  # else it was read to its end on behalf of another one
                self._read(key.fd, key.data)
        now = time.monotonic()
        if self.kill_deadline is not None:
            if now >= self.kill_deadline and self.ended is None:
                self._give_up()  # somebody stopped it
        elif now >= self.deadline and not self.started:
            self._give_up()
        elif now >= self.deadline:
            self._kill_unless_answered("wall")
        elif now >= self.step_deadline:
            self._kill_unless_answered("step")

    def _time_left(self) -> float:
        until = min(self.deadline, self.step_deadline) if self.kill_deadline is None else self.kill_deadline
        return max(0.0, until - time.monotonic())

    def _kill(self, why: Stopped) -> None:
        if self.kill_deadline is None and self.ended is None:
            self.stopped = why
            self.kill_deadline = time.monotonic() + GRACE_SECONDS
            self.interpreter.interrupt()

    def _kill_unless_answered(self, why: Stopped) -> None:
        """Look at the records that are there already, then kill if that is still due."""
        before = self.step_deadline
        self._read_rest("result")
        if why != "step" or self.step_deadline == before:
            self._kill(why)

    def _give_up(self) -> None:
        """The interpreter does not answer. `hold` kills what it started."""
        self.interpreter.abort()
        self.gone = True

    def _hear(self) -> None:
        answers = self.interpreter._hear()
        if answers is None:
            self.gone = True
            return
        for answer in answers:
            if "started" in answer:
                self.started = True
                self.began = time.monotonic()
                self.deadline = self.began + self.rules.wall_seconds
                self.step_deadline = self.began + self.rules.step_seconds
                self.interpreter._runner = int(str(answer["started"])) or None
            elif isinstance(layers := answer.get("walls"), list):
                self.interpreter._layers = layers
            elif "refused" in answer:
                self.refused = str(answer["refused"])
            elif isinstance(ended := answer.get("ended"), dict):
                self.ended = ended
                limit = ended["limit"]
                if not self.stopped and (limit == "processes" or limit == "disk" or limit == "memory"):
                    self.stopped = limit

    def _feed(self, descriptor: int) -> None:
        try:
            self.job = self.job[os.write(descriptor, self.job[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:  # the process is gone already; how it ended is reported elsewhere
            self.job = self.job[:0]
        if not self.job:
            self.selector.unregister(descriptor)
            self._close(descriptor)

    def _read(self, descriptor: int, name: str) -> bool:
        """Read what is there; False at the end, or when nothing is there."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.selector.unregister(descriptor)
            return False
        if name == "result":
            self._take_records(data)
            return True
        room = self.rules.output_bytes - sum(map(len, self.output.values()))
        self.output[name] += data[: max(room, 0)]
        if len(data) > room:
            self._kill_unless_answered("output")
            self.stopped = self.stopped or "output"
        return True

    def _take_records(self, data: bytes) -> None:
        if self.stopped not in ("", "processes", "disk", "memory"):
            return  # decided already
        self.record += data
        while (length := self.record.find(b"\n")) >= 0:
            line = bytes(self.record[:length])
            del self.record[: length + 1]
            if not self.on_record(line):
                self._kill("records")
                self.stopped = "records"
                return
            self.step_deadline = time.monotonic() + self.rules.step_seconds  # judging is not its time
        if len(self.record) > _MOST_RECORD:
            self._kill("output")

    def _drain(self) -> None:
        """Read what the pipes still hold. Everybody is dead, so this comes to an end."""
        for name in ("result", "stdout", "stderr"):
            self._read_rest(name)

    def _read_rest(self, name: str) -> None:
        for key in [key for key in self.selector.get_map().values() if key.data == name]:
            rest = _MOST_RECORD
            while rest > 0 and self._read(key.fd, name):
                rest -= _CHUNK

    def _end(self, problem: str) -> RunEnd:
        ended = self.ended or {"exit": None, "cpu": 0.0, "rss": 0}
        exit_code, held_up = ended["exit"], ended.get("held_up")
        return RunEnd(
            stopped="lost" if self.gone else self.stopped,
            started=self.started,
            exit_code=exit_code if isinstance(exit_code, int) else None,
            cpu_seconds=float(str(ended["cpu"])),
            memory_bytes=int(str(ended["rss"])),
            seconds=time.monotonic() - self.began if self.started else 0.0,
            stdout=bytes(self.output["stdout"]),
            stderr=bytes(self.output["stderr"]),
            problem=problem,
            held_up=held_up if isinstance(held_up, int) else None,
        )


def _content(stdin: bytes | None) -> IO[bytes]:
    """Return a file that is read as standard input, and cannot be written where the platform can prevent it."""
    if not stdin:
        return open(os.devnull, "rb")
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            file = os.fdopen(os.memfd_create("stdin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
            file.write(stdin)
            file.seek(0)
            seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
            return file
    plain = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the caller
    plain.write(stdin)
    plain.seek(0)
    return plain


def site_folders(python: str) -> list[str]:
    """Return the folders with the third-party packages of an interpreter.

    Raises:
        SandboxError: if it cannot be asked.
    """
    question = (
        "import json, sysconfig as s; print(json.dumps([s.get_path('purelib'), s.get_path('platlib')]))"
    )
    if python == sys.executable:
        import sysconfig

        found = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    else:
        try:
            answer = subprocess.run(
                [python, "-I", "-c", question], capture_output=True, check=True, timeout=30, text=True
            )
            found = json.loads(answer.stdout)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise SandboxError(f"cannot ask {python!r} for its packages: {error}") from error
    return list(dict.fromkeys(found))
