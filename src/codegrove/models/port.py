"""What the agents need of a language model: one request in, one reply out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from codegrove.errors import UsageError


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to draw an answer. None leaves the choice to the model."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    """Output tokens at most."""
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a model.

    A language model sees `messages` and `sampling` only. The other fields are for accounting, for scripted
    answers, and for the simulated programmer, which needs to know which problem it pretends to work on.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    role: str = ""
    """Who asks: ``planner``, ``coder``, ``tester``, ``debugger``, ``critic``."""
    action: str = ""
    """What for, e.g. ``think`` or ``debug``; falls back to the role's name."""
    prompt: str = ""
    """Id of the prompt file, e.g. ``codetree/think``."""
    answer_format: str = ""
    """Form the prompt asks for, see `codegrove.agents.answers`."""
    task_id: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """The values the prompt was rendered with."""
    draw: int = 0
    """Which of several independent samples of the same request this is."""
    seed: int = 0
    """The run's seed: simulated models derive all their randomness from it and the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a model."""

    text: str
    input_tokens: int | None = None
    """None when the model did not report its use."""
    output_tokens: int | None = None
    finish: str = "stop"
    """Why the text ends: ``stop``, ``length`` (cut at the token limit), or what the provider says."""
    model: str = ""
    """Model name as the provider reports it."""


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens.

    Raises:
        UsageError: if one is negative, infinite or not a number: calls could not be booked.
    """

    input: float
    output: float

    def __post_init__(self) -> None:
        if not (0 <= self.input < math.inf and 0 <= self.output < math.inf):
            raise UsageError(
                f"price {self.input!r}, {self.output!r}: expected two finite numbers of 0 or more, dollars per"
                " million input and output tokens"
            )


FREE = Price(0.0, 0.0)


@runtime_checkable
class Model(Protocol):
    """A text generator.

    Implementations raise `ModelError` for every failure of the model itself.
    """

    @property
    def spec(self) -> str:
        """Specification that names the model and its settings, e.g. ``openai:gpt-4o`` or ``sim:``."""
        ...

    @property
    def price(self) -> Price | None:
        """Price of tokens; None when unknown."""
        ...

    async def complete(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            ModelError: if no answer could be had.
        """
        ...
