"""The filter of system calls: what a candidate may ask of the kernel.

Everything that is not listed is refused: programs see ``PermissionError``, and for calls newer than the list "not
implemented", so that a C library takes the older way. Loaded by `child` without the rest of codegrove: standard
library only.
"""

from __future__ import annotations

import errno
import os
import struct
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from codegrove.tools.sandbox import linux, syscalls

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_REFUSE = _ERRNO | errno.EPERM
_UNKNOWN = _ERRNO | errno.ENOSYS
_PRETEND = _ERRNO
_ASK = 0x7FC00000

_LOAD, _AND, _RETURN, _JUMP = 0x20, 0x54, 0x06, 0x05
_IF_EQUAL, _IF_ABOVE, _IF_AT_LEAST = 0x15, 0x25, 0x35
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
"""Offsets in the data that a filter sees."""

_OWN_PID = 0x0BADF00D
"""Stands for the process's id until that is known; no id is ever as high."""

_NEW_NAMESPACES = 0x7E020000
_CLONE_THREAD, _CLONE_PARENT = 0x00010000, 0x00008000
_AF_UNIX, _SOCK_STREAM, _SOCK_KIND = 1, 1, 0xF
_O_TRUNC, _ACCESS_MODE = 0o1000, 3
_EVERY_BIT = 0xFFFFFFFF

_SET_FILTER, _NEW_LISTENER = 1, 8
_RECEIVE, _ANSWER = 0xC0502100, 0xC0182101
"""Calls on the descriptor through which the kernel asks."""
_QUESTION_BYTES = 80

_PRCTL = (3, 15, 16, 39)  # read dumpable; set and get the thread's name; read no_new_privs
_IOCTL = (
    0x5401,
    0x5413,
    0x541B,
    0x5421,
    0x5450,
    0x5451,
)  # terminal? size? bytes to read; blocking; close-on-exec
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032, 1034)  # duplicates, flags, locks, pipe size, seals
_LOCKING = (6, 7, 37, 38)  # F_SETLK, F_SETLKW and the same for open files
_ADVICE_ABOUT_FILES = (20, 21)  # MADV_COLD, MADV_PAGEOUT
_NOWAIT = 8  # RWF_NOWAIT: read what is in memory already


