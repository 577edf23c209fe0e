"""Randomness that depends on the request alone: not on call order, process or PYTHONHASHSEED."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import Any

from codegrove.models.port import Request


class Dice:
    """Independent random streams of one request, one per purpose.

    A stream per purpose keeps answers comparable between settings: a changed chance turns some outcomes and
    leaves all other choices as they were.
    """

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def stream(self, purpose: str) -> random.Random:
        """Return the generator for one purpose, always from its beginning."""
        mixed = hashlib.sha256(self._digest + purpose.encode()).digest()
        return random.Random(int.from_bytes(mixed[:8], "big"))

    def happens(self, purpose: str, chance: float) -> bool:
        """Decide one yes or no."""
        return self.stream(purpose).random() < chance


def roll(request: Request, seed: int) -> Dice:
    """Return the dice of a request: of its seed, draw, task, purpose, messages and variables."""
    digest = hashlib.sha256()
    head = (seed, request.seed, request.draw, request.task_id, request.role, request.action)
    digest.update(repr((*head, request.prompt, request.answer_format)).encode("utf-8", "surrogatepass"))
    for message in request.messages:
        digest.update(f"\x00{message.role}\x00{message.text}".encode("utf-8", "surrogatepass"))
    digest.update(_canonical(request.variables).encode("utf-8", "surrogatepass"))
    return Dice(digest.digest())


def _canonical(value: Any) -> str:
    """Return text that is equal for equal values, in whatever order a mapping was filled."""
    if isinstance(value, Mapping):
        inner = sorted((str(key), _canonical(item)) for key, item in value.items())
        return "{" + ",".join(f"{key!r}:{item}" for key, item in inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if value is None or isinstance(value, str | int | float | bool):
        return repr(value)
    # Anything else would be printed with its address in memory, which differs from run to run.
    return type(value).__name__
