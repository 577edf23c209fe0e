"""The connection between two processes, here between two threads of one."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegrove.tools.sandbox.carrying import CarryDecoder, CarryEncoder
from codegrove.tools.sandbox.describing import describe
from codegrove.tools.sandbox.proxy import Gone, Peer
from codegrove.tools.sandbox.values import DecodeError


class Connection:
    """A peer for the tests, and one that serves a namespace in a thread."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        calls_read, calls_write = os.pipe()
        answers_read, answers_write = os.pipe()
        self.descriptors = [calls_write, answers_read]
        self.theirs = [calls_read, answers_write]
        self.tests = Peer(answers_read, calls_write, describe, own_module=__name__)
        self.candidate = Peer(calls_read, answers_write, describe, own_module=None)
        self.candidate.namespace = namespace
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        self.candidate.serve(lambda seconds, action: action())
        for descriptor in self.theirs:
            os.close(descriptor)

    def get(self, name: str) -> Any:
        return self.tests.ask("names", name)[0][1]

    def close(self) -> None:
        os.close(self.descriptors[0])
        self.thread.join()
        os.close(self.descriptors[1])


@pytest.fixture
def connect() -> Iterator[Callable[..., Connection]]:
    made: list[Connection] = []

    def make(**namespace: Any) -> Connection:
        made.append(Connection(namespace))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


Connect = Callable[..., Connection]


def test_a_liar_is_equal_to_nothing_plain(connect: Connect) -> None:
    class Liar:
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

        def __sub__(self, other: object) -> int:
            return 0

        __lt__ = __gt__ = __eq__

    connection = connect(f=lambda: Liar())
    liar: Any = connection.get("f")()
    assert type(liar).__name__ == "Remote"
    assert liar != 1
    assert [liar] != [1]
    assert liar not in (1, 2)
    assert not isinstance(liar, int)
    computations: list[Callable[[], Any]] = [
        lambda: liar - 1,
        lambda: 1 - liar,
        lambda: liar < 1,
        lambda: max(1, liar),
        lambda: abs(liar),
    ]
    for compute in computations:
        with pytest.raises(TypeError):
            compute()
    assert connection.tests.own_equality is False
    assert liar == connection.get("f")()
    assert connection.tests.own_equality


def test_a_stop_iteration_of_a_call_does_not_end_a_loop(connect: Connect) -> None:
    def f(x: int) -> int:
        raise StopIteration

    connection = connect(f=f, g=iter([1]))
    with pytest.raises(RuntimeError):
        list(map(connection.get("f"), [1, 2]))
    assert list(connection.get("g")) == [1]


def secret() -> str:
    return "expected"


class Node:
    def __init__(self) -> None:
        self.value = 3
        self._hidden = "expected"


def test_only_what_is_passed_can_be_used_and_only_in_public(connect: Connect) -> None:
    def f(function: Any, node: Any, numbers: Any) -> list[object]:
        found: list[object] = [function(), node.value]
        attempts: list[Callable[[], object]] = [
            lambda: node._hidden,
            lambda: function.func_globals,
            lambda: function._remote_peer.ask("get", function, "__globals__"),
            lambda: function._remote_peer.ask("get", node, "__class__"),
            lambda: function._remote_peer.ask("names", "secret"),
        ]
        for attempt in attempts:
            try:
                found.append(attempt())
            except TypeError as error:
                found.append(str(error))
        return found

    connection = connect(f=f)
    refused = "a program may not do this with an object of the test"
    assert connection.get("f")(secret, Node(), [1]) == ["expected", 3, *[refused] * 5]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0\0\x02[]",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x02{}",
        *(
            len(text).to_bytes(4, "big") + text
            for text in (
                b'{"value":{"k":0}}',
                b'{"value":{"m":[-2,"os:_exit"]}}',
                b'{"value":{"m":[-1,"exec"]}}',
                b'{"value":{"y":0}}',
                b'{"value":{"y":-1}}',
                b'{"value":1,"changed":[[]]}',
                b'{"raised":{"base":"exit","type":"x","message":"","args":[]}}',
                b'{"value":{"v":["Decimal",{"m":[-1,"type"]}]}}',
                b'{"value":{"v":["range",1,2,0]}}',
                b'{"do":"names"}',
                b'{"do":1,"names":[],"args":3}',
            )
        ),
    ],
)
def test_nonsense_is_no_answer(answer: bytes) -> None:
    read, write = os.pipe()
    calls_read, calls_write = os.pipe()
    os.write(write, answer)
    os.close(write)
    peer = Peer(read, calls_write, describe, own_module=__name__)
    with pytest.raises(Gone):
        peer.ask("names", "f")
    assert peer.lost
    with pytest.raises(Gone):
        peer.ask("names", "f")
    for descriptor in (read, calls_read, calls_write):
        os.close(descriptor)


keys = st.integers() | st.text(max_size=3)
graphs = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.tuples(inner, inner)
        | st.sets(keys, max_size=3)
        | st.binary(max_size=3).map(bytearray)
    ),
    max_leaves=10,
)


def nothing(*foreign: object) -> Any:
    raise AssertionError("no foreign object")


def carry(values: list[Any]) -> list[Any]:
    encoder = CarryEncoder(nothing)
    wires = json.loads(json.dumps(encoder.all(values)))
    decoder = CarryDecoder(nothing)
    found = decoder.all(wires)
    assert len(decoder.kept) == len(encoder.kept)
    assert [type(one) for one in decoder.kept] == [type(one) for one in encoder.kept]
    return found


@given(st.lists(graphs, max_size=3))
@settings(max_examples=100)
def test_values_arrive_with_the_same_numbers(values: list[Any]) -> None:
    assert carry(values) == values
    shared = [values, values]
    (one,) = carry([shared])
    assert one[0] is one[1]


@given(st.lists(graphs, max_size=3), graphs)
@settings(max_examples=100)
def test_changes_arrive_in_the_same_objects(values: list[Any], extra: Any) -> None:
    ours = CarryEncoder(nothing)
    wires = ours.all([values])
    theirs = CarryDecoder(nothing)
    (copy,) = theirs.all(wires)
    copy.append(extra)
    copy.append(copy)
    copy.reverse()
    back = CarryEncoder(nothing, theirs.kept)
    changed = json.loads(json.dumps(back.contents(len(theirs.kept))))
    before = list(values)
    decoder = CarryDecoder(nothing, ours.kept)
    for container, wire in zip(list(ours.kept), changed, strict=True):
        decoder.update(container, wire)
    assert values[0] is values
    assert values[1] == extra
    assert all(
        new is old for new, old in zip(values[:1:-1], before, strict=True) if isinstance(old, (list, dict))
    )


@given(st.recursive(
    st.none() | st.integers(-3, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from("ktdszmyvoariub"), inner, max_size=2),
    max_leaves=8,
))  # fmt: skip
@settings(max_examples=200)
def test_damaged_wires_are_decode_errors_at_most(wire: Any) -> None:
    decoder = CarryDecoder(lambda tag, content: None)
    with contextlib.suppress(DecodeError):
        decoder.value(wire, 0)
