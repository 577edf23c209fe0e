"""Answers on record: what makes two requests the same, and who is asked for an answer before it is bought."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Protocol

from codegrove.budget import Usage
from codegrove.models.port import Reply, Request, Sampling
from codegrove.store.coding import digest


def request_key(spec: str, request: Request) -> bytes:
    """Return 16 bytes that are equal for equal questions to the same model.

    Counted are the model, the parameters as the agent set them, the messages, and the draw, so that k samples of
    one prompt stay k samples. A cap that a budget puts on the answer is no part of the question.
    """
    messages = [part for message in request.messages for part in (message.role, message.text)]
    return digest(spec, _parameters(request.sampling), str(request.draw), *messages)


@lru_cache(maxsize=256)
def _parameters(sampling: Sampling) -> str:
    return json.dumps(asdict(sampling), sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedAnswer:
    """An answer from another run's record."""

    reply: Reply
    usage: Usage
    source: str
    """Where it was found."""
    origin: str
    """Where it was bought, see `CallRecord.origin`."""


class AnswerSource(Protocol):
    """Gives answers that were paid for before."""

    def own(self, spec: str, request: Request) -> Reply | None:
        """Return an answer this very run bought for the open expansion before it was broken off.

        It is on the account already.
        """
        ...

    def shared(self, spec: str, request: Request) -> SharedAnswer | None:
        """Return an answer of a run whose journal is shared on purpose. No answer is given twice."""
        ...
