"""One run of a compiler, or of a program in another language: this process becomes it.

The walls stand already, and hold for whatever the process becomes. The channel to the judge is closed then; what
is known afterwards comes from outside: how the process ended and what it wrote. A compiler runs in a process below
this one, so that what it made can be handed over.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from codegrove.tools.sandbox.seccomp import OneProgram

_BLOCK = 1 << 20
_CANNOT_EXECUTE = 126
_OWN_ENVIRONMENT = ("PYTHONHASHSEED",)

_Send = Callable[..., None]


def run(work: dict[str, Any], send: _Send, handed_over: Sequence[int]) -> NoReturn:
    """Write the program's file, if it is given, and do the job in the current folder.

    Args:
        handed_over: a descriptor to write the compiled program to, or to read it from.
    """
    try:
        if work["program"] is not None:
            with open(work["file"], "wb") as file:
                file.write(work["program"].encode("utf-8", "surrogatepass"))
        if work["binary"] and not work["compile"]:
            _copy(handed_over[0], work["binary"])
        _set_stack(work["stack_mb"])
    except OSError as error:
        _fail(send, "broken", error)
    if work["compile"]:
        _compile(work, send, handed_over)
    send("loaded")
    try:
        _become(work)
    except OSError as error:
        _fail(send, "invalid" if work["binary"] else "broken", error)


def _compile(work: dict[str, Any], send: _Send, handed_over: Sequence[int]) -> NoReturn:
    send("loaded")
    pid = os.fork()
    if pid == 0:
        try:
            _become(work)
        finally:
            os._exit(_CANNOT_EXECUTE)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        if status == 0 and work["binary"]:
            with contextlib.suppress(FileNotFoundError), open(work["binary"], "rb") as made:
                while data := made.read(_BLOCK):
                    _write(handed_over[0], data)
    except OSError as error:
        _fail(send, "invalid", error)
    send("result", index=0, seconds=0, outcome="ended")
    os._exit(status if status >= 0 else 128 - status)


def _become(work: dict[str, Any]) -> NoReturn:
    """Become the program, with signals as programs expect them."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    environment = {name: value for name, value in os.environ.items() if name not in _OWN_ENVIRONMENT}
    if work["one_program"]:
        OneProgram().become(work["path"], work["arguments"], environment)
    os.execve(work["path"], work["arguments"], environment)


def _copy(source: int, target: str) -> None:
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "wb", buffering=0) as file:
        offset = 0
        while data := os.pread(source, _BLOCK, offset):
            _write(file.fileno(), data)
            offset += len(data)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _set_stack(megabytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    wanted = megabytes << 20
    with contextlib.suppress(ValueError, OSError):  # macOS refuses sizes that it finds odd
        resource.setrlimit(
            resource.RLIMIT_STACK,
            (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard),
        )


def _fail(send: _Send, kind: str, error: OSError) -> NoReturn:
    message = error.strerror or str(error)
    send(kind, error={"type": "OSError", "message": message, "trace": []})
    sys.stderr.flush()
    os._exit(_CANNOT_EXECUTE)
