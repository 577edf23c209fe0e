"""Environments of their own for what is too large for the usual one."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NO_NETWORK = re.compile(
    r"dns error|name resolution|failed to fetch|connection (refused|error|broken)|unreachable|timed out",
    re.IGNORECASE,
)


class Skip(Exception):
    """A trial cannot be made here."""


def environment(folder: Path, *, extra: str, module: str) -> Path:
    """Return the folder with the programs of an environment that has an extra of codegrove.

    Args:
        folder: where to make one, unless this one has it.
        extra: name of the extra.
        module: what can be imported where the extra is installed.

    Raises:
        Skip: if there is no network.
    """
    if importlib.util.find_spec(module) is not None:
        return Path(sys.executable).parent
    made = folder / "venv"
    python = made / "bin" / "python"
    wanted = ["--editable", f"{ROOT}[{extra}]"]
    if shutil.which("uv"):
        commands = [
            ["uv", "venv", "--quiet", "--python", sys.executable, str(made)],
            ["uv", "pip", "install", "--quiet", "--python", str(python), *wanted],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", str(made)],
            [str(python), "-m", "pip", "install", "--quiet", *wanted],
        ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        if done.returncode and NO_NETWORK.search(done.stderr):
            raise Skip(f"no network to install {extra} from: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stderr
    return made / "bin"
