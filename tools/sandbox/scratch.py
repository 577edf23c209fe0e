"""Deleting what a stranger left behind."""

from __future__ import annotations

import contextlib
import os
import stat


def remove_tree(folder: str) -> None:
    """Delete a folder with everything in it, whatever its depth and permissions; links are not followed.

    Directories are moved to the top before they are emptied, so neither recursion nor path length is a limit and
    the cost is linear. What cannot be deleted (another owner, immutable files) stays without an error.
    """
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # nearly always empty
        return
    with contextlib.suppress(OSError):
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _empty(top)
        finally:
            os.close(top)
        os.rmdir(folder)


def _empty(top: int) -> None:
    moved = 0
    waiting = [name for name in os.listdir(top) if not _unlink(name, top)]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            os.chmod(name, 0o700, dir_fd=top)
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
            try:
                for child in os.listdir(inner):
                    if not _unlink(child, inner):
                        moved += 1
                        new_name = f".moved-{moved}-{os.getpid()}"
                        os.rename(child, new_name, src_dir_fd=inner, dst_dir_fd=top)
                        waiting.append(new_name)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)


def _unlink(name: str, folder: int) -> bool:
    """Delete anything but a directory; False for a directory."""
    if stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
        return False
    os.unlink(name, dir_fd=folder)
    return True
