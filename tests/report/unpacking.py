"""Reads a report's data back, as the page does."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any


def payload(html: str) -> dict[str, Any]:
    """Return the data inside a page."""
    found = re.search(r'<script type="application/gzip" id="data">([^<]*)</script>', html)
    assert found is not None
    content: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return content


def text(content: dict[str, Any], number: int) -> str:
    """Put a text together from its lines."""
    return "\n".join(content["lines"][line] for line in content["texts"][number])
