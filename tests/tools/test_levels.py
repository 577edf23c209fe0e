"""Levels are found by trying, demanded levels are kept or refused, and weaker ones are never taken in silence."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from codegrove.errors import SandboxError, UsageError
from codegrove.task import AssertTest, CallTest
from codegrove.tools.sandbox import WeakSandboxWarning, make_sandbox
from codegrove.tools.sandbox.containment import GUARANTEES, LEVELS, containment
from codegrove.tools.sandbox.examination import examine
from codegrove.tools.sandbox.factory import findings

CALL = CallTest(args="(2,)", expected="2")
RIGHT = "def f(x):\n    return x\n"


def test_every_level_is_examined_and_says_why_it_is_missing() -> None:
    found = findings()
    assert [finding.level for finding in found] == list(LEVELS)
    for finding in found:
        assert finding.available == (not finding.reason)
        assert finding.guarantees == (GUARANTEES[finding.level] if finding.available else ())
        if finding.available:
            assert finding.attempts
            assert all(attempt.refused for attempt in finding.attempts)


def test_a_stronger_level_guarantees_all_that_a_weaker_one_does() -> None:
    for strong, weak in zip(LEVELS, LEVELS[1:], strict=False):
        assert set(GUARANTEES[strong]) > set(GUARANTEES[weak])


@pytest.mark.parametrize("level", LEVELS)
async def test_a_demanded_level_is_what_one_gets(level: str) -> None:
    if not any(finding.available for finding in findings() if finding.level == level):
        with pytest.raises(SandboxError, match=level):
            make_sandbox(level)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what was asked for is no reason to warn
        sandbox = make_sandbox(level, workers=1)
    assert sandbox.level == level
    verdict = await sandbox.judge(RIGHT, [CALL], entry_point="f")
    assert (verdict.passed, verdict.level) == (True, level)
    assert set(verdict.guarantees) >= {"G1", *sandbox.guarantees}
    in_process = await sandbox.judge("x = 1", [AssertTest(code="assert x == 1")])
    assert in_process.passed
    await sandbox.aclose()


def test_unknown_levels_are_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean 'isolated'"):
        make_sandbox("isolatd")
    with pytest.raises(UsageError, match="no sandbox level 'remote' here"):
        make_sandbox(at_least="remote")
    with pytest.raises(UsageError, match="below at_least='restricted'"):
        make_sandbox("basic", at_least="restricted")


def test_an_interpreter_that_does_not_work_has_no_level() -> None:
    for level in LEVELS:
        finding = examine(level, "/bin/false")
        assert not finding.available
        assert "/bin/false" in finding.reason
    with pytest.raises(SandboxError, match="nothing else works"):
        make_sandbox(python="/bin/false")


@pytest.fixture
def python_without_namespaces(tmp_path: Path) -> str:
    """An interpreter in a user namespace that maps nobody: the kernel lets it make no other one."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        pytest.skip("needs the program unshare")
    if subprocess.run([unshare, "--user", "true"], capture_output=True).returncode != 0:
        pytest.skip("needs user namespaces")
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec {unshare} --user {sys.executable} "$@"\n')
    script.chmod(0o755)
    return str(script)


async def test_what_is_missing_is_refused_or_warned_of(python_without_namespaces: str) -> None:
    python = python_without_namespaces
    assert not examine("isolated", python).available
    if not examine("restricted", python).available:
        pytest.skip("needs path rules in the kernel")
    with pytest.raises(SandboxError) as refusal:
        make_sandbox("isolated", python=python)
    assert "unshare: Operation not permitted" in str(refusal.value)
    assert "this machine offers 'restricted'" in str(refusal.value)
    with pytest.warns(WeakSandboxWarning, match="no namespaces around candidates") as seen:
        sandbox = make_sandbox(python=python, at_least="restricted", workers=1)
        make_sandbox(python=python)
    assert len(seen) == 1
    assert (await sandbox.judge(RIGHT, [CALL], entry_point="f")).level == "restricted"
    await sandbox.aclose()


def test_the_package_with_its_hidden_tests_is_never_shown() -> None:
    import codegrove

    assert codegrove.__file__ is not None
    assert str(Path(codegrove.__file__).parent) in containment("isolated", ()).hidden
