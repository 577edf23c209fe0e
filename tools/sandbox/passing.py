"""Descriptors that travel over a unix socket.

The `socket` module can do the same. But all of it would be memory of the process that runs are forked from, and
each fork takes longer the more of that there is.

Loaded by `child` without the rest of codegrove: standard library only.
"""

from __future__ import annotations

import _socket
import sys
from collections.abc import Sequence

_BYTES_OF_DESCRIPTOR = 4


def send(connection: _socket.socket, data: bytes, descriptors: Sequence[int]) -> None:
    """Send data, which is not empty, and with it descriptors.

    Raises:
        OSError: if nobody listens.
    """
    packed = b"".join(number.to_bytes(_BYTES_OF_DESCRIPTOR, sys.byteorder) for number in descriptors)
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)] if packed else []
    sent = connection.sendmsg([data], rights)
    if sent < len(data):
        connection.sendall(data[sent:])


def receive(connection: _socket.socket, most_bytes: int, most_descriptors: int) -> tuple[bytes, list[int]]:
    """Wait for data, empty at the end, and return the descriptors that came with it.

    Raises:
        OSError: if the connection broke.
    """
    room = _socket.CMSG_SPACE(most_descriptors * _BYTES_OF_DESCRIPTOR)
    flags = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)  # programs that a run starts have no use for them
    data, messages, _, _ = connection.recvmsg(most_bytes, room, flags)
    packed = b"".join(part for _, _, part in messages)
    starts = range(0, len(packed), _BYTES_OF_DESCRIPTOR)
    return data, [int.from_bytes(packed[at : at + _BYTES_OF_DESCRIPTOR], sys.byteorder) for at in starts]
