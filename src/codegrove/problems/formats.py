"""The benchmark formats, and how an entry of each is told from all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codegrove.errors import TaskError, did_you_mean
from codegrove.problems import (
    apps,
    bigcodebench,
    classeval,
    codecontests,
    evalplus,
    humaneval,
    livecodebench,
    mbpp,
)
from codegrove.problems.problem_rows import ProblemRow, VisibleAsserts
from codegrove.problems.sources import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One benchmark format."""

    key: str
    """Name on the command line."""
    name: str
    """Name in reports."""
    row: type[ProblemRow]
    fields: tuple[tuple[str, ...], ...]
    """What an entry of it has; of several names for one field, one."""
    lacks: tuple[str, ...] = ()
    """What it does not have; a similar format has it."""
    fits: Callable[[Data], bool] = lambda data: True
    """What else must hold of it."""
    id_field: str = "task_id"
    notes: Callable[[VisibleAsserts], tuple[str, ...]] = lambda visible_asserts: ()
    shows_asserts: bool = False
    """Whether its visible tests are so many of its asserts as one chooses."""
    automatic: bool = True
    """Whether it is recognised; if not, it must be asked for."""

    def recognises(self, data: Data) -> bool:
        """Whether an entry has this format."""
        return (
            self.automatic
            and all(any(name in data for name in names) for names in self.fields)
            and not any(name in data for name in self.lacks)
            and self.fits(data)
        )


def _fields(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word.split("|")) for word in text.split())


def _fixed(*notes: str) -> Callable[[VisibleAsserts], tuple[str, ...]]:
    return lambda visible_asserts: notes


def _has_inputs_in_test(data: Data) -> bool:
    """HumanEval+ in the layout of HumanEval differs from it in the text of ``test`` only."""
    test = data.get("test")
    return isinstance(test, str) and "inputs = [" in test and "def assertion(" in test


_HUMANEVAL = _fields("task_id prompt entry_point canonical_solution test")
_PLUS = _fields("task_id prompt entry_point canonical_solution base_input plus_input")

FORMATS: tuple[Format, ...] = (
    Format(
        key="humaneval",
        name="HumanEval",
        row=humaneval.HumanEvalRow,
        fields=_HUMANEVAL,
        lacks=("base_input",),
        fits=lambda data: not _has_inputs_in_test(data),
        notes=_fixed(*humaneval.NOTES),
    ),
    Format(
        key="humaneval+",
        name="HumanEval+",
        row=evalplus.HumanEvalPlusRow,
        fields=_PLUS,
        lacks=("assertion",),
        notes=_fixed(humaneval.NOTES[0], *evalplus.NOTES),
    ),
    Format(
        key="humaneval+layout",
        name="HumanEval+ (HumanEval layout)",
        row=evalplus.HumanEvalPlusLayoutRow,
        fields=_HUMANEVAL,
        lacks=("base_input",),
        fits=_has_inputs_in_test,
        notes=_fixed(*humaneval.NOTES, *evalplus.LAYOUT_NOTES),
    ),
    Format(
        key="mbpp",
        name="MBPP",
        row=mbpp.FullRow,
        fields=_fields("task_id text code test_list"),
        shows_asserts=True,
        notes=mbpp.notes,
    ),
    Format(
        key="mbpp-sanitized",
        name="MBPP (sanitized)",
        row=mbpp.SanitizedRow,
        fields=_fields("task_id prompt code test_list"),
        lacks=("text", "test"),
        shows_asserts=True,
        notes=mbpp.notes,
    ),
    Format(
        key="mbpp+",
        name="MBPP+",
        row=evalplus.MbppPlusRow,
        fields=(*_PLUS, ("assertion",)),
        shows_asserts=True,
        notes=lambda shown: (*mbpp.notes(shown)[:1], *evalplus.NOTES),
    ),
    Format(
        key="mbpp+layout",
        name="MBPP+ (MBPP layout)",
        row=evalplus.MbppPlusLayoutRow,
        fields=_fields("task_id prompt code test_list test"),
        lacks=("text",),
        shows_asserts=True,
        notes=lambda shown: (*mbpp.notes(shown)[:1], *evalplus.LAYOUT_NOTES),
    ),
    Format(
        key="apps",
        name="APPS",
        row=apps.AppsRow,
        fields=_fields("problem_id|id question input_output"),
        id_field="problem_id",
        notes=_fixed(*apps.NOTES),
    ),
    Format(
        key="codecontests",
        name="CodeContests",
        row=codecontests.CodeContestsRow,
        fields=_fields("name description public_tests private_tests generated_tests"),
        id_field="name",
        notes=_fixed(*codecontests.NOTES),
    ),
    Format(
        key="livecodebench",
        name="LiveCodeBench",
        row=livecodebench.LiveCodeBenchRow,
        fields=_fields("question_id question_content public_test_cases private_test_cases"),
        id_field="question_id",
        notes=_fixed(*livecodebench.NOTES),
    ),
    Format(
        key="bigcodebench",
        name="BigCodeBench (complete)",
        row=bigcodebench.BigCodeBenchRow,
        fields=_fields("task_id complete_prompt instruct_prompt canonical_solution test entry_point"),
        notes=_fixed(*bigcodebench.NOTES),
    ),
    Format(
        key="bigcodebench-instruct",
        name="BigCodeBench (instruct)",
        row=bigcodebench.BigCodeBenchInstructRow,
        fields=_fields("task_id complete_prompt instruct_prompt canonical_solution test entry_point"),
        notes=_fixed(*bigcodebench.NOTES),
        automatic=False,
    ),
    Format(
        key="classeval",
        name="ClassEval",
        row=classeval.ClassEvalRow,
        fields=_fields("task_id skeleton|sketch class_name test_classes solution_code"),
        notes=_fixed(*classeval.NOTES),
    ),
)


def format_called(key: str) -> Format:
    """Return the format of a name.

    Raises:
        TaskError: if there is none, naming those that there are.
    """
    for format in FORMATS:
        if format.key == key:
            return format
    keys = [format.key for format in FORMATS]
    hint = did_you_mean(key, keys)
    known = "" if hint.startswith("; known") else f"; known: {', '.join(keys)}"
    raise TaskError(f"there is no benchmark format {key!r}{hint}{known}")


def recognise(data: Data, where: str) -> Format:
    """Return the format of an entry.

    Raises:
        TaskError: if it has none of them, or several, naming the fields that were found.
    """
    found = [format for format in FORMATS if format.recognises(data)]
    if len(found) == 1:
        return found[0]
    fields = ", ".join(sorted(map(str, data))[:12]) or "none"
    if found:
        raise TaskError(
            f"{where}: the fields ({fields}) are those of several formats ({', '.join(f.name for f in found)}); "
            f"say which with --format: {', '.join(f.key for f in found)}"
        )
    near = max(FORMATS, key=lambda format: _likeness(format, data))
    raise TaskError(
        f"{where}: the fields ({fields}) are those of no known benchmark; {_nearest(near, data)}supported: "
        f"{', '.join(format.name for format in FORMATS if format.automatic)}"
    )


def _likeness(format: Format, data: Mapping[str, object]) -> int:
    return sum(any(name in data for name in names) for names in format.fields) - len(_missing(format, data))


def _missing(format: Format, data: Mapping[str, object]) -> list[str]:
    return [" or ".join(names) for names in format.fields if not any(name in data for name in names)]


def _nearest(format: Format, data: Mapping[str, object]) -> str:
    missing = _missing(format, data)
    if not missing or len(missing) > len(format.fields) // 2:
        return ""
    return f"{format.name} would also have {', '.join(missing)}; "
