"""Text that LiveCodeBench packed with base64, zlib and pickle, unpacked without executing any of it.

A pickle is a program: whoever unpickles a stranger's file runs the stranger's code. Here its operations are only
listed, and all but those that make up one string are refused.
"""

from __future__ import annotations

import base64
import binascii
import pickletools
import zlib

_MIB = 1024 * 1024
_TEXT = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_NEUTRAL = frozenset({"PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP"})


class NoText(ValueError):
    """Why something is no packed text."""


def unpack_text(packed: str, *, limit_mb: int = 512) -> str:
    """Return the text in ``base64(zlib(pickle(text)))``.

    Args:
        packed: the packed text.
        limit_mb: largest accepted size in MiB after zlib.

    Raises:
        NoText: for anything else, saying at which of the three steps.
    """
    try:
        compressed = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoText(f"it is not base64 ({error})") from None
    unpacker = zlib.decompressobj()
    try:
        pickled = unpacker.decompress(compressed, limit_mb * _MIB)
    except zlib.error as error:
        raise NoText(f"its base64 holds no zlib data ({error})") from None
    if unpacker.unconsumed_tail:
        raise NoText(f"it unpacks to more than {limit_mb} MiB")
    if not unpacker.eof:
        raise NoText("its zlib data breaks off")
    return _pickled_text(pickled)


def _pickled_text(pickled: bytes) -> str:
    texts: list[str] = []
    end = 0
    try:
        for operation, argument, position in pickletools.genops(pickled):
            if operation.name in _TEXT:
                texts.append(str(argument))
            elif operation.name not in _NEUTRAL:
                raise NoText(
                    f"its pickle has the operation {operation.name}, which no text needs; nothing was run"
                )
            end = (position or 0) + 1
    except NoText:
        raise
    except (ValueError, IndexError, OverflowError, EOFError, MemoryError) as error:
        raise NoText(f"its pickle is malformed ({str(error)[:100]})") from None
    if len(texts) != 1:
        raise NoText(f"its pickle holds {'more than one' if texts else 'no'} text")
    if end != len(pickled):
        raise NoText("something follows its pickle")
    return texts[0]
