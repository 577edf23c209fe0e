"""What stands between a candidate and the machine, by level. One object lives in the interpreter that forks.

``isolated``: namespaces, a file system of its own, no privileges, path rules, a filter of system calls.
``restricted``: the same without namespaces. ``limited``: a profile of macOS, put on before, and limits. ``basic``:
nothing but limits.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import select
import signal
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from codegrove.tools.sandbox import landlock, linux, macos, view
from codegrove.tools.sandbox.process_table import ProcessTable
from codegrove.tools.sandbox.seccomp import Filter

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

UNAVAILABLE = 71
"""Exit code of an interpreter that cannot raise the walls it was told to. The reason is on its stderr."""

_INSIDE_ID = 1000
"""User and group id that candidates see."""

_Ids = tuple[int, int]
"""User and group."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run may do, as far as the walls keep it."""

    scratch: str
    """Empty where the walls make it."""
    processes: int
    scratch_mb: int
    children: bool
    memory_mb: int | None
    """Of all processes together, where a run may start some or its memory has no other limit."""
    stage: str = ""
    """Kind of run with rules of its own, see `Walls.add_stages`; empty for a program of this interpreter."""
    sampled: bool = False
    """Whether the memory of the run is looked at now and then, also if it cannot start processes."""
    ahead: bool = False
    """Whether the next run is prepared as soon as this one has ended. Where the walls make the scratch folder."""


