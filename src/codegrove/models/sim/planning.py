"""Plans, strategies, thoughts and recalled problems, each with a fair share of wrong ones."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from codegrove.models.sim.dice import Dice
from codegrove.models.sim.english import describe, technique
from codegrove.models.sim.ideas import NEUTRAL_THOUGHTS, RECALLED, WRONG_IDEAS
from codegrove.models.sim.known import Known, lowered, plain
from codegrove.models.sim.reading import Evidence, Situation
from codegrove.models.sim.scopes import regions
from codegrove.models.sim.skill import SimSkill
from codegrove.models.sim.trees import parse, source
from codegrove.problem import Problem

DEFAULT_WIDTH = 3

_PLAN_OPENINGS = (
    "This is how I would go about it.",
    "Plan:",
    "The approach, step by step.",
    "Let me set out the steps first.",
)
_STRATEGY_LEADS = (
    "Do it directly: ",
    "Follow the definition: ",
    "One pass of reasoning: ",
    "Keep it simple: ",
    "Build the answer up: ",
    "Start from the input: ",
)
_THOUGHT_LEADS = ("First settle this: ", "Next: ", "It helps to do this: ", "The core is: ", "Then: ")


def plan_text(known: Known, skill: SimSkill, dice: Dice) -> str:
    """Return a numbered plan: the reference's steps, or those of a misconception."""
    rng = dice.stream("plan")
    steps = known.steps
    if not dice.happens("right plan", skill.plan):
        if known.misconceptions and rng.random() < 0.8:
            steps = rng.choice(known.misconceptions).steps
        else:
            spot = rng.randrange(len(steps))
            steps = (*steps[:spot], rng.choice(WRONG_IDEAS), *steps[spot + 1 :])
    listed = "\n".join(f"{number}. {step}." for number, step in enumerate(steps, 1))
    return f"{rng.choice(_PLAN_OPENINGS)}\n\n{listed}"


def strategies(known: Known, skill: SimSkill, dice: Dice, width: int) -> list[str]:
    """Return one-line strategies; each is right with the chance of a right plan."""
    rng = dice.stream("strategies")
    right = _shuffled({item.right_gist for item in known.misconceptions} or {known.steps[0]}, rng)
    wrong = [*_shuffled({item.gist for item in known.misconceptions}, rng), *_shuffled(set(WRONG_IDEAS), rng)]
    leads = rng.sample(_STRATEGY_LEADS, len(_STRATEGY_LEADS))
    lines: list[str] = []
    for index in range(width):
        texts = right if rng.random() < skill.plan else wrong
        text = texts[index % len(texts)]
        line = f"{leads[index % len(leads)]}{lowered(text)}."
        # More lines than there are ideas: say again what was said, which is what a programmer would do.
        lines.append(line if line not in lines else f"Once more, {lowered(line)}")
    return lines


def thoughts_json(known: Known, skill: SimSkill, dice: Dice, situation: Situation, width: int) -> str:
    """Return `width` next thoughts with priors that sum to 1 and lean towards the right ones."""
    rng = dice.stream("thoughts")
    chance = skill.plan if situation.evidence is Evidence.NONE else max(skill.plan, skill.repair_rate)
    ahead = steps_ahead(known, situation.thoughts)
    wrong = _unused(_wrong_thoughts(known, rng), situation.thoughts)
    proposals: list[tuple[str, bool | None]] = []
    for _ in range(width):
        right = rng.random() < chance
        pool = (ahead[:width] or list(NEUTRAL_THOUGHTS)) if right else wrong
        said = {text for text, _ in proposals}
        fresh = (
            [text for text in pool if text not in said]
            or [t for t in NEUTRAL_THOUGHTS if t not in said]
            or pool
        )
        text = fresh[0] if right else rng.choice(fresh)
        proposals.append((text, known.judge_line(text)))
    weights = [
        (3.0 if right else 1.0 if right is False else 1.5) + rng.random() * 0.3
        if rng.random() < skill.judgement
        else 0.8 + 2.4 * rng.random()
        for _, right in proposals
    ]
    priors = _shares(weights)
    leads = [rng.choice(_THOUGHT_LEADS) for _ in proposals]
    items = [
        {"thought": f"{lead}{lowered(text)}.", "reasonableness": prior}
        for lead, (text, _), prior in zip(leads, proposals, priors, strict=True)
    ]
    return json.dumps(items, indent=2)


