"""What both strict levels have in common: limits for good, the filter of system calls, rules for kinds of runs.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from codegrove.tools.sandbox import landlock, linux, view
from codegrove.tools.sandbox.limiting import limit
from codegrove.tools.sandbox.seccomp import Filter
from codegrove.tools.sandbox.walls import RunSettings, Walls

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


class Strict(Walls):
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
        limit(resource.RLIMIT_MEMLOCK, 0)
        limit(resource.RLIMIT_CORE, 0)
        limit(getattr(resource, "RLIMIT_MSGQUEUE", 12), 0)
        limit(getattr(resource, "RLIMIT_SIGPENDING", 11), 256)
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
