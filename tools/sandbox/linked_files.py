"""What the kernel and the loader open to start a program: so that a run can be allowed these files only."""

from __future__ import annotations

import functools
import os
import re
import struct
import subprocess

_PROGRAM_INTERPRETER = 3
_LIBRARY = re.compile(r"(?:=>|^)\s*(/[^\n]*?) \(0x", re.MULTILINE)
_SECONDS = 10.0


@functools.lru_cache(maxsize=256)
def loader_of(path: str) -> str | None:
    """Return the loader that a program names in its head; None for one linked statically, or no ELF file."""
    try:
        with open(path, "rb") as file:
            head = file.read(64)
            if len(head) < 64 or head[:4] != b"\x7fELF" or head[4] != 2:
                return None
            order = "<" if head[5] == 1 else ">"
            (table,) = struct.unpack_from(f"{order}Q", head, 32)
            size, count = struct.unpack_from(f"{order}HH", head, 54)
            for index in range(count):
                file.seek(table + index * size)
                entry = file.read(56)
                if struct.unpack_from(f"{order}I", entry)[0] == _PROGRAM_INTERPRETER:
                    offset, length = (
                        struct.unpack_from(f"{order}Q", entry, 8)[0],
                        struct.unpack_from(f"{order}Q", entry, 32)[0],
                    )
                    file.seek(offset)
                    return os.fsdecode(file.read(length).rstrip(b"\0"))
    except (OSError, struct.error):
        pass
    return None


@functools.lru_cache(maxsize=256)
def libraries_of(path: str) -> tuple[str, ...]:
    """Return the shared libraries that a program of this machine is linked with. Asks its loader, which runs
    nothing of the program."""
    loader = loader_of(path)
    if loader is None:
        return ()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
    try:
        answer = subprocess.run(
            [loader, "--list", path],
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(os.path.realpath(found) for found in _LIBRARY.findall(answer.stdout))
