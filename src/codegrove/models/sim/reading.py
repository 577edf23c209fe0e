"""What a request shows: the program, the plan, and how much of a failure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from codegrove.models.port import Request
from codegrove.models.sim.trees import parse


class Evidence(IntEnum):
    """How much the prompt shows of what goes wrong."""

    NONE = 0
    """Nothing fails, or nothing is said."""
    FAILED = 1
    """That tests fail, without what they brought."""
    SHOWN = 2
    """What a failing test brought: a value, an exception, a timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A request as the simulated programmer reads it. Missing variables are empty."""

    program: str
    evidence: Evidence
    plan: str
    """Plan or strategy to follow."""
    thoughts: tuple[str, ...]
    advice: str
    """Reflection and diagnosis: words about where the program is wrong."""
    trace: str
    width: int
    """How many proposals or tests are wanted; 0 where the prompt does not say."""


_FAILURE = re.compile(
    r"\bfail(?:s|ed|ing|ure|ures)?\b|\bwrong answer\b|\bincorrect\b|\bdid not pass\b|\bnot passed\b", re.I
)
_BROUGHT = re.compile(
    r"\b(?:obtained|got|gave|returned|printed|actual|raised|but was|instead of|traceback|timed out|time limit)\b"
    r"|\btimeout\b|\b(?:[A-Z]\w*)?(?:Error|Exception)\b|\bexecution output\b|\byour output\b",
    re.I,
)
_CRASH = re.compile(
    r"\braised\b|\btraceback\b|\btimed out\b|\b[A-Z]\w*(?:Error|Exception)\b|\bobtained\b|\bgot\b"
)
_NO_FAILURE = re.compile(
    r"\b(?:no|0|zero|none)\s+(?:tests?\s+)?fail\w*|\bfail\w*(?:\s+tests?)?\s*:?\s*(?:none|0|\(none\)|-)(?=\s|$)"
    r"|\bnothing failed\b|\bwithout failure\b",
    re.I,
)


def evidence_in(text: str) -> Evidence:
    """Say how much of a failure a piece of feedback shows."""
    rest = _NO_FAILURE.sub(" ", text)
    if not (_FAILURE.search(rest) or _CRASH.search(rest)):
        return Evidence.NONE
    return Evidence.SHOWN if _BROUGHT.search(rest) else Evidence.FAILED


def read(request: Request) -> Situation:
    """Read variables first, and the chat itself for what they do not hold."""
    program = _variable(request, "program") or program_in(_variable(request, "previous"))
    feedback = "\n".join(
        filter(None, (_variable(request, name) for name in ("feedback", "report", "failing_test")))
    )
    reflection = _variable(request, "reflection")
    if not program:
        program, feedback, reflection = _from_chat(request, feedback, reflection)
    diagnosis = _variable(request, "diagnosis")
    evidence = evidence_in(feedback)
    if "`" in diagnosis and evidence is Evidence.FAILED:
        evidence = Evidence.SHOWN
    return Situation(
        program=program,
        evidence=evidence,
        plan=_variable(request, "plan") or _variable(request, "strategy"),
        thoughts=_thoughts(request),
        advice="\n".join(filter(None, (reflection, diagnosis))),
        trace=_variable(request, "trace"),
        width=_width(request),
    )


def program_in(text: str) -> str:
    """Return the program in a text that glues words and code: the last fenced block, or what parses at its end."""
    blocks = re.findall(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1\s*$", text, re.M | re.S)
    if blocks:
        return str(blocks[-1][1])
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if re.match(
            r"(?:def|class|import|from|for|while|if|print|@|async|try|with|[A-Za-z_]\w*\s*(?:=|\())", line
        ):
            rest = "".join(lines[index:])
            if parse(rest) is not None:
                return rest
    return ""


def numbered_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a list without their numbers."""
    bare = (re.sub(r"^\s*(?:\d+\s*[.):]|[-*])\s*", "", line).strip() for line in text.splitlines())
    return tuple(line for line in bare if line)


def _variable(request: Request, name: str) -> str:
    value = request.variables.get(name, "")
    return value if isinstance(value, str) else "" if value is None else str(value)


def _thoughts(request: Request) -> tuple[str, ...]:
    value = request.variables.get("thoughts", ())
    if isinstance(value, str):
        return numbered_lines(value)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _width(request: Request) -> int:
    value = request.variables.get("width", 0)
    try:
        return max(0, min(int(value), 100))
    except (TypeError, ValueError):
        return 0


def _from_chat(request: Request, feedback: str, reflection: str) -> tuple[str, str, str]:
    """Take program, feedback and reflection from the turns: assistant program, user feedback, assistant advice."""
    program = ""
    for message in request.messages:
        if message.role == "assistant":
            code = program_in(message.text)
            if code:
                program, feedback = code, ""
            elif program:
                reflection = message.text
        elif message.role == "user" and program and not feedback:
            feedback = message.text
    return program, feedback, reflection
