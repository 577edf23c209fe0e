"""A part of the attack suite at every level; `make attacks` runs all of it."""

from __future__ import annotations

import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from codegrove.languages import PYTHON, language_names
from tests.attacks import disposable
from tests.attacks.attack import CATEGORIES, Finding, Outcome
from tests.attacks.campaign import CAMPAIGNS, Result, Unavailable, broken_promises, overview, run
from tests.attacks.programs.catalogue import all_attacks, all_benign
from tests.attacks.runner import UNFORKED, table
from tests.attacks.through import THROUGH, Through

PARTS = 20
"""Each campaign takes another part of this many of the attacks."""


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "level"), CAMPAIGNS)
def test_levels_keep_their_promises(profile: disposable.Profile, level: str) -> None:
    part = CAMPAIGNS.index((profile, level))
    try:
        result = run(profile, level, part=(part, PARTS), timeout=100.0)
    except disposable.Refused as refused:
        pytest.skip(refused.reason)
    except Unavailable as error:
        assert level == "restricted", error  # needs Landlock; namespaces are there, the host is made of them
        pytest.skip(str(error))
    print(table(result.findings))
    assert result.level == level
    assert len(result.findings) > 40
    assert broken_promises(result) == []
    if level == "basic":  # a suite that sees no escape where there are no walls would be blind
        escaped = Counter(f.category for f in result.findings if f.outcome is Outcome.ESCAPED)
        assert set(escaped) >= {1, 2, 3, 4}


@pytest.mark.slow
@pytest.mark.parametrize("through", [name for name in THROUGH if name != "judge"])
def test_sessions_traces_and_coverage_keep_the_same_walls(through: Through) -> None:
    try:
        result = run("user", "isolated", part=(THROUGH.index(through), PARTS), through=through, timeout=100.0)
    except disposable.Refused as refused:
        pytest.skip(refused.reason)
    assert len(result.findings) > 20
    assert broken_promises(result) == []


@pytest.mark.slow
def test_forgeries_gain_nothing_in_containers_either() -> None:
    """The engine is a fake without walls; what counts is that the judge on this side keeps G1 to G3."""
    try:
        result = run("user", "remote", part=(5, 110), only="forge-", timeout=100.0)
    except disposable.Refused as refused:
        pytest.skip(refused.reason)
    assert result.level == "remote"
    assert len(result.findings) >= 5
    assert {finding.category for finding in result.findings} == {6}
    assert broken_promises(result) == []


@pytest.mark.slow
def test_forgeries_gain_nothing_without_forks_either() -> None:
    try:
        result = run("user", UNFORKED, part=(7, 60), only="forge-", timeout=100.0)
    except disposable.Refused as refused:
        pytest.skip(refused.reason)
    assert result.level == "basic"
    assert len(result.findings) >= 10
    assert {finding.category for finding in result.findings} == {6}
    assert broken_promises(result) == []


def test_the_suite_covers_every_category_with_many_attacks() -> None:
    attacks = all_attacks()
    assert len({attack.id for attack in attacks}) == len(attacks)
    per_category = Counter(attack.category for attack in attacks)
    assert set(per_category) == set(CATEGORIES)
    assert min(per_category.values()) >= 40
    for language in (*language_names(), PYTHON):
        assert {a.category for a in attacks if a.language == language} == set(CATEGORIES)
    names = [program.id for program in all_benign()]
    assert len(set(names)) == len(names) >= 60


def test_a_disposable_host_keeps_what_happens_in_it() -> None:
    command = [
        "/bin/sh",
        "-c",
        "id -u; pwd; touch ~/x /tmp/codegrove-was-here; touch /usr/x; kill -9 -1; echo end",
    ]
    try:
        done = disposable.run("root", Path(__file__).parents[2], command, timeout=20.0)
    except disposable.Refused as refused:
        pytest.skip(refused.reason)
    assert done.stdout.split() == ["0", "/root", "end"]
    assert "Read-only" in done.stderr or "Permission denied" in done.stderr
    assert not Path("/tmp/codegrove-was-here").exists()


@pytest.mark.slow
def test_a_disposable_host_ends_with_its_command() -> None:
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            disposable.run("user", Path(__file__).parents[2], ["/bin/sleep", "1000.5"], timeout=2.0)
    except disposable.Refused as refused:
        pytest.skip(refused.reason)
    found = subprocess.run(["pgrep", "-f", "sleep 1000.5"], capture_output=True, check=False)
    assert found.stdout == b""


FINDING = Finding(id="x", category=1, way="call", outcome=Outcome.ESCAPED, broken=("G4",), reasons=("read",))
RESULT = Result(level="isolated", findings=(FINDING,), benign={"y": ""}, seconds=1.0, descriptors=0)


@pytest.mark.parametrize(
    ("level", "finding", "counts"),
    [
        ("isolated", FINDING, True),
        ("isolated", replace(FINDING, outcome=Outcome.CONTAINED, broken=(), reasons=()), False),
        ("basic", FINDING, False),
        ("basic", replace(FINDING, outcome=Outcome.FORGED, broken=("G1",), reasons=("passed",)), True),
        ("basic", replace(FINDING, broken=("G8",), reasons=("verdict after 9 s, limit 3 s",)), True),
        ("basic", replace(FINDING, broken=("G11",), reasons=("afterwards",)), True),
        ("basic", replace(FINDING, broken=("G6", "G11"), reasons=("the judge was killed",)), False),
    ],
)
def test_levels_are_measured_by_what_they_promise(level: str, finding: Finding, counts: bool) -> None:
    result = replace(RESULT, level=level, findings=(finding,))
    assert bool(broken_promises(result)) is counts


def test_the_overview_shows_contained_and_total_of_each_host_and_level() -> None:
    contained = replace(FINDING, outcome=Outcome.CONTAINED, category=5, broken=(), reasons=())
    result = replace(RESULT, findings=(FINDING, contained), benign={"y": "", "z": "failed"})
    text = overview([("user", "isolated", result), ("root", "basic", "skipped")])
    header, user, root = text.splitlines()
    assert header.split("  ")[0] == "host"
    cells = ["user", "isolated", "0/1", "0/0", "0/0", "0/0", "1/1", "0/0", "1/2", "1/2"]
    assert user.split() == cells
    assert root.split() == ["root", "basic", "skipped"]


def test_right_programs_that_do_not_pass_break_a_promise() -> None:
    assert broken_promises(replace(RESULT, findings=(), benign={"y": "failed"})) == ["benign y: failed"]
