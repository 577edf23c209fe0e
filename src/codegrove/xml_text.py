"""Any text as part of XML, hence of SVG and HTML."""

from __future__ import annotations

import re
from html import escape

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Escape any text for XML, also inside attributes.

    XML has no place at all for most control characters and lone surrogates: they become U+FFFD.
    """
    return escape(_NOT_XML.sub("\ufffd", text), quote=True)
