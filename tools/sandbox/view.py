"""What a candidate may read: the interpreter, its libraries, granted folders. As a list, and as a file system.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from codegrove.tools.sandbox import linux

SCRATCH_PARENT = "/scratch"
SCRATCH = "/scratch/codegrove-run"
"""Where a run finds its own folder in the file system made by `enter`; the parent is empty otherwise."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

STDIN = "/dev/stdin"
"""Elsewhere a link into a process table; here a file, see `show_stdin`."""

_SYSTEM = (
    *("/bin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec"),
    *("/usr/local/bin", "/usr/local/lib", "/usr/local/lib64", "/usr/share/zoneinfo", "/etc/alternatives"),
    *("/etc/ld.so.cache", "/etc/localtime", "/nix/store", "/gnu/store"),
)
"""Programs and shared libraries of the system, and what loading them takes."""

_BUILD_SITE = "/proc"
"""Folder where the new file system is put together. It exists everywhere and nothing readable lies in it."""

_TO_SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")
"""Writable folders of other systems, here links to the scratch folder."""


def readable_paths(granted: Sequence[str]) -> list[str]:
    """Return what exists of the system's libraries, this interpreter and the granted paths, outermost only."""
    prefix = sys.base_prefix
    own = [os.path.join(prefix, name) for name in ("bin", "lib", "lib64")]
    own += [sys.executable, *sys.path, *_folders_of_loaded_libraries()]
    found: list[str] = []
    for path in sorted({os.path.normpath(p) for p in (*_SYSTEM, *own, *granted) if os.path.isabs(p)}):
        if path != "/" and os.path.exists(path) and not any(is_below(path, other) for other in found):
            found.append(path)
    return found


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies in it, going by the text."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def except_hidden(path: str, hidden: Sequence[str]) -> Iterator[str]:
    """Return a path, or where something hidden lies below it, all parts of it that are not hidden."""
    return _except(path, [*hidden, *seen_below(path, hidden)])


def _except(path: str, hidden: Sequence[str]) -> Iterator[str]:
    if any(is_below(path, item) for item in hidden):
        return
    if not any(is_below(item, path) for item in hidden):
        yield path
        return
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(path)):
            inner = os.path.join(path, name)
            if not os.path.islink(inner):
                yield from _except(inner, hidden)


def seen_below(path: str, hidden: Sequence[str]) -> list[str]:
    """Return where hidden files and folders are found by whoever begins at a path, which may be another name of a
    folder that they lie in, or of something in them: a link, or the same folder mounted twice."""
    own = _identity(path)
    if own is None:
        return []
    around = [_identity(above) for above in _with_those_above(os.path.realpath(path))]
    places = []
    for real in sorted({os.path.realpath(item) for item in hidden}):
        places += [
            os.path.normpath(os.path.join(path, os.path.relpath(real, above)))
            for above in _with_those_above(real)
            if _identity(above) == own
        ]
        if os.path.exists(real) and _identity(real) in around:
            places.append(path)
    return places


def _with_those_above(path: str) -> Iterator[str]:
    while path != "/":
        yield path
        path = os.path.dirname(path)


def _identity(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None


def _folders_of_loaded_libraries() -> set[str]:
    folders = set()
    with contextlib.suppress(OSError), open("/proc/self/maps") as file:
        for line in file:
            path = line.partition("/")
            if path[1] and ".so" in path[2]:
                folders.add(os.path.dirname("/" + path[2].rstrip("\n")))
    return folders


def enter(readable: Sequence[str], hidden: Sequence[str]) -> None:
    """Make a file system of nothing but the given paths the root of this mount namespace, read-only.

    Needs a mount namespace of its own. The namespace still has no scratch folder, see `mount_scratch`.

    Raises:
        OSError: naming the step that failed.
    """
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    root = _BUILD_SITE
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID, "size=1m,nr_inodes=4096,mode=755")
    os.makedirs(root + SCRATCH)
    for path in readable:
        _show(path, root)
    for path in DEVICES:
        if os.path.exists(path):
            _make_place(path, root)
            linux.bind(path, root + path)
            linux.make_read_only(root + path, devices=True)
    _make_file(root + STDIN)
    seen = {place for path in readable for place in seen_below(path, hidden)}
    for path in sorted({*hidden, *seen}):
        if os.path.isdir(root + path):
            linux.mount("tmpfs", root + path, "tmpfs", linux.MS_RDONLY, "size=4k,nr_inodes=2,mode=555")
    for path in _TO_SCRATCH:
        if not os.path.lexists(root + path):
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            os.symlink(SCRATCH, root + path)
    os.chdir(root)
    linux.pivot_root()
    linux.mount("none", "/", None, linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID)


def _show(path: str, root: str) -> None:
    if path in _SYSTEM and os.path.islink(path):  # such as /lib on most systems, which leads to /usr/lib
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        os.symlink(os.readlink(path), root + path)
        return
    _make_place(path, root)
    linux.bind(path, root + path)
    linux.make_read_only(root + path)


def _make_place(path: str, root: str) -> None:
    """Make what the path can be mounted on."""
    if os.path.isdir(path):
        os.makedirs(root + path, exist_ok=True)
    else:
        _make_file(root + path)


def _make_file(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w"):
        pass


def mount_scratch(megabytes: int, *, programs: bool) -> None:
    """Make a new, empty scratch folder that is limited in bytes and files and lives in memory.

    Args:
        programs: whether programs in it may be executed.
    """
    mounting = _mountings.get((megabytes, programs))
    if mounting is None:
        flags = linux.MS_NOSUID | linux.MS_NODEV | (0 if programs else linux.MS_NOEXEC)
        options = f"size={megabytes}m,nr_inodes={MOST_FILES},mode=700"
        mounting = linux.mounting("tmpfs", SCRATCH, "tmpfs", flags, options)
        _mountings.clear()  # a run can find this, and must not learn what others asked for
        _mountings[megabytes, programs] = mounting
    mounting()


_mountings: dict[tuple[int, bool], linux.Call] = {}


def show_stdin(descriptor: int) -> None:
    """Let programs that open their standard input by its name find its content. Its file takes up room in the
    scratch folder, but has no name there."""
    size = os.fstat(descriptor).st_size
    if not size:
        return
    copy = os.path.join(SCRATCH, "stdin")
    with open(copy, "wb", buffering=0) as file:
        offset = 0
        while offset < size:
            offset += os.sendfile(file.fileno(), descriptor, offset, size - offset)
    linux.bind(copy, STDIN)
    os.unlink(copy)


MOST_FILES = 4096
"""Files and folders a scratch folder may hold."""
