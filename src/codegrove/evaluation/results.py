"""What one attempt of one method at one problem came to, as it is written to a file.

An evaluation directory holds `eval.json` (an `EvalHeader`), `results.jsonl` (one `EvalResult` a line) and
`eval.seconds` (how long all sessions took); see
`codegrove.evaluation.directory` for how they are written and read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator

from codegrove.budget import Budget
from codegrove.graphs.solution import Solution
from codegrove.verdict import Status, Verdict

FORMAT = "codegrove-eval"
VERSION = 1


def _any_text(value: object) -> str:
    # pydantic's own check refuses lone surrogates, which answers of models may hold.
    if not isinstance(value, str):
        raise ValueError("Input should be a string")
    return value


AnyText = Annotated[str, PlainValidator(_any_text)]
Count = Annotated[int, Field(ge=0, strict=True)]
Amount = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A method under fixed conditions: everything but the problem, the seed and the sample.

    Attempts belong to one arm when their `key` is equal.
    """

    recipe: str
    recipe_fingerprint: str
    models: Mapping[str, str]
    """Model specification of each action."""
    simulated: bool
    """Whether any of the models is the simulated programmer."""
    benchmark: str
    """Name to show; the fingerprint says whether two are the same."""
    benchmark_fingerprint: str
    budget: Mapping[str, float] = field(default_factory=dict)
    """Limits of one attempt, see `limits`; empty for none."""

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two attempts attempts of the same method, on the same benchmark, under the same limits."""
        return (
            self.recipe,
            self.recipe_fingerprint,
            self.benchmark_fingerprint,
            tuple(sorted(self.models.items())),
            tuple(sorted(self.budget.items())),
        )


class EvalResult(BaseModel):
    """One attempt: one recipe on one problem with one seed. Keys of later versions are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    # who and under which conditions
    recipe: str
    recipe_fingerprint: str
    models: Mapping[str, str]
    simulated: Annotated[bool, Field(strict=True)]
    benchmark: str
    benchmark_fingerprint: str
    problem: str
    """Id of the problem."""
    seed: Annotated[int, Field(strict=True)]
    sample: Count = 0
    """Which of several attempts with the same seed this is, from 0."""
    budget: Mapping[str, Amount] = {}
    sandbox: str
    """Level of the sandbox that ran the programs."""
    workers: Annotated[int, Field(ge=1, strict=True)] = 1

    # what came of it
    result: Literal["solved", "unsolved", "unverified"]
    """By the visible tests, see `codegrove.graphs.solution.Result`."""
    reason: AnyText = ""
    """Why the run ended, in words."""
    visible_passed: Count = 0
    visible_total: Count = 0
    hidden: Status | None = None
    """Verdict of the hidden tests on the returned program; None when they were not run."""
    hidden_passed: Count = 0
    hidden_total: Count = 0
    hidden_note: AnyText = ""
    """What a reader of the hidden verdict must know, e.g. why it could not be judged."""

    # what it cost: the whole run, hidden tests excluded
    calls: Count
    input_tokens: Count
    output_tokens: Count
    dollars: Amount | None
    """None when any call's price is unknown, which is never the same as free."""
    executions: Count
    seconds: Amount

    program: AnyText | None = None
    """The returned program; None when the run ended without one."""

    @model_validator(mode="after")
    def _no_more_passed_than_run(self) -> Self:
        for which in ("visible", "hidden"):
            passed, total = getattr(self, f"{which}_passed"), getattr(self, f"{which}_total")
            if passed > total:
                raise ValueError(f"{which}_passed is {passed}, but {which}_total is {total}")
        return self

    @property
    def correct(self) -> bool | None:
        """Whether the answer passes the hidden tests; None when nobody knows (unjudged, or not graded).

        A run that returned no program is wrong: there is nothing that could be judged otherwise.
        """
        if self.program is None:
            return False
        if self.hidden is None or self.hidden is Status.UNJUDGED:
            return None
        return self.hidden is Status.PASSED

    @property
    def tokens(self) -> int:
        """Input plus output tokens."""
        return self.input_tokens + self.output_tokens

    @property
    def arm(self) -> Arm:
        """The method and conditions of this attempt."""
        return Arm(**{name: getattr(self, name) for name in _ARM})

    @property
    def key(self) -> tuple[object, ...]:
        """What names this attempt. Of rows with the same key in one file the last one counts."""
        return (*self.arm.key, self.problem, self.seed, self.sample)

    @staticmethod
    def of(
        solution: Solution,
        arm: Arm,
        *,
        problem: str,
        seed: int,
        sandbox: str,
        sample: int = 0,
        workers: int = 1,
        hidden: Verdict | None = None,
    ) -> EvalResult:
        """Put a run's solution and the hidden verdict on it into one row.

        Args:
            solution: how the run ended.
            arm: the method and its conditions.
            problem: id of the problem.
            seed: of the run.
            sandbox: level of the sandbox that ran the programs.
            sample: which of several attempts with this seed it is.
            workers: branches worked on at the same time.
            hidden: verdict of the hidden tests; None when they were not run.
        """
        spend, visible = solution.spend, solution.verdict
        row = EvalResult(
            **{name: getattr(arm, name) for name in _ARM},
            problem=problem,
            seed=seed,
            sample=sample,
            sandbox=sandbox,
            workers=workers,
            result=solution.result.value,
            reason=solution.reason,
            visible_passed=visible.passed_count if visible is not None else 0,
            visible_total=len(visible.results) if visible is not None else 0,
            calls=spend.calls,
            input_tokens=spend.input_tokens,
            output_tokens=spend.output_tokens,
            dollars=None if spend.unpriced_calls else spend.dollars,
            executions=spend.executions,
            seconds=spend.seconds,
            program=solution.program,
        )
        return row if hidden is None else row.graded(hidden)

    def graded(self, hidden: Verdict) -> EvalResult:
        """Return this row with the verdict of the hidden tests."""
        return self.model_copy(
            update={
                "hidden": hidden.status,
                "hidden_passed": hidden.passed_count,
                "hidden_total": len(hidden.results),
                "hidden_note": hidden.note,
            }
        )


