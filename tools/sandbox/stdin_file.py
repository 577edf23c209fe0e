"""The file that a run reads as its standard input."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from typing import IO


def stdin_file(stdin: bytes | None) -> IO[bytes]:
    """Return a file that is read as standard input, and cannot be written where the platform can prevent it."""
    if not stdin:
        return open(os.devnull, "rb")
    if sys.platform == "linux" and hasattr(os, "memfd_create"):
        import fcntl

        with contextlib.suppress(OSError):
            file = os.fdopen(os.memfd_create("stdin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
            file.write(stdin)
            file.seek(0)
            seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
            return file
    plain = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the caller
    plain.write(stdin)
    plain.seek(0)
    return plain
