"""A small policy and a few prompts, so that tests of recipes do not depend on the real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from codegrove.errors import PromptError, did_you_mean
from codegrove.graphs.recipe import Recipe, load_recipe
from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, ActionKind, Expansion, Signal
from codegrove.search.registry import PolicyKind
from codegrove.search.settings import Mode, PolicySettings
from codegrove.search.tree import SearchTree


class DemoSettings(PolicySettings):
    """Settings of a policy that plans, writes and scores."""

    kind: Literal["demo"] = "demo"
    width: int = Field(default=3, ge=1, le=9)
    """How wide."""
    c: float = Field(default=1.4, gt=0)
    """How curious."""
    score: bool = True
    """Ask a critic."""
    depth: int | None = None
    """How deep."""
    labels: tuple[str, ...] = ()
    """Any texts."""
    mode: Mode = "paper"
    """Which description."""

    @model_validator(mode="after")
    def _not_wide_and_deep(self) -> DemoSettings:
        if self.depth is not None and self.depth * self.width > 50:
            raise ValueError("depth times width must not pass 50")
        return self


class OtherSettings(PolicySettings):
    """Settings of a policy that only writes."""

    kind: Literal["other"] = "other"
    rounds: int = Field(default=1, ge=1)
    """How often."""


class Demo:
    """Knows its actions; is never run."""

    def __init__(self, settings: DemoSettings) -> None:
        self.settings = settings

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        actions = {"think": ActionKind.PLANNER, "write": ActionKind.CODER, "run": ActionKind.EXECUTE}
        return actions | {"rate": ActionKind.CRITIC} if self.settings.score else actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """End at once."""
        return DONE

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Nothing is ever asked."""

    def answer(self, tree: SearchTree) -> int | None:
        """Nothing is ever found."""
        return None


class Other(Demo):
    """Only writes."""

    def __init__(self, settings: OtherSettings) -> None:
        super().__init__(DemoSettings())

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        return {"write": ActionKind.CODER}


POLICIES = {"demo": PolicyKind(DemoSettings, Demo), "other": PolicyKind(OtherSettings, Other)}
PROMPTS = {"demo/think": "planner", "demo/write": "coder", "demo/short": "coder", "demo/rate": "critic"}


@dataclass(frozen=True)
class DemoPrompt:
    """A prompt of which only the head matters."""

    role: str
    answer: str
    variables: tuple[str, ...] = ("statement",)


def find_prompt(prompt_id: str) -> DemoPrompt:
    """Return one of `PROMPTS`."""
    if prompt_id not in PROMPTS:
        raise PromptError(f"no prompt {prompt_id!r}{did_you_mean(prompt_id, PROMPTS)}")
    role = PROMPTS[prompt_id]
    return DemoPrompt(role, "code" if role == "coder" else "text")


DEMO = """\
version: 1
name: demo
about: Shows everything.
policy:
  kind: demo
  width: 4
agents:
  think: {role: planner, prompt: demo/think}
  write:
    role: coder
    prompt: demo/write
    sampling: {temperature: 0.5}
  rate: {role: critic, prompt: demo/rate}
models:
  default: "sim:"
budget: {calls: 60}
"""


def load(
    source: str | Path | Recipe | Mapping[str, object],
    overrides: Sequence[str] | Mapping[str, object] = (),
) -> Recipe:
    """Load a recipe with the policies and prompts of this file."""
    return load_recipe(source, overrides, policies=POLICIES, find_prompt=find_prompt)