class Filter:
    """A filter, built once and put on in many processes.

    Args:
        children: whether the run may start processes and programs.
        free_signals: whether every process it can see belongs to the run, so that it may signal any.
        owns_files: whether files outside the run belong to its uid. Changes of modes and times are then
            ignored, since path rules do not cover them; a program that copies a file is not disturbed.
        truncates: whether path rules cover truncation (Landlock 3); if not, truncating is refused unless it
            goes with opening for writing.
        one_program: whether the process is going to put on `OneProgram` and then become another program.

    Raises:
        OSError: if the processor is not known.
    """

    def __init__(
        self,
        *,
        children: bool,
        free_signals: bool,
        owns_files: bool,
        truncates: bool,
        one_program: bool = False,
    ) -> None:
        machine = os.uname().machine
        if machine not in syscalls.AUDIT_ARCH:
            raise OSError(f"no filter of system calls for the processor {machine!r}")
        code = _Code(syscalls.numbers(syscalls.CHECKED, machine))
        code.begin(syscalls.AUDIT_ARCH[machine])
        code.answers(
            {
                number: answer
                for table, answer in (
                    (syscalls.METADATA, _PRETEND if owns_files else _ALLOW),
                    (syscalls.ATTRIBUTES, _ERRNO | errno.ENOTSUP),
                    (syscalls.ALWAYS, _ALLOW),
                )
                for number in syscalls.numbers(table, machine).values()
            }
        )
        new = _NEW_NAMESPACES
        if children:
            code.check("clone", (0, new | _CLONE_PARENT, (0,)))
            for name in ("fork", "vfork", "execve", "execveat"):
                code.always(name, _ALLOW)
        else:
            code.check("clone", (0, new | _CLONE_PARENT | _CLONE_THREAD, (_CLONE_THREAD,)))
            if one_program:
                code.always("execve", _ALLOW)
                code.check("seccomp", (0, _EVERY_BIT, (_SET_FILTER,)))
        code.always("clone3", _UNKNOWN)  # its flags are out of sight; C libraries fall back to clone
        code.always("openat2", _UNKNOWN)
        code.check("socketpair", (0, _EVERY_BIT, (_AF_UNIX,)), (1, _SOCK_KIND, (_SOCK_STREAM,)))
        code.check("prctl", (0, _EVERY_BIT, _PRCTL))
        terminal_calls = (*_IOCTL, _RECEIVE, _ANSWER) if one_program else _IOCTL
        code.check("ioctl", (1, _EVERY_BIT, terminal_calls), refusal=_ERRNO | errno.ENOTTY)
        if (
            not children
        ):  # others would meet its locks on files that all may read, and it can meet none of its own
            code.always("flock", _PRETEND)
            code.pretend("fcntl", 1, _LOCKING)
        code.always("flock", _ALLOW)
        code.check("fcntl", (1, _EVERY_BIT, _FCNTL))
        code.always("fadvise64", _PRETEND)  # which pages of a file are in memory is everybody's concern
        code.pretend("madvise", 2, _ADVICE_ABOUT_FILES)
        code.always("madvise", _ALLOW)
        code.always("mincore", _UNKNOWN)
        code.check("preadv2", (5, _NOWAIT, (0,)), refusal=_ERRNO | errno.EOPNOTSUPP)
        code.check("prlimit64", (0, _EVERY_BIT, (0, _OWN_PID)))
        code.check("personality", (0, _EVERY_BIT, (_EVERY_BIT,)))
        own = (0, _OWN_PID)
        for name in ("kill", "tgkill", "rt_sigqueueinfo"):
            if free_signals:
                code.always(name, _ALLOW)
            else:
                code.check(name, (0, _EVERY_BIT, own if name == "kill" else own[1:]))
        for name in ("sync", "syncfs"):
            code.always(name, _PRETEND)  # it would make the whole machine wait
        if truncates:
            for name in ("open", "openat", "creat", "truncate"):
                code.always(name, _ALLOW)
        else:
            modes = tuple(mode for mode in range(4)) + tuple(_O_TRUNC | mode for mode in (1, 2))
            code.check("open", (1, _O_TRUNC | _ACCESS_MODE, modes))
            code.check("openat", (2, _O_TRUNC | _ACCESS_MODE, modes))
            code.always("creat", _ALLOW)
        code.end()
        self._code = code
        self._ready: dict[int, tuple[linux.Call, object]] = {}

    def prepare(self, pid: int) -> None:
        """Do everything that can be done before a process with this id exists."""
        self._ready[pid] = self._for(pid)

    def put_on(self, pid: int) -> None:
        """Filter this process from now on, and all its threads and children to come.

        Needs `linux.gain_no_privileges` before.

        Args:
            pid: id of this process in its own pid namespace: the only one it may signal.
        """
        call, _ = self._ready.get(pid) or self._for(pid)
        call()

    def _for(self, pid: int) -> tuple[linux.Call, object]:
        """Return what puts the filter on, and the memory that this reads."""
        import ctypes

        header, memory = _header(self._code.packed(pid))
        set_seccomp, filter_mode = 22, 2
        return linux.Call("prctl", set_seccomp, filter_mode, ctypes.c_char_p(header), 0, 0), memory


def _header(program: bytes) -> tuple[bytes, Any]:
    """Return what the kernel reads of a filter, and the memory it points to, which must live as long."""
    import ctypes

    buffer = ctypes.create_string_buffer(program, len(program))
    return struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer)), buffer


