"""The program that executors start, as one text."""

from __future__ import annotations

import ast
import base64
import functools
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from codegrove.parsing import parse_python
from codegrove.tools.sandbox.environment import FIXED_ENVIRONMENT

_TOOLS = Path(__file__).parents[2]
_ROOTS = (
    "codegrove.tools.sandbox.remote.loader",
    "codegrove.tools.sandbox.remote.supervisor",
    "codegrove.tools.sandbox.child_run",
)
_OLDEST = (3, 11)

_TEXT = """\
import sys
if sys.version_info < {oldest}:
    sys.exit("codegrove needs Python {words} or newer here, found %d.%d" % sys.version_info[:2])
import base64, json, zlib
texts = json.loads(zlib.decompress(base64.b64decode({packed!r})))
scope = {{"__name__": "loader"}}
exec(texts["codegrove.tools.sandbox.remote.loader"], scope)
scope["begin"](texts)
from codegrove.tools.sandbox.remote.supervisor import main
main(texts, {environment!r})
"""


@functools.cache
def harness() -> str:
    """Return a program for Python 3.11 or newer that supervises one run, see `supervisor`.

    It is self-contained, the same for every run, needs the standard library only, and short enough (under 100,000
    characters) to be an argument of a command.
    """
    packed = base64.b64encode(zlib.compress(json.dumps(_texts()).encode(), 9)).decode()
    words = ".".join(map(str, _OLDEST))
    return _TEXT.format(oldest=_OLDEST, words=words, packed=packed, environment=FIXED_ENVIRONMENT)


def _texts() -> dict[str, str]:
    """Return the modules that a run needs, found by their imports."""
    found: dict[str, str] = {}
    waiting = list(_ROOTS)
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if name not in found and path.is_file():
            found[name] = path.read_text(encoding="utf-8")
            waiting += _imports(found[name])
    return found


def _path(name: str) -> Path:
    return _TOOLS.joinpath(*name.split(".")[2:]).with_suffix(".py")


def _imports(text: str) -> Iterator[str]:
    """Yield names that may be modules of this package."""
    for node in ast.walk(parse_python(text)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("codegrove.tools"):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
