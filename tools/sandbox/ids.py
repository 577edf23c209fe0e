"""Users and groups that runs go under where this process is root: which are free, and becoming one.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from codegrove.tools.sandbox import linux

Ids = tuple[int, int]
"""User and group."""


def unused_ids() -> Ids | None:
    """Return a user and group that own nothing and run nothing: a number that nobody else is likely to draw.

    None where root is a name only: in a user namespace that maps no further ids.
    """
    for number in ((1 << 30) + _random(1 << 29), 60_000 + _random(5_000)):
        probe = os.fork()
        if probe == 0:
            os._exit(0 if succeeds(partial(os.setresuid, number, number, number)) else 1)
        if os.waitpid(probe, 0)[1] == 0:
            return number, number
    return None


def _random(below: int) -> int:
    """Return a number that nobody can foresee."""
    return int.from_bytes(os.urandom(8), "big") % below


def become(ids: Ids, *, keep_namespace_privilege: bool = False) -> None:
    """Change to another user and group, for good."""
    user, group = ids
    if keep_namespace_privilege:
        linux.keep_privileges_over_uid_change()
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    if keep_namespace_privilege:
        linux.raise_namespace_privilege()
    linux.show_memory()  # else the files of this process in /proc would belong to root


def can_use(ids: Ids, folders: Sequence[str]) -> bool:
    """Whether a user could read folders and files, and enter the last one."""
    probe = os.fork()
    if probe == 0:
        mode = os.R_OK | os.X_OK
        usable = succeeds(lambda: become(ids)) and all(
            os.access(path, os.X_OK if path == folders[-1] else mode if os.path.isdir(path) else os.R_OK)
            for path in folders
        )
        os._exit(0 if usable else 1)
    return os.waitpid(probe, 0)[1] == 0


def succeeds(step: Callable[[], object]) -> bool:
    """Whether a step raises no `OSError`."""
    try:
        step()
    except OSError:
        return False
    return True
