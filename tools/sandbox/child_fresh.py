"""An interpreter that is started for one run, where processes cannot be forked.

It says that it is ready, waits for its job and does it as a forked one does, see `child_run`.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from codegrove.tools.sandbox import child_run
from codegrove.tools.sandbox.child_alarm import ThreadAlarm

READY = b"ready\n"
"""What the judge reads before it sends the job. Nothing before it is counted against a program."""


def do_one_job(scratch: str, numbers: Sequence[int]) -> None:
    """Wait for a job and do it. Never returns.

    Args:
        scratch: folder of the run.
        numbers: what was inherited: where the job comes from (8 bytes of length, then its text), where records go
            to, and what else `child_run.do` gets. Descriptors; on Windows, handles.
    """
    job, result, *peer = map(_descriptor, numbers)
    os.chdir(scratch)
    child_run.make_ready()
    child_run.use_scratch(scratch)
    os.write(result, READY)
    with os.fdopen(job, "rb") as file:
        length = int.from_bytes(file.read(8), "big")
        text = file.read(length)
    child_run.do(text if len(text) == length else b"", result, peer, ThreadAlarm)


def _descriptor(number: int) -> int:
    if sys.platform != "win32":
        return number
    import msvcrt

    return msvcrt.open_osfhandle(number, os.O_BINARY | os.O_NOINHERIT)
