"""What an evaluation looks like while it runs: attempts done, solved so far, spend, time left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from codegrove.display.terminal import SIMULATION, STOPPING
from codegrove.evaluation.arms import collect
from codegrove.evaluation.attempts import Attempt
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.results import EvalResult
from codegrove.graphs.session import Session


class EvalDisplay:
    """One line that is updated on a terminal; one line per attempt elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        # Names, reasons and paths are anybody's: brackets and colons in them are text, no markup and no emoji.
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._quiet = quiet
        self._live = self._console.is_terminal and not quiet
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            disable=not self._live,
        )
        self._task = self._progress.add_task("attempts", total=None, state="", left="")
        self._sessions: dict[Attempt, Session] = {}
        self._rows: list[EvalResult] = []
        self._made = 0
        self._total = 0
        self._started = time.monotonic()
        self._failed_calls = 0
        self.open_attempts: dict[Attempt, str] = {}
        """Attempts that did not come to an end, with the reason."""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def interrupted(self) -> None:
        """Say that the evaluation ends with what is there."""
        self._console.print(STOPPING)

    def planned(self, total: int, done: Sequence[EvalResult]) -> None:
        """Start with what is on record."""
        self._total = total
        self._rows = list(done)
        if done and not self._quiet:
            self._console.print(f"{len(done)} of {total} attempts are on record and are not made again")
        self._update()

    def started(self, attempt: Attempt, session: Session | None) -> None:
        """Show the spend of runs at work as well."""
        if session is not None:  # what other processes spend shows when their attempts end
            self._sessions[attempt] = session
        self._update()

    def finished(self, attempt: Attempt, result: EvalResult) -> None:
        """Count an attempt."""
        self._leave(attempt)
        self._rows.append(result)
        self._made += 1
        self._update()
        if not self._live and not self._quiet:
            said = {True: "correct", False: "wrong", None: "not judged"}[result.correct]
            self._console.print(
                f"[{len(self._rows)}/{self._total}] {result.recipe} {result.problem} seed {result.seed}: {said},"
                f" {result.calls} calls, {result.seconds:.1f} s",
                soft_wrap=True,
            )

    def left_open(self, attempt: Attempt, reason: str) -> None:
        """Keep the reason for the end."""
        self._leave(attempt)
        self.open_attempts[attempt] = reason
        self._update()

    def summarise(self, evaluation: Evaluation) -> None:
        """Show what each method came to, on standard output."""
        table = Table("method", "attempts", "correct", "not judged", "calls", "tokens", box=None)
        for method in collect([evaluation]) if evaluation.results else ():
            rows = method.results
            correct = sum(row.correct is True for row in rows)
            table.add_row(
                method.label,
                str(len(rows)),
                f"{correct} ({correct / len(rows):.0%})",
                str(sum(row.correct is None for row in rows)),
                str(sum(row.calls for row in rows)),
                str(sum(row.tokens for row in rows)),
            )
        if table.row_count:
            Console(highlight=False, markup=False, emoji=False).print(table)
        if evaluation.header.shard is not None and not self._total:
            number, of = evaluation.header.shard
            self._console.print(
                f"shard {number}/{of} has none of the {len(evaluation.header.problems)} problems: there is nothing"
                " to do, and merge needs nothing from it",
                soft_wrap=True,
            )
            return
        if any(row.simulated for row in evaluation.results):
            self._console.print(SIMULATION)
        for note in evaluation.notes:
            self._console.print(note, soft_wrap=True)
        for attempt, reason in list(self.open_attempts.items())[:5]:
            self._console.print(
                f"not finished: {attempt.recipe} {attempt.problem} seed {attempt.seed}: {reason}",
                soft_wrap=True,
            )
        if len(self.open_attempts) > 5:
            self._console.print(f"... and {len(self.open_attempts) - 5} more")
        self._console.print(
            f"evaluation: {evaluation.path}  (codegrove compare {evaluation.path})", soft_wrap=True
        )

    def _leave(self, attempt: Attempt) -> None:
        session = self._sessions.pop(attempt, None)
        if session is not None:
            self._failed_calls += session.account.spend.failed_calls

    def _update(self) -> None:
        spends = [session.account.spend for session in self._sessions.values()]
        calls = sum(row.calls for row in self._rows) + sum(spend.calls for spend in spends)
        dollars = sum(row.dollars or 0.0 for row in self._rows) + sum(spend.dollars for spend in spends)
        failed = self._failed_calls + sum(spend.failed_calls for spend in spends)
        solved = sum(row.correct is True for row in self._rows)
        state = f"{solved} correct, {calls} calls"
        state += f", ${dollars:.2f}" if dollars else ""
        state += f", {failed} failed calls" if failed else ""
        self._progress.update(
            self._task,
            total=self._total or None,
            completed=len(self._rows) + len(self.open_attempts),
            state=state,
            left=self._left(),
        )

    def _left(self) -> str:
        """Say how long it will take, at the pace of this session."""
        if not self._made:
            return ""
        remaining = self._total - len(self._rows) - len(self.open_attempts)
        seconds = (time.monotonic() - self._started) / self._made * remaining
        return f"about {seconds / 60:.0f} min left" if seconds > 90 else f"about {seconds:.0f} s left"
