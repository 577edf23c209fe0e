"""What a report shows, as plain data: JSON-ready, and independent of how a run is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from codegrove.budget import Spend
from codegrove.models.sim.skill import PREFIX

Mark = Literal["none", "passed", "failed", "crashed", "unjudged"]
"""How a node is drawn. ``none``: no program. ``crashed``: raised, ran out of time, or is no program at all.
``unjudged``: not run, or our machinery could not tell; never drawn like a wrong answer."""

Tally = tuple[int, int, int]
"""Tests passed, judged, and all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTest:
    """One test in words."""

    input: str
    """The call, the text on standard input, or the statements of an assert test."""
    expected: str
    """Empty for an assert test, which must not raise."""
    origin: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportResult:
    """What one test brought."""

    status: str
    output: str = ""
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportVerdict:
    """What running one program brought; see `codegrove.verdict.Verdict`."""

    status: str
    results: tuple[ReportResult, ...] = ()
    error: str = ""
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    memory_mb: float = 0.0
    limit: str = ""
    level: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportNode:
    """One node of the search tree. Its id is its place in `ReportData.nodes`."""

    parents: tuple[int, ...]
    kind: str
    mark: Mark = "none"
    status: str = ""
    """A `Status`, or ``not_run``, by the tests that decide the mark; empty without a program."""
    text: str = ""
    program: str | None = None
    origin: tuple[str, str, str] = ("", "", "")
    """Action, prompt and model that produced the program."""
    tests: tuple[int, ...] = ()
    """Places in `ReportData.tests`, in the order of the verdict's results."""
    verdict: ReportVerdict | None = None
    visible: Tally = (0, 0, 0)
    """The task's own tests."""
    written: Tally = (0, 0, 0)
    """Tests that models wrote."""
    review: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    """What else the policy keeps about this node, by name."""
    reward: float | None = None
    prior: float | None = None
    visits: int = 0
    pending: int = 0
    """Expansions in flight at or below this node when the run ended."""
    mean: float | None = None
    best: float | None = None
    deviation: float | None = None
    """Standard deviation of the values backed up to this node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCall:
    """One model call."""

    expansion: int
    node: int
    """The node the expansion worked at."""
    role: str
    action: str
    model: str
    messages: tuple[tuple[str, str], ...]
    """Role and text of each message of the prompt."""
    reply: str | None = None
    error: str | None = None
    prompt: str = ""
    """Id of the prompt file."""
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    """Whether the token counts are estimates."""
    dollars: float | None = None
    """None: the price is unknown, which is not the same as free."""
    seconds: float = 0.0
    adopted: str = ""
    """Where the answer was found; empty for one that was bought."""

    @property
    def simulated(self) -> bool:
        """Whether the simulated programmer answered."""
        return self.model.startswith(PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenGrade:
    """What the benchmark's hidden tests said about the answer, after the search was over."""

    status: str
    passed: int
    total: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything the report of one run shows. Made by `codegrove.report.build.report_data`."""

    task_id: str
    statement: str
    stub: str = ""
    task_tests: tuple[int, ...] = ()
    """The visible tests, as places in `tests`."""
    recipe: str
    recipe_yaml: str = ""
    models: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Each model with what it was used for."""
    simulated: bool = False
    seed: int | None = None
    workers: int | None = None
    result: str
    reason: str
    answer: int | None = None
    spend: Spend = field(default_factory=Spend)
    limits: Mapping[str, float] = field(default_factory=dict)
    """Limits of the budget by name; a kind without a limit is not in it."""
    hidden: HiddenGrade | None = None
    """None: not graded."""
    tests: tuple[ReportTest, ...] = ()
    """Every test some program was run on, each once."""
    nodes: tuple[ReportNode, ...]
    calls: tuple[ReportCall, ...] = ()
    added: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Nodes that each expansion added to the tree."""
    outline: str = ""
    """The tree as text, for readers without JavaScript."""
    version: str = ""
    """Version of codegrove."""
