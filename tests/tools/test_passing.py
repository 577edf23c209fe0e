from __future__ import annotations

import _socket
import os
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.tools.sandbox import passing, syscalls
from codegrove.tools.sandbox.seccomp import _Code

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only used on Linux and alike")


def test_descriptors_arrive_with_the_data() -> None:
    ours, theirs = _socket.socketpair()
    read, write = os.pipe()
    passing.send(ours, b"hello", (read, write))
    data, (first, second) = passing.receive(theirs, 100, 2)
    os.write(second, b"through")
    assert (data, os.read(first, 100)) == (b"hello", b"through")
    for descriptor in (read, write, first, second):
        os.close(descriptor)
    ours.close()
    assert passing.receive(theirs, 100, 2) == (b"", [])
    theirs.close()


def test_more_data_than_fits_arrives_as_well() -> None:
    ours, theirs = _socket.socketpair()
    data = bytes(range(256)) * 10_000
    thread = threading.Thread(target=passing.send, args=(ours, data, ()))
    thread.start()
    received = b""
    while len(received) < len(data):
        received += passing.receive(theirs, 1 << 16, 0)[0]
    thread.join()
    assert received == data
    ours.close()
    theirs.close()


@given(st.dictionaries(st.integers(0, syscalls.HIGHEST), st.sampled_from([1, 2, 3]), max_size=300))
def test_a_filter_finds_the_answer_to_every_call(by_number: dict[int, int]) -> None:
    code = _Code({})
    code.answers(by_number)
    code.end()
    none = code._steps[-1][3]
    for number in range(syscalls.HIGHEST + 3):
        place = 0
        while True:
            kind, yes, no, value = code._steps[place]
            place += 1
            if kind == 0x06:  # return
                break
            place += value if kind == 0x05 else yes if number >= value else no  # jump; if at least
        assert value == by_number.get(number, none), number
