"""Repairs: one defect at a time, found by comparing the program with the reference."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from codegrove.models.sim.comparing import Difference
from codegrove.models.sim.dice import Dice
from codegrove.models.sim.drafting import draft, wrong_draft
from codegrove.models.sim.known import Comparison, Known
from codegrove.models.sim.mutations import mutations, pick
from codegrove.models.sim.reading import Evidence, Situation
from codegrove.models.sim.skill import SimSkill
from codegrove.models.sim.trees import edited, parse, source


def repaired(known: Known, skill: SimSkill, dice: Dice, situation: Situation) -> str:
    """Return the program with one defect less, unchanged, or (rarely) with one defect more."""
    if not situation.program.strip():
        return draft(known, skill, dice, situation)
    comparison = known.compare(situation.program)
    named, target = named_defect(known, comparison, situation)
    if comparison.kind == "other":
        if dice.happens("rethink", _rethink_chance(skill, situation, named)):
            return (
                known.text
                if dice.happens("redraft", _redraft_chance(known, skill))
                else wrong_draft(known, skill, dice)
            )
    elif comparison.kind != "right" and dice.happens("repair", _repair_chance(skill, situation, named)):
        if comparison.tree is None:
            return _parsable(situation.program, known)
        rng = dice.stream("which defect")
        chosen = target or rng.choice(comparison.differences)
        return source(edited(comparison.tree, [chosen.edit]))
    if comparison.tree is not None and dice.happens("regression", skill.regression):
        return _with_new_defect(known, comparison, dice) or situation.program
    return situation.program


def named_defect(
    known: Known, comparison: Comparison, situation: Situation
) -> tuple[bool | None, Difference | None]:
    """Say whether the advice names a true defect, a place that is sound, or (None) neither; and which defect."""
    if not situation.advice:
        return None, None
    if comparison.kind == "other":
        told = [known.judge_line(line) for line in situation.advice.splitlines()]
        return (True if True in told else False if False in told else None), None
    quoted = re.findall(r"`([^`\n]+)`", situation.advice)
    lines = situation.program.splitlines()
    for difference in comparison.differences:
        if blamed_line(lines, difference) in quoted:
            return True, difference
    present = {line.strip() for line in lines}
    return (False if any(quote in present for quote in quoted) else None), None


def blamed_line(lines: list[str], difference: Difference) -> str:
    """Return the program's line that a difference stands in or follows."""
    return lines[difference.line - 1].strip() if 0 < difference.line <= len(lines) else ""


def _repair_chance(skill: SimSkill, situation: Situation, named: bool | None) -> float:
    by_evidence = {
        Evidence.NONE: skill.blind_repair,
        Evidence.FAILED: (skill.blind_repair + skill.repair) / 2,
        Evidence.SHOWN: skill.repair,
    }
    chance = by_evidence[situation.evidence]
    if named is None:
        return chance
    # A named defect is a second chance to find it; a wrong lead costs half of the first.
    return 1 - (1 - chance) * (1 - skill.repair) if named else chance / 2


def _rethink_chance(skill: SimSkill, situation: Situation, named: bool | None) -> float:
    chance = skill.rethink if situation.evidence is not Evidence.NONE else skill.rethink / 3
    return 1 - (1 - chance) * (1 - skill.repair) if named else chance


def _redraft_chance(known: Known, skill: SimSkill) -> float:
    """A second design, made after the first one failed, goes like a draft under a right plan."""
    chance = skill.solve(known.problem.level)
    return chance + skill.plan_effect * (1 - chance)


def _with_new_defect(known: Known, comparison: Comparison, dice: Dice) -> str:
    assert comparison.tree is not None
    found = mutations(comparison.tree, known.entry_point, known.given)
    chosen = pick(found, 1, dice.stream("new defect"))
    return source(edited(comparison.tree, [mutation.edit for mutation in chosen])) if chosen else ""


def _parsable(program: str, known: Known) -> str:
    """Restore single lines of the reference until the program parses, keeping what else is in it."""
    own, wanted = program.splitlines(), known.text.splitlines()
    for tag, low, high, from_, to in SequenceMatcher(None, own, wanted, autojunk=False).get_opcodes():
        if tag != "replace" or high - low != to - from_:
            continue
        for index in range(high - low):
            mended = "\n".join([*own[: low + index], wanted[from_ + index], *own[low + index + 1 :]]) + "\n"
            if parse(mended) is not None:
                return mended
    return _closed(own) or known.text


def _closed(lines: list[str]) -> str:
    """Try the characters that are lost most often at the end of each line."""
    for index, line in enumerate(lines):
        for ending in (":", ")", "]"):
            mended = "\n".join([*lines[:index], line + ending, *lines[index + 1 :]]) + "\n"
            if parse(mended) is not None:
                return mended
    return ""
