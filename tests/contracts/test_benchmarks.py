"""All performance benchmarks start in the one way that their README names, which lists each of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
LOAD = """
import runpy, sys
before = list(sys.path)
for script in sys.argv[1:]:
    sys.path[:] = before
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]
    assert callable(runpy.run_path(script)["main"]), script
"""


def test_each_loads_without_any_path_set(tmp_path: Path) -> None:
    """From another directory, with -P, and with nothing of this repository but the package to import."""
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent / "src")}
    command = [sys.executable, "-P", "-c", LOAD, *map(str, SCRIPTS)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_the_readme_lists_each() -> None:
    text = (FOLDER / "README.md").read_text()
    for script in SCRIPTS:
        assert f"| `{script.name}` |" in text
        assert f"python -P benchmarks/{script.name}" in script.read_text().split('"""')[1]
