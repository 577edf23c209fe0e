"""Calls into the Linux kernel that Python has no function for.

Loaded by `child` without the rest of codegrove: standard library only. Importable anywhere; where there is no
suitable C library, `available` is False and nothing else may be called.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from typing import Any

try:
    import ctypes
except ImportError:  # some small builds of Python do without
    ctypes = None  # type: ignore[assignment]

NEWNS, NEWCGROUP, NEWUTS = 0x00020000, 0x02000000, 0x04000000
NEWIPC, NEWUSER, NEWPID, NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
"""Kinds of namespaces, see clone(2)."""

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

_CLONE_VM = 0x100
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_SETATTR = 442  # the same number on every processor, as for all calls since 2019
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_SYS_ADMIN = 21
_SIGNAL_SET_BYTES = 128
_PDEATHSIG, _DUMPABLE, _KEEPCAPS, _CHILD_SUBREAPER, _NO_NEW_PRIVS = 1, 4, 8, 36, 38


def _load(kind: str) -> Any:
    if sys.platform != "linux" or ctypes is None:
        return None
    try:
        return getattr(ctypes, kind)(None, use_errno=True)
    except OSError:
        return None


_libc = _load("CDLL")
_libc_in_lock = _load("PyDLL")
"""The same, called without letting go of the interpreter's lock."""

available = _libc is not None
"""Whether this is Linux with a C library that can be called."""


class Call:
    """A call of a function of the C library, made ready.

    Calling it touches little memory. That matters in a forked process, where each page that is written to,
    if only to count a reference, is copied first.
    """

    __slots__ = ("_arguments", "_function", "_name")

    def __init__(self, name: str, *arguments: Any) -> None:
        self._name, self._function, self._arguments = name, getattr(_libc, name), arguments

    @classmethod
    def of_kernel(cls, number: int, *arguments: Any) -> Call:
        """Make a system call by number ready. Integers are passed as long."""
        longs = (ctypes.c_long(item) if isinstance(item, int) else item for item in arguments)
        return cls("syscall", ctypes.c_long(number), *longs)

    def __call__(self) -> int:
        """Make the call.

        Raises:
            OSError: if it returns a negative number; names the function.
        """
        found: int = self._function(*self._arguments)
        if found < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{self._name}: {os.strerror(number)}")
        return found


def call(name: str, *arguments: Any) -> int:
    """Call a function of the C library.

    Raises:
        OSError: if it returns a negative number; names the function.
    """
    return Call(name, *arguments)()


def syscall(number: int, *arguments: Any) -> int:
    """Make a system call by number. Integers are passed as long.

    Raises:
        OSError: if it fails.
    """
    return Call.of_kernel(number, *arguments)()


def give_memory_back() -> None:
    """Return memory that nobody uses to the kernel, if the C library can do that."""
    trim = getattr(_libc, "malloc_trim", None)
    if trim is not None:
        trim(0)


def fork() -> int:
    """Fork this process, which has one thread, and do no more in the child than the C library does.

    After `os.fork` Python makes its locks anew, and modules that asked for it their state: work for the case
    that other threads held them, and most of what a short run would cost. Here the child goes on with the
    state of its parent, which one thread leaves behind in good order.
    """
    pid = int(_libc_in_lock.fork())
    if pid < 0:
        raise OSError(ctypes.get_errno(), f"fork: {os.strerror(ctypes.get_errno())}")
    return pid


def unshare(kinds: int) -> None:
    """Leave namespaces for new ones."""
    call("unshare", kinds)


