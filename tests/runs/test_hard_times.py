"""Disks, models and sandboxes fail under a recorded run: it ends with a correct record and a clear reason."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from codegrove import Budget, Run, load_problems, solve
from codegrove.errors import ModelError, RunError, UsageError
from codegrove.models.port import Request
from codegrove.models.scripted import Answer, ScriptedModel
from codegrove.outcome import Outcome
from codegrove.search.chain import Chain, ChainSettings
from codegrove.search.policy import Expansion
from codegrove.search.registry import POLICIES, PolicyKind
from codegrove.search.tree import SearchTree
from codegrove.tools.sandbox import make_sandbox
from codegrove.tools.sandbox.scripted import ScriptedSandbox
from tests.runs.test_directory import TASK, answer, grow, shape, share

ROOT = Path(__file__).resolve().parents[2]

FULL = """
import json, sys
sys.path[:0] = [{src!r}, {root!r}]
from pathlib import Path
from codegrove import Run
from tests.runs.test_directory import grow
out = Path(sys.argv[1]) / "run"
filler = Path(sys.argv[1]) / "filler"
first = grow(out, 30)
(out.parent / "filler").unlink(missing_ok=True)
recorded = len(Run.open(out).calls)
second = grow(out, 30)
print(json.dumps({{"first": [first.reason, first.program is not None, first.spend.calls], "recorded": recorded,
    "second": [second.reason, second.spend.calls], "calls": len(Run.open(out).calls)}}))
"""


def on_a_small_disk(tmp_path: Path, source: str, mount: str) -> str:
    """Run Python in a mount namespace with a file system of its own; return what it prints."""
    script, disk = tmp_path / "script.py", tmp_path / "disk"
    script.write_text(source.format(src=str(ROOT / "src"), root=str(ROOT)))
    disk.mkdir()
    unshare = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.geteuid() else [])]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("needs a mount namespace for a disk of its own")
    commands = f"{mount.format(disk=disk)} && exec {sys.executable} -P {script} {disk}"
    done = subprocess.run([*unshare, "sh", "-c", commands], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(tmp_path: Path) -> None:
    """The filler leaves room for the beginning only."""
    mount = "mount -t tmpfs -o size=1m tmpfs {disk} && head -c 780000 /dev/zero > {disk}/filler"
    said = on_a_small_disk(tmp_path, FULL, mount)
    told = json.loads(said.splitlines()[-1])
    reason, program, calls = told["first"]
    assert "the run directory cannot be written" in reason
    assert "full" in reason
    assert program
    assert 0 < told["recorded"] <= calls < 30
    # The next run has room, pays for the rest, and for what could not be recorded.
    assert told["second"][1] == told["calls"] == 30


READ_ONLY = """
import sys
sys.path[:0] = [{src!r}, {root!r}]
from pathlib import Path
from codegrove.errors import UsageError
from codegrove.models.scripted import ScriptedModel
from tests.runs.test_directory import answer, grow
model = ScriptedModel(answer)
try:
    grow(Path(sys.argv[1]) / "run", 3, model=model)
except UsageError as error:
    print(error, len(model.requests))
