from __future__ import annotations

import contextlib
import enum
import json
import math
import time
from collections import Counter, OrderedDict, namedtuple
from typing import Any

import numpy
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codegrove.agreement import same_value
from codegrove.tools.sandbox.literals import parse_literal
from codegrove.tools.sandbox.showing import show
from codegrove.tools.sandbox.values import (
    MAX_DEPTH,
    Budget,
    DecodeError,
    Encoder,
    Opaque,
    decode,
    encode,
    from_wire,
    load_json,
    to_wire,
    type_name,
)

hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=()))  # lone surrogates too
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=8,
)
plain = st.recursive(
    hashable | st.binary(max_size=20).map(bytearray),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=4)
    ),
    max_leaves=15,
)


def identical(left: Any, right: Any) -> bool:
    """Equal, of equal types everywhere, NaN equal to itself, zeros with their signs."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(identical, left, right))
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=False)
        return len(left) == len(right) and all(identical(a, b) for a, b in pairs)
    if isinstance(left, (set, frozenset)):
        return len(left) == len(right) and sorted(map(show, left)) == sorted(map(show, right))
    return repr(left) == repr(right)


@given(plain)
def test_plain_values_come_back_unchanged(value: object) -> None:
    assert identical(decode(encode(value)), value)


@given(plain)
def test_shown_values_can_be_read_back(value: object) -> None:
    assert identical(parse_literal(show(value)), value)


@given(plain)
def test_decoded_values_equal_the_original_for_the_judge(value: object) -> None:
    assume('"nan"' not in encode(value))  # as a key, NaN is not even equal to itself
    assert same_value(value, decode(encode(value)))


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_noise_is_a_decode_error_or_a_value(noise: str | bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode(noise)


wires = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from("ifuebaoctszd") | st.text(max_size=2), inner, max_size=2)
        | st.sampled_from("oc").flatmap(lambda tag: st.lists(inner, max_size=3).map(lambda c: {tag: c}))
    ),
    max_leaves=12,
)


@given(wires)
def test_any_json_is_a_decode_error_or_a_value_that_encodes_again(wire: object) -> None:
    try:
        value = from_wire(wire)
    except DecodeError:
        return
    assert show(decode(encode(value))) == show(decode(encode(decode(encode(value)))))


@pytest.mark.parametrize(
    "text",
    [
        '{"x":1}',
        '{"t":1}',
        '{"s":[[1]]}',
        '{"d":[1]}',
        '{"d":[[],1]}',
        '{"f":"1"}',
        '{"i":"z"}',
        '{"u":"00"}',
        '{"e":"0"}',
        '{"e":"ff"}',
        '{"c":[1]}',
        '{"c":[1,2]}',
        '{"c":[1.0,2.0,"x"]}',
        '{"o":["a"]}',
        '{"t":[],"s":[]}',
        "NaN",
        "[Infinity]",
        "[" * 100_000,
        "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2),
        "1" * 10_000,
    ],
)
def test_wrong_shapes_are_decode_errors(text: str) -> None:
    with pytest.raises(DecodeError):
        decode(text)


def test_keys_made_to_collide_do_not_slow_the_judge_down() -> None:
    modulus = (1 << 61) - 1  # integers are hashed modulo this prime
    collisions = json.dumps({"s": [i * modulus for i in range(1, 30_001)]})
    began = time.perf_counter()
    with pytest.raises(DecodeError, match="equal hashes"):
        decode(collisions)
    assert time.perf_counter() - began < 5.0  # building the set takes minutes
    assert decode(json.dumps({"s": [1] * 50})) == {1}


class LyingInt(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __int__(self) -> int:
        return 1

    __index__ = __int__

    def __repr__(self) -> str:
        return "1"


class LyingStr(str):
    def __str__(self) -> str:
        return "right"

    __repr__ = __str__

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        return b"right"


class LyingFloat(float):
    def __float__(self) -> float:
        return 1.0


class LyingList(list[int]):
    def __iter__(self) -> Any:
        return iter([1, 2, 3])

    def __len__(self) -> int:
        return 3

    def __getitem__(self, key: Any) -> Any:
        return 1


class LyingDict(dict[str, int]):
    def items(self) -> Any:
        return {"right": 1}.items()


class Meta(type):
    @property
    def __mro__(cls) -> Any:
        return (cls, int, object)

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        return "int"

    def __hash__(cls) -> int:
        raise RuntimeError

    def __eq__(cls, other: object) -> bool:
        return True


class Pretender(metaclass=Meta):
    __class__ = int  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


class Colour(enum.IntEnum):
    RED = 4


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "really"),
    [
        (LyingInt(99), 99),
        (LyingStr("wrong"), "wrong"),
        (LyingFloat(2.5), 2.5),
        (LyingList([7]), [7]),
        (LyingDict(wrong=0), {"wrong": 0}),
        ([LyingInt(3), (LyingStr("a"),)], [3, ("a",)]),
        (Colour.RED, 4),
        (Point(1, 2), (1, 2)),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (numpy.int64(5), 5),
        (numpy.float64(0.5), 0.5),
        (numpy.bool_(True), True),
    ],
)
def test_subclasses_are_flattened_to_what_they_really_hold(value: object, really: object) -> None:
    decoded = decode(encode(value))
    assert identical(decoded, really)
    assert show(value) == show(really)


@pytest.mark.parametrize(
    "value",
    [Pretender(), object(), print, int, numpy.zeros(2), range(3), iter([])],
    ids=["pretender", "object", "function", "type", "array", "range", "iterator"],
)
def test_everything_else_is_opaque(value: object) -> None:
    decoded = decode(encode(value))
    assert isinstance(decoded, Opaque)
    assert decoded.type_name == type_name(value)
    assert not same_value(0, decoded)
    assert not same_value(decoded, decode(encode(value)))


def test_an_opaque_object_shows_its_type_and_no_address() -> None:
    assert show([Pretender(), 1]) == "[<Pretender object>, 1]"


def test_cycles_and_depth_end_in_opaque_objects() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    decoded: Any = decode(encode(cycle))
    for _ in range(MAX_DEPTH):
        decoded = decoded[0]
    assert isinstance(decoded, Opaque)
    assert decoded.reason == "nested too deeply"
    assert "..." in show(cycle)


@pytest.mark.slow
def test_shared_parts_do_not_explode() -> None:
    value: list[object] = []
    for _ in range(60):
        value = [value, value]
    assert isinstance(decode(encode(value)), Opaque)
    assert len(show(value, most_items=100)) < 10_000


def test_values_too_large_are_opaque_as_a_whole() -> None:
    decoded = decode(encode(["x" * 20_000_000]))
    assert isinstance(decoded, Opaque)
    assert (decoded.type_name, decoded.reason) == ("list", "too large")


def test_large_integers_have_no_limit_of_digits() -> None:
    number = -(10**5000) + 3
    assert decode(encode(number)) == number
    assert parse_literal(show(number)) == number


def test_zero_and_nan_keep_their_kind() -> None:
    assert math.copysign(1, decode(encode(-0.0))) == -1.0  # type: ignore[arg-type]
    assert math.isnan(decode(encode(float("nan"))))  # type: ignore[arg-type]


def test_the_middle_of_long_containers_is_left_out() -> None:
    assert show(list(range(100)), most_items=7) == "[0, 1, 2, ...(94 more)..., 97, 98, 99]"
    assert show({i: i for i in range(100)}, most_items=4) == "{0: 0, 1: 1, 2: 2, ...(97 more)...}"
    assert show([[1] * 50] * 2, most_items=10) == "[[1, 1, 1, 1, ...(42 more)..., 1, 1, 1, 1], ...]"


def test_equal_sets_look_equal() -> None:
    assert show({8, 0, 16, "b", "a"}) == show({"a", 16, "b", 8, 0}) == "{'a', 'b', 0, 16, 8}"
    assert show([set(), frozenset(), frozenset({1})]) == "[set(), frozenset(), frozenset({1})]"


def test_what_is_decoded_is_counted_like_what_is_encoded() -> None:
    assert to_wire([[], (), {1: 2}, "[x"], Encoder(items=15)) == [[], {"t": []}, {"d": [1, 2]}, "[x"]
    needed = 1 + 4 + 1 + (1 + 1) + (1 + 2)  # the list and its items, and again for each container
    assert from_wire(to_wire([[], (), {1: 2}, "[x"]), Budget(needed)) == [[], (), {1: 2}, "[x"]
    with pytest.raises(DecodeError, match="too many values"):
        from_wire(to_wire([[], (), {1: 2}, "[x"]), Budget(needed - 2))


@pytest.mark.parametrize("text", ["[" * 2_000_000, "a,b" * 1_000_000, "[{" * 60, "é[" * 200, "x[]" * 30])
def test_text_full_of_brackets_is_no_structure(text: str) -> None:
    wire = to_wire([text, "[]"])
    assert from_wire(wire) == [text, "[]"]
    assert decode(encode([text])) == [text]
    assert encode([text]).count("[") < 120


@pytest.mark.parametrize("part", ["[],", '{"t":[]},', "[[[[0]]]],"])
def test_a_text_with_too_many_parts_is_not_parsed(part: str) -> None:
    text = "[" + part * (3_000_000 // part.count("[")) + "0]"
    with pytest.raises(DecodeError, match="too many parts"):
        load_json(text)
    with pytest.raises(DecodeError, match="too many parts"):
        load_json(text.encode())
