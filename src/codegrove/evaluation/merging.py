"""Several evaluation directories, the shards of one evaluation say, put together into one."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codegrove.errors import EvaluationError, UsageError
from codegrove.evaluation.attempts import Attempt
from codegrove.evaluation.directory import LOCK, Evaluation, ResultWriter, held, load_evaluation
from codegrove.evaluation.results import Arm, EvalHeader, EvalResult
from codegrove.store import atomic, database

_Key = tuple[str, str, int, int]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What was put together."""

    evaluation: Evaluation
    missing: tuple[Attempt, ...]
    """Attempts that no directory has a row for."""
    identical: int
    """Attempts that several directories have the same row for."""
    replaced: tuple[Attempt, ...]
    """Attempts that several directories have different rows for; the row given last counts."""


def merge(out: str | Path, folders: Sequence[str | Path], *, runs: bool = True) -> Merged:
    """Put evaluations of the same benchmark, budget and recipes together into a new directory.

    Recorded runs are copied, those included that are not at their end: the new directory is an evaluation of its
    own, and the same `eval` command without ``--shard`` goes on in it without touching the old ones.

    Args:
        out: a directory that does not exist yet, or is empty.
        folders: evaluation directories; of different rows for one attempt the last counts.
        runs: whether to copy the recorded runs.

    Raises:
        UsageError: if they do not belong together, or `out` is in use.
        EvaluationError: if one cannot be read, is being written, or `out` cannot be written; then there is no
            `out`.
        RunError: if another process works on one of the runs.
    """
    target = Path(out)
    if not folders:
        raise UsageError("nothing to merge; name the directories")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists; name a new directory for the merged evaluation")
    if len({Path(folder).resolve() for folder in folders}) < len(folders):
        raise UsageError("a directory is named twice")
    with contextlib.ExitStack() as closing:
        # Nobody may write to them while they are copied.
        shards = [_hold(Path(folder), closing) for folder in folders]
        header = _common_header(shards)
        rows: dict[_Key, tuple[EvalResult, Path]] = {}
        identical: set[_Key] = set()
        replaced: set[_Key] = set()
        for shard in shards:
            for row in shard.results:
                key = (row.recipe, row.problem, row.seed, row.sample)
                if key in rows:
                    (identical if rows[key][0] == row else replaced).add(key)
                rows[key] = (row, shard.path)
        wanted = [
            (recipe, problem, seed, sample)
            for problem, seed, sample, recipe in itertools.product(
                header.problems, header.seeds, range(header.samples), header.recipes
            )
        ]
        order = {key: number for number, key in enumerate(wanted)}
        with _appearing(target) as new, ResultWriter(new, header) as writer:
            if runs:
                _copy_runs(shards, new, {_attempt(key): home for key, (_, home) in rows.items()}, wanted)
            for key in sorted(rows, key=lambda key: order.get(key, len(order))):
                writer.append(rows[key][0])
            writer.note_seconds(sum(shard.seconds for shard in shards))
    return Merged(
        evaluation=load_evaluation(target),
        missing=tuple(dict.fromkeys(_attempt(key) for key in wanted if key not in rows)),
        identical=len(identical - replaced),
        replaced=tuple(dict.fromkeys(_attempt(key) for key in sorted(replaced, key=str))),
    )


@contextlib.contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """Give a directory to fill that becomes `target` when the block ends well; else nothing is left of it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rmdir()
        with atomic.replacing(target) as new:
            yield new
    except OSError as error:
        raise EvaluationError(
            f"cannot write to {target}: {error.strerror or error}; name a new directory where you may write"
        ) from None


def _hold(folder: Path, closing: contextlib.ExitStack) -> Evaluation:
    """Keep others from writing to an evaluation, and read it."""
    load_evaluation(
        folder
    )  # says what is wrong with a directory of something else, before a lock is put there
    if _can_be_locked(folder / LOCK):
        try:
            closing.enter_context(held(folder))
        except OSError as error:
            raise EvaluationError(f"cannot lock {folder}: {error.strerror or error}") from None
    return load_evaluation(folder)


def _can_be_locked(lock: Path) -> bool:
    """Whether a lock can be had: not on a medium that is read only, where nobody here can write either."""
    return os.access(lock if lock.exists() else lock.parent, os.W_OK)


def _common_header(shards: Sequence[Evaluation]) -> EvalHeader:
    """Return the header of all together.

    Raises:
        UsageError: if they are not parts of one evaluation.
    """
    first = shards[0]
    arms: dict[str, tuple[Arm, Path]] = {}
    for shard in shards:
        for what in ("benchmark_fingerprint", "budget", "samples"):
            found, expected = getattr(shard.header, what), getattr(first.header, what)
            if found != expected:
                raise UsageError(
                    f"{shard.path} and {first.path} do not belong together: {what.replace('_', ' ')} is {found!r}"
                    f" in the one and {expected!r} in the other; compare takes both"
                )
        if set(shard.header.recipes) != set(first.header.recipes):
            raise UsageError(
                f"{shard.path} has recipes {', '.join(shard.header.recipes)}, and {first.path} has"
                f" {', '.join(first.header.recipes)}; compare takes both"
            )
        for row in shard.results:
            arm, home = arms.setdefault(row.recipe, (row.arm, shard.path))
            if arm.key != row.arm.key:
                raise UsageError(
                    f"{shard.path} and {home} have attempts of recipe {row.recipe!r} under different conditions"
                    f" ({_differences(arm, row.arm)}); they are two methods, and compare takes both"
                )
    header = first.header
    return header.model_copy(
        update={
            "problems": tuple(dict.fromkeys(p for shard in shards for p in shard.header.problems)),
            "seeds": tuple(sorted({seed for shard in shards for seed in shard.header.seeds})),
            "sweep_budget": {},
            "shard": None,
        }
    )


def _differences(one: Arm, other: Arm) -> str:
    names = ("recipe_fingerprint", "models", "budget")
    return ", ".join(name.replace("_", " ") for name in names if getattr(one, name) != getattr(other, name))


def _attempt(key: _Key) -> Attempt:
    recipe, problem, seed, _ = key
    return Attempt(recipe, problem, seed)


def _copy_runs(
    shards: Sequence[Evaluation], target: Path, homes: dict[Attempt, Path], wanted: Sequence[_Key]
) -> None:
    """Copy each run from the directory whose row counts; without a row, from the last that has begun it."""
    for attempt in dict.fromkeys([*homes, *map(_attempt, wanted)]):
        sources = [homes[attempt]] if attempt in homes else [shard.path for shard in reversed(shards)]
        source = next((s / attempt.folder for s in sources if database.has_run(s / attempt.folder)), None)
        if source is None:
            continue
        # Somebody may resume a single run, whoever holds the evaluation.
        lockable = _can_be_locked(source / database.LOCK_NAME)
        with database.locked(source) if lockable else contextlib.nullcontext():
            try:
                _copy(source, target / attempt.folder)
            except (OSError, shutil.Error) as error:
                raise EvaluationError(
                    f"cannot copy {source}: {error}; merge again, without the runs (--no-runs) if there is no room"
                ) from None


def _copy(source: Path, target: Path) -> None:
    """Copy a run. The copy can be written, also where `source` cannot."""
    try:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.lock"))
    finally:
        for path in [target, *target.rglob("*")] if target.exists() else ():
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