class OneProgram:
    """On top of a `Filter`: this thread becomes one other program, once; it, and whatever it starts, becomes
    none any more.

    The kernel asks a second thread, which the filter does not bind, about every `execve`. That thread says yes to
    the first one and ends with it, since a process that becomes another program loses its other threads. Then
    there is nobody left to ask, and the kernel refuses. Neither a path nor memory has to be looked at, so nothing
    can be changed under the eyes of a check.

    Needs `linux.gain_no_privileges` and Linux 5.5.
    """

    def __init__(self) -> None:
        machine = os.uname().machine
        numbers = syscalls.numbers(syscalls.CHECKED, machine)
        code = _Code(numbers)
        code.begin(syscalls.AUDIT_ARCH[machine])
        code.always("execve", _ASK)
        for name in ("execveat", "seccomp"):
            code.always(name, _REFUSE)
        code.end(_ALLOW)
        self._code = code
        self._seccomp = numbers["seccomp"]
        self._listener = -1
        self._asked_of = threading.Event()

    def become(self, path: str, arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
        """Become a program.

        Raises:
            OSError: if the kernel refuses.
        """
        import ctypes

        threading.Thread(target=self._say_yes_once, daemon=True).start()
        header, _buffer = _header(self._code.packed(0))
        self._listener = linux.syscall(self._seccomp, _SET_FILTER, _NEW_LISTENER, ctypes.c_char_p(header))
        self._asked_of.set()
        words = [os.fsencode(word) for word in arguments]
        pairs = [os.fsencode(f"{name}={value}") for name, value in environment.items()]
        # called like this, and not as os.execve, it lets the other thread run meanwhile
        linux.call(
            "execve",
            os.fsencode(path),
            (ctypes.c_char_p * (len(words) + 1))(*words, None),
            (ctypes.c_char_p * (len(pairs) + 1))(*pairs, None),
        )
        raise OSError("execve returned")

    def _say_yes_once(self) -> None:
        import ctypes

        self._asked_of.wait()
        question = ctypes.create_string_buffer(_QUESTION_BYTES)
        linux.call("ioctl", self._listener, ctypes.c_ulong(_RECEIVE), question)
        (number,) = struct.unpack_from("Q", question.raw)
        go_on = 1
        answer = ctypes.create_string_buffer(struct.pack("QqiI", number, 0, 0, go_on))
        linux.call("ioctl", self._listener, ctypes.c_ulong(_ANSWER), answer)


_Condition = tuple[int, int, tuple[int, ...]]
"""Argument, mask, and the values that are allowed under the mask. Only the low 32 bits are looked at: the calls
above take an int or ignore the rest."""


class _Code:
    """Instructions of the kernel's filter machine, written one after another."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self._numbers = numbers
        self._steps: list[tuple[int, int, int, int]] = []

    def begin(self, arch: int) -> None:
        self._add(_LOAD, _ARCH)
        self._add(_IF_EQUAL, arch, 1, 0)
        self._add(_RETURN, _KILL)  # calls of another processor's numbering, as 32-bit programs make them
        self._add(_LOAD, _NUMBER)
        self._add(_IF_ABOVE, syscalls.HIGHEST, 0, 1)  # also those of the x32 numbering
        self._add(_RETURN, _UNKNOWN)

    def always(self, name: str, action: int) -> None:
        number = self._numbers.get(name)
        if number is not None:
            self._add(_IF_EQUAL, number, 0, 1)
            self._add(_RETURN, action)

    def check(self, name: str, *conditions: _Condition, refusal: int = _REFUSE) -> None:
        """Allow a call if all conditions hold."""
        number = self._numbers.get(name)
        if number is None:
            return
        block: list[tuple[int, int, int, int]] = []
        for argument, mask, values in conditions:
            block.append((_LOAD, 0, 0, _ARGUMENTS + 8 * argument))
            block.append((_AND, 0, 0, mask))
            for position, value in enumerate(values):
                to_next_condition = len(values) - position
                block.append((_IF_EQUAL, to_next_condition, 0, value))
            block.append((_RETURN, 0, 0, refusal))
        block.append((_RETURN, 0, 0, _ALLOW))
        self._add(_IF_EQUAL, number, 0, len(block))
        self._steps += block

    def pretend(self, name: str, argument: int, values: Sequence[int]) -> None:
        """Let a call do nothing, and say that it succeeded, if an argument has one of these values; else go on."""
        number = self._numbers.get(name)
        if number is None:
            return
        block = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument)]
        for position, value in enumerate(values):
            block.append((_IF_EQUAL, len(values) + 1 - position, 0, value))
        block += [(_LOAD, 0, 0, _NUMBER), (_JUMP, 0, 0, 1), (_RETURN, 0, 0, _PRETEND)]
        self._add(_IF_EQUAL, number, 0, len(block))
        self._steps += block

    def answers(self, by_number: Mapping[int, int]) -> None:
        """Answer many calls without looking at their arguments; all others go on to the next instruction.

        Numbers are searched for by halves: the kernel tries every one when a filter is put on.
        """
        edges: list[tuple[int, int | None]] = []  # from this number on, that answer
        for number in range(syscalls.HIGHEST + 2):
            answer = by_number.get(number)
            if not edges or edges[-1][1] != answer:
                edges.append((number, answer))
        steps = self._search(edges)
        for place, (code, yes, no, value) in enumerate(steps):
            if code == _JUMP:
                steps[place] = (code, yes, no, value or len(steps) - place - 1)
        self._steps += steps

    def _search(self, edges: list[tuple[int, int | None]]) -> list[tuple[int, int, int, int]]:
        """Return instructions that answer calls as the edges say; where they say nothing, jump by 0 for now."""
        if len(edges) == 1:
            answer = edges[0][1]
            return [(_JUMP, 0, 0, 0) if answer is None else (_RETURN, 0, 0, answer)]
        middle = len(edges) // 2
        below, above = self._search(edges[:middle]), self._search(edges[middle:])
        most = 255
        if len(below) <= most:
            return [(_IF_AT_LEAST, len(below), 0, edges[middle][0]), *below, *above]
        return [(_IF_AT_LEAST, 0, 1, edges[middle][0]), (_JUMP, 0, 0, len(below)), *below, *above]

    def end(self, action: int = _REFUSE) -> None:
        self._add(_RETURN, action)

    def packed(self, pid: int) -> bytes:
        return b"".join(
            struct.pack("HBBI", code, yes, no, pid if value == _OWN_PID else value)
            for code, yes, no, value in self._steps
        )

    def _add(self, code: int, value: int, yes: int = 0, no: int = 0) -> None:
        self._steps.append((code, yes, no, value))
