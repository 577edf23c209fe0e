"""Drives any policy with made-up outcomes, and checks what every policy must keep.

A test draws a `RunPlan` from `run_plans()`, calls `run_search` and then the checks::

    @given(run_plans())
    def test_nothing_is_lost(plan: RunPlan) -> None:
        search = run_search(lambda: Chain(ChainSettings()), plan)
        check_invariants(search)
        check_replay(search, lambda: Chain(ChainSettings()))

Outcomes are a function of the plan and the expansion, never of the order of the tells, and a program passes
the same tests whenever it is judged, as with a real sandbox.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from hypothesis import strategies as st

from codegrove.candidate import Candidate
from codegrove.outcome import Failure, Outcome, Proposal, Review
from codegrove.search.policy import DONE, ActionKind, Expansion, Policy, Signal
from codegrove.search.search import Event, Search, Told, event_from_json, event_to_json
from codegrove.search.tree import ROOT, SearchTree
from codegrove.task import AssertTest, CallTest, Origin, Task, Test
from codegrove.verdict import ErrorInfo, Status, TestResult, Verdict, overall

Order = Literal["first", "last", "random"]
"""Which expansion in flight is told next: the oldest, the newest, or any."""

OutcomeMaker = Callable[[Expansion, ActionKind, random.Random], Outcome]
"""Makes the outcome of an expansion; the generator depends on the plan and the expansion only."""

SMALL_TASK = Task(
    id="double",
    statement="Return twice the number.",
    entry_point="double",
    stub="def double(n: int) -> int:\n",
    tests=tuple(CallTest(args=f"({n},)", expected=str(2 * n)) for n in range(3)),
)

PROGRAMS = tuple(f"def double(n: int) -> int:\n    return {body}\n" for body in ("2 * n", "n", "n + n", "0"))
"""Small on purpose: several draws bring the same program."""

REFORMATTED = {program: program.replace("return", "return  ") for program in PROGRAMS}
"""The same syntax trees as other texts."""

_TESTS = tuple(f"assert double({n}) == {2 * n + wrong}" for n in range(4) for wrong in (0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything that decides how one run goes."""

    seed: int = 0
    """Seed of the search."""
    world: int = 0
    """Seed of the outcomes."""
    workers: int = 1
    """Expansions in flight at most."""
    order: Order = "first"
    pass_rate: float = 0.5
    """Chance that a program passes a test."""
    failure_rate: float = 0.0
    """Chance that an expansion fails."""
    max_asks: int = 80
    """The run is left, with expansions in flight, after so many asks."""


def run_plans(
    *, max_workers: int = 6, max_asks: int = 60, failures: bool = True, may_stop_early: bool = True
) -> st.SearchStrategy[RunPlan]:
    """Return a strategy for run plans.

    Args:
        max_workers: largest number of expansions in flight.
        max_asks: length of a long run, in asks.
        failures: whether expansions may fail.
        may_stop_early: whether a run may be left at any point, with work in flight.
    """
    return st.builds(
        RunPlan,
        seed=st.integers(0, 999),
        world=st.integers(0, 999_999),
        workers=st.integers(1, max_workers),
        order=st.sampled_from(("first", "last", "random")),
        pass_rate=st.sampled_from((0.0, 0.3, 0.7, 0.95, 1.0)),
        failure_rate=st.sampled_from((0.0, 0.15, 0.6, 1.0)) if failures else st.just(0.0),
        max_asks=st.integers(0, max_asks) if may_stop_early else st.just(max_asks),
    )


