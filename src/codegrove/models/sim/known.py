"""What the simulated programmer knows of one problem, worked out once: design, mistakes, steps, examples."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from codegrove.models.sim.comparing import Difference, differences
from codegrove.models.sim.english import describe
from codegrove.models.sim.examples import Example, examples
from codegrove.models.sim.harmless import harmless
from codegrove.models.sim.ideas import WRONG_IDEAS
from codegrove.models.sim.mutations import Mutation, mutations, pick
from codegrove.models.sim.scopes import given_names, regions
from codegrove.models.sim.trees import edited, parse, source
from codegrove.problem import Problem

MOST_MISCONCEPTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconception:
    """A wrong program of the problem that can be told apart in words."""

    program: str
    steps: tuple[str, ...]
    changed: tuple[str, ...]
    """Its steps that are not steps of the reference; at least one."""
    gist: str
    """The steps around the first changed one, in one line."""
    right_gist: str
    """What the reference does at that place, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a program relates to the reference."""

    kind: Literal["right", "near", "other", "broken"]
    """The same; some defects away; of another design; does not parse."""
    tree: ast.Module | None
    differences: tuple[Difference, ...] = ()
    """The defects of a program that is near; for other kinds not meant to be mended one by one."""


def reference_tree(problem: Problem) -> ast.Module:
    """Return a problem's reference, parsed.

    Raises:
        ValueError: if the problem has no reference, or one that does not parse.
    """
    tree = parse(problem.reference) if problem.reference.strip() else None
    if tree is None or not tree.body:
        raise ValueError("it has no reference solution that parses")
    return tree


class Known:
    """Everything derived from one problem. Pure: equal problems give equal knowledge in every process.

    Raises:
        ValueError: if the problem has no reference, or one that does not parse.
    """

    def __init__(self, problem: Problem) -> None:
        tree = reference_tree(problem)
        self.problem = problem
        self.entry_point = problem.task.entry_point
        self.given = given_names(problem.task.stub, self.entry_point)
        self.tree = tree
        self.text = source(tree)
        self.mutations = self._harmful(mutations(tree, self.entry_point, self.given))
        self.steps = self._describe(tree)
        self.wrong = tuple(wrong for text in problem.wrong if (wrong := parse(text)) is not None)
        self.wrong_texts = tuple(source(wrong) for wrong in self.wrong)
        self.misconceptions = self._misconceptions()
        self.examples: tuple[Example, ...] = examples(problem)
        self._right_lines = self._lines(self.steps, *((item.right_gist,) for item in self.misconceptions))
        wrong_lines = ((*item.changed, item.gist) for item in self.misconceptions)
        self._wrong_lines = self._lines(WRONG_IDEAS, *wrong_lines) - self._right_lines
        self._compared: dict[str, Comparison] = {}

    def mutant(self, rng: random.Random, defects: int) -> str:
        """Return the reference with up to `defects` defects; some differing text whenever any defect fits."""
        for _ in range(4):
            chosen = pick(self.mutations, defects, rng)
            text = source(edited(self.tree, (mutation.edit for mutation in chosen)))
            if text != self.text:
                return text
        return self.text

    def compare(self, program: str) -> Comparison:
        """Relate a program to the reference. Answers are kept for the programs seen last."""
        known = self._compared.get(program)
        if known is None:
            if len(self._compared) >= 256:
                self._compared.clear()
            try:
                known = self._compare(program)
            except RecursionError:
                # An expression nested by the hundreds has nothing to do with any reference.
                known = Comparison(kind="other", tree=None)
            self._compared[program] = known
        return known

    def judge_line(self, text: str) -> bool | None:
        """Say whether a strategy or thought is right, wrong, or (None) not one this problem gives rise to."""
        line = plain(text)
        matches = [known for known in self._right_lines | self._wrong_lines if _ends_with(line, known)]
        return max(matches, key=len) in self._right_lines if matches else None

    def judge_plan(self, text: str) -> bool | None:
        """Say whether a plan is right, wrong, or (None) cannot be told from its text."""
        lines = {plain(line) for line in text.splitlines()}
        if lines & self._wrong_lines:
            return False
        if lines and self._lines(self.steps) <= lines:
            return True
        # Some steps of the reference prove nothing; a one-line strategy stands for itself.
        return self.judge_line(text) if len(lines - {""}) == 1 else None

    def misled_by(self, text: str) -> Misconception | None:
        """Return the misconception a wrong plan or thought comes from, if it is one of those known."""
        lines = [plain(line) for line in text.splitlines()]
        for item in self.misconceptions:
            marks = self._lines((*item.changed, item.gist))
            if any(_ends_with(line, mark) for line in lines for mark in marks):
                return item
        return None

    def _compare(self, program: str) -> Comparison:
        tree = parse(program)
        if tree is None:
            return Comparison(kind="broken", tree=None)
        found = differences(tree, self.tree, self.entry_point, self.given)
        if not found:
            return Comparison(kind="right", tree=tree)
        for wrong in self.wrong:
            if len(differences(tree, wrong, self.entry_point, self.given)) < len(found):
                return Comparison(kind="other", tree=tree, differences=tuple(found))
        total = _statements(node for _, node in regions(self.tree, self.entry_point, self.given))
        rewritten = _statements(node for difference in found for node in difference.edit.new)
        near = len(found) <= max(5, total // 2) and rewritten <= max(3, 0.7 * total)
        return Comparison(kind="near" if near else "other", tree=tree, differences=tuple(found))

    def _harmful(self, found: tuple[Mutation, ...]) -> tuple[Mutation, ...]:
        known = harmless(self.problem, len(found))
        return tuple(mutation for index, mutation in enumerate(found) if index not in known)

    def _describe(self, tree: ast.Module) -> tuple[str, ...]:
        nodes = [node for _, node in regions(tree, self.entry_point, self.given)]
        return describe(nodes, self.entry_point) or ("Write the program as the statement says",)

    def _misconceptions(self) -> tuple[Misconception, ...]:
        rng = random.Random(f"misconceptions of {self.problem.id}")
        trees = list(self.wrong)
        trees += [
            edited(self.tree, [mutation.edit for mutation in pick(self.mutations, 1, rng)])
            for _ in range(2 * MOST_MISCONCEPTIONS)
        ]
        found: dict[tuple[str, ...], Misconception] = {}
        for tree in trees:
            steps = self._describe(tree)
            changed = tuple(step for step in steps if step not in self.steps)
            if not changed or steps in found or len(found) == MOST_MISCONCEPTIONS:
                continue
            lost = next(
                (i for i, step in enumerate(self.steps) if step not in steps), steps.index(changed[0])
            )
            found[steps] = Misconception(
                program=source(tree),
                steps=steps,
                changed=changed,
                gist=_gist(steps, steps.index(changed[0])),
                right_gist=_gist(self.steps, lost),
            )
        return tuple(found.values())

    @staticmethod
    def _lines(*groups: Sequence[str]) -> frozenset[str]:
        return frozenset(plain(text) for group in groups for text in group)


def plain(line: str) -> str:
    """Return a line as it is compared: without numbering, bullets, closing punctuation and first capital."""
    bare = re.sub(r"^\s*(?:\d+\s*[.):]|[-*•])\s*", "", line)
    line = " ".join(bare.split()).rstrip(".;,!")
    return lowered(line)


def lowered(text: str) -> str:
    """Return the text with a small first letter, as it reads inside a sentence."""
    return text[:1].lower() + text[1:]


def _ends_with(line: str, known: str) -> bool:
    """Whether a line ends with a known text, which begins a sentence there or does not."""
    return line.endswith((known, known[:1].upper() + known[1:]))


def _statements(nodes: Iterable[ast.AST]) -> int:
    return sum(isinstance(inner, ast.stmt) for node in nodes for inner in ast.walk(node))


def _gist(steps: Sequence[str], index: int) -> str:
    start = max(0, min(index, len(steps) - 1) - 1)
    around = steps[start : start + 3]
    return ", then ".join([*around[:1], *map(lowered, around[1:])])
