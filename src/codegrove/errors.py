"""Everything codegrove raises on purpose.

CodegroveError
├── UsageError          the caller gave something that cannot be used; the message says what to try
│   ├── TaskError       a file or text that is no task
│   ├── RecipeError     a recipe that does not validate (file, line, column where known)
│   ├── PromptError     a prompt file or its variables do not fit
│   ├── LanguageError   a language that nobody knows, or whose description does not validate
│   ├── ModelSpecError  a model name nobody knows, or a model that lacks its key
│   ├── RunError        a run directory that is in use, foreign, damaged, or of another run
│   └── EvaluationError an evaluation directory that is missing, in use, damaged, or of another version
├── ModelError          a model call failed; says whether trying again can help
│   └── NotSent         the run ended while the call was waiting for its turn; nothing was paid
├── UnreadableAnswer    a model answered, but not in the form that was asked for
├── BudgetExceeded      a limit would be passed; carries kind, spent and limit
├── CheckpointError     a LangGraph checkpoint whose search is not, or no longer, in this process
├── StateUpdateError    a step returned something the shared state does not have
├── BrokenOff           work that had begun cannot go on: a full disk, a grading process that does not start
├── SandboxError        the sandbox itself failed: never the candidate's fault
└── TreeError           a search tree was used against its rules
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CodegroveError(Exception):
    """Root of all errors raised on purpose by codegrove."""


class UsageError(CodegroveError):
    """Bad input from the caller. The command line turns it into one message and exit code 2."""


class TaskError(UsageError):
    """A file or text that cannot be read as a task."""


class RecipeError(UsageError):
    """A recipe that does not validate."""


class PromptError(UsageError):
    """A prompt file is malformed, or was rendered with missing or surplus variables."""


class LanguageError(UsageError):
    """A programming language that is not known, or a file that does not describe one."""


class ModelSpecError(UsageError):
    """A model specification that cannot be turned into a model."""


class RunError(UsageError):
    """A run directory that cannot be used: missing, in use, foreign, damaged, or another run's."""


class EvaluationError(UsageError):
    """An evaluation directory that cannot be used: missing, in use, damaged, or of another version."""


class ModelError(CodegroveError):
    """A model call failed.

    Attributes:
        kind: short name of what went wrong: ``rate_limit``, ``server``, ``connection``, ``timeout``,
            ``auth``, ``bad_request``, ``refused`` or ``other``.
        retryable: whether the same call may succeed later.
        retry_after: seconds the provider asked to wait, where it said so.
    """

    def __init__(
        self, message: str, *, kind: str = "other", retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after


class NotSent(ModelError):
    """A call was waiting for its turn when its run ended. It was never sent, and costs nothing."""

    def __init__(self) -> None:
        super().__init__("the call was not sent: the run ended while it was waiting for its turn")


class UnreadableAnswer(CodegroveError):
    """A model's answer does not have the form its prompt asked for."""


class BudgetExceeded(CodegroveError):
    """A limit would be passed by what was about to happen.

    Attributes:
        kind: the resource: ``calls``, ``tokens``, ``dollars``, ``executions``, ``seconds`` or ``nodes``
            (``calls:<role>`` for a limit on one role).
        spent: what is already used, including work in flight.
        limit: the limit that would be passed.
        whose: whose budget it is where that is not the run's own, e.g. ``the sweep's``; else empty.
    """

    def __init__(self, kind: str, spent: float, limit: float, *, whose: str = "") -> None:
        room = "is used up" if spent >= limit else "has no room for the next step"
        super().__init__(f"{whose} budget for {kind} {room}: {spent:g} of {limit:g}".lstrip())
        self.kind = kind
        self.spent = spent
        self.limit = limit
        self.whose = whose


class CheckpointError(CodegroveError):
    """A LangGraph checkpoint cannot be continued: the search it belongs to is not here, or has moved on."""


class StateUpdateError(CodegroveError):
    """A step returned a misspelt key, a value of the wrong type, or named an unknown next step."""


class BrokenOff(CodegroveError):
    """Work that had begun cannot go on: the disk is full, a process does not start, a directory was taken away.

    The command line ends with exit code 1 and not 2: the command was right, and the same one may succeed later.
    """


class SandboxError(CodegroveError):
    """The sandbox could not do its work. Never means that a candidate is wrong."""


class TreeError(CodegroveError):
    """A search tree was used against its rules."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known word, or a list of what is known."""
    options = sorted(known)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(options)}" if options else ""
