"""The page on the study is what its command writes."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "sim_study.py"
PAGE = (ROOT / "docs" / "sim-study.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| `(\w+)` \| [\d.]+ % \| [\d.]+ to [\d.]+ \| [\d.]+ \| [\d,]+ \| [\d.]+ \|$", re.MULTILINE
)


def tables(page: str) -> dict[int, set[str]]:
    """Recipes in the table of each budget."""
    parts = re.split(r"^## (\d+) calls$", page, flags=re.MULTILINE)[1:]
    return {int(calls): set(ROW.findall(text)) for calls, text in zip(parts[::2], parts[1::2], strict=True)}


def prose(page: str) -> str:
    """What stands on the page besides figures."""
    return re.sub(r"^[|\d].*$|\d+", "", page, flags=re.MULTILINE)


def test_the_page_is_that_of_the_whole_study_and_calls_it_a_simulation() -> None:
    study = runpy.run_path(str(SCRIPT))
    assert tables(PAGE) == dict.fromkeys(study["FULL"].budgets, set(study["RECIPES"]))
    assert f"`{study['COMMAND']} --out sim-study --page docs/sim-study.md`" in PAGE
    assert f"{study['FULL'].every * len(study['FULL'].problems)} of the 55" in PAGE
    assert "This is a simulation. It says nothing about language models" in PAGE
    picture = (ROOT / "docs" / "images" / study["PICTURE"]).read_text(encoding="utf-8")
    assert all(f"<title>{recipe}</title>" in picture for recipe in study["RECIPES"])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_command_writes_such_a_page_and_goes_on_where_it_was_ended(tmp_path: Path) -> None:
    out = tmp_path / "study"

    def run() -> str:
        command = [sys.executable, "-P", str(SCRIPT), "--quick", "--out", str(out)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=380)
        assert done.returncode == 0, done.stderr
        return (out / "sim-study.md").read_text(encoding="utf-8")

    page = run()
    shown = tables(page)
    assert len(shown) == 2 and set(map(frozenset, shown.values())) == {
        frozenset(recipes) for recipes in tables(PAGE).values()
    }
    # Every sentence is the same; only figures differ.
    assert set(prose(page).replace(" --quick", "").splitlines()) == set(prose(PAGE).splitlines())
    results = out / "calls-4" / "results.jsonl"
    before = results.read_bytes()
    assert run() == page
    assert results.read_bytes() == before
