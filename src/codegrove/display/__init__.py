"""Shows a search while it runs: in a notebook, in a terminal, or line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from codegrove.graphs.assemble import Assembly
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Solution


class Shown(Protocol):
    """A run on display."""

    def finish(self, solution: Solution, directory: Path | None) -> None:
        """Show how it ended."""


class Screen(Protocol):
    """A place where one run can be shown."""

    def show(self, session: Session, assembly: Assembly) -> AbstractContextManager[Shown]:
        """Show a run from here to the end of the block."""

    def show_finished(self, solution: Solution) -> None:
        """Show a run that was over before."""


def open_screen() -> Screen:
    """Return where the caller of a Python function can watch.

    To be called in the caller's own thread: a notebook puts a display below the cell whose thread makes it.
    """
    interpreter = sys.modules.get("IPython")
    shell = None if interpreter is None else interpreter.get_ipython()
    if getattr(shell, "kernel", None) is not None:
        from codegrove.display.notebook import NotebookScreen

        return NotebookScreen()
    return _StandardError()


@dataclass(frozen=True, slots=True)
class _StandardError:
    """What ``codegrove solve`` shows as well: a picture in a terminal, a line for each outcome elsewhere."""

    @contextmanager
    def show(self, session: Session, assembly: Assembly) -> Iterator[Shown]:
        from codegrove.display.terminal import make_display  # rich takes a moment to import

        # An approver of the caller's may ask at the same terminal: a picture would be drawn over its question.
        with make_display(session, assembly, live=assembly.approver is None) as display:
            yield display

    def show_finished(self, solution: Solution) -> None:
        """Say how it ended."""
        print(f"the run is finished; nothing was run\n{solution.summary()}", file=sys.stderr)
