"""One interpreter that was started for one run: its pipes, the threads that read from them, and what holds it."""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.environment import new_environment
from codegrove.tools.sandbox.job import Job, ProcessGroup, Usage
from codegrove.tools.sandbox.stdin_file import stdin_file

_CHILD = Path(__file__).with_name("child.py")
_CHUNK = 1 << 16
_MOST_WAITING = 64
"""Parts of `_CHUNK` bytes that are read ahead."""

Source = Literal["result", "stdout", "stderr", "exit"]


class End(NamedTuple):
    """The first process has ended, and with it all others."""

    exit_code: int
    usage: Usage


class FreshProcess:
    """A started interpreter, the threads that read from it, and what holds it.

    Raises:
        OSError: if it cannot be started, or not be held. Nothing is left then.
    """

    def __init__(
        self, python: str, scratch: str, stdin: bytes | None, extra: Sequence[int], job: Job
    ) -> None:
        self.job = job
        self.killed = False
        self.events: queue.Queue[tuple[Source, bytes | End]] = queue.Queue(_MOST_WAITING)
        self._left = threading.Event()
        job_read, self._job_write = os.pipe()
        result_read, result_write = os.pipe()
        result = os.fdopen(result_read, "rb", 0)
        try:
            numbers, handing_over = _hand_over([job_read, result_write, *extra])
            with stdin_file(stdin) as content:
                self._process = subprocess.Popen(
                    # not -I, which ignores PYTHONHASHSEED; the rest of the environment is ours as well
                    [python, "-s", "-P", "-S", "-B", "-X", "utf8", str(_CHILD), scratch, *map(str, numbers)],
                    stdin=content,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    env=new_environment(),
                    cwd=scratch,
                    **handing_over,
                    **job.arguments,
                )
        except BaseException:
            os.close(self._job_write)
            result.close()
            raise
        finally:
            os.close(job_read)
            os.close(result_write)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        try:
            job.take(self._process)
        except OSError:
            with self._process, result:
                self._process.kill()
            os.close(self._job_write)
            raise
        self._in_thread(self._read, "result", result)
        self._in_thread(self._read, "stdout", self._process.stdout)
        self._in_thread(self._read, "stderr", self._process.stderr)
        self._in_thread(self._wait)

    def send(self, job: bytes) -> None:
        """Hand the job over to a process that waits for it."""
        rest = memoryview(len(job).to_bytes(8, "big") + job)
        with contextlib.suppress(OSError):  # it has ended; how is noticed elsewhere
            while rest:
                rest = rest[os.write(self._job_write, rest[:_CHUNK]) :]

    def kill(self) -> None:
        """Kill it with everything it started."""
        self.killed = True
        self.job.kill()

    def close(self) -> None:
        """Let go of it."""
        self._left.set()
        os.close(self._job_write)

    def _in_thread(self, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, name="codegrove-run", daemon=True).start()

    def _read(self, source: Source, file: IO[bytes]) -> None:
        with file:
            while data := file.read(_CHUNK):
                self._put(source, data)
        self._put(source, b"")

    def _wait(self) -> None:
        code = self.job.wait()
        self._put("exit", End(code, self.job.close()))

    def _put(self, source: Source, what: bytes | End) -> None:
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                return self.events.put((source, what), timeout=0.2)
        return None


def new_job() -> Job:
    """Return a job of the kind that this system has.

    Raises:
        OSError: if it makes none.
    """
    if sys.platform == "win32":
        from codegrove.tools.sandbox.windows_job import WindowsJob

        return WindowsJob()
    return ProcessGroup()


def _hand_over(descriptors: Sequence[int]) -> tuple[list[int], dict[str, Any]]:
    """Return the numbers under which a new process finds descriptors, and what starting it takes for that."""
    if sys.platform != "win32":
        return list(descriptors), {"pass_fds": descriptors}
    import msvcrt

    handles = [msvcrt.get_osfhandle(descriptor) for descriptor in descriptors]
    for handle in handles:
        os.set_handle_inheritable(handle, True)
    return handles, {"startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles})}


@functools.cache
def program_of(python: str) -> str:
    """Return what is to be started: on Windows the program of a virtual environment only starts another one,
    which would not be held.

    Raises:
        SandboxError: if it cannot be asked.
    """
    if sys.platform != "win32":
        return python
    question = "import sys; print(sys._base_executable)"
    try:
        answer = subprocess.run(
            [python, "-I", "-S", "-X", "utf8", "-c", question],
            capture_output=True,
            check=True,
            timeout=30,
            encoding="utf-8",
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SandboxError(f"cannot ask {python!r} where it is: {error}") from error
    return answer.stdout.strip()
