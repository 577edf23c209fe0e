"""What is hidden from candidates stays hidden under every name that leads there."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from codegrove.task import CallTest
from codegrove.tools.sandbox import ProcessSandbox, pool
from codegrove.tools.sandbox.containment import Containment, Level
from codegrove.tools.sandbox.containment import containment as real_containment
from codegrove.tools.sandbox.examination import examine
from codegrove.tools.sandbox.view import except_hidden, seen_below


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Return a folder of packages with one that is hidden, and with a second name."""
    for name in ("hidden", "shown", "shown/inner"):
        (tmp_path / "packages" / name).mkdir(parents=True)
        (tmp_path / "packages" / name / "file.py").write_text("secret = 'hUnTeR'")
    (tmp_path / "alias").symlink_to(tmp_path / "packages")
    (tmp_path / "alias-of-hidden").symlink_to(tmp_path / "packages" / "hidden")
    return tmp_path


def test_nothing_is_left_out_where_nothing_is_hidden(packages: Path) -> None:
    shown = packages / "packages"
    for hidden in ([], ["/somewhere/else"], [str(packages / "gone")]):
        assert list(except_hidden(str(shown), hidden)) == [str(shown)]
        assert seen_below(str(shown), hidden) == []


@pytest.mark.parametrize("hidden", ["packages/hidden", "alias/hidden", "alias-of-hidden"])
@pytest.mark.parametrize("path", ["packages", "alias"])
def test_all_but_the_hidden_part_under_both_names(packages: Path, path: str, hidden: str) -> None:
    found = list(except_hidden(str(packages / path), [str(packages / hidden)]))
    assert found == [str(packages / path / "shown")]
    assert set(seen_below(str(packages / path), [str(packages / hidden)])) == {
        str(packages / path / "hidden")
    }


@pytest.mark.parametrize("path", ["packages/hidden", "alias-of-hidden", "alias/hidden/file.py"])
def test_what_is_hidden_itself_is_not_shown(packages: Path, path: str) -> None:
    for hidden in ("packages/hidden", "alias/hidden", "alias-of-hidden"):
        assert list(except_hidden(str(packages / path), [str(packages / hidden)])) == []


@pytest.mark.parametrize("level", ["isolated", "restricted"])
@pytest.mark.parametrize("granted", ["packages", "alias", "alias-of-hidden"])
async def test_a_program_does_not_find_it(
    packages: Path, level: Level, granted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not examine(level, sys.executable).available:
        pytest.skip("this machine does not have the level")
    for folder in (packages, *packages.parents[:-1]):  # so that whoever runs the program could read it
        folder.chmod(folder.stat().st_mode | 0o711)

    def grant(of: Level, readable: tuple[str, ...]) -> Containment:
        found = real_containment(of, (*readable, str(packages / granted)))
        return replace(found, hidden=(*found.hidden, str(packages / "packages" / "hidden")))

    monkeypatch.setattr(pool, "containment", grant)
    sandbox = ProcessSandbox(level=level, workers=1)
    program = "def f(path):\n    try: return open(path).read()\n    except OSError: return ''"
    names = [f"{name}/file.py" for name in (granted, f"{granted}/hidden", f"{granted}/shown")]
    calls = [CallTest(args=repr((str(packages / name),)), expected="''") for name in names]
    verdict = await sandbox.judge(program, calls, entry_point="f")
    await asyncio.gather(sandbox.aclose())
    shown = granted != "alias-of-hidden"
    assert [result.passed for result in verdict.results] == [True, True, not shown], verdict
