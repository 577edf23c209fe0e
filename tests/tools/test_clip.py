from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codegrove.tools.sandbox.clip import clip, without_addresses


@given(st.text(), st.integers(50, 200))
def test_clipping_keeps_both_ends(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert len(clipped) <= limit
    if len(text) <= limit:
        assert clipped == text
    else:
        assert f"[{len(text)} characters" in clipped
        assert clipped[:3] == text[:3]
        assert clipped[-3:] == text[-3:]


def test_addresses_are_blanked() -> None:
    assert without_addresses("<A object at 0x7f00aa> is not 0x12") == "<A object at 0x...> is not 0x12"
