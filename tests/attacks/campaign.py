"""The attack suite on disposable hosts, at every level that they offer, against what each level promises."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.attacks import disposable
from tests.attacks.attack import CATEGORIES, Finding, Outcome
from tests.attacks.runner import UNAVAILABLE
from tests.attacks.through import Through

CHECKOUT = Path(__file__).parents[2]

CAMPAIGNS: tuple[tuple[disposable.Profile, str], ...] = (
    ("user", "isolated"),
    ("root", "isolated"),
    ("user-bare", "restricted"),
    ("root-bare", "restricted"),
    ("user", "basic"),
    ("root-alone", "isolated"),
    ("root-alone", "restricted"),
)
"""Who runs the sandbox, and the level that is expected to be available to them."""

_ON_EVERY_LEVEL = {"G1", "G2", "G3", "G11"}
_KNOWN_ON_BASIC = {
    "forge-expected-in-parents-memory": "a process of the same user can read the memory of the judge",
}
"""Why some forgeries succeed at level ``basic``, by the start of the attack's id."""


class Unavailable(Exception):
    """The host does not offer the level, with the sandbox's own words why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one campaign showed."""

    level: str
    findings: tuple[Finding, ...]
    benign: dict[str, str]
    """Right programs and what was wrong with their verdict; nothing is the empty text."""
    seconds: float
    descriptors: int
    """How many more descriptors the judge had at the end than at the start."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Languages without a toolchain on this machine, whose attacks were left out, with the reason."""


def run(
    profile: disposable.Profile,
    level: str,
    *,
    part: tuple[int, int] = (0, 1),
    only: str = "",
    through: Through = "judge",
    timeout: float = 600.0,
) -> Result:
    """Run the suite, or every n-th attack of it beginning with the i-th (``part=(i, n)``), of those that have a
    word in their id.

    Raises:
        disposable.Refused: where this machine allows no disposable host.
        Unavailable: where the host does not offer the level.
        RuntimeError: if the runner itself failed, with what it said.
    """
    given = os.environ.get("PYTHONPATH")
    path = [str(CHECKOUT / "src"), str(CHECKOUT), *([given] if given else [])]
    command = [sys.executable, "-P", "-m", "tests.attacks.runner", "--json", "--level", level]
    command += ["--part", *map(str, part), "--only", only, "--through", through]
    done = disposable.run(profile, CHECKOUT, command, timeout=timeout, python_path=path)
    if done.returncode == UNAVAILABLE:
        raise Unavailable(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"the runner failed with exit code {done.returncode}: {done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return Result(
        level=said["level"],
        findings=tuple(map(_finding, said["findings"])),
        benign=said["benign"],
        seconds=said["seconds"],
        descriptors=said.get("descriptors", 0),
        missing=said["missing"],
    )


def _finding(fields: dict[str, Any]) -> Finding:
    lists = {name: tuple(fields[name]) for name in ("broken", "reasons")}
    return Finding(**{**fields, **lists, "outcome": Outcome(fields["outcome"])})


def overview(results: Sequence[tuple[str, str, Result | str]]) -> str:
    """Return contained and total per category for each host and level, as text.

    Args:
        results: host, level, and what the campaign showed or why there was none.
    """
    names = [f"{number} {name.split()[0]}" for number, name in CATEGORIES.items()]
    lines = ["".join([f"{'host':<12}{'level':<12}", *(f"{name:>14}" for name in (*names, "all", "benign"))])]
    for host, level, result in results:
        if isinstance(result, str):
            lines.append(f"{host:<12}{level:<12}  {result}")
            continue
        cells = []
        for number in (*CATEGORIES, 0):
            chosen = [finding for finding in result.findings if number in (finding.category, 0)]
            contained = sum(finding.outcome is Outcome.CONTAINED for finding in chosen)
            cells.append(f"{contained}/{len(chosen)}")
        cells.append(f"{sum(not problem for problem in result.benign.values())}/{len(result.benign)}")
        lines.append("".join([f"{host:<12}{level:<12}", *(f"{cell:>14}" for cell in cells)]))
    return "\n".join(lines)


def broken_promises(result: Result) -> list[str]:
    """Return what a level promises and did not keep, one line each.

    The levels with walls promise everything. ``basic`` promises verdicts: what decides them is not forged, the
    verdict comes in time, and the next one is right unless the judge itself was killed.
    """
    lines = [f"benign {name}: {problem}" for name, problem in result.benign.items() if problem]
    if result.descriptors > 5:
        lines.append(f"{result.descriptors} descriptors more than at the start")
    bad = [finding for finding in result.findings if finding.outcome is not Outcome.CONTAINED]
    if result.level in (
        "basic",
        "remote",
    ):  # the fake engine that stands in for containers has no walls either
        bad = [finding for finding in bad if _counts_on_basic(finding)]
    return lines + [str(finding) for finding in bad]


def _counts_on_basic(finding: Finding) -> bool:
    if finding.id.startswith(tuple(_KNOWN_ON_BASIC)):
        return False
    if any(reason.startswith("verdict after") for reason in finding.reasons):
        return True
    return bool(_ON_EVERY_LEVEL & set(finding.broken)) and "G6" not in finding.broken
