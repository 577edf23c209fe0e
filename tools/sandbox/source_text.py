"""The text of a test as the parser counts it: where a node of its tree stands, and what is written there."""

from __future__ import annotations

import ast


class SourceText:
    """Source with the places of its lines, found once for all nodes.

    `ast.get_source_segment` splits the whole text again for every node.

    Args:
        code: the source; only ``\\n`` ends a line.
    """

    def __init__(self, code: str) -> None:
        self.encoded = code.encode()
        self._starts = [0]
        for line in self.encoded.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int] | None:
        """Return where a node begins and ends in `encoded`; None for one without an end."""
        if node.end_lineno is None or node.end_col_offset is None:
            return None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """Return what is written for a node, first line without its indentation."""
        span = self.span(node)
        return "" if span is None else self.encoded[span[0] : span[1]].decode()
