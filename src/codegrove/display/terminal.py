"""What a running search looks like in a terminal, and as plain lines elsewhere."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from codegrove.account import Account
from codegrove.display.refreshing import Refresher
from codegrove.graphs.assemble import Assembly
from codegrove.graphs.session import Session
from codegrove.graphs.solution import Result, Solution
from codegrove.languages import solution_file
from codegrove.models.metered import CallRecord
from codegrove.outcome import Outcome
from codegrove.search import drawing
from codegrove.search.policy import Expansion
from codegrove.search.scoring import GIVEN, share_passed
from codegrove.search.tree import Node, SearchTree

REFRESH_SECONDS = 0.1
STOPPING = "stopping when the calls in flight have ended; Ctrl-C again to abort"
LEGEND = (
    "● passes all the tests it met  ◔◑◕ some  ○ none  ■ does not run  · no program  bold: path to the answer"
)
SIMULATION = "simulation: answers come from the built-in simulated programmer, not from a language model"


class Display(Protocol):
    """Shows a run from its start to its verdict."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def interrupted(self) -> None:
        """Say that the run ends with what is there."""

    def paused(self) -> AbstractContextManager[object]:
        """Leave the screen to somebody else."""

    def finish(self, solution: Solution, directory: Path | None) -> None:
        """Show how the run ended."""


def make_display(session: Session, assembly: Assembly, *, quiet: bool = False, live: bool = True) -> Display:
    """Return a live display for a terminal, plain lines otherwise (or where it must not be live), or silence."""
    console = Console(stderr=True, highlight=False)
    shown = LiveDisplay if live and not quiet and console.is_terminal else PlainDisplay
    return shown(session, assembly, console, quiet=quiet)


class PlainDisplay:
    """One line per answered expansion."""

    def __init__(
        self, session: Session, assembly: Assembly, console: Console, *, quiet: bool = False
    ) -> None:
        self._session = session
        self._assembly = assembly
        self._console = console
        self._quiet = quiet
        if not quiet:
            session.observers.append(self)

    def __enter__(self) -> Self:
        if not self._quiet:
            self._print(escape(title(self._assembly, self._session)))
            if self._assembly.simulated:
                self._print(SIMULATION)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def interrupted(self) -> None:
        """Say that the run ends with what is there."""
        self._print(STOPPING)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Lines do not get into anybody's way."""
        yield

    def asked(self, session: Session, expansion: Expansion) -> None:
        """Lines are written when an answer is there."""

    def called(self, session: Session, record: CallRecord) -> None:
        """Calls are counted in every line."""

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        """Write what the expansion brought."""
        account = session.account
        self._print(
            f"[{account.seconds:7.1f}s] {_calls(account):>12}  {expansion.action:<15} {escape(_brought(outcome))}"
        )

    def finish(self, solution: Solution, directory: Path | None) -> None:
        """Show how the run ended."""
        print_result(self._console, solution, directory, tree_rows=0 if self._quiet else 40)

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)


