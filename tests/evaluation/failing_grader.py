"""A grading process that dies over some programs, and says of all others that they pass.

The program ``DIE`` kills it; ``DIE ONCE path`` and ``WAIT ONCE path`` kill it or get no answer only as long as
there is no file at the path. Over ``TALK NONSENSE`` it does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from codegrove.store.coding import encode_verdict
from codegrove.verdict import Status, TestResult, Verdict


def main() -> None:
    """Serve."""
    print(json.dumps({"level": "basic"}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        program = request.get("program", "")
        what, _, marker = program.partition(" ONCE ")
        first = not marker or not Path(marker).exists()
        if marker:
            Path(marker).touch()
        if what == "TALK NONSENSE":
            print("what?", flush=True)
        if what == "DIE" and first:
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "WAIT" and first:
            continue
        if "id" in request:
            result = TestResult(status=Status.PASSED)
            verdict = encode_verdict(Verdict(status=Status.PASSED, results=(result,)))
            print(json.dumps({"id": request["id"], "verdict": verdict}), flush=True)


if __name__ == "__main__":
    main()