def run_search(
    policy_factory: Callable[[], Policy],
    plan: RunPlan,
    *,
    task: Task = SMALL_TASK,
    outcomes: OutcomeMaker | None = None,
) -> Search:
    """Run a policy as the plan says, and return the search as it stands at the end.

    Checks on the way that a signal changes neither tree nor random numbers, that `DONE` stays, and that the
    policy asks only for its own actions at nodes that exist.

    Args:
        policy_factory: makes a fresh policy.
        plan: how the run goes.
        task: what the policy works on.
        outcomes: replaces `make_outcome` where a policy needs answers of its own kind.
    """
    search = Search(task, _Watched(policy_factory()), seed=plan.seed)
    order = random.Random(f"order {plan.world}")
    asked, signalled = 0, False
    while True:
        if not signalled and len(search.open) < plan.workers:
            if asked == plan.max_asks:
                break
            choice = search.ask()
            signalled = isinstance(choice, Signal)
            asked += not signalled
        elif search.open:
            _tell(search, _pick(list(search.open), plan.order, order), plan, outcomes)
            signalled = False
        else:
            break
    return search


def finish(search: Search, plan: RunPlan, *, outcomes: OutcomeMaker | None = None) -> None:
    """Tell what is still in flight of a run that was left, without asking for more."""
    for expansion_id in list(search.open):
        _tell(search, expansion_id, plan, outcomes)


def make_outcome(expansion: Expansion, kind: ActionKind, rng: random.Random, plan: RunPlan) -> Outcome:
    """Return an outcome that fits the action: proposals, a program with its verdict, tests, a review."""
    if expansion.trace and rng.random() < 0.2:
        return Outcome()  # no failing test could be traced, so nobody was asked
    broken = rng.random() < plan.failure_rate
    failure = Failure(kind=rng.choice(("model", "unreadable", "budget", "step")), message="made up")
    match kind:
        case ActionKind.PLANNER:
            if broken:
                return Outcome(failure=failure)
            width = int(expansion.inputs.get("width", 1))
            count = rng.choice((width, width, width, rng.randint(0, width)))
            return Outcome(answer="plans", proposals=tuple(_proposal(i, rng) for i in range(count)))
        case ActionKind.TESTER:
            if broken:
                return Outcome(failure=failure)
            chosen = rng.choices(_TESTS, k=rng.randint(0, 6))
            return Outcome(
                answer="tests", tests=tuple(AssertTest(code=t, origin=Origin.GENERATED) for t in chosen)
            )
        case ActionKind.CRITIC:
            if broken:
                return Outcome(failure=failure)
            score = rng.choice((None, -1.0, 0.0, 0.5, 1.0, 3.0, 5.0, 85.0))
            review = Review(text="seen", score=score, accepted=rng.choice((None, True, False)))
            return Outcome(answer="review", review=review)
        case ActionKind.EXECUTE:
            if broken:
                return Outcome(failure=replace(failure, kind="sandbox"))
            program = Candidate(program=str(expansion.inputs["program"]))
            return Outcome(verdict=judge(program, expansion.tests or (), plan), trace="[BLOCK-0]")
        case ActionKind.CODER | ActionKind.DEBUGGER:
            return _written(expansion, broken, failure, rng, plan)


def ended(search: Search) -> bool:
    """Return whether the policy has nothing more to ask for, and everything it asked for is told."""
    watched = search.policy
    assert isinstance(watched, _Watched), "only a search from run_search can tell"
    return not search.open and (watched.done or watched.idle)


def judge(program: Candidate, tests: Iterable[Test], plan: RunPlan) -> Verdict:
    """Return the verdict of a program; the same program always does the same on the same test."""
    results = tuple(_result(program, test, plan) for test in tests)
    return Verdict(status=overall(r.status for r in results), results=results)


