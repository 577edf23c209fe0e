"""What went wrong in a provider's client, told from the outside.

Clients raise their own exception classes. Importing each client only to name its classes would cost seconds
and tie us to all of them, so failures are recognised by what nearly all of them carry: an HTTP status, the
response's headers, and a telling class name.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from codegrove.errors import ModelError
from codegrove.models.secrets import without_keys

_RETRYABLE = frozenset({"rate_limit", "server", "connection", "timeout"})

UNBILLED = frozenset({"rate_limit", "auth", "bad_request"})
"""Failures by which a provider refuses to work at all. After any other it may have read the prompt."""

_NAMES = (
    ("Timeout", "timeout"),
    ("DeadlineExceeded", "timeout"),
    ("RateLimit", "rate_limit"),
    ("ResourceExhausted", "rate_limit"),
    ("TooManyRequests", "rate_limit"),
    ("Throttling", "rate_limit"),
    ("Authentication", "auth"),
    ("Unauthenticated", "auth"),
    ("PermissionDenied", "auth"),
    ("InvalidArgument", "bad_request"),
    ("BadRequest", "bad_request"),
    ("ContextOverflow", "bad_request"),
    ("ServiceUnavailable", "server"),
    ("InternalServerError", "server"),
    ("Overloaded", "server"),
    ("ConnectError", "connection"),
    ("ConnectionError", "connection"),
    ("ProtocolError", "connection"),
    ("ReadError", "connection"),
    ("WriteError", "connection"),
    ("NetworkError", "connection"),
    ("IncompleteRead", "connection"),
    ("Disconnected", "connection"),
    ("gaierror", "connection"),
)
"""Parts of class names (of an exception or its bases) and what they mean; the first match counts."""

_LONGEST_MESSAGE = 500


def model_error(spec: str, problem: Exception, *, now: Callable[[], float] = time.time) -> ModelError:
    """Return the `ModelError` that tells what a provider's exception means. Keys are taken out of its text.

    Args:
        spec: the model, for the message.
        problem: whatever its client raised.
        now: seconds since 1970, for providers that name a date to wait for.
    """
    if isinstance(problem, ModelError):
        return problem
    chain = list(_chain(problem))
    kind = next((found for link in chain if (found := _kind(link)) is not None), "other")
    # Before it is shortened: half a key is no longer recognised.
    text = without_keys(" ".join(str(problem).split())) or "no message"
    if len(text) > _LONGEST_MESSAGE:
        text = text[:_LONGEST_MESSAGE] + " ..."
    waits = (_retry_after(link, now) for link in chain)
    # A used-up quota is reported as a rate limit, but no waiting brings it back.
    used_up = any(getattr(link, "code", None) == "insufficient_quota" for link in chain)
    return ModelError(
        f"{spec}: {type(problem).__name__}: {text}",
        kind=kind,
        retryable=kind in _RETRYABLE and not used_up,
        retry_after=next((wait for wait in waits if wait is not None), None),
    )


def names_another_loop(problem: BaseException) -> bool:
    """Return whether a client failed because its connections belong to another event loop, perhaps closed."""
    return any(
        isinstance(link, RuntimeError)
        and (
            "Event loop is closed" in str(link)
            or "different loop" in str(link)
            or "different event loop" in str(link)
        )
        for link in _chain(problem)
    )


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from, outermost first."""
    seen: set[int] = set()
    link: BaseException | None = problem
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _kind(problem: BaseException) -> str | None:
    status = _status(problem)
    if status is not None:
        return _kind_of_status(status)
    if isinstance(problem, json.JSONDecodeError):
        return "server"  # half an answer, or a proxy's error page
    names = [base.__name__ for base in type(problem).__mro__]
    return next((kind for part, kind in _NAMES if any(part in name for name in names)), None)


def _kind_of_status(status: int) -> str:
    if status == 429:
        return "rate_limit"
    if status in (401, 402, 403):
        return "auth"
    if status == 408:
        return "timeout"
    if status in (409, 425) or status >= 500:
        return "server"
    return "bad_request"


def _status(problem: BaseException) -> int | None:
    """Return the HTTP status of the error answer behind an exception."""
    response = getattr(problem, "response", None)
    candidates: list[Any] = [
        getattr(problem, name, None) for name in ("status_code", "status", "http_status", "code")
    ]
    candidates.append(getattr(response, "status_code", None))
    if isinstance(response, Mapping):  # AWS clients
        metadata = response.get("ResponseMetadata")
        candidates.append(metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None)
    if problem.args and isinstance(problem.args[0], Mapping):  # an error inside an answer with status 200
        candidates.append(problem.args[0].get("code"))
    for status in candidates:
        if isinstance(status, int) and not isinstance(status, bool) and 400 <= status <= 599:
            return int(status)
    return None


def _retry_after(problem: BaseException, now: Callable[[], float]) -> float | None:
    """Return the seconds a provider asks to wait, from its headers; None if it does not say."""
    headers = getattr(getattr(problem, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return None
    lower = {str(name).lower(): str(value).strip() for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if name in lower:
            try:
                seconds = float(lower[name]) * unit
            except ValueError:
                continue
            return None if math.isnan(seconds) else max(seconds, 0.0)
    try:
        return max(parsedate_to_datetime(lower["retry-after"]).timestamp() - now(), 0.0)
    except (KeyError, ValueError, OverflowError):
        return None
