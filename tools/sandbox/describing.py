"""Exceptions of strangers as plain data.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import sys
from collections import deque
from types import FrameType, TracebackType
from typing import Any

from codegrove.tools.sandbox import values

PROGRAM = "<candidate>"
TEST = "<test>"
"""File names of the compiled program and of assert tests, as frames show them."""

_MOST_FRAMES = 20
_MOST_MESSAGE = 2000


def describe(error: BaseException) -> dict[str, Any]:
    """Return an exception as plain data. Its `__str__` belongs to the candidate and may do anything."""
    try:
        message = str.__str__(str(error))[:_MOST_MESSAGE]
    except BaseException:  # noqa: BLE001 - see above
        message = ""
    trace, test_line = _frames_below(sys.exc_info()[2])
    if isinstance(error, SyntaxError) and not trace and type(error.lineno) is int:
        trace = [[error.lineno, "<module>"]]
        message = str(error.msg)[:_MOST_MESSAGE]
    return {
        "type": values.type_name(error),
        "message": message,
        "trace": trace,
        "test_line": test_line,
    }


def _frames_below(traceback: TracebackType | None) -> tuple[list[list[Any]], int | None]:
    """Return the candidate's frames, outermost first, and the line of the test that the exception passed."""
    first: list[list[Any]] = []
    last: deque[list[Any]] = deque(maxlen=_MOST_FRAMES // 2)
    test_line = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == PROGRAM:
            (first if len(first) < _MOST_FRAMES // 2 else last).append([traceback.tb_lineno, code.co_name])
        elif code.co_filename == TEST:
            test_line = traceback.tb_lineno
        traceback = traceback.tb_next
    return [*first, *last], test_line


def frames_above(frame: FrameType | None) -> list[list[Any]]:
    """Return the innermost frames of the candidate, outermost of them first. There may be a million more."""
    frames: list[list[Any]] = []
    while frame is not None and len(frames) < _MOST_FRAMES:
        if frame.f_code.co_filename == PROGRAM:
            frames.append([frame.f_lineno, frame.f_code.co_name])
        frame = frame.f_back
    return frames[::-1]