def check_invariants(search: Search, *, counts_programs: bool = False, answers: bool = True) -> None:
    """Check what holds for every policy at any moment of a run.

    Args:
        search: the run, finished or left with work in flight.
        counts_programs: also check that each told program has its own node.
        answers: check that the policy has an answer as soon as any program was told.
    """
    tree = search.tree
    _check_links(tree)
    _check_sums(tree)
    for node in tree:
        assert node.pending >= 0, f"node {node.id} has {node.pending} expansions in flight"
        if ended(search):
            assert node.pending == 0, f"node {node.id} still waits for something, but the run has ended"
        if node.verdict is not None and node.verdict.results:
            assert len(node.tests) == len(node.verdict.results), f"node {node.id}: tests and results differ"
    told = [e.outcome.program.program for e in search.events if isinstance(e, Told) and e.outcome.program]
    held = [node.program.program for node in tree.programs() if node.program]
    assert set(told) <= set(held), "a program that was paid for is not in the tree"
    if counts_programs:
        assert sorted(told) == sorted(held), "not every told program has a node of its own"
    answer = search.answer()
    if answer is not None:
        assert tree[answer].program is not None, f"the answer is node {answer}, which holds no program"
    elif answers:
        assert not held, "there are programs, but the policy has no answer"


def check_replay(search: Search, policy_factory: Callable[[], Policy]) -> None:
    """Check that the log alone rebuilds the run, and that the rebuilt run goes on in the same way.

    The log goes through JSON text, as it does when a run is saved. The given search is left as it is.
    """
    events = [event_from_json(json.loads(json.dumps(event_to_json(event)))) for event in search.events]
    assert events == search.events, "an event changes when it is saved and loaded"
    again = _replayed(search, events, policy_factory)
    assert_same(again, search)
    twin = _replayed(search, search.events, policy_factory)
    assert twin.ask() == again.ask(), "two replays of one log choose differently"


def assert_same(one: Search, other: Search) -> None:
    """Check that two searches are in the same state, node by node and field by field."""
    assert len(one.tree) == len(other.tree), f"{len(one.tree)} nodes and {len(other.tree)}"
    for mine, theirs in zip(one.tree, other.tree, strict=True):
        for field in fields(mine):
            left, right = getattr(mine, field.name), getattr(theirs, field.name)
            assert left == right, f"node {mine.id}: {field.name} is {left!r} and {right!r}"
    assert one.tree.generated_tests == other.tree.generated_tests, "generated tests differ"
    assert one.open == other.open, "expansions in flight differ"
    assert one.answer() == other.answer(), "answers differ"


def _tell(search: Search, expansion_id: int, plan: RunPlan, outcomes: OutcomeMaker | None) -> None:
    expansion = search.open[expansion_id]
    rng = random.Random(f"outcome {plan.world} {expansion.id} {expansion.action}")
    kind = search.policy.actions[expansion.action]
    if outcomes is None:
        search.tell(expansion.id, make_outcome(expansion, kind, rng, plan))
    else:
        search.tell(expansion.id, outcomes(expansion, kind, rng))


def _replayed(search: Search, events: Iterable[Event], policy_factory: Callable[[], Policy]) -> Search:
    again = Search(search.tree.task, policy_factory(), seed=search.seed)
    again.replay(events)
    return again


def _check_links(tree: SearchTree) -> None:
    assert tree[ROOT].parents == () and tree[ROOT].depth == 0, "node 0 is not a root"
    for position, node in enumerate(tree):
        name = f"node {position}"
        assert node.id == position, f"{name} says it is {node.id}"
        assert (node.id == ROOT) == (not node.parents), f"{name} has parents {node.parents}"
        assert all(parent < node.id for parent in node.parents), f"{name} is older than a parent"
        assert all(node.id in tree[parent].children for parent in node.parents), f"{name} is no child"
        assert all(node.id in tree[child].parents for child in node.children), f"{name} is no parent"
        assert len(set(node.children)) == len(node.children), f"{name} has a child twice"
        if node.parents:
            assert node.depth == tree[node.parents[0]].depth + 1, f"{name} has depth {node.depth}"