"""


def test_a_read_only_disk_is_refused_before_anything_is_paid(tmp_path: Path) -> None:
    said = on_a_small_disk(tmp_path, READ_ONLY, "mount -t tmpfs -o ro tmpfs {disk}")
    assert said.startswith("cannot write to")
    assert said.endswith("Read-only file system; name a directory you may write to 0\n")


def test_a_place_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write to"):
        grow(tmp_path / "file" / "run", 3)
    with pytest.raises(UsageError, match="cannot write to"):
        grow(Path("/proc/run"), 3)


def test_a_read_only_run_can_be_read(tmp_path: Path) -> None:
    grow(tmp_path / "run", 5)
    for path in (*(tmp_path / "run").iterdir(), tmp_path / "run"):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
        assert len(Run.open(tmp_path / "run").calls) == 5
        assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == before
    finally:
        (tmp_path / "run").chmod(0o700)


def test_a_model_that_fails_in_six_ways_leaves_a_correct_record(tmp_path: Path) -> None:
    rng = random.Random(1)
    ways: list[Answer] = [
        ModelError("overloaded", kind="server"),
        ModelError("cut off", kind="connection"),
        ModelError("too slow", kind="timeout"),
        ModelError("will not", kind="refused"),
        "Sorry, I have no program for you.",
        "```python\ndef f(x:\n```",
    ]
    sent: Counter[str] = Counter()

    def moody(request: Request) -> Answer:
        if rng.random() < 0.3:
            way = ways[sum(sent.values()) % len(ways)]
            sent[str(way)] += 1
            return way
        sent["good"] += 1
        return answer(request)

    solution = grow(tmp_path / "run", 40, model=ScriptedModel(moody), workers=4)
    run = Run.open(tmp_path / "run")
    assert run.finished or solution.reason.startswith("budget"), solution.reason
    assert len(sent) > 4
    assert len(run.calls) == sum(sent.values()) == solution.spend.calls
    errors = Counter(call.error for call in run.calls if call.error)
    assert errors == {
        key: n for key, n in sent.items() if key in ("overloaded", "cut off", "too slow", "will not")
    }
    assert shape(run) == shape(solution)


def test_a_killed_sandbox_worker_judges_nobody_wrong(tmp_path: Path) -> None:
    """The interpreters that wait for programs are killed in the middle of a search."""
    sandbox = make_sandbox("basic", workers=1)
    problem = load_problems("bundled").by_id("merge-shifts")
    calls = 0

    def killing(request: Request) -> str:
        nonlocal calls
        calls += 1
        if calls == 3:
            for child in _children_of_this_process():
                os.kill(child, signal.SIGKILL)
        program = problem.reference.replace("return", f"unused = {calls}\n    return", 1)
        return f"```python\n{program}\n```"

    solution = solve(
        problem.task,
        "uct",
        out=tmp_path / "run",
        model=ScriptedModel(killing),
        sandbox=sandbox,
        overrides={"policy.expansions": 5, "policy.stop_at_pass": False},
        budget=Budget(calls=5),
    )
    statuses = {item.status for item in Run.open(tmp_path / "run").executions}
    assert statuses <= {"passed", "unjudged"}
    assert solution.solved


def _children_of_this_process() -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat[1]) == os.getpid() and b"sandbox" in command:
                found.append(int(entry.name))
    return found


def test_a_second_process_sees_the_lock_of_a_living_one_only(tmp_path: Path) -> None:
    """The lock of a killed process is gone with it."""
    out = tmp_path / "run"
    grow(out, 2)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-c",
            "import sys, time; from pathlib import Path; from codegrove.store.database import locked\n"
            "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)",
            str(out),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(RunError, match="another process works on the run"):
        grow(out, 4)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert grow(out, 4).spend.calls == 4


def test_a_scripted_sandbox_gives_the_same_share_in_any_process() -> None:
    """What the equality of resumed runs rests on in these tests."""
    program = "def f(x):\n    return x\n"
    expected = int(hashlib.sha256(program.encode()).hexdigest()[:4], 16) % 4 / 4
    assert share(program, TASK.tests) == expected
    assert ScriptedSandbox(share).level


class Spoiling(Chain):
    """Puts something into the tree that no report can hold."""

    def tell(self, tree: SearchTree, expansion: Expansion, outcome: Outcome) -> None:
        """Spoil the root."""
        super().tell(tree, expansion, outcome)
        tree.root.review = cast("str", 5)


def test_a_report_that_cannot_be_made_loses_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(POLICIES, "chain", PolicyKind(ChainSettings, Spoiling))
    problem, out = load_problems("bundled").by_id("rotate-ring"), tmp_path / "run"
    solution = solve(problem, "loop", model="sim:pass_rate=1", sandbox="basic", out=out)
    assert solution.program is not None
    assert solution.reason.startswith("error: how the run ended cannot be written whole: TypeError")
    assert (out / "solution.py").read_text().strip() == solution.program.strip()
    assert not list(out.glob("*report*"))
