"""Repairs: of the whole program, or of one defect found by comparing the program with the reference."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from codegrove.models.sim.comparing import Difference
from codegrove.models.sim.dice import Dice
from codegrove.models.sim.drafting import draft
from codegrove.models.sim.known import Comparison, Known
from codegrove.models.sim.mutations import mutations, pick
from codegrove.models.sim.reading import Evidence, Situation
from codegrove.models.sim.skill import SimSkill
from codegrove.models.sim.trees import edited, parse, source


def repaired(known: Known, skill: SimSkill, dice: Dice, situation: Situation) -> str:
    """Return a program that passes with the chance the feedback and the advice give; else one that does not.

    A repair that fails leaves the program as it is, or takes one of several defects back, or (rarely) adds one.
    """
    program = situation.program
    if not program.strip():
        return draft(known, skill, dice, situation)
    comparison = known.compare(program)
    named, target = named_defect(known, comparison, situation)
    if comparison.kind != "right":
        chance = _repair_chance(skill, situation, named, design=comparison.kind == "other")
        if dice.happens("repair", chance):
            return known.text
        if comparison.kind != "other" and dice.happens("one defect less", chance):
            better = _one_defect_less(known, comparison, program, target, dice)
            if known.compare(better).kind != "right":
                return better
    if comparison.tree is not None and dice.happens("regression", skill.regression):
        worse = _with_new_defect(known, comparison, dice)
        # A change of a wrong program may be the one it needed.
        if worse and known.compare(worse).kind != "right":
            return worse
    return program


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


def _repair_chance(skill: SimSkill, situation: Situation, named: bool | None, *, design: bool) -> float:
    """Return the chance that the next program passes; `design`: that takes another algorithm."""
    rate, blind = skill.repair_rate, skill.blind_repair
    if design and skill.rethink is not None:
        rate, blind = skill.rethink, min(blind, skill.rethink)
    by_evidence = {Evidence.NONE: blind, Evidence.FAILED: (blind + rate) / 2, Evidence.SHOWN: rate}
    chance = by_evidence[situation.evidence]
    if named is None:
        return chance
    # A named defect is a second chance to find it; a wrong lead costs half of the first.
    return 1 - (1 - chance) * (1 - skill.repair_rate) if named else chance / 2


def _one_defect_less(
    known: Known, comparison: Comparison, program: str, target: Difference | None, dice: Dice
) -> str:
    if comparison.tree is None:
        return _parsable(program, known)
    chosen = target or dice.stream("which defect").choice(comparison.differences)
    return source(edited(comparison.tree, [chosen.edit]))


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
