"""Level ``restricted``: path rules, a filter of system calls and no privileges, without namespaces.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence

from codegrove.tools.sandbox import landlock, linux, view
from codegrove.tools.sandbox.files_below import stats_below
from codegrove.tools.sandbox.ids import Ids, become, can_use, unused_ids
from codegrove.tools.sandbox.strict import Strict
from codegrove.tools.sandbox.walls import RunSettings


class Restricted(Strict):
    """Path rules and the filter of system calls, and as root a uid of its own.

    Root stays root, without any privilege, where another uid could not read the interpreter.

    Args:
        scratch_parent: folder in which scratch folders are made, by a process of this user.

    Raises:
        OSError: naming what the machine lacks.
    """

    level = "restricted"

    def __init__(self, readable: Sequence[str], hidden: Sequence[str], scratch_parent: str) -> None:
        super().__init__()
        self._scratch_parent = scratch_parent
        self._hidden = hidden
        paths = view.readable_paths(readable)
        self._rules = landlock.PathRules()
        for path in paths:
            for part in view.except_hidden(path, hidden):
                self._rules.allow_reading(part)
                if part != path:
                    self._rules.allow_listing(path)
        self._rules.allow_everything(scratch_parent)
        for path in view.DEVICES:
            self._rules.allow_writing(path)
        self.layers.append(f"path rules (Landlock {self._rules.version})")
        self._ids: Ids | None = None
        ids = unused_ids() if os.geteuid() == 0 else None
        if ids is not None:
            os.chown(scratch_parent, 0, ids[1])
            os.chmod(scratch_parent, 0o710)
            needed = [path for path in (*sys.path, scratch_parent) if os.path.exists(path)]
            if can_use(ids, needed):
                self._ids = ids
                self.layers.append("uid of its own")
        versions = {"signals": 6, "truncates": 3}
        scoped = self._rules.version >= versions["signals"] or self._ids is not None
        self._make_filters(
            owns_files=self._ids is None,
            truncates=self._rules.version >= versions["truncates"],
            free_signals=scoped,
        )
        self._limit_for_good()

    def lock(self, settings: RunSettings, parent: int) -> None:
        """Restrict this process."""
        if self._ids is not None:
            os.chown(settings.scratch, *self._ids)
            become(self._ids)
        linux.die_with_parent()
        if os.getppid() != parent:
            os._exit(70)
        os.chdir(settings.scratch)
        self._put_on(settings, 0 if self._ids is not None else None)

    def overfull(self, settings: RunSettings) -> bool:
        """Whether the files of the run, also those it has deleted and holds open, take too much room.

        A process that ends at once looks at them. Here a program could find the names that another one gave to its
        files: what was read stays in memory for a while, and each run begins with a copy of that.
        """
        run = list(self.table.descendants())
        try:
            pid = linux.fork()
        except OSError:
            return False  # no room for one more process; the next look may tell
        if pid == 0:
            try:
                os._exit(self._look_at_files(settings, run))
            finally:
                os._exit(1)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0

    def _look_at_files(self, settings: RunSettings, run: Sequence[int]) -> bool:
        try:  # all that it may write to: it can make folders beside the one it was given, and move that one
            files = stats_below(self._scratch_parent, view.MOST_FILES)
        except OSError:
            return True  # folders too deep to be looked at, or the like
        if len(files) > view.MOST_FILES:
            return True
        if self._ids is not None:  # other processes' descriptors are shown to their own uid
            os.setegid(self._ids[1])
            os.seteuid(self._ids[0])
        files += self.table.deleted_files(run)
        sizes = {
            (item.st_dev, item.st_ino): item.st_blocks * 512 for item in files if stat.S_ISREG(item.st_mode)
        }
        return sum(sizes.values()) > settings.scratch_mb << 20