def rethought(known: Known, skill: SimSkill, dice: Dice, situation: Situation) -> str:
    """Return a thought to stand in place of the last one."""
    rng = dice.stream("rethought")
    kept = situation.thoughts[:-1]
    helped = situation.evidence is Evidence.SHOWN or "`" in situation.advice
    if dice.happens("right thought", max(skill.plan, skill.repair_rate) if helped else skill.plan):
        ahead = steps_ahead(known, kept)
        text = ahead[0] if ahead else rng.choice(NEUTRAL_THOUGHTS)
    else:
        text = rng.choice(_unused(_wrong_thoughts(known, rng), situation.thoughts))
    return f"{rng.choice(_THOUGHT_LEADS)}{lowered(text)}."


def steps_ahead(known: Known, thoughts: Sequence[str]) -> list[str]:
    """Return the reference's steps that a path of thoughts has not named yet, in order."""
    taken = [plain(thought) for thought in thoughts]
    return [step for step in known.steps if not any(line.endswith(plain(step)) for line in taken)]


def exemplars(known: Known, dice: Dice, others: Sequence[Problem], width: int) -> str:
    """Return recalled problems with code and plan, and the technique for the problem at hand."""
    rng = dice.stream("exemplars")
    pool = [problem for problem in others if problem.id != known.problem.id] or list(RECALLED)
    chosen = rng.sample(pool, min(width, len(pool)))
    chosen += [rng.choice(pool) for _ in range(width - len(chosen))]
    parts = [_exemplar(problem) for problem in chosen]
    idea = technique(known.tree)
    parts.append(
        f"<algorithm>\nThe problem calls for {idea}. Find out what has to be known at every point, decide how "
        "one more piece of input changes it, and read the answer off at the end. Mind the smallest inputs."
        "\n</algorithm>"
    )
    return "<root>\n" + "\n".join(parts) + "\n</root>"


def _exemplar(problem: Problem) -> str:
    tree = parse(problem.reference)
    nodes = [node for _, node in regions(tree, problem.task.entry_point, frozenset())] if tree else []
    steps = describe(nodes, problem.task.entry_point) or ("Write the program as the statement says",)
    planning = "\n".join(f"{number}. {step}." for number, step in enumerate(steps, 1))
    return (
        f"<problem>\n<description>\n{problem.task.statement.strip()}\n</description>\n"
        f"<code>\n```python\n{source(tree).strip() if tree else problem.reference.strip()}\n```\n</code>\n"
        f"<planning>\n{planning}\n</planning>\n</problem>"
    )


def _wrong_thoughts(known: Known, rng: random.Random) -> list[str]:
    changed = {
        step for item in known.misconceptions for step in item.changed if known.judge_line(step) is False
    }
    return [*_shuffled(changed, rng), *_shuffled(set(WRONG_IDEAS), rng)[:2]]


def _unused(texts: Sequence[str], thoughts: Sequence[str]) -> list[str]:
    taken = [plain(thought) for thought in thoughts]
    return [t for t in texts if not any(line.endswith(plain(t)) for line in taken)] or list(NEUTRAL_THOUGHTS)


def _shuffled(texts: set[str], rng: random.Random) -> list[str]:
    # Sorted first: the order of a set differs from process to process.
    ordered = sorted(texts)
    rng.shuffle(ordered)
    return ordered


def _shares(weights: Sequence[float]) -> list[float]:
    """Scale to sum 1 in steps of 0.01; what rounding leaves over goes to the largest."""
    total = sum(weights)
    cents = [int(100 * weight / total) for weight in weights]
    if cents:
        cents[cents.index(max(cents))] += 100 - sum(cents)
    return [cent / 100 for cent in cents]
