"""What was read from a problem file, and how its visible tests were obtained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from codegrove.problem import Problem

_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProblem:
    """One problem with the provenance of its visible tests."""

    problem: Problem
    forms: tuple[str, ...] = ()
    """For each visible test, how it was written in the source."""
    dropped: tuple[str, ...] = ()
    """Examples in the statement that could not be used as tests, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """Counts over a whole problem file; ``str(report)`` is readable text."""

    source: str
    """File name, or ``bundled``."""
    format: str
    sha256: str
    """Hash of the file's content (unpacked), or of everything in the bundled problems."""
    problems: int
    visible: int
    with_visible: int
    """Problems with at least one visible test."""
    hidden: int
    forms: dict[str, int] = field(default_factory=dict)
    """How visible tests were written, with counts, most frequent first."""
    dropped: tuple[str, ...] = ()
    """Unused examples, each with the problem's id and the reason."""
    notes: tuple[str, ...] = ()
    """What a reader of results on these problems must know."""

    @classmethod
    def of(
        cls, loaded: Sequence[LoadedProblem], *, source: str, format: str, sha256: str, notes: tuple[str, ...]
    ) -> LoadReport:
        """Count."""
        forms = Counter(form for one in loaded for form in one.forms)
        return cls(
            source=source,
            format=format,
            sha256=sha256,
            problems=len(loaded),
            visible=sum(len(one.problem.task.tests) for one in loaded),
            with_visible=sum(bool(one.problem.task.tests) for one in loaded),
            hidden=sum(len(one.problem.hidden) for one in loaded),
            forms=dict(forms.most_common()),
            dropped=tuple(f"{one.problem.id}, {what}" for one in loaded for what in one.dropped),
            notes=notes,
        )

    def __str__(self) -> str:
        lines = [
            f"{self.source}: {self.problems} problems in {self.format} format, sha256 {self.sha256}",
            f"visible tests: {self.visible}, in {self.with_visible} of {self.problems} problems",
        ]
        if self.forms:
            lines.append(
                "  written as: " + ", ".join(f"{form} ({count})" for form, count in self.forms.items())
            )
        lines.append(f"hidden tests: {self.hidden}")
        if self.dropped:
            lines.append(f"examples that are no tests: {len(self.dropped)}")
            lines += [f"  {what}" for what in self.dropped[:_SHOWN]]
            if len(self.dropped) > _SHOWN:
                lines.append(f"  and {len(self.dropped) - _SHOWN} more")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])
