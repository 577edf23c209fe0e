"""What a running search looks like in a notebook: one output that is replaced as the tree grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from IPython import display as ipython  # imported where IPython is at work already

from codegrove.display.refreshing import Refresher
from codegrove.display.terminal import SIMULATION, meters, title
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Solution
from codegrove.models.metered import CallRecord
from codegrove.outcome import Outcome
from codegrove.search import drawing
from codegrove.search.policy import Expansion

REFRESH_SECONDS = 0.3
"""Between two pictures: each is a message to the browser."""
MOST_NODES = 60


class NotebookScreen:
    """An output of the cell that is being executed; it is there at once, and says that the run starts."""

    def __init__(self) -> None:
        show: Any = ipython.display  # IPython's functions have no types
        self._handle = show(_bundle("starting ..."), raw=True, display_id=True)

    @contextmanager
    def show(self, session: Session, assembly: Assembly) -> Iterator[NotebookDisplay]:
        """Show a run from here to the end of the block."""
        display = NotebookDisplay(self._handle, session, assembly)
        session.observers.append(display)
        try:
            yield display
        finally:
            display.stop()

    def show_finished(self, solution: Solution) -> None:
        """Show how it ended."""
        self._handle.update(solution._repr_mimebundle_(), raw=True)


class NotebookDisplay:
    """Replaces the output after an event, at most once in `REFRESH_SECONDS`."""

    def __init__(self, handle: Any, session: Session, assembly: Assembly) -> None:
        self._handle = handle
        self._session = session
        self._head = [title(assembly, session), *([SIMULATION] if assembly.simulated else [])]
        self._refresher = Refresher(self._draw, REFRESH_SECONDS)
        handle.update(_bundle("\n".join(self._head)), raw=True)

    def asked(self, session: Session, expansion: Expansion) -> None:
        """Nothing to be seen yet."""

    def called(self, session: Session, record: CallRecord) -> None:
        """Show what it cost."""
        self._refresher.soon()

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        """Show what the tree has become."""
        self._refresher.soon()

    def stop(self) -> None:
        """Draw nothing more."""
        self._refresher.stop()

    def finish(self, solution: Solution, directory: Path | None) -> None:
        """Show how the run ended: what a solution shows of itself."""
        self.stop()
        self._handle.update(solution._repr_mimebundle_(), raw=True)

    def _draw(self) -> None:
        search = self._session.search
        answer = search.answer()
        plain = "\n".join([*self._head, meters(self._session, answer)])
        self._handle.update(
            _bundle(
                plain,
                tree=drawing.text(search.tree, answer=answer, most=MOST_NODES),
                picture=drawing.svg(search.tree, answer=answer, most=MOST_NODES),
            ),
            raw=True,
        )


def _bundle(plain: str, *, tree: str = "", picture: str = "") -> dict[str, str]:
    return {
        "text/plain": f"{plain}\n{tree}" if tree else plain,
        "text/html": f"<pre>{escape(plain)}</pre>{picture}",
    }
