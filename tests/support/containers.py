"""A container engine for tests, see `fake_engine`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMAGE = "python:3.12-slim"


class FakeEngine:
    """A program in a folder of its own that passes for docker or podman."""

    def __init__(self, folder: Path, name: str = "docker", **trouble: Any) -> None:
        self.folder = folder / f"{name}-engine"
        (self.folder / "containers").mkdir(parents=True)
        script = Path(__file__).with_name("fake_engine.py")
        self.program = self.folder / name
        self.program.write_text(
            f'#!/bin/sh\nexec {sys.executable} -I -S -B {script} {self.folder} {name} "$@"\n'
        )
        self.program.chmod(0o755)
        self.set(**trouble)

    @property
    def path(self) -> str:
        """What an executor is given as its engine."""
        return str(self.program)

    def set(self, **trouble: Any) -> None:
        """Say what goes wrong from now on; nothing else does."""
        setup = {"images": [IMAGE], "python": sys.executable, **trouble}
        (self.folder / "setup.json").write_text(json.dumps(setup))

    def commands(self) -> list[list[str]]:
        """Return the arguments of all calls, clipped."""
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def remove_all(self) -> None:
        """Remove containers by hand."""
        for name in self.containers():
            subprocess.run([self.path, "rm", "--force", name], check=True, capture_output=True)

    def wait_until(self, holds: Callable[[list[str]], bool]) -> None:
        """Wait until something holds for the containers that exist."""
        deadline = time.monotonic() + 10
        while not holds(self.containers()):
            assert time.monotonic() < deadline, self.containers()
            time.sleep(0.005)

    def containers(self) -> list[str]:
        """Return the names of containers that exist."""
        return sorted(path.name for path in (self.folder / "containers").iterdir())
