"""The lines that judge and remote process exchange: ``KIND NUMBER BASE64``, ASCII only.

Text that survives an engine which carries only text, numbered without gaps, so that what an engine loses, repeats
or reorders is noticed and never taken for something a candidate did.

Loaded by `supervisor` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

CHUNK = 1 << 16
"""Most bytes in one frame."""
_LONGEST_LINE = CHUNK * 4 // 3 + 100


class FrameError(ValueError):
    """A stream is not, or no longer, one of frames."""


class FrameWriter:
    """Makes the frames of one direction."""

    def __init__(self) -> None:
        self._number = 0

    def frames(self, kind: str, data: bytes = b"") -> bytes:
        """Return data as one frame, or as several where there is much of it."""
        parts = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)] or [b""]
        lines = []
        for part in parts:
            lines.append(b"%s %d %s\n" % (kind.encode(), self._number, base64.b64encode(part)))
            self._number += 1
        return b"".join(lines)


class FrameReader:
    """Reads the frames of one direction."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield kind and content of the frames that the stream has completed.

        Raises:
            FrameError: for anything else. Shows what was found.
        """
        searched = len(self._buffer)
        self._buffer += data
        start = 0
        while (end := self._buffer.find(b"\n", max(start, searched))) >= 0:
            line = bytes(self._buffer[start:end])
            start = end + 1
            yield self._parse(line)
        del self._buffer[:start]
        if len(self._buffer) > _LONGEST_LINE:
            raise FrameError(f"a line without an end: {_shown(self._buffer)}")

    def rest(self) -> bytes:
        """Return what came after the last complete line."""
        return bytes(self._buffer)

    def _parse(self, line: bytes) -> tuple[str, bytes]:
        parts = line.split(b" ")
        if len(parts) != 3 or not parts[0].isalpha() or not parts[1].isdigit() or len(line) > _LONGEST_LINE:
            raise FrameError(f"a line of something else: {_shown(line)}")
        if int(parts[1][:20]) != self._number:
            raise FrameError(f"line {self._number} is missing, repeated or out of order")
        self._number += 1
        try:
            return parts[0].decode(), base64.b64decode(parts[2], validate=True)
        except binascii.Error:
            raise FrameError(f"a damaged line: {_shown(line)}") from None


def _shown(data: bytes | bytearray) -> str:
    return repr(bytes(data[:120]))[1:]
