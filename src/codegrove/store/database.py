"""Creates and opens `run.sqlite`: never a foreign file, never twice for writing, never half made."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from codegrove.errors import RunError
from codegrove.store.atomic import replacing
from codegrove.store.schema import APPLICATION_ID, FILE_NAME, SCHEMA, VERSION

LOCK_NAME = "run.lock"
_HEADER = struct.Struct(">60xI4xI")
"""User version and application id in the first bytes of every SQLite file."""


ROW_ERRORS = (
    sqlite3.Error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What comes of reading damaged rows, wherever they are put together, and of writing what no row can hold."""


def database_path(directory: Path) -> Path:
    """Return where a run directory has its database."""
    return directory / FILE_NAME


def has_run(directory: Path) -> bool:
    """Whether a directory holds a run (readable or not)."""
    return database_path(directory).exists()


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a run directory for this process alone. The system lets go of it when the process dies.

    Raises:
        RunError: if another process works on it.
    """
    lock = FileLock(directory / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(
            f"another process works on the run in {directory}; wait until it ends, or name another directory"
        ) from None
    except OSError as error:
        raise RunError(f"cannot lock {directory}: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def create(directory: Path, meta: Mapping[str, str]) -> None:
    """Write an empty database. It appears whole or not at all.

    Raises:
        RunError: if it cannot be written.
    """
    path = database_path(directory)
    try:
        with (
            replacing(path) as new,
            contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection,
        ):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.executescript(f"BEGIN; {SCHEMA}")
            connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", meta.items())
            connection.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise RunError(f"cannot write to {directory}: {reason(error)}") from None


def open_for_writing(directory: Path) -> sqlite3.Connection:
    """Open the database to append to it. Hold the lock.

    Raises:
        RunError: if it is missing, foreign, damaged or of another version; then nothing was written.
    """
    check_header(database_path(directory))
    try:
        connection = sqlite3.connect(
            database_path(directory), isolation_level=None, check_same_thread=False, timeout=30
        )
        with _closed_on_failure(connection):
            # The process may die at any moment and nothing committed is lost. After a power cut the last
            # moments may be missing, the file is whole: waiting for the disk would cost more than a step.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("SELECT count(*) FROM meta").fetchone()
    except ROW_ERRORS as error:
        raise damaged(directory, error) from None
    return connection


def close_unwritten(directory: Path, connection: sqlite3.Connection) -> None:
    """Close a database that was opened to append to it, and leave it as it was, with its log.

    SQLite folds the log into the file when the last connection closes, unless that one may only read.
    """
    with contextlib.closing(connection), contextlib.suppress(RunError):
        last = open_for_reading(directory)
        connection.close()
        last.close()


@contextlib.contextmanager
def reading(directory: Path) -> Iterator[sqlite3.Connection]:
    """Open the database for reading, as `open_for_reading`, for what is done with its rows in this block.

    Raises:
        RunError: also if the rows turn out to be damaged.
    """
    with contextlib.closing(open_for_reading(directory)) as connection, undamaged(directory):
        yield connection


@contextlib.contextmanager
def undamaged(directory: Path) -> Iterator[None]:
    """Say of a failure to make sense of a run's rows that the run is damaged.

    Raises:
        RunError: if there was one.
    """
    try:
        yield
    except ROW_ERRORS as error:
        raise damaged(directory, error) from None


def open_for_reading(directory: Path) -> sqlite3.Connection:
    """Open the database without changing it, also while another process writes to it.

    Raises:
        RunError: if it is missing, foreign, damaged or of another version.
    """
    path = database_path(directory)
    check_header(path)
    try:
        if path.with_name(FILE_NAME + "-journal").exists():
            return _open_copy(path)  # a process died while it opened or closed the file
        uri = path.absolute().as_uri()
        connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None)
        try:
            with _closed_on_failure(connection):
                connection.execute("SELECT count(*) FROM meta").fetchone()
        except sqlite3.OperationalError:
            # A directory that cannot be written has no place for SQLite's index.
            connection = _open_copy(path)
    except (*ROW_ERRORS, OSError) as error:
        raise damaged(directory, error) from None
    return connection


def _open_copy(path: Path) -> sqlite3.Connection:
    """Return a copy in memory. Whatever a dead process left unfinished is settled in the copy."""
    with tempfile.TemporaryDirectory(prefix="codegrove-") as folder:
        copied = Path(folder) / FILE_NAME
        for end in ("-journal", "-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{end}", f"{copied}{end}")
        with contextlib.closing(sqlite3.connect(copied)) as source:
            source.execute("SELECT count(*) FROM meta").fetchone()
            memory = sqlite3.connect(":memory:", isolation_level=None)
            with _closed_on_failure(memory):
                source.backup(memory)
    return memory


@contextlib.contextmanager
def _closed_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def check_header(path: Path) -> None:
    """Look at the first bytes of a file, before SQLite does.

    Raises:
        RunError: if this is no run of ours that this version can read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError:
        hint = "name a directory that solve --out made"
        if (path.parent / "eval.json").exists():
            hint = (
                f"it holds an evaluation: codegrove compare {path.parent}; its runs are in {path.parent}/runs"
            )
        raise RunError(f"no run in {path.parent}: {path.name} is missing; {hint}") from None
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from None
    if len(head) < 100 or not head.startswith(b"SQLite format 3\0"):
        raise RunError(f"{path} is no SQLite database (or was cut off); expected a run made by codegrove")
    version, application = _HEADER.unpack_from(head)
    if application != APPLICATION_ID:
        raise RunError(f"{path} is a database of another program; expected a run made by codegrove")
    if version != VERSION:
        raise RunError(
            f"{path} has format {version}; this codegrove reads format {VERSION}."
            f" {'Update codegrove' if version > VERSION else 'Use the codegrove that made it'}."
        )


def damaged(directory: Path, error: Exception) -> RunError:
    """Return what to say about a database that cannot be read."""
    said = reason(error)
    if not isinstance(error, sqlite3.Error | OSError):
        said = f"{type(error).__name__}: {said}".removesuffix(": ")
    return RunError(
        f"the run in {directory} cannot be read: {said}; if the file is damaged, `sqlite3 {FILE_NAME}"
        " .recover` may save what is left of it"
    )


def reason(error: Exception) -> str:
    """Return the operating system's or the database's words for an error."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
