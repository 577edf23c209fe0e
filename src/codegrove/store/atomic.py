"""Files and directories that appear whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name beside `path` under which to make what takes its place when the block ends well.

    Where the block fails, what it made is removed and `path` is as it was. No two processes get the same name.

    Args:
        path: a file, which may exist; or a directory, which may not, unless it is empty.

    Raises:
        OSError: if `path` cannot be replaced.
    """
    temporary = path.parent / f"{path.name}.{secrets.token_hex(4)}.part"
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, lone surrogates as escapes.

    Raises:
        OSError: if it cannot be written; then it is as it was.
    """
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def unfinished(path: Path) -> list[Path]:
    """Return what processes left that were killed while they made `path`."""
    return [
        path.parent / name for name in glob.glob(f"{glob.escape(path.name)}.*.part*", root_dir=path.parent)
    ]


def remove(path: Path) -> None:
    """Remove a file or a directory as far as possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
