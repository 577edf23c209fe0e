"""Reading a user's file: whatever is wrong with it becomes one clear `TaskError`."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codegrove.errors import TaskError, did_you_mean

GZIP = b"\x1f\x8b"
"""First bytes of a packed file."""
_MIB = 1024 * 1024
_SHOWN = 120
"""So many characters of a path are shown; a longer one is rather a statement than a path."""


def read_text(path: Path, *, limit_mb: int, expected: str) -> str:
    """Return a UTF-8 file's text (a byte order mark is dropped, line ends become ``\\n``), see `read_data`."""
    return decode(read_data(path, limit_mb=limit_mb, expected=expected), str(path), expected=expected)


def read_data(path: Path, *, limit_mb: int, expected: str) -> bytes:
    """Return a file's content, unpacked where it is gzip (recognised by its first bytes).

    Args:
        path: the file.
        limit_mb: largest accepted size in MiB, unpacked.
        expected: what the file should be, for the message.

    Raises:
        TaskError: for a missing, empty, unreadable, oversized or broken file, and for a directory.
    """
    if is_directory(path, expected=expected):
        raise TaskError(f"{path} is a directory; expected {expected}")
    with reading(path, expected=expected), path.open("rb") as file:
        data = file.read(limit_mb * _MIB + 1)
    if data.startswith(GZIP):
        data = _unpacked(data, path, limit_mb)
    if len(data) > limit_mb * _MIB:
        raise TaskError(f"{path} is larger than {limit_mb} MiB; expected {expected}")
    if not data.strip():
        raise TaskError(f"{path} is empty; expected {expected}")
    return data


@contextmanager
def reading(path: Path, *, expected: str) -> Iterator[None]:
    """Turn what the system says while a path is looked at or read into one `TaskError`, see `missing`."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: no path can be like this
        raise missing(path, error, expected) from None


def is_directory(path: Path, *, expected: str) -> bool:
    """Whether a path is a directory.

    Raises:
        TaskError: if the system does not tell, because the path is too long or on the way to it no one may pass.
    """
    with reading(path, expected=expected):
        return path.is_dir()


def missing(path: Path, error: Exception, expected: str) -> TaskError:
    """Return what to say about a file that cannot be opened or read, with a suggestion if it does not exist."""
    text = " ".join(str(path).splitlines())
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    if isinstance(error, FileNotFoundError):
        return TaskError(f"there is no file {shown}{_neighbours(path)}; expected {expected}")
    reason = getattr(error, "strerror", None) or error
    return TaskError(f"{shown} cannot be read ({reason}); expected {expected}")


def decode(data: bytes, name: str, *, expected: str) -> str:
    """Return bytes as text.

    Raises:
        TaskError: for anything that is not UTF-8 text, naming the line.
    """
    if b"\0" in data:
        raise TaskError(f"{name} is a binary file; expected {expected}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise TaskError(
            f"{name}, line {line}: byte 0x{byte:02x} is not UTF-8 text; expected {expected}"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unpacked(data: bytes, path: Path, limit_mb: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            return packed.read(limit_mb * _MIB + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise TaskError(f"{path} is a broken gzip file ({error}); fetch it again") from None


def _neighbours(path: Path) -> str:
    """Return a suggestion from the files beside the missing one, or nothing."""
    try:
        names = [entry.name for entry in path.parent.iterdir()] if path.name else []
    except OSError:
        return ""
    hint = did_you_mean(path.name, names)
    return hint if "did you mean" in hint else ""
