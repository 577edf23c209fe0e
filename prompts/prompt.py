"""A prompt that was read and checked, ready to be filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from codegrove.errors import PromptError, did_you_mean

TurnRole = Literal["system", "user", "assistant"]

ANY = "any"
"""Stands for every role or answer format in the head of a prompt that serves several agents."""

ROLES = ("planner", "coder", "tester", "debugger", "critic")
"""Who a prompt can be written for."""

ANSWER_FORMATS = (
    "text",
    "code",
    "tests",
    "numbered",
    "thoughts_json",
    "exemplars",
    "confidence",
    "last_line_score",
    "last_line_bool",
    "number",
    "blocks_json",
)
"""Forms of answers a prompt can ask for; `codegrove.agents.answers` reads them."""


class Turn(NamedTuple):
    """One rendered message."""

    role: TurnRole
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The template of one message."""

    role: TurnRole
    source: str
    render: Callable[[Mapping[str, object]], str] = field(repr=False, compare=False)
    """Fills the template in; raises `PromptError` where a value does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt. Messages are split in the template, so that no value can open a message of its own."""

    id: str
    """Name of a prompt of the package, e.g. ``codetree/think``, or the path of a user's own file."""
    about: str
    role: str
    answer: str
    variables: tuple[str, ...]
    """Every variable the messages use, in the order of declaration."""
    sections: tuple[Section, ...]

    def render(self, values: Mapping[str, object]) -> tuple[Turn, ...]:
        """Return the messages with the values put in. A message that comes out blank is left out.

        Raises:
            PromptError: if a declared variable is missing or None, a value is surplus, or a template fails.
        """
        missing = [name for name in self.variables if values.get(name) is None]
        if missing:
            raise PromptError(f"prompt {self.id!r} was not given {_listed(missing)}")
        if len(values) > len(self.variables):
            surplus = [name for name in values if name not in self.variables]
            hint = did_you_mean(surplus[0], self.variables)
            raise PromptError(f"prompt {self.id!r} does not declare {_listed(surplus)}{hint}")
        turns = (Turn(section.role, section.render(values)) for section in self.sections)
        return tuple(turn for turn in turns if turn.text)


def _listed(names: list[str]) -> str:
    return ("variable " if len(names) == 1 else "variables ") + ", ".join(map(repr, names))
