"""Verdicts and traces as text for prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from codegrove.agents.clipping import clip, clip_middle
from codegrove.task import AssertTest, Origin, StdioTest, Test
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict

MOST_FEEDBACK = 2500
"""Characters of feedback (as in CodeTree)."""
MOST_CASE = 500
"""Characters of one input, expected or obtained output (as in MapCoder)."""
_MOST_PASSED = 700
"""Characters spent on tests that passed: the failing ones say more."""
MOST_VALUE = 100
"""Characters of one value in a trace: the first and the last half of them (as in LDB)."""
MOST_BLOCKS = 10
"""Blocks of a trace that are shown: the first and the last half of them (as in LDB)."""
_MOST_BLOCK = 2000
_MAY_BE_WRONG = "(a generated test; it may itself be wrong)"


class BlockLike(Protocol):
    """What a trace is made of, see `codegrove.tools.sandbox.port.Block`."""

    @property
    def index(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def before(self) -> Sequence[tuple[str, str]]: ...
    @property
    def after(self) -> Sequence[tuple[str, str]]: ...


class TraceLike(Protocol):
    """A recorded run, see `codegrove.tools.sandbox.port.BlockTrace`."""

    @property
    def blocks(self) -> Sequence[BlockLike]: ...
    @property
    def total(self) -> int: ...
    @property
    def error(self) -> ErrorInfo | None: ...


def describe_examples(tests: Sequence[Test], entry_point: str | None) -> str:
    """Return tests as text: one line each for functions, blank lines between those of stdin programs."""
    joint = "\n" if entry_point else "\n\n"
    return joint.join(clip(test.describe(entry_point), 4 * MOST_CASE) for test in tests)


def describe_verdict(verdict: Verdict, tests: Sequence[Test], entry_point: str | None) -> str:
    """Return which tests passed, and for those that did not what they brought instead.

    At most `MOST_FEEDBACK` characters. Tests that could not be judged are left out.
    """
    pairs = list(zip(tests, verdict.results, strict=False))
    passed = [test.describe(entry_point) for test, result in pairs if result.passed]
    failed = [
        (test, result) for test, result in pairs if result.status not in (Status.PASSED, Status.UNJUDGED)
    ]
    sections: list[str] = []
    if verdict.error is not None:
        whole = f"The program failed as a whole: {_stopped_by(verdict.error, verdict.limit)}"
        sections.append(clip(whole, MOST_CASE))
        if failed and all(result.error == verdict.error for _, result in failed):
            # One cause; saying it again for every test would say nothing.
            failed = []
    if passed:
        head = f"Passed tests ({len(passed)} of {len(pairs)}):"
        sections.append(f"{head}\n{_fitting(passed, _MOST_PASSED)}")
    if failed:
        head = f"Failed tests ({len(failed)} of {len(pairs)}):"
        room = MOST_FEEDBACK - sum(len(section) + 2 for section in sections) - len(head) - 1
        sections.append(f"{head}\n{_fitting([describe_failure(t, r, entry_point) for t, r in failed], room)}")
    return clip("\n\n".join(sections), MOST_FEEDBACK)


def describe_failure(test: Test, result: TestResult | None, entry_point: str | None) -> str:
    """Return a test and what the program brought instead of what was expected."""
    text = clip(test.describe(entry_point), 2 * MOST_CASE)
    if test.origin is Origin.GENERATED:
        text = f"{text}  {_MAY_BE_WRONG}" if not isinstance(test, StdioTest) else f"{_MAY_BE_WRONG}\n{text}"
    lines = list(_obtained(test, result)) if result is not None else []
    if not isinstance(test, StdioTest):
        lines = [f"    {line}" for line in lines]
    return "\n".join([text, *lines])


def _obtained(test: Test, result: TestResult) -> Iterator[str]:
    output, error = clip(result.output, MOST_CASE), result.error
    if isinstance(test, StdioTest):
        if result.status is Status.FAILED or output.strip():
            yield f"obtained output:\n{output.rstrip() or '(nothing)'}"
    elif output:
        yield f"obtained: {output}"
    if result.status is Status.TIMED_OUT:
        yield "timed out" + (f" at line {error.line}" if error is not None and error.line else "")
    elif error is not None:
        yield f"raised: {clip(str(error), MOST_CASE)}"
    elif isinstance(test, AssertTest) and not output:
        yield "obtained: the assertion does not hold"


def report_verdict(verdict: Verdict, tests: Sequence[Test], entry_point: str | None) -> str:
    """Return MapCoder's kind of report.

    For functions which tests passed and which failed, without what was obtained; for stdin programs each test
    with input, expected and obtained output, each cut at `MOST_CASE` characters.
    """
    passed: list[str] = []
    failed: list[str] = []
    for test, result in zip(tests, verdict.results, strict=False):
        if result.status is not Status.UNJUDGED:
            line = (
                _case(test, result)
                if isinstance(test, StdioTest)
                else clip(test.describe(entry_point), 2 * MOST_CASE)
            )
            (passed if result.passed else failed).append(line)
    joint = "\n" if entry_point else "\n\n"
    sections = [
        f"{head}:\n{joint.join(lines)}"
        for head, lines in (("Passed tests", passed), ("Failed tests", failed))
        if lines
    ]
    return "\n\n".join(sections)


def _case(test: StdioTest, result: TestResult) -> str:
    obtained = result.output.rstrip()
    if result.status is Status.TIMED_OUT:
        obtained += "\n(timed out)"
    elif result.error is not None:
        obtained += f"\n({result.error})"
    parts = (
        ("input", test.stdin.rstrip()),
        ("expected output", test.expected.rstrip()),
        ("obtained output", obtained.strip() or "(nothing)"),
    )
    return "\n".join(f"{name}:\n{clip(text, MOST_CASE)}" for name, text in parts)


def describe_trace(trace: TraceLike) -> str:
    """Return the executed blocks with the variables before and after each, long runs and values shortened."""
    blocks = list(trace.blocks)
    half = MOST_BLOCKS // 2
    first = blocks if len(blocks) <= MOST_BLOCKS else blocks[:half]
    last = [] if len(blocks) <= MOST_BLOCKS else blocks[-half:]
    parts: list[str] = []
    previous = -1
    for block in (*first, *last):
        if block.index > previous + 1:
            parts.append(f"... ({block.index - previous - 1} blocks left out)")
        previous = block.index
        parts.append(
            f"[BLOCK-{block.index}]\n{clip(block.source.rstrip(), _MOST_BLOCK)}\n"
            f"before: {_variables(block.before)}\nafter: {_variables(block.after)}"
        )
    if previous + 1 < trace.total:
        parts.append(f"... ({trace.total - previous - 1} blocks left out)")
    if trace.error is not None:
        parts.append(f"The run ended with {clip(str(trace.error), MOST_CASE)}")
    return "\n\n".join(parts)


def _variables(values: Sequence[tuple[str, str]]) -> str:
    shown = "  ".join(f"{name}={clip_middle(value, MOST_VALUE)}" for name, value in values)
    return clip(shown, _MOST_BLOCK) or "(no variables)"


def _stopped_by(error: ErrorInfo, limit: str) -> str:
    return f"{error}; it was stopped at its {limit} limit" if limit else str(error)


def _fitting(entries: Sequence[str], room: int) -> str:
    """Return as many entries as fit, at least one (shortened), and how many are left out."""
    shown: list[str] = []
    for number, entry in enumerate(entries):
        note = f"(and {len(entries) - number} more)"
        if shown and room < len(entry) + 1 + (len(note) + 1 if number + 1 < len(entries) else 0):
            shown.append(note)
            break
        shown.append(clip(entry, max(room - len(note) - 1, MOST_CASE // 5)))
        room -= len(shown[-1]) + 1
    return "\n".join(shown)
