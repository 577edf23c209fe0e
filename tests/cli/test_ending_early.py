"""The command line when it is interrupted, and when nobody reads what it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support.small_benchmark import humaneval_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes are of another kind there")


def start(*arguments: str | Path, unbuffered: bool = False, **how: Any) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    if unbuffered:
        environment["PYTHONUNBUFFERED"] = "1"
    code = "from codegrove.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE, **how)


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)


def test_an_interrupted_grade_leaves_nothing_behind(tmp_path: Path) -> None:
    problems = humaneval_file(tmp_path, size=1)
    samples = tmp_path / "samples.jsonl"
    rows = [{"task_id": "Sums/0", "completion": f"    while True: pass  # {n}\n"} for n in range(40)]
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    before = set(tmp_path.iterdir())
    process = start("grade", samples, "-p", problems, "-j", "1", stdout=subprocess.PIPE)
    wait_until(lambda: set(tmp_path.iterdir()) != before, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("unbuffered", [False, True])
def test_nobody_reads_what_is_printed(unbuffered: bool) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start("recipes", "list", unbuffered=unbuffered, stdout=writer)
    os.close(writer)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
def test_what_is_printed_cannot_be_written() -> None:
    full: IO[str]
    with open("/dev/full", "w") as full:
        process = start("recipes", "list", stdout=full)
        said = process.communicate(timeout=60)[1]
    assert said == "codegrove: cannot write to standard output: No space left on device\n"
    assert process.returncode == 1
