"""Kills searches in every way and checks what is left: the measuring half of the crash suite.

python -P -m tests.crash.campaign [--random 50] [--every 1]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from codegrove import Run
from codegrove.search.tree import SearchTree
from codegrove.store.database import open_for_reading

ROOT = Path(__file__).resolve().parents[2]
RECIPES = {
    "loop": {"policy.repairs": 6},
    "codetree": {},
    "uct": {"policy.expansions": 16},
}
LATENCY = 0.002


@dataclass
class Zygote:
    """A process that forks searches."""

    process: subprocess.Popen[str]

    def run(self, **job: Any) -> dict[str, Any]:
        """Do one job and return how it ended."""
        stdin, stdout = _pipe(self.process.stdin), _pipe(self.process.stdout)
        stdin.write(json.dumps(job) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


@contextmanager
def zygote() -> Iterator[Zygote]:
    """Start one, and end it."""
    command = [sys.executable, "-P", "-m", "tests.crash.zygote"]
    paths = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=paths
    ) as process:
        yield Zygote(process)
        _pipe(process.stdin).close()


@dataclass
class Trial:
    """One run directory that is killed and resumed until it is done."""

    zygote: Zygote
    folder: Path
    recipe: str
    workers: int
    lost: Counter[str] = field(default_factory=Counter)
    """Paid for but not on record when the process died: in the air, hence bought again."""
    kills: int = 0
    before: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def out(self) -> Path:
        """The run directory."""
        return self.folder / "run"

    def go(self, **how: Any) -> int:
        """Run or resume; return the exit code."""
        answer = self.zygote.run(
            recipe=self.recipe,
            workers=self.workers,
            overrides=RECIPES[self.recipe],
            latency=LATENCY if self.workers > 1 else 0.0,
            out=str(self.out),
            ledger=str(self.folder / "ledger"),
            log=str(self.folder / "log"),
            **how,
        )
        return int(answer["status"])

    def paid(self) -> Counter[str]:
        """What is on the ledger."""
        path = self.folder / "ledger"
        return Counter(path.read_text().splitlines()) if path.exists() else Counter()

    def recorded(self) -> Counter[str]:
        """What is in the record, in the ledger's words."""
        found: Counter[str] = Counter()
        with closing(open_for_reading(self.out)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            found.update(f"call {key.hex()}" for (key,) in connection.execute("SELECT key FROM calls"))
        found.update(
            f"execution {hashlib.sha256(item.program.encode()).hexdigest()}"
            for item in Run.open(self.out).executions
        )
        return found

    def after_a_kill(self) -> None:
        """Look at what the dead process left."""
        self.kills += 1
        if not (self.out / "run.sqlite").exists():
            assert not self.paid(), "something was paid before there was a record"
            return
        run = Run.open(self.out)
        missing = self.paid() - self.lost - self.recorded()
        in_the_air = sum(missing.values())
        assert in_the_air <= self.workers, f"{in_the_air} answers were lost at once"
        self.lost += missing
        self.before = self._unchanged(run)

    def at_the_end(self) -> Run:
        """Check the finished run."""
        run = Run.open(self.out)
        recorded = self.recorded()
        assert self.paid() - self.lost == recorded, "something was paid twice, or is not on record"
        assert run.spend.calls == sum(n for key, n in recorded.items() if key.startswith("call"))
        self._unchanged(run)
        return run

    def _unchanged(self, run: Run) -> list[tuple[Any, ...]]:
        nodes = signature(run.tree, sums=False)
        for before, now in zip_longest(self.before, nodes[: len(self.before)]):
            # A reflection gets its program later; what is there stays.
            kept = now is not None and all(old in (None, new) for old, new in zip(before, now, strict=True))
            assert kept, f"a node was lost or changed: {before} became {now}"
        return nodes


def signature(tree: SearchTree, *, sums: bool = True) -> list[tuple[Any, ...]]:
    """What makes two trees the same: everything but running times; or what never changes once a node is there."""
    return [
        (
            node.id,
            node.parents,
            node.kind,
            node.text,
            node.program.program if node.program else None,
            [result.status for result in node.verdict.results] if node.verdict else None,
            *((node.prior, node.reward, node.visits, node.total, node.pending) if sums else ()),
        )
        for node in tree
    ]


@dataclass
class Reference:
    """The uninterrupted run of a recipe."""

    run: Run
    events: int
    seconds: float


def reference(server: Zygote, folder: Path, recipe: str, workers: int) -> Reference:
    """Run once without a kill."""
    trial = Trial(server, _fresh(folder), recipe, workers)
    started = time.monotonic()
    assert trial.go() == 0, (trial.folder / "log").read_text()
    seconds = time.monotonic() - started
    told = json.loads((trial.folder / "log").read_text().splitlines()[-1])
    run = trial.at_the_end()
    assert len(run.tree) > 3
    return Reference(run, told["events"], seconds)


def check(trial: Trial, known: Reference) -> None:
    """Finish a trial and compare it with the uninterrupted run."""
    code = trial.go()
    assert code == 0, (trial.folder / "log").read_text()
    run = trial.at_the_end()
    if trial.workers == 1:
        assert signature(run.tree) == signature(known.run.tree)
        assert run.answer == known.run.answer
        assert (run.solution.result, run.reason) == (known.run.solution.result, known.run.reason)
        assert (
            run.spend.executions
            - sum(count for key, count in trial.lost.items() if key.startswith("execution"))
            <= known.run.spend.executions
        )
        assert run.spend.calls == known.run.spend.calls
    shutil.rmtree(trial.folder)


def at_every_event(
    server: Zygote, folder: Path, recipe: str, workers: int, known: Reference, *, every: int, offset: int = 0
) -> int:
    """Kill at each event (or each n-th) of a run, resume, compare; return the number of kills."""
    kills = 0
    for event in range(1 + offset % every, known.events + 1, every):
        trial = Trial(server, _fresh(folder), recipe, workers)
        if trial.go(die_at=event) == 0:
            continue  # with several workers the last events may not come
        trial.after_a_kill()
        kills += trial.kills
        check(trial, known)
    return kills


def at_random(
    server: Zygote, folder: Path, recipe: str, workers: int, known: Reference, *, kills: int, seed: int
) -> int:
    """Kill at random moments, several times in one run, until so many kills have hit."""
    rng = random.Random(seed)
    hit = 0
    while hit < kills:
        trial = Trial(server, _fresh(folder), recipe, workers)
        for _ in range(3):
            if trial.go(kill_after=rng.uniform(0.0, known.seconds)) == 0:
                break
            trial.after_a_kill()
        hit += trial.kills
        check(trial, known)
    return hit


def campaign(*, random_kills: int, every: int, seed: int = 0) -> None:
    """Run the suite and print one line per recipe and number of workers."""
    started = time.monotonic()
    total = 0
    with zygote() as server, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for workers in (1, 8):
            for recipe in RECIPES:
                known = reference(server, folder, recipe, workers)
                random_hits = at_random(
                    server, folder, recipe, workers, known, kills=-(-random_kills // 6), seed=seed
                )
                event_hits = at_every_event(server, folder, recipe, workers, known, every=every)
                total += random_hits + event_hits
                print(
                    f"{recipe:<9} {workers} workers: {len(known.run.tree)} nodes, {known.events} events;"
                    f" {event_hits} kills at events, {random_hits} at random moments: nothing lost",
                    flush=True,
                )
    print(f"{total} kills, {time.monotonic() - started:.0f} s")


def _fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def main() -> None:
    """Read the options and run."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--random", type=int, default=50, help="kills at random moments")
    options.add_argument("--every", type=int, default=1, help="kill at each n-th event")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    campaign(random_kills=given.random, every=given.every, seed=given.seed)


if __name__ == "__main__":
    main()
