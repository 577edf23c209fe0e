"""Level ``isolated``: namespaces, a file system of its own, no privileges, path rules, a filter of system calls.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import select
import signal
from collections.abc import Sequence

from codegrove.tools.sandbox import landlock, linux, view
from codegrove.tools.sandbox.ids import become, succeeds, unused_ids
from codegrove.tools.sandbox.strict import Strict
from codegrove.tools.sandbox.walls import RunSettings

_INSIDE_ID = 1000
"""User and group id that candidates see."""


class Isolated(Strict):
    """Namespaces, made once for the interpreter and where it matters once more for every run.

    The process that calls this becomes a door-keeper that waits for the one in the namespaces: the constructor
    returns in the latter.

    Raises:
        OSError: naming the step that the machine refuses. The process is of no use then.
    """

    level = "isolated"
    id_of_runs = 2  # it comes after the one that waits for ever

    def __init__(self, readable: Sequence[str], hidden: Sequence[str]) -> None:
        super().__init__()
        self._scratch_parent = view.SCRATCH_PARENT
        self._also_readable = (os.path.dirname(view.STDIN),)  # holds what `view` has put there, nothing else
        paths = view.readable_paths(readable)
        ids = unused_ids() if os.geteuid() == 0 else None
        if ids is not None and succeeds(lambda: linux.unshare(linux.NEWNS)):
            view.enter(paths, hidden)  # while everything can be read
            become(ids, keep_namespace_privilege=True)
            self._enter_namespaces()
        else:
            self._enter_namespaces()
            view.enter(paths, hidden)
        _socket.sethostname("sandbox")
        self.layers += [
            "namespaces (user, mount, pid, network, ipc, uts)",
            "read-only view",
            "scratch in memory",
        ]
        if landlock.version() > 0:
            self._rules = landlock.PathRules()
            self._rules.allow_reading("/")
            self._rules.allow_everything(view.SCRATCH_PARENT)
            for path in view.DEVICES:
                self._rules.allow_writing(path)
            self.layers.append(f"path rules (Landlock {self._rules.version})")
        self._make_filters(owns_files=False, truncates=True, free_signals=True)
        for chosen in self._filters.values():
            chosen.prepare(self.id_of_runs)
        _continue_in_child()
        assert self.table.folder is not None
        self._own = {
            kind: os.open(f"self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.table.folder)
            for name, kind in (("mnt", linux.NEWNS), ("ipc", linux.NEWIPC), ("pid", linux.NEWPID))
        }
        self._leave = linux.Call("unshare", linux.NEWNS | linux.NEWIPC | linux.NEWPID)
        self._return = [linux.Call("setns", descriptor, kind) for kind, descriptor in self._own.items()]
        self._first = linux.Init()
        self._init = 0
        self._counts_processes = _counts_processes_per_namespace()
        self._hide_memory = linux.hiding_memory()
        self._limit_for_good()

    def _enter_namespaces(self) -> None:
        user, group = os.geteuid(), os.getegid()
        kinds = linux.NEWUSER | linux.NEWNS | linux.NEWNET | linux.NEWIPC | linux.NEWUTS | linux.NEWPID
        if not succeeds(lambda: linux.unshare(kinds | linux.NEWCGROUP)):
            linux.unshare(kinds)
        self._write("setgroups", "deny")
        self._write("uid_map", f"{_INSIDE_ID} {user} 1")
        self._write("gid_map", f"{_INSIDE_ID} {group} 1")

    def _write(self, name: str, text: str) -> None:
        descriptor = os.open(f"self/{name}", os.O_WRONLY, dir_fd=self.table.folder)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def scratch(self, settings: RunSettings) -> str:
        """Return the scratch folder of a run, the same for all."""
        return view.SCRATCH

    def fork(self, settings: RunSettings, stdin: int) -> int:
        """Fork into namespaces of the run's own. This process goes there itself to make them ready, and returns:
        what it touches need not be copied, as it would be in the child."""
        self._init = 0
        self._leave()
        try:
            stdin_mb = (os.fstat(stdin).st_size >> 20) + 1
            programs = settings.stage in self._with_own_programs if settings.stage else settings.children
            view.mount_scratch(settings.scratch_mb + stdin_mb, programs=programs)
            view.show_stdin(stdin)
            self._init = self._first.start()
            os.chdir(view.SCRATCH)
            pid = linux.fork()
        except OSError:
            self._come_back()
            self.kill(0)
            raise
        if pid:
            self._come_back()
        return pid

    def _come_back(self) -> None:
        for step in self._return:
            step()

    def lock(self, settings: RunSettings, parent: int) -> None:
        """Restrict this process. It needs no bond to its parent: that one's death ends the pid namespace."""
        self._hide_memory()
        beside_the_run = 3  # the door-keeper, the interpreter, the first process of the pid namespace
        self._put_on(settings, beside_the_run if self._counts_processes else None)

    def is_helper(self, pid: int) -> bool:
        """Whether this is the first process of the run's pid namespace."""
        return pid == self._init

    def kill(self, pid: int) -> None:
        """Kill the pid namespace of the run."""
        if self._init:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._init, signal.SIGKILL)

    def to_kill(self) -> list[int]:
        """Return nothing: the ids in the table are those of another namespace, and killing it left nothing."""
        return []

    def tasks(self) -> int:
        """Count processes and threads of the run, without the first process of its pid namespace."""
        return max(0, super().tasks() - 1)


def _continue_in_child() -> None:
    """Fork, return in the child, and end it when the parent, which waits for it, is killed."""
    alive_read, alive_write = os.pipe()
    pid = os.fork()
    if pid:
        os.dup2(alive_write, 3)
        os.closerange(4, 1 << 20)
        status = os.waitpid(pid, 0)[1]
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    os.close(alive_write)
    linux.die_with_parent()
    if select.select([alive_read], [], [], 0)[0]:  # it was quicker
        os._exit(70)
    os.close(alive_read)


def _counts_processes_per_namespace() -> bool:
    """Whether the kernel counts the processes of a user in each user namespace (Linux 5.14), not all together."""
    parts = os.uname().release.split(".")
    with contextlib.suppress(ValueError, IndexError):
        return (int(parts[0]), int(parts[1])) >= (5, 14)
    return False
