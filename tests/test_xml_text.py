"""Text in XML: whatever it holds, a parser reads it back but for what XML cannot hold."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from hypothesis import example, given
from hypothesis import strategies as st

from codegrove.xml_text import xml_text


@example("\ud800\ufffe\x01\U00010000")
@given(st.text(st.characters(exclude_characters="\r")))
def test_a_parser_reads_it_back(text: str) -> None:
    found = ET.fromstring(f'<a b="{xml_text(text)}">{xml_text(text)}</a>').text or ""
    assert len(found) == len(text)
    changed = [old for old, new in zip(text, found, strict=True) if old != new]
    no_place = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")
    assert all(no_place.fullmatch(character) for character in changed)


def test_what_xml_cannot_hold_becomes_a_sign_for_it() -> None:
    assert xml_text("a\x00\ud800\ufffe<&'\"") == "a\ufffd\ufffd\ufffd&lt;&amp;&#x27;&quot;"
