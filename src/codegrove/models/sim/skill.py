"""How good the simulated programmer is, and the text form of these settings: ``sim:pass_rate=0.4,seed=3``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codegrove.errors import ModelSpecError, did_you_mean

PREFIX = "sim:"

Chance = Annotated[float, Field(ge=0.0, le=1.0)]
"""A probability, both ends included."""


class SimSkill(BaseModel):
    """Probabilities that shape the simulated programmer's answers. All are in [0, 1] unless said otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    easy: Chance = 0.55
    """A single draft of an easy problem passes its hidden tests, with nothing known but the task."""
    medium: Chance = 0.35
    """The same for a medium problem, and for a level of any other name."""
    hard: Chance = 0.2
    """The same for a hard problem."""
    plan: Chance = 0.55
    """A plan, strategy or thought is right."""
    plan_effect: Chance = 0.4
    """How strongly drafts follow plans. A chance p becomes p + plan_effect * (1 - p) under a right plan and
    p * (1 - plan_effect) under a wrong one. 0: plans do not matter."""
    wrong_tests: Chance = 0.15
    """A written test expects a wrong value."""
    repair_rate: Chance = 0.3
    """The program of one repair passes the hidden tests, when the prompt shows a failing program and what a test
    brought. A repair that fails takes back one of several defects as often."""
    blind_repair: Chance = 0.05
    """The same when the prompt shows no failure; midway where it only says that tests fail."""
    rethink: Chance | None = None
    """The same for a program of a wrong algorithm, which is written anew; None: as for any other program."""
    regression: Chance = 0.1
    """A repair that changes nothing otherwise brings a new defect."""
    judgement: Chance = 0.7
    """A score, verdict, prior or named defect rests on the truth; otherwise it is a guess."""
    wrong_algorithm: Chance = 0.25
    """A wrong draft is one of the problem's wrong algorithms, where it has any."""
    broken: Chance = 0.06
    """A wrong draft does not parse, loops forever or crashes at once."""
    defects: Annotated[int, Field(ge=1, le=8)] = 3
    """Most defects in one wrong draft, from 1 to 8; each further one is half as likely as the one before."""
    unreadable: Chance = 0.0
    """An answer does not have the form that was asked for."""
    error_rate: Chance = 0.0
    """A call fails with a retryable error. The same request fails every time; another draw may not."""

    def solve(self, level: str) -> float:
        """Return the chance that one unaided draft of a problem of this level passes."""
        return {"easy": self.easy, "hard": self.hard}.get(level.strip().lower(), self.medium)


class SimSettings(BaseModel):
    """Everything a ``sim:`` specification can say."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    skill: SimSkill = SimSkill()
    """The programmer's abilities."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Added to the run's seed: two programmers of one skill that answer differently."""
    latency: Annotated[float, Field(ge=0.0, le=600.0)] = 0.0
    """Seconds each answer takes, from 0 to 600."""

    def spec(self) -> str:
        """Return the specification that names these settings; what has its default is left out."""
        changed = self.skill.model_dump(exclude_defaults=True)
        levels = {self.skill.easy, self.skill.medium, self.skill.hard}
        if len(levels) == 1:
            changed = {"pass_rate": levels.pop()} | {k: v for k, v in changed.items() if k not in _LEVELS}
        changed |= self.model_dump(exclude_defaults=True, exclude={"skill"})
        return PREFIX + ",".join(
            f"{key}={value:.12g}" if key != "seed" else f"seed={value}" for key, value in changed.items()
        )


_LEVELS = ("easy", "medium", "hard")
_OWN = ("seed", "latency")


def sim_settings(text: str) -> SimSettings:
    """Read ``sim:`` or ``sim:key=value,...``; the prefix may be missing.

    Keys are the fields of `SimSkill`, ``seed``, ``latency``, and ``pass_rate``, which sets the chance of all three
    levels unless one is given by its own name.

    Raises:
        ModelSpecError: for an unknown or repeated key, a value that is no number or out of its range.
    """
    given: dict[str, str] = {}
    known = ("pass_rate", *SimSkill.model_fields, *_OWN)
    for part in filter(None, (part.strip() for part in text.removeprefix(PREFIX).split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise ModelSpecError(
                f"model {text!r}: expected key=value, found {part!r}; for example sim:pass_rate=0.4,seed=3"
            )
        if key not in known:
            raise ModelSpecError(
                f"model {text!r}: the simulated programmer has no setting {key!r}{did_you_mean(key, known)}"
            )
        if key in given:
            raise ModelSpecError(f"model {text!r}: the setting {key!r} stands there twice")
        given[key] = value
    own = {key: given.pop(key) for key in _OWN if key in given}
    if (overall := given.pop("pass_rate", None)) is not None:
        given = dict.fromkeys(_LEVELS, overall) | given
    try:
        return SimSettings.model_validate({"skill": SimSkill.model_validate(given), **own})
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][-1])
        shown = "pass_rate" if overall is not None and key in _LEVELS and first["input"] == overall else key
        raise ModelSpecError(
            f"model {text!r}: {shown}={first['input']} does not fit: {first['msg'].lower()}"
        ) from None
