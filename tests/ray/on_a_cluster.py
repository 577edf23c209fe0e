"""What `tests.ray.trial` runs: evaluations on a Ray cluster of two nodes with one processor each.

python -P -m tests.ray.on_a_cluster FOLDER
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock
from typing import Any

from codegrove import Budget, evaluate
from codegrove.errors import UsageError
from codegrove.evaluation.directory import Evaluation, load_evaluation
from codegrove.models.port import Request
from codegrove.models.scripted import ScriptedModel
from tests.support.small_benchmark import without_times

IDS = ["rotate-ring", "lift-log", "merge-shifts"]
RECIPES = ["direct", "loop"]
MODEL = "sim:pass_rate=0.3,broken=0"
ATTEMPTS = len(IDS) * len(RECIPES) * 2
PATIENCE = 90.0
MARK = "CODEGROVE_TRIAL"
"""Set for all processes of the trial; others on this machine are none of its business."""
GRADER = b"codegrove.evaluation.grader"
MAKER = b"ray::RemoteMaker"


def attempts(out: Path, engine: str, **changes: Any) -> Evaluation:
    """Evaluate, or go on."""
    given = {"ids": IDS, "seeds": [0, 1], "budget": Budget(calls=6), "model": MODEL, **changes}
    return evaluate("bundled", RECIPES, out=out, engine=engine, **given)


def rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The rows, apart from times, in one order."""
    ordered = sorted(evaluation.results, key=lambda row: (row.recipe, row.problem, row.seed))
    return [without_times(row.model_dump()) for row in ordered]


def runs(out: Path) -> set[str]:
    """Files of the runs, relative to the evaluation."""
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def command(out: Path, *more: str) -> list[str]:
    """The same evaluation as a command, with answers that take a while."""
    options = [part for problem in IDS for part in ("--id", problem)]
    options += [part for recipe in RECIPES for part in ("-r", recipe)]
    options += ["--seeds", "2", "--max-calls", "6", "--out", str(out), *more]
    slow = f"{MODEL},latency=0.25"
    program = "from codegrove.cli import main; main()"
    return [sys.executable, "-P", "-c", program, "eval", "bundled", "-m", slow, *options]


def processes(text: bytes) -> set[int]:
    """Ids of the processes of this trial whose command line has a text."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            ours = os.environ[MARK].encode() in (path.parent / "environ").read_bytes()
            if ours and text in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def wait_for(condition: Any, what: str, process: subprocess.Popen[str] | None = None) -> None:
    """Wait until something is so, as long as a process is there."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end and (process is None or process.poll() is None), f"{what}: never"
        time.sleep(0.1)


def same_as_local(folder: Path, local: Evaluation) -> None:
    """Rows and run directories are those of the local engine; a finished evaluation calls nobody."""
    out = folder / "ray"
    found = attempts(out, "ray")
    assert len(found.results) == ATTEMPTS
    assert rows(found) == rows(local)
    assert runs(out) == runs(local.path)
    assert attempts(out, "ray", model=MODEL).results == found.results


def sweep_holds(folder: Path, local: Evaluation) -> None:
    """No more calls than allowed in all; the local engine goes on and comes to the same end."""
    out, most = folder / "sweep", 11
    found = attempts(out, "ray", sweep=Budget(calls=most))
    assert 0 < len(found.results) < ATTEMPTS
    spent = sum(row.calls for row in found.results)
    assert most - 6 < spent <= most, spent
    assert rows(attempts(out, "local", sweep=Budget())) == rows(local)


def refusals(folder: Path) -> None:
    """Bad settings have one message each, and nothing is made."""
    lock = Lock()

    def unsendable(request: Request) -> str:
        with lock:
            return "x"

    for changes, told in (
        ({"sweep": Budget(tokens=9)}, "all attempts together are limited in tokens, and an attempt"),
        ({"model": ScriptedModel(unsendable)}, "cannot be sent"),
    ):
        try:
            attempts(folder / "refused", "ray", **changes)
        except UsageError as error:
            assert told in str(error), error
        else:
            raise AssertionError(f"not refused: {changes}")
        assert not (folder / "refused" / "runs").exists()


def interrupted_and_lost(folder: Path, address: str) -> None:
    """Ctrl-C ends the command and all its processes; a lost process costs one attempt its end, no answer."""
    out = folder / "interrupted"
    environment = {**os.environ, "RAY_ADDRESS": address}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(out, "--engine", "ray"),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def made() -> int:
        results = out / "results.jsonl"
        return results.read_bytes().count(b"\n") if results.exists() else 0

    with start() as process:
        wait_for(lambda: made() >= 2, "two attempts", process)
        assert len(processes(GRADER)) == 2, "a grading process for each actor"
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert "stopped: interrupted; the same command goes on" in said
    assert "Traceback" not in said, said
    first = made()
    assert first < ATTEMPTS
    wait_for(lambda: not processes(GRADER) and not processes(MAKER), "processes have ended")

    with start() as process:
        wait_for(lambda: made() > first, "one more attempt", process)
        os.kill(min(processes(MAKER)), signal.SIGKILL)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, said
    assert "its process was lost" in said, said
    assert made() == ATTEMPTS - 1, said
    done = subprocess.run(command(out), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    slow = attempts(folder / "slow", "local", model=f"{MODEL},latency=0.25", jobs=6)
    assert rows(load_evaluation(out)) == rows(slow)


def main() -> None:
    """Start the cluster and try everything on it."""
    folder = Path(sys.argv[1])
    os.environ[MARK] = str(folder)
    ray = importlib.import_module("ray")
    cluster_utils = importlib.import_module("ray.cluster_utils")
    small = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=small)
    try:
        del small["include_dashboard"]
        cluster.add_node(**small)
        ray.init(address=cluster.address, logging_level="ERROR")
        assert sum(node["Alive"] for node in ray.nodes()) == 2
        local = attempts(folder / "local", "local")
        for step in (same_as_local, sweep_holds):
            step(folder, local)
            print(f"{step.__name__}: fine", flush=True)
        refusals(folder)
        ray.shutdown()
        interrupted_and_lost(folder, cluster.address)
        print("interrupted_and_lost: fine", flush=True)
    finally:
        ray.shutdown()
        cluster.shutdown()
    print(json.dumps({"attempts": ATTEMPTS}))


if __name__ == "__main__":
    main()
