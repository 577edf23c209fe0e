"""The pool of interpreters behind whose walls one language is compiled and run."""

from __future__ import annotations

import os
from collections.abc import Sequence

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.containment import Containment, Level, containment
from codegrove.tools.sandbox.pool import Pool, Ticket
from codegrove.tools.sandbox.rules import RunEnd
from codegrove.tools.sandbox.runs import Run
from codegrove.tools.sandbox.toolchain import Toolchain


class NativePool(Pool):
    """Interpreters that show and execute what a toolchain takes, and no Python packages."""

    def __init__(self, python: str, workers: int, toolchain: Toolchain, *, warm: bool, level: Level) -> None:
        super().__init__(python, workers, site_packages=False, warm=warm, level=level)
        self._toolchain = toolchain

    def execute(self, ticket: Ticket, run: Run, handed_over: Sequence[int]) -> RunEnd:
        """Run one job; a process gets copies of the descriptors."""
        end = self.run_once(ticket, run, [os.dup(descriptor) for descriptor in handed_over])
        if not end.started:  # an interpreter may have died while it was waiting; a fresh one has no excuse
            end = self.run_once(ticket, run, [os.dup(descriptor) for descriptor in handed_over])
        if not end.started:
            raise SandboxError(f"the interpreter {self.python!r} runs nothing: {end.problem}")
        return end

    def _containment(self) -> Containment:
        return containment(self.level, self._toolchain.readable, self._toolchain.stages)