_ARM = tuple(entry.name for entry in fields(Arm))


class EvalHeader(BaseModel):
    """What an evaluation set out to do: its attempts are recipes x problems x seeds x samples."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: str = FORMAT
    version: int = VERSION
    """Rises when older readers would misread the files."""
    codegrove: str
    """Version of codegrove that wrote it."""
    created_at: str
    benchmark: str
    benchmark_fingerprint: str
    benchmark_format: str = ""
    """Name of its format, see `codegrove.problems.formats`; empty where nobody wrote it down."""
    problems: tuple[str, ...]
    """Ids of all problems, those of other shards too, in the order in which they were asked for."""
    recipes: tuple[str, ...]
    seeds: tuple[int, ...]
    samples: Annotated[int, Field(ge=1)] = 1
    """Attempts per seed."""
    budget: Mapping[str, Amount] = {}
    """Limits of one attempt, see `limits`."""
    sweep_budget: Mapping[str, Amount] = {}
    """Limits of all attempts together."""
    shard: tuple[int, int] | None = None
    """Which part of the problems this is, counted from 1, and of how many (every n-th); None for all of them."""
    notes: Mapping[str, str] = {}
    """Anything else that a reader should see, e.g. machine, sandbox image, how visible tests were obtained."""


def limits(budget: Budget) -> dict[str, float]:
    """Return the limits that are set, by name; those of single roles as ``role_calls.critic``."""
    names = ("calls", "tokens", "dollars", "executions", "seconds", "nodes")
    found = {name: getattr(budget, name) for name in names if getattr(budget, name) is not None}
    return found | {f"role_calls.{role}": limit for role, limit in sorted(budget.role_calls.items())}


def fingerprint(*parts: Any) -> str:
    """Return a short name for JSON-ready data, equal for equal data whatever the order of its keys."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]
