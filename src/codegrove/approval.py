"""What a human is asked during a run, and what the human says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from codegrove.errors import UsageError

What = Literal["plan", "solution"]
"""What may need approval: each plan a planner proposes, or the program a run ends with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """One question to a human: may this be used?"""

    what: What
    text: str
    """The plan, or the program."""
    task: str
    """Id of the task."""
    node: int
    """Node of the search tree that the plan was made for, or that holds the program."""
    about: str = ""
    """What is known of it in a few words: the action that proposed the plan, the tests the program passes."""
    expansion: int | None = None
    """The expansion that brought the plan; None for the program."""
    item: int = 0
    """Which of several plans of one answer this is, from 0."""
    count: int = 1
    """Plans in that answer."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _storable(self.text))  # what is recorded is what was shown

    def to_data(self) -> dict[str, Any]:
        """Return the question as JSON-ready data: the value of a LangGraph interrupt."""
        data: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return {**data, "answers": ANSWERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A human's answer. `Decision.accept()`, `.edit(text)` and `.reject(comment)` make one."""

    kind: Literal["accept", "edit", "reject"]
    text: str = ""
    """What is to be used instead; only of an edit."""
    comment: str = ""
    """Why it was rejected."""

    @staticmethod
    def accept() -> Decision:
        """Use it as it is."""
        return Decision(kind="accept")

    @staticmethod
    def edit(text: str) -> Decision:
        """Use this text instead.

        Raises:
            UsageError: if the text is blank.
        """
        return read_decision({"decision": "edit", "text": text})

    @staticmethod
    def reject(comment: str = "") -> Decision:
        """Do not use it."""
        return read_decision({"decision": "reject", "comment": comment})


Approver = Callable[[ApprovalRequest], object]
"""Answers questions: a function or coroutine function that returns a `Decision` (or what `read_decision` reads).

A plain function runs in a thread of its own and may block; its questions come one at a time. A coroutine function
may get several questions at once when a run has several workers.
"""

ANSWERS = (
    "accept",
    "reject",
    {"decision": "edit", "text": "what to use instead"},
    {"decision": "reject", "comment": "why"},
)
"""Forms of an answer, for whoever is asked from outside Python."""
_WANTED = (
    'expected a Decision, true or "accept", false or "reject", '
    '{"decision": "edit", "text": ...} or {"decision": "reject", "comment": ...}'
)


def read_decision(value: object) -> Decision:
    """Return the decision that a value stands for.

    Args:
        value: a `Decision`, true or ``"accept"``, false or ``"reject"``, or a mapping with ``decision`` and, where
            it needs one, ``text`` or ``comment``.

    Raises:
        UsageError: if it is none of these, or an edit without a text.
    """
    if isinstance(value, Decision):
        value = {"decision": value.kind, "text": value.text, "comment": value.comment}
    if isinstance(value, bool):
        value = "accept" if value else "reject"
    if isinstance(value, str):
        value = {"decision": value}
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for part in value.values()):
        raise UsageError(f"found {type(value).__name__} {str(value)[:80]!r} as a decision; {_WANTED}")
    kind, text, comment = value.get("decision"), value.get("text", ""), value.get("comment", "")
    unknown = [str(key) for key in value if key not in ("decision", "text", "comment")]
    if unknown or kind not in ("accept", "edit", "reject"):
        raise UsageError(f"found {str(dict(value))[:80]} as a decision; {_WANTED}")
    if kind == "edit" and not text.strip():
        raise UsageError('found an edit without a text; to use nothing of it, answer "reject"')
    if kind != "edit" and text:
        raise UsageError(f"found a text in a decision to {kind}; only an edit has one")
    return Decision(kind=kind, text=_storable(text), comment=_storable(comment))


def accept_all(request: ApprovalRequest) -> Decision:
    """Accept whatever is asked: the approver of scripts."""
    return Decision.accept()


def _storable(text: str) -> str:
    """Return a text without lone surrogates, which no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
