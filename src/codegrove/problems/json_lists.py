"""Finds the elements of a JSON list block by block, so that the list need not fit into memory."""

from __future__ import annotations

import re

from codegrove.problems.json_values import BadJson

WHITE = b" \t\r\n"
"""White space of JSON."""

_OUTSIDE = re.compile(rb'["{}\[\],]')
_INSIDE = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)


class ListScanner:
    """Finds where elements begin and end; what is in them, a parser has to check.

    Args:
        start: the beginning of the text, the opening bracket included.
    """

    def __init__(self, start: bytes) -> None:
        self._buffer = bytearray(start)
        self._position = self._begin = start.index(b"[") + 1
        self._dropped = 0
        """Bytes of the text before the buffer."""
        self._depth = 0
        self._in_string = False
        self._found = False
        self.closed = False
        """Whether the closing bracket was seen."""

    @property
    def size(self) -> int:
        """Bytes of the element under way."""
        return len(self._buffer) - self._begin

    def pending(self) -> bytes:
        """Return what was fed and is no element yet."""
        return bytes(self._buffer[self._begin :])

    def feed(self, block: bytes) -> None:
        """Take the next block of the text."""
        del self._buffer[: self._begin]
        self._dropped += self._begin
        self._position -= self._begin
        self._begin = 0
        self._buffer += block

    def next_element(self) -> tuple[bytes, int] | None:
        """Return the next whole element and its offset in the text; None if there is none in what was fed.

        Raises:
            BadJson: where an element is missing.
        """
        while not self.closed:
            if self._in_string:
                match = _INSIDE.match(self._buffer, self._position)
                assert match is not None  # it matches nothing as well
                self._position = match.end()
                if self._buffer[self._position : self._position + 1] != b'"':
                    return None
                self._in_string = False
                self._position += 1
                continue
            match = _OUTSIDE.search(self._buffer, self._position)
            if match is None:
                self._position = len(self._buffer)
                return None
            self._position = match.end()
            match match.group():
                case b'"':
                    self._in_string = True
                case b"[" | b"{":
                    self._depth += 1
                case b"]" | b"}" if self._depth:
                    self._depth -= 1
                case b"," | b"]" as end if not self._depth:
                    return self._element(end)
        return None

    def _element(self, end: bytes) -> tuple[bytes, int] | None:
        begin, self._begin = self._begin, self._position
        self.closed = end == b"]"
        raw = bytes(self._buffer[begin : self._position - 1])
        if not raw.strip(WHITE):
            if self.closed and not self._found:
                return None
            raise BadJson(f"a value is missing before {end.decode()!r}", malformed=True)
        self._found = True
        return raw, self._dropped + begin
