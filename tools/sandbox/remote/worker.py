"""The interpreter of a run, started by `supervisor`, until the run begins. It imports as little as it can.

Loaded by `loader` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from collections.abc import Callable

from codegrove.tools.sandbox import linux

PIPES = ("job", "result", "stdin", "stdout", "stderr", "calls", "answers")
"""Descriptors of the run, in the order that `child_run.run` takes them."""
FIRST_DESCRIPTOR = 10
"""The number of the first of them."""

WORKER = (
    "import json, os, sys\n"
    "with os.fdopen(int(sys.argv[1]), 'rb') as file:\n"
    "    texts = json.loads(file.read())\n"
    "scope = {'__name__': 'loader'}\n"
    "exec(texts['codegrove.tools.sandbox.remote.loader'], scope)\n"
    "finder = scope['begin'](texts)\n"
    "from codegrove.tools.sandbox import child_run\n"
    "from codegrove.tools.sandbox.remote import worker\n"
    "scope['forget'](finder)\n"
    "worker.work(child_run.run)\n"
)
"""What the interpreter executes. Its arguments: where to read the modules from, and the scratch folder."""


def work(run: Callable[..., None]) -> None:
    """Lead this process into its job.

    Args:
        run: `child_run.run`, which never returns.
    """
    if linux.available:
        with contextlib.suppress(OSError):
            linux.die_with_parent()
    scratch = sys.argv[2]
    paths = sysconfig.get_paths()
    sys.path += [path for path in dict.fromkeys((paths["purelib"], paths["platlib"])) if os.path.isdir(path)]
    sys.argv = sys.orig_argv = []
    run(*range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + len(PIPES)), scratch=scratch)