def enter(namespace: int, kind: int) -> None:
    """Enter the namespace of a descriptor."""
    call("setns", namespace, kind)


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount something. For bind mounts and changes of flags the kind is None."""
    mounting(source, target, kind, flags, options)()


def mounting(source: str, target: str, kind: str | None, flags: int, options: str = "") -> Call:
    """Return what does the same as `mount`."""
    return Call(
        *("mount", source.encode(), os.fsencode(target), kind and kind.encode()),
        *(ctypes.c_ulong(flags), options.encode() or None),
    )


def bind(source: str, target: str) -> None:
    """Show a file or folder, with everything mounted below it, at a second place."""
    flags = ctypes.c_ulong(MS_BIND | MS_REC)
    call("mount", os.fsencode(source), os.fsencode(target), None, flags, None)


def unmount(target: str) -> None:
    """Take a mount away now and forget it when the last user is gone."""
    call("umount2", os.fsencode(target), MNT_DETACH)


def make_read_only(target: str, *, devices: bool = False) -> None:
    """Forbid writing through a bind mount and everything below it, and set-user-ID programs as well."""
    attributes = MS_RDONLY | MS_NOSUID | (0 if devices else MS_NODEV)
    try:
        _set_attributes(target, attributes)
    except OSError:  # Linux before 5.12: the mount itself only, and its locked flags must be repeated
        flags = os.statvfs(target).f_flag
        kept = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | 1024 | 2048)
        relative = 1 << 21 if flags & 4096 else 0
        mount("none", target, None, MS_REMOUNT | MS_BIND | attributes | kept | relative)
        _require_no_mounts_below(target)


def _set_attributes(target: str, attributes: int) -> None:
    packed = struct.pack("QQQQ", attributes, 0, 0, 0)
    syscall(
        *(_MOUNT_SETATTR, _AT_FDCWD, ctypes.c_char_p(os.fsencode(target)), _AT_RECURSIVE),
        *(ctypes.c_char_p(packed), len(packed)),
    )


def _require_no_mounts_below(target: str) -> None:
    own = os.lstat(target).st_dev
    if os.path.isdir(target):
        for entry in os.scandir(target):
            if entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_dev != own:
                raise OSError(f"{entry.path} is a mount of its own and this kernel cannot make it read-only")


def pivot_root() -> None:
    """Make the current folder, a mount, the root, and let go of everything that was there before."""
    here = ctypes.c_char_p(b".")
    syscall(_PIVOT_ROOT[os.uname().machine], here, here)
    unmount(".")
    os.chdir("/")


class Init:
    """Starts the first process of the pid namespace that children are born into.

    It shares the memory of this process and runs no code but a C function that waits for ever, so it costs next
    to nothing. All its signals are blocked: nothing but a kill from outside the namespace ends it, and with it
    everything in the namespace. One lives at a time: it waits on the only stack there is.
    """

    def __init__(self) -> None:
        size = 1 << 16
        self._stack = ctypes.create_string_buffer(size)
        top = (ctypes.addressof(self._stack) + size) & ~63
        entry = ctypes.cast(_libc.pause, ctypes.c_void_p)
        self._start = Call("clone", entry, ctypes.c_void_p(top), _CLONE_VM | signal.SIGCHLD, None)
        self._before = ctypes.create_string_buffer(_SIGNAL_SET_BYTES)
        every = ctypes.create_string_buffer(b"\xff" * _SIGNAL_SET_BYTES, _SIGNAL_SET_BYTES)
        self._block = Call("sigprocmask", signal.SIG_SETMASK, every, self._before)
        self._unblock = Call("sigprocmask", signal.SIG_SETMASK, self._before, None)

    def start(self) -> int:
        """Return its id.

        Raises:
            OSError: if it cannot be started.
        """
        self._block()
        try:
            return self._start()
        finally:
            self._unblock()


def die_with_parent() -> None:
    """Be killed when the parent ends. Must come after the last change of uid, which takes it back."""
    call("prctl", _PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended."""
    call("prctl", _CHILD_SUBREAPER, 1, 0, 0, 0)


def keep_privileges_over_uid_change() -> None:
    """Let the next change of uid leave the permitted capabilities as they are."""
    call("prctl", _KEEPCAPS, 1, 0, 0, 0)


def raise_namespace_privilege() -> None:
    """After a change of uid that kept them: hold the one capability that namespaces take, and no other."""
    _setting_capabilities(1 << _CAP_SYS_ADMIN)()


def gain_no_privileges() -> None:
    """Never gain a privilege by starting a program. Those that are held stay."""
    call("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)


def dropping_privileges() -> Call:
    """Return what makes this process, or a forked one, hold no capability any more."""
    return _setting_capabilities(0)


def hiding_memory() -> Call:
    """Return what forbids core dumps, and debuggers of the same user."""
    return Call("prctl", _DUMPABLE, 0, 0, 0, 0)


def show_memory() -> None:
    """Undo `hiding_memory`, which the kernel does by itself when the uid changes."""
    call("prctl", _DUMPABLE, 1, 0, 0, 0)


def _setting_capabilities(mask: int) -> Call:
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = struct.pack("IIIIII", low, low, 0, high, high, 0)
    return Call("capset", ctypes.c_char_p(header), ctypes.c_char_p(data))