class LiveDisplay:
    """The tree as it grows, what the workers are doing, the best score and the spend against the budget."""

    def __init__(
        self, session: Session, assembly: Assembly, console: Console, *, quiet: bool = False
    ) -> None:
        self._session = session
        self._assembly = assembly
        self._console = console
        self._title = Text(title(assembly, session), style="bold")
        self._working: dict[int, tuple[Expansion, float]] = {}
        self._stopping = False
        self._answer: int | None = None
        self._drawn = (0, 0)
        """Events of the search, and room for the tree, when `_body` was drawn."""
        self._body = Text()
        self._refresher = Refresher(self._draw, REFRESH_SECONDS)
        # Pictures are made where the tree is changed; rich's own thread shows the last one, so that a terminal
        # that is slow or stopped keeps nobody waiting.
        self._picture = self._compose()
        self._live = Live(
            get_renderable=lambda: self._picture,
            console=console,
            refresh_per_second=1 / REFRESH_SECONDS,
            transient=True,
            redirect_stdout=False,
        )
        session.observers.append(self)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._refresher.stop()
        self._live.__exit__(kind, error, trace)

    def interrupted(self) -> None:
        """Say that the run ends with what is there."""
        self._stopping = True

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the picture off the screen and put it back."""
        self._live.stop()
        try:
            yield
        finally:
            if not self._stopping:  # else the run may be over, and nobody would stop the picture again
                self._live.vertical_overflow = "ellipsis"  # rich forgets it when it stops
                self._live.start()

    def asked(self, session: Session, expansion: Expansion) -> None:
        """Show that somebody works on the expansion."""
        self._working[expansion.id] = (expansion, time.monotonic())
        self._refresher.soon()

    def called(self, session: Session, record: CallRecord) -> None:
        """The spend is read from the account."""

    def told(self, session: Session, expansion: Expansion, outcome: Outcome) -> None:
        """Show what the tree has become."""
        self._working.pop(expansion.id, None)
        self._refresher.soon()

    def finish(self, solution: Solution, directory: Path | None) -> None:
        """Leave the final tree and the verdict on the screen."""
        print_result(self._console, solution, directory, tree_rows=max(20, self._console.height - 12))

    def _draw(self) -> None:
        """Take a picture of the session; seconds go by, hence again and again."""
        search = self._session.search
        most = max(8, self._console.height - 9 - len(self._working))
        if self._drawn != (len(search.events), most):
            self._answer = search.answer()
            self._body = _tree(search.tree, self._answer, most=most)
            self._drawn = (len(search.events), most)
        self._picture = self._compose()
        self._refresher.soon()

    def _compose(self) -> RenderableType:
        session = self._session
        now = time.monotonic()
        lines = [
            Text.assemble(
                ("  ▸ ", "cyan"),
                (f"{session.kind_of(expansion).value}", "bold"),
                f" {expansion.action} at #{expansion.node}",
                (f"  {now - since:.1f}s", "dim"),
            )
            for expansion, since in itertools.islice(self._working.values(), 12)
        ]
        if not session.search.events:
            lines.append(Text("  starting ...", style="dim"))  # LangGraph takes a second or two to import
        parts: list[RenderableType] = [self._title]
        if self._assembly.simulated:
            parts.append(Text(SIMULATION, style="yellow"))
        if self._stopping:
            parts.append(Text(STOPPING, style="yellow"))
        return Group(*parts, Text(meters(session, self._answer)), self._body, *lines)


def title(assembly: Assembly, session: Session) -> str:
    """Say in one line what is at work on what."""
    models = sorted({model.spec for model in assembly.models.values()})
    workers = f" · {session.workers} workers" if session.workers > 1 else ""
    return f"{assembly.recipe.name} · {session.task.id} · {', '.join(models)}{workers} · seed {session.seed}"


def meters(session: Session, best: int | None) -> str:
    """Say in one line what was used of each limit, and how good the best program is."""
    account, tree = session.account, session.search.tree
    parts = [
        f"calls {_calls(account)}",
        _of("tokens", account.spend.tokens, account.budget.tokens),
        _of("executions", account.spend.executions, account.budget.executions),
        _of("seconds", round(account.seconds, 1), account.budget.seconds),
        _dollars(account),
        f"nodes {len(tree) - 1}",
        f"best {_score(tree[best])}" if best is not None else "best -",
    ]
    return "   ".join(parts)


def _calls(account: Account) -> str:
    limit = account.budget.calls
    return f"{account.spend.calls}/{limit}" if limit is not None else f"{account.spend.calls}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _of(name: str, used: float, limit: float | None) -> str:
    return f"{name} {used}" if limit is None else f"{name} {used}/{limit:g}"


def _dollars(account: Account) -> str:
    spend, limit = account.spend, account.budget.dollars
    if spend.unpriced_calls:
        return "$ unknown"
    return f"$ {spend.dollars:.4f}" + (f"/{limit:g}" if limit is not None else "")


def _score(node: Node) -> str:
    if node.verdict is None or not node.tests:
        return f"#{node.id}"
    share = share_passed(node.verdict, node.tests, GIVEN)
    visible = (
        f"{share:.0%} of visible tests"
        if share is not None
        else f"{node.verdict.passed_count}/{len(node.tests)}"
    )
    return f"#{node.id} {visible}"


def _brought(outcome: Outcome) -> str:
    """Say in a few words what an expansion brought."""
    parts: list[str] = []
    if outcome.proposals:
        first = " ".join(outcome.proposals[0].text.split())[:60]
        parts.append(f"{len(outcome.proposals)} × “{first}”" if len(outcome.proposals) > 1 else f"“{first}”")
    if outcome.tests:
        parts.append(_count(len(outcome.tests), "test"))
    if outcome.review is not None:
        review = outcome.review
        if review.accepted is not None:
            parts.append("accepted" if review.accepted else "not accepted")
        if review.score is not None:
            parts.append(f"score {review.score:g}")
        if not parts:
            parts.append("reviewed")
    if outcome.verdict is not None:
        verdict = outcome.verdict
        errors = [verdict.error, *(result.error for result in verdict.results)]
        first = next((f" ({error.type})" for error in errors if error is not None), "")
        parts.append(f"{verdict.status.value} {verdict.passed_count}/{len(verdict.results)}{first}")
    elif outcome.program is not None:
        parts.append("program")
    if outcome.failure is not None:
        parts.append(f"{outcome.failure.kind}: {' '.join(outcome.failure.message.split())[:300]}")
    return ", ".join(parts) or "nothing"


_STYLES: dict[str, str] = {"●": "green", "○": "red", "■": "red", "·": "dim"}


def _tree(tree: SearchTree, answer: int | None, *, most: int) -> Text:
    text = Text(overflow="ellipsis", no_wrap=True)
    for row in drawing.rows(tree, answer=answer, most=most):
        mark = row.label[:1]
        style = _STYLES.get(mark, "yellow" if mark in "◔◑◕" else "")
        text.append(row.prefix, "dim")
        text.append(row.label, f"{style} bold" if row.on_path else style)
        if row.folded:
            text.append(f"  +{row.folded}", "dim")
        text.append("\n")
    text.right_crop(1)
    return text


_RESULT_STYLES = {Result.SOLVED: "bold green", Result.UNSOLVED: "bold red", Result.UNVERIFIED: "bold yellow"}


def print_result(console: Console, solution: Solution, directory: Path | None, *, tree_rows: int) -> None:
    """Print how a run ended, its tree of at most so many rows (0: without) and where it is recorded."""
    write: Callable[..., None] = console.print
    if solution.tree is not None and tree_rows:
        write(Text(LEGEND, style="dim"))
        write(_tree(solution.tree, solution.node, most=tree_rows))
        if solution.node is not None:
            path = " > ".join(f"#{node.id}" for node in solution.tree.path(solution.node))
            write(Text(f"path: {path}"))
    first, *rest = solution.summary().splitlines()
    write(Text(first, style=_RESULT_STYLES[solution.result]))
    for line in rest:
        write(Text(line))
    if directory is not None:
        if solution.candidate is not None:
            write(Text(f"solution: {directory / solution_file(solution.candidate.language)}"))
        write(Text(f"run: {directory}"))
    if not sys.stdout.isatty():
        return
    write(Text(""))
