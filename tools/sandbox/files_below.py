"""How much is in a folder that a stranger fills.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


def stats_below(folder: str, most: int) -> list[os.stat_result]:
    """Return what is known of the files below a folder, but not of many more than asked for.

    Raises:
        OSError: if there is a folder that cannot be listed.
    """
    found: list[os.stat_result] = []
    waiting = [folder]
    while waiting and len(found) <= most:
        with contextlib.suppress(FileNotFoundError):
            for entry in _list(waiting.pop()):
                with contextlib.suppress(FileNotFoundError):
                    found.append(entry.stat(follow_symlinks=False))
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                if len(found) > most:
                    break
    return found


def _list(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        return os.scandir(folder)
    except PermissionError:
        os.chmod(folder, 0o700)
        return os.scandir(folder)
