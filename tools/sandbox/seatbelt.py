"""Level ``limited``: the sandbox profile of macOS around an interpreter and everything it forks.

Written from documentation and published profiles, and not run on macOS. What a profile really keeps is found out
by `examination`; where it keeps too little, or nothing starts in it, the level counts as missing.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from codegrove.errors import SandboxError
from codegrove.tools.sandbox.containment import Containment

TOOL = "/usr/bin/sandbox-exec"
"""Named in full, so that nobody's PATH decides what it is."""

_SYSTEM = (
    *("/usr/lib", "/System", "/Library/Apple", "/usr/share/zoneinfo", "/usr/share/zoneinfo.default"),
    *("/private/var/db/dyld", "/private/var/db/timezone", "/private/etc/localtime"),
    # where package managers keep the libraries that a Python of theirs is linked with
    *("/opt/homebrew/Cellar", "/opt/homebrew/opt", "/opt/homebrew/lib"),
    *("/usr/local/Cellar", "/usr/local/opt", "/usr/local/lib", "/opt/local/lib"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def command(
    python: str,
    containment: Containment,
    scratch_parent: str,
    *,
    tool: str = TOOL,
    platform: str = sys.platform,
) -> list[str]:
    """Return what to put in front of the command line of an interpreter.

    Raises:
        SandboxError: if this is not macOS, or its tool is missing.
    """
    if platform != "darwin":
        raise SandboxError(f"this level needs macOS, not {platform}")
    if not os.access(tool, os.X_OK):
        raise SandboxError(f"this level needs {tool}, which is not there")
    return [tool, "-p", profile(python, containment, scratch_parent)]


def profile(python: str, containment: Containment, scratch_parent: str) -> str:
    """Return the profile of an interpreter. Of several rules that match, the last one counts.

    Everything is forbidden but what a Python program needs: reading the interpreter, the system's libraries and
    the granted folders, writing to the scratch folder, signals within the sandbox. The interpreter must fork and
    may be executed again (some builds start through another program of theirs); that one stays in the profile.
    """
    own = list(_interpreter(python))
    readable = [*_SYSTEM, *own, *containment.readable]
    scratch = os.path.realpath(scratch_parent)
    parts = [Path(__file__).parent, Path(__file__).parents[1] / "block_trace.py"]
    lines = [
        "(version 1)",
        "(deny default)",
        "(allow process-fork)",
        f"(allow process-exec {_subpaths(own)})",
        "(allow process-info* (target same-sandbox))",
        "(allow signal (target same-sandbox))",
        "(allow sysctl-read)",
        "(allow file-read-metadata)",
        '(allow file-read-data (literal "/"))',
        f"(allow file-read* file-map-executable {_subpaths(readable)})",
        f"(allow file-read* file-write-data {_literals(_DEVICES)})",
    ]
    if containment.hidden:
        lines.append(f"(deny file-read* {_subpaths(containment.hidden)})")
    lines += [
        f"(allow file-read* {_subpaths(_with_real_paths(map(str, parts)))})",
        f"(allow file-read* file-write* {_subpaths([scratch])})",
        f"(deny file-write-create (require-all {_subpaths([scratch])} (vnode-type BLOCK-DEVICE)))",
        f"(deny file-write-create (require-all {_subpaths([scratch])} (vnode-type CHARACTER-DEVICE)))",
    ]
    return "\n".join(lines)


def _interpreter(python: str) -> Iterator[str]:
    """Return the folders of an interpreter: around its program, as it is named and where it really lies."""
    folders = [str(Path(path).parent.parent) for path in (python, os.path.realpath(python))]
    if python == sys.executable:
        folders += [sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib")]
    for folder in _with_real_paths(folders):
        if folder not in ("/", "/usr"):
            yield folder
    yield from _with_real_paths([python])


def _with_real_paths(paths: Sequence[str] | Iterator[str]) -> list[str]:
    return list(dict.fromkeys(form for path in paths for form in (path, os.path.realpath(path))))


def _subpaths(paths: Sequence[str]) -> str:
    return " ".join(f"(subpath {_quoted(path)})" for path in dict.fromkeys(paths))


def _literals(paths: Sequence[str]) -> str:
    return " ".join(f"(literal {_quoted(path)})" for path in paths)


def _quoted(path: str) -> str:
    """Return a path as a text of the profile language.

    Raises:
        SandboxError: if it is not absolute, or holds what nobody should put into a path.
    """
    if not path.startswith("/") or not path.isprintable():
        raise SandboxError(f"a sandbox profile cannot name the path {path!r}")
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
