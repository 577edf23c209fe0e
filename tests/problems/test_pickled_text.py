"""Packed text is unpacked without executing anything, whatever it pretends to be."""

from __future__ import annotations

import base64
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.problems.pickled_text import NoText, unpack_text
from tests.problems.rows_of_benchmarks import packed


def pack(pickled: bytes) -> str:
    return base64.b64encode(zlib.compress(pickled)).decode()


@given(st.text(), st.sampled_from([0, 1, 2, 3, 4, 5]))
def test_text_comes_back(text: str, protocol: int) -> None:
    assert unpack_text(packed(text, protocol)) == text


def test_long_text_comes_back() -> None:
    text = "[" + "1, " * 200_000 + "ü]"
    assert unpack_text(packed(text)) == text


class _Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "created"
    pickled = pickle.dumps(_Runs(target), protocol)
    with pytest.raises(NoText, match="which no text needs; nothing was run"):
        unpack_text(pack(pickled))
    assert not target.exists()
    pickle.loads(pickled)  # it would have been
    assert target.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no base64!", "it is not base64"),
        ("äöü", "it is not base64"),
        (base64.b64encode(b"plain").decode(), "holds no zlib data"),
        (base64.b64encode(zlib.compress(b"x" * 999)[:-3]).decode(), "its zlib data breaks off"),
        (pack(b""), "its pickle is malformed"),
        (pack(pickle.dumps(["text"])), "which no text needs"),
        (pack(pickle.dumps(b"bytes")), "which no text needs"),
        (pack(pickle.dumps("a")[:-1]), "its pickle is malformed"),
        (pack(pickle.dumps("a") + b"more"), "something follows its pickle"),
        (pack(b"\x80\x04."), "its pickle holds no text"),
        (pack(b"\x80\x04\x8c\x01a\x8c\x01b."), "more than one text"),
        (pack(b"\x8d" + b"\xff" * 8 + b"a."), "its pickle is malformed"),
        (pack(b"X\xff\xff\xff\x7fa."), "its pickle is malformed"),
    ],
)
def test_anything_else_is_refused(content: str, message: str) -> None:
    with pytest.raises(NoText) as error:
        unpack_text(content)
    assert message in str(error.value)


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    bomb = base64.b64encode(zlib.compress(b"\0" * 8_000_000)).decode()
    with pytest.raises(NoText, match="it unpacks to more than 2 MiB"):
        unpack_text(bomb, limit_mb=2)


@given(st.binary(max_size=40))
def test_any_pickle_is_text_or_refused(pickled: bytes) -> None:
    try:
        unpack_text(pack(pickled))
    except NoText as error:
        assert str(error)
