"""Makes an environment with the extra `ray`, and tries `--engine ray` in it on a cluster of two nodes.

python -P -m tests.ray.trial

Ray is large, so it is no part of the usual environment. Where it cannot be installed because there is no network,
this says so and ends well.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.environments import ROOT, Skip, environment

MOST_SECONDS = 600


def main() -> None:
    """Make the trial."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="codegrove-ray-") as name:
        folder = Path(name)
        try:
            programs = environment(folder, extra="ray", module="ray")
        except Skip as reason:
            print(f"skipped: {reason}", file=sys.stderr)
            return
        installed = time.monotonic()
        command = [str(programs / "python"), "-P", "-m", "tests.ray.on_a_cluster", str(folder)]
        done = subprocess.run(command, cwd=ROOT, env=_environment(), timeout=MOST_SECONDS)
        if done.returncode:
            raise SystemExit(done.returncode)
    now = time.monotonic()
    seconds = f"installed in {installed - started:.0f} s, tried in {now - installed:.0f} s"
    print(f"evaluations run on a Ray cluster: {seconds}")


def _environment() -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(Path.home()),
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


if __name__ == "__main__":
    main()
