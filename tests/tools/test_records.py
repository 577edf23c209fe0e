from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.tools.sandbox.records import parse_record
from codegrove.tools.sandbox.values import DecodeError

GOOD: list[dict[str, Any]] = [
    {"kind": "loaded"},
    {"kind": "load_failed", "error": {"type": "E", "message": "m", "trace": [[3, "f"]], "test_line": None}},
    {"kind": "result", "index": 0, "seconds": 0.1, "outcome": "value", "value": {"t": [1]}},
    {
        "kind": "result",
        "index": 1,
        "seconds": 0.1,
        "outcome": "raised",
        "failed": True,
        "error": {"type": "AssertionError", "message": "", "trace": [], "test_line": 2},
        "obtained": {"assertion": 0, "values": [7]},
    },
    {
        "kind": "blocks",
        "complete": True,
        "total": 1,
        "blocks": [{"index": 0, "lines": [1, 2], "source": "x", "before": [], "after": [["x", "1"]]}],
    },
]


TOKEN = "0123456789abcdef" * 2


def line_of(fields: dict[str, Any], token: str = TOKEN) -> bytes:
    return json.dumps({"token": token, **fields}).encode()


def test_records_are_read() -> None:
    records = [parse_record(line_of(fields), TOKEN) for fields in GOOD]
    assert records[1].error is not None
    assert records[1].error.line == 3
    assert records[2].value == (1,)
    assert (records[3].obtained, records[3].test_line, records[3].failed) == ((7,), 2, True)
    assert records[4].blocks[0].after == (("x", "1"),)


def test_a_record_with_another_token_is_no_record() -> None:
    with pytest.raises(DecodeError):
        parse_record(line_of(GOOD[0], token="guess"), TOKEN)


def mutations(fields: Any) -> st.SearchStrategy[Any]:
    """The fields with one value, anywhere, replaced by something else."""
    junk: st.SearchStrategy[Any] = (
        st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
    )
    if isinstance(fields, dict) and fields:
        return st.sampled_from(sorted(fields)).flatmap(
            lambda key: (junk | mutations(fields[key])).map(lambda value: {**fields, key: value})
        )
    if isinstance(fields, list) and fields:
        return mutations(fields[0]).map(lambda value: [value, *fields[1:]])
    return junk


@given(st.sampled_from(GOOD).flatmap(mutations))
def test_damaged_records_are_decode_errors_at_most(fields: Any) -> None:
    with contextlib.suppress(DecodeError):
        parse_record(line_of(fields), TOKEN)


@given(st.binary(max_size=200))
def test_noise_is_no_record(noise: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_record(noise, TOKEN)


def test_texts_are_clipped_and_can_be_stored() -> None:
    error = {"type": "E" * 1000, "message": "m" * 5000 + "\ud800", "trace": [[1, "f" * 1000]] * 100}
    record = parse_record(line_of({"kind": "invalid", "error": error}), TOKEN)
    assert record.error is not None
    assert len(record.error.type) == 100
    assert len(record.error.message) == 500
    assert len(record.error.trace) == 40
    str(record.error).encode()
