"""Flat sampling: draw programs independently of each other, then select one by what they do on tests."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from codegrove.candidate import Candidate
from codegrove.outcome import Outcome
from codegrove.search.policy import DONE, WAIT, ActionKind, Expansion, Signal
from codegrove.search.scoring import passes_all, share_passed
from codegrove.search.select import SELECTORS, OutcomeMatrix, Selector, limited, pick
from codegrove.search.settings import Mode, PolicySettings
from codegrove.search.tree import ROOT, Node, SearchTree
from codegrove.task import Test
from codegrove.verdict import Verdict


class SampleSettings(PolicySettings):
    """Settings of `Sample`."""

    kind: Literal["sample"] = "sample"
    programs: int = Field(default=1, ge=1, le=100_000)
    """How many programs are drawn."""
    test_answers: int = Field(default=0, ge=0, le=100_000)
    """How many times a tester is asked for tests; only for `select: codet`, which needs at least 1."""
    tests_per_answer: int = Field(default=5, ge=1, le=10_000)
    """How many tests of each tester's answer count: the first ones."""
    select: Literal["first_passing", "most_passed", "codet"] = "first_passing"
    """Selection strategy. `codet` looks at generated tests only, the others at the task's own tests only."""
    mode: Mode = "paper"
    """CodeT's exponent where `code_exponent` is not given: 1 as in the paper, 0.5 as in the released code."""
    code_exponent: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """Exponent of the number of programs in CodeT's score; wins over `mode`."""
    stop_at_first_pass: bool = False
    """Draw no further programs once one passes all of the task's own tests. Not for `select: codet`."""

    @model_validator(mode="after")
    def _fit_together(self) -> SampleSettings:
        if self.select == "codet":
            if self.test_answers < 1:
                raise ValueError("select 'codet' needs generated tests: set test_answers to 1 or more")
            if self.stop_at_first_pass:
                raise ValueError("stop_at_first_pass needs the task's own tests, which 'codet' does not use")
        else:
            if self.test_answers:
                raise ValueError(
                    f"select {self.select!r} does not use generated tests: drop test_answers or take 'codet'"
                )
            if self.code_exponent is not None:
                raise ValueError(f"code_exponent belongs to select 'codet'; found select {self.select!r}")
        return self

    def selector(self) -> Selector:
        """Return the selection strategy these settings describe."""
        if self.select != "codet":
            return SELECTORS[self.select]()
        by_mode = {"paper": 1.0, "repo": 0.5}[self.mode]
        exponent = by_mode if self.code_exponent is None else self.code_exponent
        return SELECTORS["codet"](code_exponent=exponent)


