"""Whether a run that hit a limit of time had the processor, and a second one where it had not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from codegrove.tools.sandbox.port import Limits
from codegrove.tools.sandbox.turns import Turns
from codegrove.verdict import Status, Verdict

MOST_WAITING = 0.1
"""Share of a test's limit that its process may have spent without the processor and still be believed. Alone on a
quiet machine an endless loop spends one to three hundredths of a second so."""


def starved(seconds: float, cpu_seconds: float, held_up: float | None, limits: Limits) -> bool:
    """Whether a run lacked the processor through no fault of its own, so long that it may have cost it a test.

    A run that sleeps lacks it as well, but is hardly ever held up. Where nobody counts that, every lack is
    doubtful.

    Args:
        seconds: wall time of the run.
        held_up: see `RunEnd.held_up`.
    """
    waited = seconds - cpu_seconds
    if waited <= MOST_WAITING * limits.test_seconds:
        return False
    return held_up is None or held_up >= waited / 2


class Judging(Protocol):
    """A judgement that can say whether its verdict is to be believed."""

    @property
    def starved(self) -> bool:
        """Whether time ran out, and the program may not have had its share of the processor before."""
        ...

    def run(self) -> Verdict:
        """Run everything and return the verdict."""
        ...


_Judging = TypeVar("_Judging", bound=Judging)


def judge_fairly(
    start: Callable[[], _Judging], turns: Turns, cancelled: Callable[[], bool] = lambda: False
) -> tuple[Verdict, _Judging]:
    """Judge a program; where it ran out of time without having had the processor, judge it once more, alone.

    The second verdict counts, whatever it is, and says that it is the second. A program that computed all the
    time, or that slept, is believed at once: it would do the same again.

    Args:
        start: begins a judgement; called once or twice.
        turns: whose turn it is among the runs of this machine.
        cancelled: whether nobody waits for the verdict any more.

    Returns:
        the verdict, and the judgement that it is from.

    Raises:
        Interrupted, SandboxError: as `Judgement.run`.
    """
    with turns.shared(cancelled):
        judgement = start()
        verdict = judgement.run()
    if not judgement.starved:
        return verdict, judgement
    with turns.alone(cancelled):
        judgement = start()
        again = judgement.run()
    return replace(again, retried=_comparison(verdict, again)), judgement


def _comparison(first: Verdict, second: Verdict) -> str:
    """Say what the first verdict was, and whether the second one is another."""
    pairs = list(zip(first.results, second.results, strict=True))
    late = [index for index, (one, _) in enumerate(pairs) if one.status is Status.TIMED_OUT]
    where = f" in test {', '.join(map(str, late))}" if late and len(late) < len(pairs) else ""
    same = first.status is second.status and all(one.status is two.status for one, two in pairs)
    said = "the same" if same else "something else"
    return f"timed out{where} while the machine was busy; a second run, alone, said {said}"