def _check_sums(tree: SearchTree) -> None:
    below = [0] * len(tree)
    for node in tree:
        if node.parents:
            below[node.parents[0]] += node.visits
    for node in tree:
        assert node.visits >= below[node.id], (
            f"node {node.id}: {node.visits} visits, children {below[node.id]}"
        )
        if node.visits:
            assert node.best >= node.mean - 1e-9, f"node {node.id}: best is below the mean"
            assert node.total_squares >= node.total**2 / node.visits - 1e-6, f"node {node.id}: squares"


class _Watched:
    """Passes everything on to a policy, and checks that it keeps the rules of asking."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.traces = getattr(policy, "traces", False)
        self.done = False
        """Whether the policy ever said `DONE`."""
        self.idle = False
        """Whether it gave a signal since the last tell; with nothing in flight that is the end."""

    @property
    def actions(self) -> Mapping[str, ActionKind]:
        return self._policy.actions

    def ask(self, tree: SearchTree, serial: int, rng: random.Random) -> Expansion | Signal:
        before = (_fingerprint(tree), rng.getstate())
        choice = self._policy.ask(tree, serial, rng)
        if isinstance(choice, Signal):
            assert (_fingerprint(tree), rng.getstate()) == before, f"{choice} changed something"
            again = self._policy.ask(tree, serial, rng)
            assert again is choice, f"asked twice with nothing in between: {choice}, then {again}"
            self.done |= choice is DONE
            self.idle = True
            return choice
        assert not self.done, "the policy said DONE, and then asked for more"
        assert choice.action in self._policy.actions, f"{choice.action!r} is none of the policy's actions"
        assert 0 <= choice.node < len(tree), f"expansion at node {choice.node}, which does not exist"
        return choice

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        self.idle = False
        self._policy.tell(tree, expansion, outcome)

    def answer(self, tree: SearchTree) -> int | None:
        before = _fingerprint(tree)
        answer = self._policy.answer(tree)
        assert _fingerprint(tree) == before, "asking for the answer changed the tree"
        return answer


def _fingerprint(tree: SearchTree) -> list[object]:
    return [
        (n.visits, n.pending, n.total, n.best, n.prior, n.reward, n.text, n.review, repr(n.data))
        + (len(n.children), id(n.program), id(n.verdict), len(n.tests))
        for n in tree
    ] + [len(tree.generated_tests)]


def _pick(ids: list[int], order: Order, rng: random.Random) -> int:
    match order:
        case "first":
            return ids[0]
        case "last":
            return ids[-1]
        case "random":
            return rng.choice(ids)


def _proposal(index: int, rng: random.Random) -> Proposal:
    return Proposal(
        text=f"idea {index} {rng.randint(0, 9)}",
        score=rng.choice((None, 0.0, 0.3, 0.3, 0.9, 1.0)),
        data={"description": "a like problem", "code": "pass", "algorithm": "brute force"},
    )


def _written(
    expansion: Expansion, broken: bool, failure: Failure, rng: random.Random, plan: RunPlan
) -> Outcome:
    if broken and rng.random() < 0.7:
        return Outcome(answer="no program", failure=failure)
    text = rng.choice(PROGRAMS)
    program = Candidate(program=rng.choice((text, REFORMATTED[text])), action=expansion.action)
    if broken:  # written, but could not be judged
        return Outcome(answer="code", program=program, failure=replace(failure, kind="sandbox"))
    verdict = None if expansion.tests is None else judge(program, expansion.tests, plan)
    return Outcome(answer="code", program=program, verdict=verdict)


def _result(program: Candidate, test: Test, plan: RunPlan) -> TestResult:
    rng = random.Random(f"truth {plan.world} {program.key} {test!r}")
    if rng.random() < plan.pass_rate:
        return TestResult(status=Status.PASSED, output="ok", seconds=0.01)
    status = rng.choice((Status.FAILED, Status.FAILED, Status.CRASHED, Status.TIMED_OUT, Status.UNJUDGED))
    error = ErrorInfo(type="ValueError", message="made up") if status is Status.CRASHED else None
    return TestResult(status=status, output="other", error=error, seconds=0.02)
