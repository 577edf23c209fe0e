"""Loading benchmarks: the bundled one, files, directories, and Hugging Face ids."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from codegrove.errors import TaskError, did_you_mean
from codegrove.problem import Problem
from codegrove.problems import hub
from codegrove.problems.bundled import bundled_ids, load_bundled
from codegrove.problems.directories import open_path
from codegrove.problems.formats import Format, format_called, recognise
from codegrove.problems.load_report import LoadedProblem, LoadReport
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.rows import read_row
from codegrove.problems.sources import Place, Source

_Kept = TypeVar("_Kept")

BUNDLED = "bundled"
_EXPECTED = "'bundled', a .jsonl, .jsonl.gz, .json or .parquet file of a benchmark, or hf:OWNER/NAME"
_KEPT = 256
"""Problems of one set that stay in memory, unless the set says otherwise."""


class ProblemSet:
    """Problems of one source, in its order. Each is put together when it is asked for.

    Args:
        makers: what puts a problem together, by its id.
        source: file name, id of a data set, or ``bundled``.
        format: name of the format.
        sha256: hash of the source; None to compute one from the problems.
        notes: what a reader of results must know.
        skipped: problems that were left out, each with its id and the reason.
        shown: what was chosen about the visible tests, where there is a choice.
        kept: how many problems stay in memory; those used last.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[], LoadedProblem]],
        *,
        source: str,
        format: str,
        sha256: str | None = None,
        notes: tuple[str, ...] = (),
        skipped: tuple[str, ...] = (),
        shown: str = "",
        kept: int = _KEPT,
    ) -> None:
        self.source = source
        self.format = format
        self.ids = tuple(makers)
        self._makers = makers
        self._loaded: OrderedDict[str, LoadedProblem] = OrderedDict()
        self._graded: OrderedDict[str, Problem] = OrderedDict()
        self._kept = kept
        self._sha256 = sha256
        self._notes = notes
        self._skipped = skipped
        self._shown = shown

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Problem]:
        return (self._load(problem_id).problem for problem_id in self.ids)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems at once; iterate over the set where they may not fit into memory."""
        return tuple(self)

    def by_id(self, problem_id: str | int) -> Problem:
        """Return one problem. The part after the slash suffices (``0`` for ``HumanEval/0``); case is ignored.

        Raises:
            TaskError: when there is no such problem, or the entry in the file is broken.
        """
        return self._load(self.find_id(problem_id)).problem

    def for_grading(self, problem_id: str | int) -> Problem:
        """Return one problem as `by_id` does, maybe without its visible tests: grading needs none, and is spared
        the search for them where they are examples in a text.

        Raises:
            TaskError: as `by_id`.
        """
        name = self.find_id(problem_id)
        maker = self._makers[name]
        if name in self._loaded or not isinstance(maker, _RowMaker):
            return self._load(name).problem
        found = self._graded.pop(name, None) or maker.graded()
        return _keep(self._graded, name, found, self._kept)

    def find_id(self, problem_id: str | int) -> str:
        """Return the id of one problem as this set writes it, see `by_id`. Nothing is loaded.

        Raises:
            TaskError: when there is no such problem, or several.
        """
        wanted = str(problem_id).strip()
        if wanted in self._makers:
            return wanted
        close = self._short_ids.get(wanted.lower(), ())
        if len(close) == 1:
            return close[0]
        if close:
            raise TaskError(f"{self.source} has several problems {wanted!r}: {', '.join(close)}")
        hint = did_you_mean(wanted, self.ids)
        if "did you mean" not in hint and len(self.ids) > 12:
            hint = f"; its {len(self.ids)} ids run from {self.ids[0]!r} to {self.ids[-1]!r}"
        raise TaskError(f"{self.source} has no problem {wanted!r}{hint}")

    @cached_property
    def _short_ids(self) -> dict[str, tuple[str, ...]]:
        """Ids by what they may be called."""
        found: dict[str, tuple[str, ...]] = {}
        for problem_id in self.ids:
            lower = problem_id.lower()
            for name in dict.fromkeys((lower, lower.rpartition("/")[2])):
                found[name] = (*found.get(name, ()), problem_id)
        return found

    @property
    def sha256(self) -> str:
        """Hash of the source; where there is no file, of the problems, which are all read for it."""
        return self._sha256 or self.report.sha256

    @cached_property
    def fingerprint(self) -> str:
        """What tells the set from others: 16 hexadecimal digits of its content and of how that is read.

        One file read in another format, or with another number of visible asserts, is another benchmark.
        """
        return hashlib.sha256("\n".join((self.sha256, self.format, self._shown)).encode()).hexdigest()[:16]

    @cached_property
    def report(self) -> LoadReport:
        """Counts over all problems and the provenance of their visible tests.

        Raises:
            TaskError: at the first entry that is broken, naming its place and field.
        """
        digest = hashlib.sha256()

        def loaded() -> Iterator[LoadedProblem]:
            for problem_id in self.ids:
                one = self._load(problem_id)
                if self._sha256 is None:
                    digest.update(_content(one.problem))
                yield one

        report = LoadReport.of(
            loaded(),
            source=self.source,
            format=self.format,
            sha256=self._sha256 or "",
            skipped=self._skipped,
            notes=self._notes,
        )
        return report if self._sha256 else replace(report, sha256=digest.hexdigest())

    def _load(self, problem_id: str) -> LoadedProblem:
        found = self._loaded.pop(problem_id, None) or self._makers[problem_id]()
        return _keep(self._loaded, problem_id, found, self._kept)


def load_problems(
    source: str | Path, *, format: str | None = None, visible_asserts: VisibleAsserts = 1
) -> ProblemSet:
    """Return the problems of a benchmark, or those that ship with codegrove.

    Args:
        source: ``bundled``; a ``.jsonl``, ``.jsonl.gz``, ``.json`` or ``.parquet`` file; a directory of such
            files, of APPS or of ``datasets.save_to_disk``; or a Hugging Face id, ``hf:OWNER/NAME:CONFIG@SPLIT``.
        format: key of a format, see `codegrove.problems.formats`; None to recognise it by the fields. The bundled
            problems have none to choose.
        visible_asserts: for MBPP and MBPP+, how many of a problem's asserts the search may see.

    Raises:
        TaskError: for anything that is no such benchmark, naming file, line, field and what was expected. Fields
            are checked at once; the Python, JSON and packed tests inside them when the problem is asked for.
    """
    wanted = format_called(format) if format is not None else None
    if source == BUNDLED:
        if wanted is not None:
            raise TaskError(
                "the bundled problems have a format of their own; "
                f"found format {wanted.key!r}, which is for files: leave it out"
            )
        return ProblemSet({i: _bundled_maker(i) for i in bundled_ids()}, source=BUNDLED, format="codegrove")
    if str(source).startswith(hub.PREFIX):
        return problem_set(
            hub.HubDataset(str(source)), wanted, called=str(source), visible_asserts=visible_asserts
        )
    found = open_path(Path(source), expected=_EXPECTED)
    return problem_set(found, wanted, called=str(source), visible_asserts=visible_asserts)


def lasting_source(source: str | Path) -> str:
    """Return a name for `load_problems` that means the same problems from any working directory."""
    if source == BUNDLED or str(source).startswith(hub.PREFIX):
        return str(source)
    return str(Path(source).resolve())


def problem_set(
    source: Source, format: Format | None = None, *, called: str, visible_asserts: VisibleAsserts = 1
) -> ProblemSet:
    """Return the problems of an open source, see `load_problems`; `called` is what messages call it."""
    makers: dict[str, Callable[[], LoadedProblem]] = {}
    first_place: dict[str, str] = {}
    skipped: list[str] = []
    for entry in source.scan():
        format = format or recognise(entry.data, entry.where)
        row = read_row(format.row, entry.data, entry.where)
        if row.id in first_place:
            raise TaskError(
                f"{entry.where}, field {format.id_field!r}: {row.id!r} stands already at {first_place[row.id]}"
            )
        first_place[row.id] = entry.where
        if why := row.unusable():
            skipped.append(f"{row.id}: {why}")
        else:
            makers[row.id] = _RowMaker(source, format, entry.place, entry.where, visible_asserts)
    if format is None or not first_place:
        raise TaskError(f"{called} holds no problems; expected {_EXPECTED}")
    return ProblemSet(
        makers,
        source=source.name,
        format=format.name,
        sha256=source.sha256,
        notes=(*format.notes(visible_asserts), *source.notes),
        skipped=tuple(skipped),
        shown=f"{visible_asserts} asserts" if format.shows_asserts else "",
        kept=_KEPT if source.small else 1,
    )


@dataclass(frozen=True, slots=True)
class _RowMaker:
    """Puts a problem together from its entry."""

    source: Source
    format: Format
    place: Place
    where: str
    visible_asserts: VisibleAsserts

    def __call__(self) -> LoadedProblem:
        return self._row().load(self.where, self.visible_asserts)

    def graded(self) -> Problem:
        return self._row().graded(self.where, self.visible_asserts)

    def _row(self) -> ProblemRow:
        return read_row(self.format.row, self.source.read(self.place), self.where)


def _keep(kept: OrderedDict[str, _Kept], name: str, found: _Kept, most: int) -> _Kept:
    """Keep something as the last one used; let go of the one that was not used for the longest time."""
    kept[name] = found
    if len(kept) > most:
        kept.popitem(last=False)
    return found


def _bundled_maker(problem_id: str) -> Callable[[], LoadedProblem]:
    def make() -> LoadedProblem:
        problem = load_bundled(problem_id)
        return LoadedProblem(problem=problem, forms=("written with the problem",) * len(problem.task.tests))

    return make


def _content(problem: Problem) -> bytes:
    """Return everything that is known of a problem, what its `repr` hides included, as bytes to hash."""
    return json.dumps(asdict(problem), sort_keys=True).encode()
