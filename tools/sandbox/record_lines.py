"""The lines in which a run reports, on their way to whoever reads them: cut out of what arrives, and counted.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

MOST_BYTES = 32_000_000
"""Length of a line, and of all lines together that a run sends in one step."""

_BEFORE_KIND = len('{"token": "') + 32 + len('", "kind": "')
_ENDS_A_STEP = (b'loaded"', b'result"', b'ready"', b'cell"')


def completes_step(line: bytes | bytearray) -> bool:
    """Whether a step of a run, as loading or a test, is over with this line, if it is a record.

    That is decided by its place in the line, where `records.parse_record` wants the kind to be.
    """
    return line.startswith(_ENDS_A_STEP, _BEFORE_KIND)


class RecordLines:
    """Cuts what a run sends into lines."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0
        self._in_step = 0

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self._rest += data

    def next(self) -> bytes | None:
        """Return the next line without its end; None if it has not arrived yet."""
        length = self._rest.find(b"\n", self._searched)
        if length < 0:
            self._searched = len(self._rest)
            return None
        line = bytes(self._rest[:length])
        del self._rest[: length + 1]
        self._searched = 0
        self._in_step = 0 if completes_step(line) else self._in_step + length
        return line

    @property
    def too_much(self) -> bool:
        """Whether more was sent in this step than any step needs."""
        return self._in_step + len(self._rest) > MOST_BYTES
