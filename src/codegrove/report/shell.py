"""The page around a report: one self-contained HTML file that runs nothing but its own hashed scripts."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

_NOT_TEXT = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
COMPRESSION = 6
"""gzip level: 9 takes three times as long for 2 % less."""


def page(*, title: str, payload: str, scripts: Sequence[str], styles: Sequence[str], plain: str) -> str:
    """Return a whole HTML document.

    The payload travels compressed in a script element of a type that no browser executes. The page's policy
    allows its own inline scripts and styles by their hashes and nothing else: no other script, no request of
    any kind, no form, and no text that is turned into markup (trusted types).

    Args:
        title: of the window.
        payload: what the scripts show, as ASCII JSON.
        scripts: files of this package, in the order they run; all but those in ``vendor/`` share one scope.
        styles: files of this package.
        plain: what readers without JavaScript see.
    """
    vendored = [asset(name) for name in scripts if name.startswith("vendor/")]
    own = "\n".join(asset(name) for name in scripts if not name.startswith("vendor/"))
    code = [*vendored, f'(() => {{\n"use strict";\n{own}\n}})();\n']
    style = "\n".join(asset(name) for name in styles)
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, code))}",
            f"style-src {_hash(style)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )
    packed = base64.encodebytes(gzip.compress(payload.encode("ascii"), COMPRESSION, mtime=0)).decode("ascii")
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="color-scheme" content="light dark">\n',
            f"<title>{as_text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n",
            f"<noscript><pre>{as_text(plain)}</pre></noscript>\n",
            f'<script type="application/gzip" id="data">\n{packed}</script>\n',
            *(f"<script>{script}</script>\n" for script in code),
            "</body>\n</html>\n",
        ]
    )


@cache
def asset(name: str) -> str:
    """Return a file of this package as text."""
    return files("codegrove.report").joinpath(name).read_text(encoding="utf-8")


def as_text(text: str) -> str:
    """Escape for HTML; what is no character, or would turn the direction of the text, becomes a sign for it."""
    return escape(
        _DIRECTIONS.sub("\N{REPLACEMENT CHARACTER}", _NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", text))
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
