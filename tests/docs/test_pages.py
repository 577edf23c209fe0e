"""Commands, Python and SQL on the pages of docs/ run as shown, in the order they stand."""

from __future__ import annotations

import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(
    r"(<!-- not run[^>]*-->\n)?^```(console|python|sql)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
FINE = (0, 3)
"""Exit codes of commands that work: solved, or ended without a full pass."""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of what is to be run."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(language, body) for mark, language, body in found if not mark]


PAGES = [page for page in sorted(DOCS.glob("*.md")) if blocks(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_as_shown(page: Path, tmp_path: Path) -> None:
    namespace: list[str] = []
    for language, body in blocks(page):
        body = body.replace("/tmp/codegrove-", f"{tmp_path}/")
        if language == "console":
            for line in body.splitlines():
                if line.startswith("codegrove "):
                    arguments = ["-P", "-c", "from codegrove.cli import main; main()", *shlex.split(line)[1:]]
                    done = subprocess.run(
                        [sys.executable, *arguments],
                        capture_output=True,
                        text=True,
                        timeout=100,
                        cwd=tmp_path,
                    )
                    assert done.returncode in FINE, f"{line}\n{done.stderr}"
        elif language == "python":
            namespace.append(body)
        else:
            databases = sorted(tmp_path.glob("*/run.sqlite"))
            assert databases, "a page with SQL makes a run first"
            with closing(sqlite3.connect(databases[-1])) as connection:
                assert connection.execute(body).fetchall()
    if namespace:
        done = subprocess.run(
            [sys.executable, "-P", "-c", "\n".join(namespace)],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
