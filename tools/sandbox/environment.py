"""What a candidate finds in its environment and, if it may, among its packages."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys

from codegrove.errors import SandboxError

MARKER = "CODEGROVE_SANDBOX"
"""Name of a variable that has another value in every interpreter: finds processes that outlived it."""

FIXED_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    # sets of strings in the same order every time, hence the same verdict
    "PYTHONHASHSEED": "0",
    # libraries that start a thread per core or reserve memory per thread would run into the limits
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""What every candidate finds in its environment, wherever it runs."""


def new_environment() -> dict[str, str]:
    """Everything a candidate finds in its environment, except its home and temporary folder."""
    fixed = {**FIXED_ENVIRONMENT, MARKER: secrets.token_hex(8)}
    needed = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"]  # some builds of Python do not start without
    if os.name == "nt":
        needed.append("SYSTEMROOT")  # no build does
        fixed["PATH"] = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32")
    return fixed | {name: os.environ[name] for name in needed if name in os.environ}


def site_folders(python: str) -> list[str]:
    """Return the folders with the third-party packages of an interpreter.

    Raises:
        SandboxError: if it cannot be asked.
    """
    question = (
        "import json, sysconfig as s; print(json.dumps([s.get_path('purelib'), s.get_path('platlib')]))"
    )
    if python == sys.executable:
        import sysconfig

        found = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    else:
        try:
            answer = subprocess.run(
                [python, "-I", "-c", question], capture_output=True, check=True, timeout=30, text=True
            )
            found = json.loads(answer.stdout)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise SandboxError(f"cannot ask {python!r} for its packages: {error}") from error
    return list(dict.fromkeys(found))
