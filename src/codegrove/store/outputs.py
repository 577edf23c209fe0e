"""Files that somebody asks to be written."""

from __future__ import annotations

from pathlib import Path

from codegrove.errors import UsageError


def require_file_name(path: Path) -> Path:
    """Return a path where a file may be written, as far as its name tells; asked before any work is done for it.

    Raises:
        UsageError: if it is a directory, or no file can have such a name.
    """
    try:
        is_directory = path.is_dir()
    except OSError as error:
        raise UsageError(f"cannot write to {path}: {error.strerror or error}; name another file") from None
    if is_directory:
        raise UsageError(f"cannot write to {path}: it is a directory; name a file in it")
    return path
