"""What was read from a benchmark, and how its visible tests were obtained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from codegrove.problem import Problem
from codegrove.problems.overlap import shared

_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProblem:
    """One problem with the provenance of its visible tests."""

    problem: Problem
    forms: tuple[str, ...] = ()
    """For each visible test, how it was written in the source."""
    dropped: tuple[str, ...] = ()
    """Examples in the statement that could not be used as tests, and why."""
    repeated: int = 0
    """Hidden tests that were left out, because they are visible as well or occur twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """Counts over a whole benchmark; ``str(report)`` is readable text."""

    source: str
    """File name, id of a data set, or ``bundled``."""
    format: str
    sha256: str
    """Hash of the file's content (unpacked), or of everything in the bundled problems."""
    problems: int
    visible: int
    with_visible: int
    """Problems with at least one visible test."""
    hidden: int
    """Those included whose value the reference decides."""
    computed: int = 0
    """Hidden tests without a value of their own: the reference is run in the sandbox before grading."""
    shared: int = 0
    """Visible tests that are hidden tests as well, because the benchmark shows some of its tests itself."""
    repeated: int = 0
    """Hidden tests left out, because they are visible as well or occur twice."""
    references: int = 0
    """Problems with a reference in Python."""
    forms: dict[str, int] = field(default_factory=dict)
    """How visible tests were obtained, with counts, most frequent first."""
    skipped: tuple[str, ...] = ()
    """Problems nobody can be graded on, each with its id and the reason."""
    dropped: tuple[str, ...] = ()
    """Unused examples, each with the problem's id and the reason."""
    packages: dict[str, int] = field(default_factory=dict)
    """Third-party modules that programs or tests import, with the number of problems."""
    dates: tuple[str, str] | None = None
    """First and last day of publication (``YYYY-MM-DD``), where the benchmark has days."""
    notes: tuple[str, ...] = ()
    """What a reader of results on these problems must know."""

    @classmethod
    def of(
        cls,
        loaded: Iterable[LoadedProblem],
        *,
        source: str,
        format: str,
        sha256: str,
        skipped: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> LoadReport:
        """Count, one problem after another."""
        counts: Counter[str] = Counter()
        forms: Counter[str] = Counter()
        packages: Counter[str] = Counter()
        dropped: list[str] = []
        dates: list[str] = []
        for one in loaded:
            problem = one.problem
            forms.update(one.forms)
            packages.update(problem.packages)
            dropped += (f"{problem.id}, {what}" for what in one.dropped)
            dates += [problem.date] if problem.date else []
            counts.update(
                problems=1,
                visible=len(problem.task.tests),
                with_visible=int(bool(problem.task.tests)),
                hidden=problem.hidden_count,
                computed=len(problem.inputs.calls) if problem.inputs else 0,
                shared=shared(problem),
                repeated=one.repeated,
                references=int(bool(problem.reference)),
            )
        return cls(
            source=source,
            format=format,
            sha256=sha256,
            problems=counts["problems"],
            visible=counts["visible"],
            with_visible=counts["with_visible"],
            hidden=counts["hidden"],
            computed=counts["computed"],
            shared=counts["shared"],
            repeated=counts["repeated"],
            references=counts["references"],
            forms=dict(forms.most_common()),
            skipped=skipped,
            dropped=tuple(dropped),
            packages=dict(packages.most_common()),
            dates=(min(dates), max(dates)) if dates else None,
            notes=notes,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as data for JSON."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """Return the counts as a table: what is counted, and the number with what must be said about it."""
        forms = ", ".join(f"{form} ({count})" for form, count in self.forms.items())
        visible = f"{self.visible}, in {self.with_visible} of {self.problems} problems"
        rows = [("problems", str(self.problems)), ("visible tests", visible)]
        if forms:
            rows.append(("  obtained from", forms))
        if self.shared:
            rows.append(("  hidden as well", f"{self.shared}: the benchmark shows some of its own tests"))
        rows.append(("hidden tests", str(self.hidden)))
        if self.computed:
            rows.append(("  without a value", f"{self.computed}: the reference is run to decide"))
        if self.repeated:
            rows.append(("  left out", f"{self.repeated}: visible as well, or there twice"))
        rows.append(("references", f"{self.references} of {self.problems} problems"))
        if self.dates:
            rows.append(("published", f"{self.dates[0]} to {self.dates[1]}"))
        if self.packages:
            packages = ", ".join(f"{name} ({count})" for name, count in list(self.packages.items())[:_SHOWN])
            more = f" and {len(self.packages) - _SHOWN} more" if len(self.packages) > _SHOWN else ""
            rows.append(("packages needed", packages + more))
        return rows

    def __str__(self) -> str:
        lines = [f"{self.source}: {self.problems} problems in {self.format} format, sha256 {self.sha256}"]
        lines += [f"{name}: {value}" for name, value in self.rows()[1:]]
        lines += _listed("skipped problems", self.skipped)
        lines += _listed("examples that are no tests", self.dropped)
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def _listed(title: str, items: tuple[str, ...]) -> list[str]:
    if not items:
        return []
    more = [f"  and {len(items) - _SHOWN} more"] if len(items) > _SHOWN else []
    return [f"{title}: {len(items)}", *(f"  {item}" for item in items[:_SHOWN]), *more]