class Sample:
    """Independent draws at the root, then a selection.

    With `select: codet` (CodeT) a tester, who sees no program, writes tests in step with the programs, so that a
    budget that ends the drawing early leaves both in the same proportion. When everything is drawn, each unique
    program is executed once on all unique generated tests. Otherwise every program is executed on the task's own
    tests as soon as it is written.

    An expansion that fails is counted in the root's ``data["failed"]`` (by action) and not repeated. Where
    the strategy ranks nothing, e.g. because no program passes any generated test, the answer is drawn
    uniformly from all draws.
    """

    def __init__(self, settings: SampleSettings | None = None) -> None:
        self.settings = settings or SampleSettings()
        self._selector = self.settings.selector()
        self._generates = self.settings.select == "codet"
        self._writes = 0
        self._test_answers = 0
        self._in_flight = 0
        self._stopped = False
        self._columns: tuple[Test, ...] | None = None
        """The unique generated tests; None while draws are missing."""
        self._same: dict[str, list[Node]] = {}
        """All draws of each unique program, by its key; filled with `_columns`."""
        self._unjudged: deque[str] = deque()
        """Keys of the programs that are still to be executed."""
        self._tie_seed: int | None = None
        self._tells = 0
        self._answer: tuple[int, int | None] = (0, None)
        """The number of tells it belongs to, and the answer."""

    @property
    def calls(self) -> int:
        """Model calls of a run that nothing ends early."""
        return self.settings.programs + self.settings.test_answers

    @property
    def redrawn(self) -> frozenset[str]:
        """Actions whose answers differ by chance only."""
        draws = {"write": self.settings.programs, "write_tests": self.settings.test_answers}
        return frozenset(action for action, count in draws.items() if count > 1)

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        """Actions this policy asks for."""
        actions = {"write": ActionKind.CODER}
        if self._generates:
            actions |= {"write_tests": ActionKind.TESTER, "execute": ActionKind.EXECUTE}
        return actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        """Return the next draw; when all are told, the next program to execute."""
        expansion = self._next(tree, serial)
        if expansion is None:
            return WAIT if self._in_flight and not self._stopped else DONE
        if self._tie_seed is None:
            self._tie_seed = rng.getrandbits(64)  # `answer` is given no generator to break ties with
        self._in_flight += 1
        return expansion

    def _next(self, tree: SearchTree, serial: int) -> Expansion | None:
        if self._writes < self.settings.programs and not self._stopped and not self._tests_are_behind():
            tests = None if self._generates else tree.task.tests
            self._writes += 1
            return Expansion(id=serial, action="write", node=ROOT, tests=tests)
        if self._test_answers < self.settings.test_answers:
            self._test_answers += 1
            return Expansion(id=serial, action="write_tests", node=ROOT)
        if self._unjudged:
            node = self._same[self._unjudged.popleft()][0]
            return Expansion(
                id=serial,
                action="execute",
                node=node.id,
                inputs={"program": _candidate(node).program},
                tests=self._columns,
            )
        return None

    def _tests_are_behind(self) -> bool:
        """Whether a test answer is next: both are drawn in step, so that a run that is cut short has of both."""
        return self._test_answers * self.settings.programs < self._writes * self.settings.test_answers

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Record a draw or an execution; the last draw makes the list of programs to execute."""
        self._in_flight -= 1
        if outcome.failure is not None:
            failed = tree.root.data.setdefault("failed", {})
            failed[expansion.action] = failed.get(expansion.action, 0) + 1
        if expansion.action == "write":
            self._tell_program(tree, expansion, outcome)
        elif expansion.action == "write_tests":
            for tests in limited([outcome.tests], self.settings.tests_per_answer):
                tree.generated_tests.extend(tests)
        else:
            self._tell_execution(tree, expansion, outcome)
        if self._generates and self._columns is None and self._all_drawn():
            self._plan_executions(tree)
        self._tells += 1  # last of all: from here on an answer rests on this outcome

    def answer(self, tree: SearchTree) -> int | None:
        """Return the program the selection strategy would take now."""
        if self._answer[0] != self._tells:
            self._answer = (self._tells, self._selected(tree))
        return self._answer[1]

    def _selected(self, tree: SearchTree) -> int | None:
        programs = [node.id for node in tree.programs()]
        if not programs:
            return None
        rng = random.Random(self._tie_seed)
        tests = tree.generated_tests if self._generates else tree.task.tests
        ranking = self._selector.rank(OutcomeMatrix.from_tree(tree, tests))
        picks = pick(ranking, 1, tie=self._selector.tie, rng=rng)
        return picks[0] if picks else rng.choice(programs)

    def _tell_program(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        if outcome.program is None:
            return
        node = tree.add(ROOT, "program", program=outcome.program)
        if expansion.tests is not None:
            _judge(tree, node, expansion.tests, outcome.verdict)
        if self.settings.stop_at_first_pass and passes_all(outcome.verdict, tree.task.tests):
            self._stopped = True

    def _tell_execution(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        if outcome.verdict is None:
            return
        for node in self._same[_candidate(tree[expansion.node]).key]:
            _judge(tree, node, expansion.tests or (), outcome.verdict)

    def _all_drawn(self) -> bool:
        asked = self._writes == self.settings.programs and self._test_answers == self.settings.test_answers
        return asked and not self._in_flight

    def _plan_executions(self, tree: SearchTree) -> None:
        self._columns = tuple(dict.fromkeys(tree.generated_tests))
        for node in tree.programs():
            self._same.setdefault(_candidate(node).key, []).append(node)
        if self._columns:
            self._unjudged.extend(self._same)


def _candidate(node: Node) -> Candidate:
    assert node.program is not None, "only nodes with a program are asked about"
    return node.program


def _judge(tree: SearchTree, node: Node, tests: tuple[Test, ...], verdict: Verdict | None) -> None:
    """Give a node its verdict; what could not be judged is worth nothing and counts as no visit."""
    node.tests = tests
    node.verdict = verdict
    node.reward = share_passed(verdict, tests)
    if node.reward is not None:
        tree.backup(node.id, node.reward)
