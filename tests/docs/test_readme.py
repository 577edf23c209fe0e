"""What the README shows works as shown."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Fenced blocks of a language, but for those marked as not run."""
    pattern = rf"(<!-- not run[^>]*-->\n)?^```{language}\n(.*?)^```$"
    return [body for mark, body in re.findall(pattern, README, re.DOTALL | re.MULTILINE) if not mark]


PYTHON = [block for block in blocks("python") if "import" in block]
COMMANDS = [
    line for block in blocks("console") for line in block.splitlines() if line.startswith("codegrove ")
]


def test_there_is_something_to_run() -> None:
    assert PYTHON
    assert len(COMMANDS) >= 3


@pytest.mark.parametrize("source", PYTHON)
def test_python_blocks_run(source: str) -> None:
    done = subprocess.run([sys.executable, "-P", "-c", source], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.slow
def test_commands_run(tmp_path: Path) -> None:
    """In their order: some go on with what others left."""
    for command in COMMANDS:
        shown = command.replace("/tmp/codegrove-", f"{tmp_path}/")
        arguments = ["-P", "-c", "from codegrove.cli import main; main()", *shlex.split(shown)[1:]]
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout.strip(), command


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in (line for block in blocks("console") for line in block.splitlines()):
        if line.startswith("make "):
            assert re.search(rf"^{line.removeprefix('make ')}:", makefile, re.MULTILINE)


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_shipped_recipe_has_a_page() -> None:
    shipped = {path.stem for path in (ROOT / "graphs" / "recipes").glob("*.yaml")}
    pages = {path.stem for path in (ROOT / "docs" / "recipes").glob("*.md")} - {"README"}
    assert shipped == pages
