"""Deleting what a stranger left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time

from codegrove.tools.sandbox.files_below import open_folder, open_up

_TRIES, _TRY_AGAIN_SECONDS = 20, 0.05


def new_folder() -> str:
    """Make a temporary folder. As root, which hands it to other users, where those can reach it."""
    folder = tempfile.gettempdir()
    if getattr(os, "geteuid", lambda: 1)() == 0:
        open_to_all = [path for path in (folder, "/tmp", "/var/tmp") if _reachable(path)]
        folder = open_to_all[0] if open_to_all else folder
    return tempfile.mkdtemp(prefix="codegrove-", dir=folder)


def _reachable(path: str) -> bool:
    """Whether every user can enter a folder and write there."""
    path = os.path.realpath(path)
    if not os.path.isdir(path):
        return False
    above = [path]
    while above[-1] != "/":
        above.append(os.path.dirname(above[-1]))
    return all(os.stat(folder).st_mode & 1 for folder in above) and bool(os.stat(path).st_mode & 2)


def empty_folder(folder: str) -> None:
    """Delete everything in a folder, see `remove_tree`."""
    with contextlib.suppress(OSError):
        top = open_folder(folder, None)
        try:
            _empty(top)
        finally:
            os.close(top)


def remove_tree(folder: str) -> None:
    """Delete a folder with everything in it, whatever its depth and permissions; links are not followed.

    Directories are moved to the top before they are emptied, so neither recursion nor path length is a limit and
    the cost is linear. What cannot be deleted (another owner, immutable files) stays without an error.
    """
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # nearly always empty
        return
    if os.name == "nt":
        return _remove_on_windows(folder)
    empty_folder(folder)
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return None


def _remove_on_windows(folder: str) -> None:
    """Delete what can be deleted. Files are free a moment after the end of those who had them open."""
    for _ in range(_TRIES):
        for below, folders, files in os.walk(folder):
            for name in (*folders, *files):
                with contextlib.suppress(OSError):
                    os.chmod(os.path.join(below, name), stat.S_IWRITE)  # else it cannot be deleted there
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(_TRY_AGAIN_SECONDS)


def _empty(top: int) -> None:
    moved = 0
    waiting = [name for name in os.listdir(top) if not _unlink(name, top)]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            inner = open_up(name, top)
            try:
                for child in os.listdir(inner):
                    with contextlib.suppress(OSError):
                        if not _unlink(child, inner):
                            moved += 1
                            new_name = f".moved-{moved}-{os.getpid()}"
                            _move_up(child, inner, new_name, top)
                            waiting.append(new_name)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)


def _move_up(name: str, folder: int, new_name: str, top: int) -> None:
    try:
        os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=top)
    except (
        PermissionError
    ):  # what is in it learns of another folder above, so the right to write there is needed
        os.close(open_up(name, folder))
        os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=top)


def _unlink(name: str, folder: int) -> bool:
    """Delete anything but a directory; False for a directory."""
    if stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
        return False
    os.unlink(name, dir_fd=folder)
    return True
