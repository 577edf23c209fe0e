"""Programs written from scratch: the reference, or the reference with defects, or a wrong algorithm."""

from __future__ import annotations

import random

from codegrove.models.sim.dice import Dice
from codegrove.models.sim.known import Known, Misconception
from codegrove.models.sim.reading import Situation
from codegrove.models.sim.skill import SimSkill

FULL_PATH = 4
"""Right thoughts that help as much as a whole right plan (fewer where the reference has fewer steps)."""


def draft(known: Known, skill: SimSkill, dice: Dice, situation: Situation) -> str:
    """Return a program that is right with the chance the level, the plan and the thoughts give it."""
    chance, misled = guided_chance(known, skill, situation)
    if dice.happens("solve", chance):
        return known.text
    if misled is not None and dice.happens("follows the plan", 0.5):
        return misled.program
    return wrong_draft(known, skill, dice)


def wrong_draft(known: Known, skill: SimSkill, dice: Dice) -> str:
    """Return a program that is meant to be wrong (a defect may turn out to change nothing)."""
    rng = dice.stream("wrong draft")
    if known.wrong_texts and dice.happens("wrong algorithm", skill.wrong_algorithm):
        return rng.choice(known.wrong_texts)
    weights = [2.0**-count for count in range(skill.defects)]
    (count,) = rng.choices(range(1, skill.defects + 1), weights)
    text = known.mutant(rng, count)
    # A problem none of whose places takes a defect still has to come out wrong sometimes.
    if text == known.text or dice.happens("broken", skill.broken):
        return _broken(text, known.entry_point, rng)
    return text


def guided_chance(known: Known, skill: SimSkill, situation: Situation) -> tuple[float, Misconception | None]:
    """Return the chance of a right draft under the plan and thoughts shown, and what a wrong one comes from."""
    chance = skill.solve(known.problem.level)
    misled: Misconception | None = None
    verdict = known.judge_plan(situation.plan) if situation.plan.strip() else None
    if verdict is not None:
        chance = _followed(chance, verdict, 1.0, skill.plan_effect)
    if verdict is False:
        misled = known.misled_by(situation.plan)
    if situation.thoughts:
        verdicts = [known.judge_line(thought) for thought in situation.thoughts]
        share = verdicts.count(True) / min(FULL_PATH, len(known.steps))
        chance = _followed(chance, True, min(1.0, share), skill.plan_effect)
        for thought, right in zip(situation.thoughts, verdicts, strict=True):
            if right is False:
                chance = _followed(chance, False, 1.0, skill.plan_effect)
                misled = misled or known.misled_by(thought)
    return chance, misled


def _followed(chance: float, right: bool, share: float, effect: float) -> float:
    return chance + share * effect * (1 - chance) if right else chance * (1 - share * effect)


def _broken(text: str, entry_point: str | None, rng: random.Random) -> str:
    """Return a program that does not parse, never ends, or crashes at once."""
    lines = text.rstrip("\n").split("\n")
    kind = rng.choice(("syntax", "syntax", "endless", "crash"))
    if kind == "syntax":
        spots = [i for i, line in enumerate(lines) if line.rstrip().endswith((":", ")", "]"))]
        if spots:
            spot = rng.choice(spots)
            lines[spot] = lines[spot].rstrip()[:-1]
            return "\n".join(lines) + "\n"
    extra = ["while True:", "    continue"] if kind == "endless" else ["first = [][0]"]
    # Where every run passes: below the head of the function that is called, else above everything.
    heads = [i for i, line in enumerate(lines) if line.startswith(f"def {entry_point or 'main'}(")]
    place, indent = (heads[0] + 1, "    ") if heads else (0, "")
    return "\n".join([*lines[:place], *(indent + line for line in extra), *lines[place:]]) + "\n"
