"""Judgements about programs and plans: the truth where it is seen, a guess where it is not."""

from __future__ import annotations

import json
import random
import re

from codegrove.models.sim.comparing import Difference
from codegrove.models.sim.dice import Dice
from codegrove.models.sim.ideas import WRONG_IDEAS
from codegrove.models.sim.known import Comparison, Known, lowered
from codegrove.models.sim.reading import Evidence, Situation
from codegrove.models.sim.repairing import blamed_line
from codegrove.models.sim.skill import SimSkill


def quality(known: Known, program: str) -> float:
    """Return how good a program truly is, from 0 to 1; 1 only for the reference's own design."""
    if not program.strip():
        return 0.0
    comparison = known.compare(program)
    match comparison.kind:
        case "right":
            return 1.0
        case "near":
            return 0.7 / (1 + 0.4 * (len(comparison.differences) - 1))
        case "other":
            return 0.25
        case _:
            return 0.05


def perceived(truth: float, skill: SimSkill, dice: Dice) -> float:
    """Return the quality as it is judged: near the truth, or anything at all."""
    rng = dice.stream("judgement")
    if not dice.happens("insight", skill.judgement):
        return rng.random()
    return min(1.0, max(0.0, truth + rng.uniform(-0.08, 0.08)))


def plan_quality(known: Known, plan: str) -> float:
    """Return how good a plan truly is, from 0 to 1."""
    return {True: 0.88, None: 0.55, False: 0.25}[known.judge_plan(plan)]


def says_correct(known: Known, program: str, skill: SimSkill, dice: Dice) -> bool:
    """Say whether a program is right, truly or by guess."""
    if dice.happens("insight", skill.judgement):
        return quality(known, program) == 1.0
    return dice.stream("judgement").random() < 0.5


def remarks(known: Known, skill: SimSkill, dice: Dice, situation: Situation, width: int) -> list[str]:
    """Return up to `width` ways to go on with a program; one of them at most names its true defect."""
    rng = dice.stream("remarks")
    comparison = known.compare(situation.program)
    chance = skill.judgement if situation.evidence is Evidence.SHOWN else skill.judgement / 3
    true = _true_remark(known, comparison, situation.program, rng)
    found = [true] if true and dice.happens("true remark", chance) else []
    false = _false_remarks(known, comparison, situation.program, rng)
    lines = (found + false)[:width]
    if not dice.happens("best first", skill.judgement):
        rng.shuffle(lines)
    return lines


def block_verdicts(known: Known, skill: SimSkill, dice: Dice, situation: Situation) -> str:
    """Return one JSON line per traced block; a block with a defect is blamed with the chance of insight."""
    rng = dice.stream("blocks")
    comparison = known.compare(situation.program)
    lines = situation.program.splitlines()
    blamed = {blamed_line(lines, difference) for difference in comparison.differences} - {""}
    verdicts: list[str] = []
    for name, block in _blocks(situation.trace):
        own = [line.strip() for line in block.splitlines()]
        hit = next((line for line in sorted(blamed) if any(text.endswith(line) for text in own)), None)
        seen = rng.random() < skill.judgement
        wrong = hit is not None if seen else rng.random() < 0.3
        shown = (hit if seen else None) or next((text for text in own if text in map(str.strip, lines)), "")
        verdicts.append(
            json.dumps({"block": name, "correct": not wrong, "explanation": _explained(wrong, shown)})
        )
    return "\n".join(verdicts)


def critique(known: Known, skill: SimSkill, dice: Dice, situation: Situation) -> tuple[bool, str]:
    """Return whether the program seems right, and why in words."""
    if says_correct(known, situation.program, skill, dice):
        return (
            True,
            "I went through the program case by case, beyond the given tests, and found nothing to object to.",
        )
    found = remarks(known, skill, dice, situation, 1)
    return False, found[0] if found else "Something is not right here, but I cannot point at the line."


def _true_remark(known: Known, comparison: Comparison, program: str, rng: random.Random) -> str:
    if comparison.kind == "other":
        gists = [item.right_gist for item in known.misconceptions] or [known.steps[0]]
        return f"The approach itself is wrong. Do this instead: {lowered(rng.choice(gists))}."
    if comparison.kind == "broken":
        return "The program does not parse; complete the line that is cut short."
    if not comparison.differences:
        return ""
    difference = rng.choice(comparison.differences)
    return _remark(blamed_line(program.splitlines(), difference), difference)


def _remark(line: str, difference: Difference) -> str:
    if difference.edit.width == 0:
        return f"After `{line}` a step is missing: {difference.wanted or 'add it'}"
    if not difference.edit.new:
        return f"The line `{line}` does not belong there; take it out."
    return f"The line `{line}` is wrong; look at it again with the failing test in hand."


def _false_remarks(known: Known, comparison: Comparison, program: str, rng: random.Random) -> list[str]:
    lines = program.splitlines()
    blamed = {blamed_line(lines, difference) for difference in comparison.differences}
    sound = [line.strip() for line in lines if line.strip() and line.strip() not in blamed]
    sound = [
        line for line in dict.fromkeys(sound) if not line.startswith(("import ", "from ", "def ", "class "))
    ]
    rng.shuffle(sound)
    ideas = rng.sample(WRONG_IDEAS, len(WRONG_IDEAS))
    forms = (
        "The line `{}` is wrong; look at it again with the failing test in hand.",
        "The value computed in `{}` is off by one for the failing input.",
        "`{}` does not treat the smallest input as it should.",
    )
    remarks = [forms[index % len(forms)].format(line) for index, line in enumerate(sound)]
    others = [f"Try another way: {lowered(idea)}." for idea in ideas]
    wrong = [item.gist for item in known.misconceptions] if comparison.kind == "other" else []
    mixed = [*(f"Do this instead: {lowered(gist)}." for gist in wrong), *remarks]
    return [*mixed[:3], *others[:2], *mixed[3:], *others[2:]]


def _blocks(trace: str) -> list[tuple[str, str]]:
    parts = re.split(r"^\s*\[(BLOCK-\d+)\]", trace, flags=re.M)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _explained(wrong: bool, line: str) -> str:
    if not wrong:
        return "The values after this block are what the task asks for at this point."
    return (
        f"`{line}` leads to values the task does not ask for." if line else "The values do not fit the task."
    )