class Walls:
    """No walls: level ``basic``."""

    level = "basic"
    id_of_runs: int | None = None
    """The id that the first process of every run has in its pid namespace; None if nobody knows before."""

    def __init__(self) -> None:
        self.layers: list[str] = []
        """Mechanisms in use, in words."""
        self.table = ProcessTable.of_this_process()
        self._run = 0
        if linux.available:
            with contextlib.suppress(OSError):
                linux.adopt_orphans()

    def scratch(self, settings: RunSettings) -> str:
        """Return the scratch folder of a run as the run will see it."""
        return settings.scratch

    def fork(self, settings: RunSettings, stdin: int) -> int:
        """Fork. In the child nothing is restricted yet, see `lock`.

        Args:
            stdin: descriptor that will be the standard input of the child.

        Raises:
            OSError: if that fails. No process of the run is left then.
        """
        self._run = linux.fork() if linux.available else os.fork()
        return self._run

    def lock(self, settings: RunSettings, parent: int) -> None:
        """Restrict this process, a forked child, for good, and go to its scratch folder.

        Raises:
            OSError: if that fails. The process must end then.
        """
        if linux.available:
            with contextlib.suppress(OSError):
                linux.die_with_parent()
        if os.getppid() != parent:
            os._exit(70)
        os.chdir(settings.scratch)

    def is_helper(self, pid: int) -> bool:
        """Whether a child of this process is no part of the run."""
        return False

    def kill(self, pid: int) -> None:
        """Kill the processes of a run, as many as can be reached at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)

    def to_kill(self) -> list[int]:
        """Return ids, in this pid namespace, of what is left when `kill` has done its work."""
        return self.table.children()

    def tasks(self) -> int:
        """Count processes and threads of the run that is going on; 0 when nobody knows."""
        return self.table.tasks_below()

    def add_stages(self, stages: Sequence[Mapping[str, Any]]) -> None:
        """Take the rules for kinds of runs, see `codegrove.tools.sandbox.containment.Stage`."""

    def overfull(self, settings: RunSettings) -> bool:
        """Whether the scratch folder holds too much, where the kernel does not prevent that."""
        return False

    def too_large(self, settings: RunSettings) -> bool:
        """Whether the processes of a run that may start some hold too much memory together; on macOS, which keeps
        no such limit, whether its first process does."""
        if sys.platform == "darwin" and settings.memory_mb is not None:
            return macos.footprint(self._run) > settings.memory_mb << 20
        if settings.memory_mb is None or not (settings.children or settings.sampled):
            return False
        held = self.table.private_bytes_below()
        if settings.sampled and not settings.children:  # nobody else has what it shares
            held += self.table.shared_bytes_below()
        return held > settings.memory_mb << 20


class Limited(Walls):
    """The profile that the interpreter was started in, no new processes, and a scratch folder that is watched."""

    level = "limited"

    def __init__(self) -> None:
        super().__init__()
        self.layers.append("sandbox profile")

    def lock(self, settings: RunSettings, parent: int) -> None:
        """Restrict this process."""
        if not settings.children:
            _limit(resource.RLIMIT_NPROC, 1)  # counts processes of the user, so that one more is too many
        super().lock(settings, parent)

    def overfull(self, settings: RunSettings) -> bool:
        """Whether the files of the run take too much room; those it has deleted and holds open are not seen."""
        try:
            files = _stats_below(settings.scratch, view.MOST_FILES)
        except OSError:
            return True
        size = sum(item.st_blocks * 512 for item in files if stat.S_ISREG(item.st_mode))
        return len(files) > view.MOST_FILES or size > settings.scratch_mb << 20


class _Strict(Walls):
    """What both strict levels have in common."""

    _rules: landlock.PathRules | None = None
    _scratch_parent = ""
    _also_readable: tuple[str, ...] = ()
    _hidden: Sequence[str] = ()

    def __init__(self) -> None:
        self._stages: dict[str, landlock.PathRules] = {}
        self._with_own_programs: set[str] = set()
        if not linux.available:
            raise OSError(f"this level needs Linux and a C library that Python can call, not {sys.platform}")
        super().__init__()
        self._drop_privileges = linux.dropping_privileges()
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        self._most_processes = hard if hard != resource.RLIM_INFINITY else 1 << 22

    def _limit_for_good(self) -> None:
        """Set the limits that hold for this process and all runs alike."""
        _limit(resource.RLIMIT_MEMLOCK, 0)
        _limit(resource.RLIMIT_CORE, 0)
        _limit(getattr(resource, "RLIMIT_MSGQUEUE", 12), 0)
        _limit(getattr(resource, "RLIMIT_SIGPENDING", 11), 256)
        linux.gain_no_privileges()

    def add_stages(self, stages: Sequence[Mapping[str, Any]]) -> None:
        """Make path rules for kinds of runs.

        Raises:
            OSError: if the kernel has no path rules.
        """
        for stage in stages:
            self._stages[stage["name"]] = rules = landlock.PathRules()
            for path in stage["read"]:
                for part in view.except_hidden(path, self._hidden):
                    rules.allow_looking(part)
                    if part != path:
                        rules.allow_listing(path)
            for path in stage["execute"]:
                rules.allow_reading(path)
            for path in view.DEVICES:
                rules.allow_writing(path)
            for path in self._also_readable:
                rules.allow_looking(path)
            if stage["own_programs"]:
                rules.allow_everything(self._scratch_parent)
                self._with_own_programs.add(stage["name"])
            else:
                rules.allow_data(self._scratch_parent)
        if stages:
            self._one_program = self._new_filter(children=False, one_program=True)
            if self.id_of_runs:
                self._one_program.prepare(self.id_of_runs)

    def _make_filters(self, *, owns_files: bool, truncates: bool, free_signals: bool) -> None:
        def new(*, children: bool, one_program: bool = False) -> Filter:
            return Filter(
                children=children,
                free_signals=children and free_signals,
                owns_files=owns_files,
                truncates=truncates,
                one_program=one_program,
            )

        self._new_filter = new
        self._filters = {children: new(children=children) for children in (False, True)}
        self.layers.append("filter of system calls")

    def _put_on(self, settings: RunSettings, beside_the_run: int | None) -> None:
        """Restrict this process.

        Args:
            beside_the_run: how many processes of the same user are no part of the run; None if nobody knows.
        """
        if beside_the_run is not None:
            # above the limit of the run: the kernel refuses without a word, so a run that passes its own limit is
            # meant to be seen doing so, and told
            most = min(4 * settings.processes + beside_the_run, self._most_processes)
            resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
        self._drop_privileges()
        rules = self._stages[settings.stage] if settings.stage else self._rules
        if rules is not None:
            rules.put_on()
        one_program = settings.stage and not settings.children
        chosen = self._one_program if one_program else self._filters[settings.children]
        chosen.put_on(os.getpid())


class Isolated(_Strict):
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
        ids = _unused_ids() if os.geteuid() == 0 else None
        if ids is not None and _succeeds(lambda: linux.unshare(linux.NEWNS)):
            view.enter(paths, hidden)  # while everything can be read
            _become(ids, keep_namespace_privilege=True)
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
        if not _succeeds(lambda: linux.unshare(kinds | linux.NEWCGROUP)):
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


class Restricted(_Strict):
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
        self._ids: _Ids | None = None
        ids = _unused_ids() if os.geteuid() == 0 else None
        if ids is not None:
            os.chown(scratch_parent, 0, ids[1])
            os.chmod(scratch_parent, 0o710)
            needed = [path for path in (*sys.path, scratch_parent) if os.path.exists(path)]
            if _can_use(ids, needed):
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
            _become(self._ids)
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
        try:
            files = _stats_below(settings.scratch, view.MOST_FILES)
        except OSError:
            return True  # a path too long to be looked at, or the like
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


def _unused_ids() -> _Ids | None:
    """Return a user and group that own nothing and run nothing: a number that nobody else is likely to draw.

    None where root is a name only: in a user namespace that maps no further ids.
    """
    for number in ((1 << 30) + _random(1 << 29), 60_000 + _random(5_000)):
        probe = os.fork()
        if probe == 0:
            os._exit(0 if _succeeds(partial(os.setresuid, number, number, number)) else 1)
        if os.waitpid(probe, 0)[1] == 0:
            return number, number
    return None


def _random(below: int) -> int:
    """Return a number that nobody can foresee."""
    return int.from_bytes(os.urandom(8), "big") % below


def _become(ids: _Ids, *, keep_namespace_privilege: bool = False) -> None:
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


def _can_use(ids: _Ids, folders: Sequence[str]) -> bool:
    probe = os.fork()
    if probe == 0:
        mode = os.R_OK | os.X_OK
        usable = _succeeds(lambda: _become(ids)) and all(
            os.access(path, os.X_OK if path == folders[-1] else mode if os.path.isdir(path) else os.R_OK)
            for path in folders
        )
        os._exit(0 if usable else 1)
    return os.waitpid(probe, 0)[1] == 0


def _counts_processes_per_namespace() -> bool:
    """Whether the kernel counts the processes of a user in each user namespace (Linux 5.14), not all together."""
    parts = os.uname().release.split(".")
    with contextlib.suppress(ValueError, IndexError):
        return (int(parts[0]), int(parts[1])) >= (5, 14)
    return False


def _stats_below(folder: str, most: int) -> list[os.stat_result]:
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


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _succeeds(step: Callable[[], object]) -> bool:
    try:
        step()
    except OSError:
        return False
    return True
