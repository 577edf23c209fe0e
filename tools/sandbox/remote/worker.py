"""The interpreter of a run, started by `supervisor`, until the run begins. It imports as little as it can.

Loaded by `loader` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from types import ModuleType

from codegrove.tools.sandbox import linux

PIPES = ("job", "result", "stdin", "stdout", "stderr", "calls", "answers")
"""Descriptors of the run. Messages of the other run of a pair come from `calls`, and go to `answers`."""
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
    "worker.work(child_run)\n"
)
"""What the interpreter executes. Its arguments: where to read the modules from, and the scratch folder."""


def work(child_run: ModuleType) -> None:
    """Lead this process into its job. Never returns.

    Args:
        child_run: the module that does it.
    """
    if linux.available:
        with contextlib.suppress(OSError):
            linux.die_with_parent()
    scratch = sys.argv[2]
    paths = sysconfig.get_paths()
    sys.path += [path for path in dict.fromkeys((paths["purelib"], paths["platlib"])) if os.path.isdir(path)]
    sys.argv = sys.orig_argv = []
    job, result, *streams, calls, answers = range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + len(PIPES))
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(scratch)
    child_run.make_ready()
    child_run.use_scratch(scratch)
    with os.fdopen(job, "rb") as file:
        text = file.read()
    child_run.do(text, result, (calls, answers))
