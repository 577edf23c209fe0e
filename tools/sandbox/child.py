"""Start of the interpreter that runs candidates: ``python -s -P -S -B child.py CONTROL``.

It loads its parts from the files beside it and nothing else of codegrove: packages are stood in for by empty
modules, so no ``__init__`` is executed. Afterwards all of them are taken out of `sys.modules`; a candidate
cannot import them. CONTROL is the number of an inherited unix socket, see `child_supervise`.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType


def main() -> None:
    """Load the parts, then serve until the socket is closed."""
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

    from codegrove.tools.sandbox.child_supervise import serve

    for name in [name for name in sys.modules if name.split(".")[0] == "codegrove"]:
        del sys.modules[name]
    serve(int(sys.argv[1]))


if __name__ == "__main__":
    main()
