"""Entries of JSON files, read in blocks: whatever the blocks are, the entries are what `json` reads."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.errors import TaskError
from codegrove.problems.json_files import JsonFile
from codegrove.problems.json_values import BadJson, parse_integer, parse_json, python_literal

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=3)
scalar = st.none() | st.booleans() | st.integers() | st.text(max_size=6)


def opened(path: Path, **settings: Any) -> JsonFile:
    return JsonFile(path, expected="a test file", **settings)


def read_all(content: bytes, **settings: Any) -> tuple[list[Any], list[Any], str]:
    """Return all entries as scanned, as read again in reverse order, and the hash."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        source = opened(path, **settings)
        entries = list(source.scan())
        again = [source.read(entry.place) for entry in reversed(entries)]
        return [entry.data for entry in entries], again[::-1], source.sha256


@given(
    st.lists(objects.map(lambda made: {"id": 1, **made}), min_size=1, max_size=4),
    st.sampled_from(["lines", "list", "indented"]),
    st.booleans(),
    st.integers(1, 40),
    st.sampled_from([0.0, 64.0]),
    st.booleans(),
)
def test_entries_do_not_depend_on_blocks_packing_or_memory(
    rows: list[Any], layout: str, ascii_only: bool, block: int, kept_mb: float, is_packed: bool
) -> None:
    if layout == "lines":
        text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    else:
        text = json.dumps(rows, ensure_ascii=ascii_only, indent=2 if layout == "indented" else None)
    content = text.encode("utf-8", "surrogatepass")
    try:
        content.decode()
    except UnicodeDecodeError:
        return
    given_content = gzip.compress(content) if is_packed else content
    found, again, digest = read_all(given_content, block_bytes=block, kept_mb=kept_mb)
    assert found == again == rows
    assert digest == hashlib.sha256(content).hexdigest()


@given(st.lists(st.tuples(scalar, scalar), min_size=1, max_size=4), st.integers(1, 30), st.booleans())
def test_columns_are_rows(rows: list[tuple[Any, Any]], block: int, indented: bool) -> None:
    columns = {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}
    content = json.dumps(columns, indent=1 if indented else None).encode()
    found, again, _ = read_all(content, block_bytes=block, kept_mb=0.0)
    assert found == again == [{"a": a, "b": b} for a, b in rows]


def test_one_object_over_several_lines_is_one_entry() -> None:
    assert read_all(b'{\n "a": 1,\n "b": [2]\n}\n')[0] == [{"a": 1, "b": [2]}]


@given(st.binary(max_size=60) | st.text('[]{}",:1a\\ \n', max_size=40).map(str.encode), st.integers(1, 9))
def test_any_other_file_gets_one_message(content: bytes, block: int) -> None:
    try:
        read_all(content, block_bytes=block)
    except TaskError as error:
        assert "\n" not in str(error)
        assert "expected" in str(error) or "is a broken gzip file" in str(error)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"a": 1},\n {"a": ]', "entry 2: not JSON (Expecting value at"),
        (b'[{"a": 1}, {"a": 2}', "entry 2: not JSON (the list is not closed)"),
        (b'[{"a": 1},, {"a": 2}]', "entry 2: not JSON (a value is missing before ',')"),
        (b'[{"a": 1},]', "entry 2: not JSON (a value is missing before ']')"),
        (b'[{"a": 1}] {"a": 2}', "something follows the list"),
        (b'[{"a": 1}, 2]', "entry 2: expected a JSON object; found int"),
        (b'[{"a": 1}, {"a": "\xff"}]', "entry 2: byte 0xff is not UTF-8 text"),
        (
            b'{"a": [1, 2], "b": [1]}',
            "field 'b': expected 2 values, as many as the other columns have; found 1",
        ),
        (b'{"a": 1}\n{"a":\n', "line 2: not JSON"),
    ],
)
def test_the_place_is_named(content: bytes, message: str) -> None:
    with pytest.raises(TaskError) as error:
        read_all(content)
    assert message in str(error.value)


def test_limits_hold_for_files_and_entries(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b" " * 3_000_000))
    with pytest.raises(TaskError, match=r"is larger than 2 MiB"):
        list(opened(path, limit_mb=2, block_bytes=50_000).scan())
    for content in (
        b'{"a": "' + b"x" * 3_000_000,
        b'[{"a": "' + b"x" * 3_000_000,
        b"\n" * 3_000_000,
        b"{\n" * 1_500_000,
    ):
        path.write_bytes(content)
        with pytest.raises(TaskError, match="one entry is larger than 1 MiB"):
            list(opened(path, entry_mb=1, block_bytes=50_000).scan())


def test_a_file_that_changed_in_between_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    source = opened(path, kept_mb=0)
    entries = list(source.scan())
    path.write_text("other")
    with pytest.raises(TaskError, match="has the file changed"):
        source.read(entries[1].place)


@given(st.integers(-(10**20), 10**20), st.integers(0, 9000))
def test_integers_of_any_length(number: int, zeros: int) -> None:
    text = str(number) + "0" * zeros
    assert parse_integer(text) == number * 10**zeros
    assert parse_json(f"[{text}]") == [number * 10**zeros] if number else True


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
)


@given(nested)
def test_literals_read_back(value: Any) -> None:
    assert eval(python_literal(value), {}) == value


def test_literals_of_long_integers_and_others() -> None:
    assert eval(python_literal([10**6000, {1, 2}, set()]), {}) == [10**6000, {1, 2}, set()]
    assert python_literal([float("nan"), float("-inf")]) == "[nan, -inf]"
    with pytest.raises(TypeError, match="object has no literal"):
        python_literal(object())
    with pytest.raises(BadJson, match="Expecting value at column 2"):
        parse_json("[")
