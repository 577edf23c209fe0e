"""Prompt variables: what a prompt declares, derived from the task and from what the step was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

from codegrove.agents.feedback import (
    TraceLike,
    describe_examples,
    describe_failure,
    describe_trace,
    describe_verdict,
    report_verdict,
)
from codegrove.candidate import Candidate
from codegrove.errors import PromptError, did_you_mean
from codegrove.examples import strip_examples, strip_samples
from codegrove.languages import wording
from codegrove.outcome import Proposal, Review
from codegrove.task import StdioTest, Task, Test
from codegrove.verdict import Verdict

Inputs = Mapping[str, Any]
"""What a step was given besides the task: plan, program, verdict, tests and so on."""

DEFAULT_WIDTH = 5
"""Proposals or tests asked for where nobody says how many."""

_TEXTS = (
    "plan",
    "program",
    "strategy",
    "reflection",
    "review",
    "exemplar",
    "exemplar_plan",
    "algorithm",
    "previous",
    "diagnosis",
)


def derive(names: Iterable[str], task: Task, inputs: Inputs) -> dict[str, object]:
    """Return a value for each of the names; only what is named is computed.

    A text given under a variable's own name is used as it is. Any further input is available by its name.

    Raises:
        PromptError: for a name that is neither derived from the task nor given, or an input of a wrong type.
    """
    return {name: _value(name, task, inputs) for name in names}


def _value(name: str, task: Task, inputs: Inputs) -> object:
    given = inputs.get(name)
    if isinstance(given, str) and name != "width":
        return given
    rule = _RULES.get(name)
    if rule is not None:
        return rule(task, inputs)
    if given is not None:
        return given
    known = {*_RULES, *inputs}
    raise PromptError(
        f"nothing is known for prompt variable {name!r}: it is no input of this step and not derived from the"
        f" task{did_you_mean(name, known)} (known: {', '.join(sorted(known))})"
    )


def read_text(name: str, inputs: Inputs) -> str:
    """Return an input that is a text, or has one: a program, a proposal, a review. Empty where it is missing.

    Raises:
        PromptError: if it is anything else.
    """
    match inputs.get(name):
        case None:
            return ""
        case str(value):
            return value
        case Candidate(program=value) | Proposal(text=value) | Review(text=value):
            return value
        case other:
            raise _wrong_type(name, "text", other)


def _text(name: str) -> Callable[[Task, Inputs], str]:
    return lambda task, inputs: read_text(name, inputs)


def _bare_statement(task: Task, _: Inputs) -> str:
    text = _stripped(task.statement, task.entry_point or "")
    stdio = [test for test in task.tests if isinstance(test, StdioTest)]
    samples = [part for test in stdio for part in (test.stdin, test.expected)]
    return strip_samples(text, samples).strip() if samples else text.strip()


@lru_cache(maxsize=256)
def _stripped(text: str, entry_point: str) -> str:
    return strip_examples(text, entry_point)


def _thoughts(task: Task, inputs: Inputs) -> str:
    """One line per thought; empty ones, which stand in for an unreadable answer, are left out."""
    lines = [" ".join(str(thought).split()) for thought in inputs.get("thoughts") or ()]
    return "\n".join(f"{number}. {line}" for number, line in enumerate(filter(None, lines), 1))


def _width(task: Task, inputs: Inputs) -> int:
    width = inputs.get("width")
    if width is None:
        return DEFAULT_WIDTH
    if not isinstance(width, int) or isinstance(width, bool) or width < 1:
        raise _wrong_type("width", "a whole number of 1 or more", width)
    return width


def _judged(task: Task, inputs: Inputs) -> tuple[Verdict, tuple[Test, ...]] | None:
    """Return the verdict with the tests it speaks about, by default the task's own."""
    verdict = inputs.get("verdict")
    if verdict is None:
        return None
    if not isinstance(verdict, Verdict):
        raise _wrong_type("verdict", "a Verdict", verdict)
    return verdict, tuple(inputs.get("tests") or task.tests)


def _feedback(task: Task, inputs: Inputs) -> str:
    judged = _judged(task, inputs)
    return describe_verdict(*judged, task.entry_point) if judged else ""


def _report(task: Task, inputs: Inputs) -> str:
    judged = _judged(task, inputs)
    return report_verdict(*judged, task.entry_point) if judged else ""


def _failing_test(task: Task, inputs: Inputs) -> str:
    test = inputs.get("test")
    return "" if test is None else describe_failure(test, inputs.get("test_result"), task.entry_point)


def _trace(task: Task, inputs: Inputs) -> str:
    trace = inputs.get("trace")
    if trace is None:
        return ""
    if not hasattr(trace, "blocks"):
        raise _wrong_type("trace", "a BlockTrace", trace)
    return describe_trace(cast(TraceLike, trace))


def _wrong_type(name: str, wanted: str, found: object) -> PromptError:
    return PromptError(f"input {name!r}: expected {wanted}, found {type(found).__name__} {found!r:.60}")


_RULES: Mapping[str, Callable[[Task, Inputs], object]] = {
    "statement": lambda task, _: task.statement.strip(),
    "stub": lambda task, _: task.stub.strip(),
    "entry_point": lambda task, _: task.entry_point or "",
    "form": lambda task, _: task.kind,
    "language": lambda task, _: wording(task.language).title,
    "fence": lambda task, _: wording(task.language).fences[0],
    "language_notes": lambda task, _: wording(task.language).notes,
    "examples": lambda task, _: describe_examples(task.tests, task.entry_point),
    "bare_statement": _bare_statement,
    "bare_stub": lambda task, _: _stripped(task.stub, task.entry_point or "").strip(),
    **{name: _text(name) for name in _TEXTS},
    "thoughts": _thoughts,
    "width": _width,
    "feedback": _feedback,
    "report": _report,
    "failing_test": _failing_test,
    "trace": _trace,
}

DERIVED = tuple(sorted(_RULES))
"""Names of all variables a prompt can declare without anybody giving them."""
