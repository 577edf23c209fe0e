"""Path rules that the kernel keeps for a process and all it starts (Landlock, Linux 5.13 and newer).

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct

from codegrove.tools.sandbox import linux

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every processor
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_DEVICES = 1 << 6 | 1 << 11
_MAKE_SOCKET = 1 << 9
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_KNOWN_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many there are, by version
_BIND_TCP_AND_CONNECT = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3
_PATH_BENEATH = 1


def version() -> int:
    """Return the version of the kernel's rules; 0 where there are none."""
    try:
        return linux.syscall(_CREATE_RULESET, 0, 0, 1)
    except OSError:
        return 0


class PathRules:
    """A set of rules, built once and put on in many processes. Whatever no rule allows is refused.

    Where the kernel can, TCP, abstract sockets and signals to processes outside the rules are refused as well.

    Raises:
        OSError: if the kernel has no such rules.
    """

    def __init__(self) -> None:
        import ctypes

        self.version = version()
        if self.version < 1:
            raise OSError("the kernel has no path rules (Landlock), or they are switched off")
        self._handled = (1 << _KNOWN_RIGHTS.get(self.version, 16)) - 1
        fields = [self._handled]
        if self.version >= 4:
            fields.append(_BIND_TCP_AND_CONNECT)
        if self.version >= 6:
            fields.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
        packed = struct.pack(f"{len(fields)}Q", *fields)
        self._descriptor = linux.syscall(_CREATE_RULESET, ctypes.c_char_p(packed), len(packed), 0)
        self._put_on = linux.Call.of_kernel(_RESTRICT_SELF, self._descriptor, 0)

    def allow_reading(self, path: str) -> None:
        """Allow to read and execute a file, or everything below a folder. What does not exist is skipped."""
        self._allow(path, _EXECUTE | _READ_FILE | _READ_DIR)

    def allow_looking(self, path: str) -> None:
        """Allow to read a file, or everything below a folder, but not to execute it."""
        self._allow(path, _READ_FILE | _READ_DIR)

    def allow_data(self, path: str) -> None:
        """Allow what `allow_everything` does, except to execute."""
        self._allow(path, self._handled & ~(_MAKE_DEVICES | _MAKE_SOCKET | _EXECUTE))

    def allow_listing(self, path: str) -> None:
        """Allow to list a folder and those below it."""
        self._allow(path, _READ_DIR)

    def allow_writing(self, path: str) -> None:
        """Allow to read and write a device."""
        self._allow(path, _READ_FILE | _WRITE_FILE)

    def allow_everything(self, path: str) -> None:
        """Allow whatever one does with files below a folder, except to make devices and sockets."""
        self._allow(path, self._handled & ~(_MAKE_DEVICES | _MAKE_SOCKET))

    def _allow(self, path: str, rights: int) -> None:
        import ctypes

        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                    rights &= _OF_FILES
                packed = struct.pack("=Qi", rights & self._handled, descriptor)
                linux.syscall(_ADD_RULE, self._descriptor, _PATH_BENEATH, ctypes.c_char_p(packed), 0)
            finally:
                os.close(descriptor)

    @property
    def descriptor(self) -> int:
        """The rules as the kernel knows them. Must be open when they are put on."""
        return self._descriptor

    def put_on(self) -> None:
        """Keep to the rules from now on. Needs `linux.gain_no_privileges` before."""
        self._put_on()
