"""Compares methods: solve rates with intervals, paired tests, budget curves, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codegrove.errors import UsageError
from codegrove.evaluation import arms
from codegrove.evaluation.curves import Curve, curves
from codegrove.evaluation.directory import Evaluation, load_evaluation
from codegrove.evaluation.pairs import Pair, compare_pairs
from codegrove.evaluation.resampling import Bootstrap
from codegrove.evaluation.statistics import detectable_difference
from codegrove.evaluation.summary import Summary, summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Methods side by side. Shows itself in a notebook as a table with its curves."""

    methods: tuple[Summary, ...]
    """Best first where all can be ranked, else in the order given."""
    groups: tuple[tuple[str, ...], ...]
    """Labels of the methods that can be ranked against each other; one group where all can."""
    pairs: tuple[Pair, ...]
    """Every two methods of a group."""
    curves: tuple[Curve, ...]
    ks: tuple[int, ...]
    level: str
    """Of all intervals and bands, e.g. ``95 %``."""
    refusals: tuple[str, ...]
    """Why the methods are not ranked; empty where they are."""
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    """How the figures were made."""

    @property
    def ranked(self) -> bool:
        """Whether all methods can be ranked against each other: same problems, same limits."""
        return not self.refusals

    @property
    def simulated(self) -> bool:
        """Whether any figure comes from the simulated programmer."""
        return any(method.simulated for method in self.methods)

    def __str__(self) -> str:
        from codegrove.evaluation.tables import text  # rich is loaded where something is shown

        return text(self)

    def to_json(self) -> str:
        """Return everything as JSON."""
        from codegrove.evaluation.tables import to_json

        return to_json(self)

    def to_csv(self) -> str:
        """Return the methods as CSV, one row each."""
        from codegrove.evaluation.tables import to_csv

        return to_csv(self)

    def to_html(self) -> str:
        """Return one self-contained HTML page."""
        from codegrove.evaluation.page import render

        return render(self)

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        from codegrove.evaluation import drawing  # only displays need it

        return {"text/plain": str(self), "text/html": drawing.html(self)}


def compare(
    *evaluations: str | Path | Evaluation,
    ks: Sequence[int] = (1, 5, 10),
    bootstrap: Bootstrap | None = None,
) -> Comparison:
    """Compare every method of one or more evaluations.

    Methods are ranked against each other, tested in pairs and drawn together only where they had the same problems
    and the same limits; the comparison says what differs, and still shows each by itself.

    Args:
        evaluations: evaluation directories, or evaluations that were loaded.
        ks: for which k to give pass@k and pass 1@k; those beyond the attempts there are stay empty.
        bootstrap: how intervals are drawn; 2,000 replicates of seed 0 by default.

    Raises:
        UsageError: if there is nothing to compare, or a directory cannot be used (`EvaluationError`).
    """
    wrong = [k for k in ks if k < 1]
    if wrong:
        raise UsageError(f"k={wrong[0]}: expected 1 or more")
    if not evaluations:
        raise UsageError("there is nothing to compare: name at least one evaluation directory")
    drawn = bootstrap or Bootstrap()
    loaded = [e if isinstance(e, Evaluation) else load_evaluation(e) for e in evaluations]
    methods = arms.collect(loaded)
    refused = arms.refusals(methods)
    grouped = arms.groups(methods)
    rows = [row for group in grouped for row in summaries(group, ks, drawn)]
    place = {method.label: index for index, method in enumerate(methods)}
    rows.sort(key=lambda row: place[row.label] if refused else (-row.pass_1.value, place[row.label]))
    place = {row.label: index for index, row in enumerate(rows)}
    grouped = [sorted(group, key=lambda method: place[method.label]) for group in grouped]
    pairs = compare_pairs(grouped, drawn)
    return Comparison(
        methods=tuple(rows),
        groups=tuple(tuple(method.label for method in group) for group in grouped),
        pairs=tuple(pairs),
        curves=tuple(curve for group in grouped for curve in curves(group, drawn)),
        ks=tuple(sorted(set(ks))),
        level=drawn.level,
        refusals=tuple(refused),
        warnings=tuple(arms.warnings(methods, loaded)),
        notes=tuple(_notes(rows, pairs, drawn)),
    )


def _notes(rows: Sequence[Summary], pairs: Sequence[Pair], bootstrap: Bootstrap) -> list[str]:
    """Say how the figures were made, as far as a reader needs it for these figures."""
    level = bootstrap.level
    methods = {row.pass_1.method for row in rows}
    draws = f"{bootstrap.replicates:,} replicates, seed {bootstrap.seed}"
    made = {
        "wilson": "Wilson's, one trial a problem",
        "bootstrap": f"percentile bootstrap over problems, {draws}",
    }
    notes = ["Solved means: the returned program passes the hidden tests, which no search has seen."]
    notes.append(f"Intervals of pass@1 are {level}: {'; or '.join(made[name] for name in sorted(methods))}.")
    if any(row.unjudged or row.ungraded for row in rows):
        notes.append(
            "What nobody judged counts as not solved in pass@1, pass@k and the curves; 'judged only' and the"
            " paired tests leave it out."
        )
    if pairs:
        tests = " and ".join(sorted({pair.test for pair in pairs}))
        notes.append(
            f"Pairs: {tests}; the interval of the difference is a paired bootstrap over problems"
            f" ({bootstrap.replicates:,} replicates)."
        )
    if len(pairs) > 1:
        notes.append(
            f"{len(pairs)} pairs were tested. Of so many, some look different by chance, so that p is adjusted by"
            " Holm's method; intervals are not adjusted."
        )
    if pairs:
        notes.append(_power(min(pair.problems for pair in pairs)))
    notes.append(
        "Curves: solved by runs that had ended with at most this spend, everything they did included; bands are"
        f" pointwise {level} (bootstrap over problems). A smaller limit could change how a method behaves."
    )
    return notes


def _power(problems: int) -> str:
    """Say what difference so many problems can show, for the smallest round share of discordant ones that can."""
    for percent in (10, 20, 30, 50, 100):
        found = detectable_difference(problems, percent / 100)
        if found is not None:
            return (
                f"{problems} problems find a difference four times in five if it is about {100 * found:.0f} points"
                f" and {percent} % of the problems come out differently for two methods; not finding one does not"
                " mean that there is none."
            )
    return f"{problems} problems are too few to find any difference reliably."
