"""Loading a file of problems."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from codegrove.errors import TaskError, did_you_mean
from codegrove.problem import Problem
from codegrove.problems import humaneval, mbpp
from codegrove.problems.bundled import bundled_ids, load_bundled
from codegrove.problems.json_entries import entries
from codegrove.problems.load_report import LoadedProblem, LoadReport
from codegrove.problems.reading import decode, read_data
from codegrove.problems.rows import read_row

BUNDLED = "bundled"
_LIMIT_MB = 256
_EXPECTED = "'bundled', or a .jsonl, .jsonl.gz or .json file in HumanEval or MBPP format"


class ProblemSet:
    """Problems of one source, in its order. Each is put together when it is first asked for."""

    def __init__(
        self,
        makers: Mapping[str, Callable[[], LoadedProblem]],
        *,
        source: str,
        format: str,
        sha256: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.source = source
        """File name, or ``bundled``."""
        self.format = format
        self.ids = tuple(makers)
        self._makers = makers
        self._loaded: dict[str, LoadedProblem] = {}
        self._sha256 = sha256
        self._notes = notes

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Problem]:
        return (self._load(problem_id).problem for problem_id in self.ids)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """All problems."""
        return tuple(self)

    def by_id(self, problem_id: str | int) -> Problem:
        """Return one problem. The part after the slash suffices (``0`` for ``HumanEval/0``); case is ignored.

        Raises:
            TaskError: when there is no such problem, or the entry in the file is broken.
        """
        wanted = str(problem_id).strip()
        if wanted in self._makers:
            return self._load(wanted).problem
        close = [i for i in self.ids if wanted.lower() in (i.lower(), i.lower().rpartition("/")[2])]
        if len(close) == 1:
            return self._load(close[0]).problem
        if close:
            raise TaskError(f"{self.source} has several problems {wanted!r}: {', '.join(close)}")
        hint = did_you_mean(wanted, self.ids)
        if "did you mean" not in hint and len(self.ids) > 12:
            hint = f"; its {len(self.ids)} ids run from {self.ids[0]!r} to {self.ids[-1]!r}"
        raise TaskError(f"{self.source} has no problem {wanted!r}{hint}")

    @cached_property
    def report(self) -> LoadReport:
        """Counts over all problems and the provenance of their visible tests."""
        loaded = [self._load(problem_id) for problem_id in self.ids]
        sha256 = self._sha256 or hashlib.sha256(repr([_content(one) for one in loaded]).encode()).hexdigest()
        return LoadReport.of(loaded, source=self.source, format=self.format, sha256=sha256, notes=self._notes)

    def _load(self, problem_id: str) -> LoadedProblem:
        if problem_id not in self._loaded:
            self._loaded[problem_id] = self._makers[problem_id]()
        return self._loaded[problem_id]


def load_problems(source: str | Path, *, visible_asserts: mbpp.VisibleAsserts = 1) -> ProblemSet:
    """Return the problems of a file, or those that ship with codegrove.

    Args:
        source: ``bundled``, or a ``.jsonl``, ``.jsonl.gz`` or ``.json`` file in HumanEval or MBPP format. The
            format is recognised by the fields.
        visible_asserts: for MBPP, how many of a problem's asserts the search may see.

    Raises:
        TaskError: for anything that is no such file, naming file, line, field and what was expected. Fields are
            checked at once, the Python inside them when the problem is asked for.
    """
    if source == BUNDLED:
        return ProblemSet({i: _bundled_maker(i) for i in bundled_ids()}, source=BUNDLED, format="codegrove")
    path = Path(source)
    data = read_data(path, limit_mb=_LIMIT_MB, expected=_EXPECTED)
    text = decode(data, str(path), expected=_EXPECTED)
    found = list(entries(text, str(path), expected=_EXPECTED))
    if not found:
        raise TaskError(f"{path} holds no problems; expected {_EXPECTED}")
    format, make, notes = _recognise(found[0][1], found[0][0], visible_asserts)
    makers: dict[str, Callable[[], LoadedProblem]] = {}
    first_place: dict[str, str] = {}
    for where, entry in found:
        problem_id, maker = make(entry, where)
        if problem_id in makers:
            raise TaskError(
                f"{where}, field 'task_id': {problem_id!r} stands already at {first_place[problem_id]}"
            )
        makers[problem_id], first_place[problem_id] = maker, where
    return ProblemSet(
        makers, source=path.name, format=format, sha256=hashlib.sha256(data).hexdigest(), notes=notes
    )


_Make = Callable[[Mapping[str, object], str], tuple[str, Callable[[], LoadedProblem]]]


def _recognise(
    entry: Mapping[str, object], where: str, visible_asserts: mbpp.VisibleAsserts
) -> tuple[str, _Make, tuple[str, ...]]:
    """Return name, reader and notes of the format that an entry has."""

    def make_humaneval(entry: Mapping[str, object], where: str) -> tuple[str, Callable[[], LoadedProblem]]:
        row = read_row(humaneval.HumanEvalRow, entry, where)
        return row.id, lambda: row.load(where)

    def make_full(entry: Mapping[str, object], where: str) -> tuple[str, Callable[[], LoadedProblem]]:
        row = read_row(mbpp.FullRow, entry, where)
        return row.id, lambda: row.load(where, visible_asserts)

    def make_sanitized(entry: Mapping[str, object], where: str) -> tuple[str, Callable[[], LoadedProblem]]:
        row = read_row(mbpp.SanitizedRow, entry, where)
        return row.id, lambda: row.load(where, visible_asserts)

    if "test_list" in entry and "text" in entry:
        return "MBPP", make_full, mbpp.notes(visible_asserts)
    if "test_list" in entry:
        return "MBPP (sanitized)", make_sanitized, mbpp.notes(visible_asserts)
    if "entry_point" in entry and "test" in entry:
        return "HumanEval", make_humaneval, humaneval.NOTES
    fields = ", ".join(sorted(entry)[:12]) or "none"
    raise TaskError(
        f"{where}: the fields ({fields}) are neither those of HumanEval (task_id, prompt, entry_point, "
        "canonical_solution, test) nor of MBPP (task_id, text or prompt, code, test_list)"
    )


def _bundled_maker(problem_id: str) -> Callable[[], LoadedProblem]:
    def make() -> LoadedProblem:
        problem = load_bundled(problem_id)
        return LoadedProblem(problem=problem, forms=("written with the problem",) * len(problem.task.tests))

    return make


def _content(loaded: LoadedProblem) -> tuple[object, ...]:
    """Return everything that matters of a problem (its own `repr` hides the hidden parts)."""
    problem = loaded.problem
    return problem.task, problem.hidden, problem.reference, problem.wrong, problem.level
