"""How much is in a folder that a stranger fills, while it may be changing under one's hands.

Folders are opened one below the other, by descriptors and never by a path, and links are not followed: whoever
measures or clears has rights that the stranger lacks, and must not be led elsewhere with them.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
import stat

_HELD = getattr(os, "O_PATH", 0)
"""Opens what may not even be read. Linux only."""
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def stats_below(folder: str, most: int) -> list[os.stat_result]:
    """Return what is known of the files below a folder, but not of many more than asked for.

    Raises:
        OSError: if there is a folder that cannot be listed, or too many of them lie in each other.
    """
    found: list[os.stat_result] = []
    inside: list[
        tuple[int, list[str]]
    ] = []  # the folders one is in, and the names of those to be seen there yet
    try:
        inside.append(_look(folder, None, found, most))
        while inside and len(found) <= most:
            descriptor, left = inside[-1]
            if left:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it was exchanged meanwhile
                    inside.append(_look(left.pop(), descriptor, found, most))
            else:
                os.close(inside.pop()[0])
    finally:
        for descriptor, _ in inside:
            os.close(descriptor)
    return found


def open_folder(name: str, above: int | None) -> int:
    """Open a folder, to list it or to look at what is in it; never one behind a link.

    Args:
        above: descriptor of the folder that the name is in; None for a path.
    """
    return os.open(name, os.O_RDONLY | _FOLDER, dir_fd=above)


def open_up(name: str, above: int | None) -> int:
    """Do the same, and give its owner all rights to it before."""
    if not _HELD:
        os.chmod(name, 0o700, dir_fd=above, follow_symlinks=False)
        return open_folder(name, above)
    held = os.open(name, _HELD | _FOLDER, dir_fd=above)
    try:
        try:
            os.chmod(f"/proc/self/fd/{held}", 0o700)
        except FileNotFoundError as error:
            raise PermissionError("a closed folder cannot be opened without a process table") from error
        return open_folder(".", held)
    finally:
        os.close(held)


def _look(name: str, above: int | None, found: list[os.stat_result], most: int) -> tuple[int, list[str]]:
    """Add what is in a folder; return its descriptor and the names of the folders in it."""
    before = len(found)
    try:
        return _list(open_folder(name, above), found, most)
    except PermissionError:
        del found[before:]
        return _list(open_up(name, above), found, most)


def _list(descriptor: int, found: list[os.stat_result], most: int) -> tuple[int, list[str]]:
    folders = []
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    info = entry.stat(follow_symlinks=False)
                    found.append(info)
                    if stat.S_ISDIR(info.st_mode):
                        folders.append(entry.name)
                if len(found) > most:
                    break
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, folders
