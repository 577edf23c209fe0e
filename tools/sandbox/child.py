"""Start of the interpreter that runs candidates: ``python -s -P -S child.py CONTROL``, or without forks
``child.py FOLDER NUMBER...``.

It loads its parts from the files beside it and nothing else of codegrove: packages are stood in for by empty
modules, so no ``__init__`` is executed. Afterwards all of them are taken out of `sys.modules`; a candidate
cannot import them. CONTROL is the number of an inherited unix socket, see `child_supervise`. For the others see
`child_fresh`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from types import ModuleType

PRELOADED = (
    *("abc", "ast", "bisect", "collections", "copy", "dataclasses", "datetime", "enum", "functools", "heapq"),
    *("itertools", "linecache", "math", "operator", "random", "re", "string", "threading", "typing"),
)
"""Imported once, so that programs need not wait for them. Their names stay unbound in programs."""

_NEEDED = ("atexit", "contextlib", "ctypes", "gc", "json", "resource", "select", "signal", "struct")
"""What the parts import. Before them: objects that come into being one after another lie beside each other, and
the fewer pages of memory a forked process writes to, the fewer have to be copied for it."""


def main() -> None:
    """Load the parts, then serve until the socket is closed."""
    for name in (*PRELOADED, *_NEEDED):
        with suppress(ImportError):  # not every platform has all that the parts can use
            import_module(name)
    here = os.path.dirname(os.path.abspath(__file__))
    stand_ins = {
        "codegrove": [],
        "codegrove.tools": [os.path.dirname(here)],
        "codegrove.tools.sandbox": [here],
    }
    for name, folders in stand_ins.items():
        package = ModuleType(name)
        package.__path__ = folders
        sys.modules[name] = package

    if len(sys.argv) == 2:
        from codegrove.tools.sandbox.child_supervise import serve

        start: Callable[[], None] = partial(serve, int(sys.argv[1]))
    else:
        from codegrove.tools.sandbox.child_fresh import do_one_job

        start = partial(do_one_job, sys.argv[1], [int(number) for number in sys.argv[2:]])
    for name in [name for name in sys.modules if name.split(".")[0] == "codegrove"]:
        del sys.modules[name]
    sys.dont_write_bytecode = True  # runs have nowhere to write it to
    start()


if __name__ == "__main__":
    main()
