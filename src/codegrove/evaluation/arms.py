"""Sorts attempts into methods, names these, and finds what speaks against comparing them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codegrove.errors import UsageError
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.results import Arm, EvalResult

_SHOWN = 3
"""Problems, names or values listed before "and N more"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One arm with all its attempts."""

    label: str
    """Unique within a comparison: the recipe, and where that is not enough what sets it apart."""
    arm: Arm
    attempts: Mapping[str, tuple[EvalResult, ...]]
    """For each problem, in the order of the benchmark."""

    @property
    def results(self) -> list[EvalResult]:
        """All attempts."""
        return [result for attempts in self.attempts.values() for result in attempts]

    @property
    def conditions(self) -> tuple[object, ...]:
        """What must be equal for two methods to be ranked: benchmark, problems and limits."""
        arm = self.arm
        budget = tuple(sorted(arm.budget.items()))
        return (arm.benchmark_fingerprint, frozenset(self.attempts), budget)


def collect(evaluations: Sequence[Evaluation]) -> list[Method]:
    """Return every method of the evaluations, in the order in which they appear.

    Attempts of one arm in several directories (shards, further seeds) belong together, unless both hold the same
    attempt: then each directory is a method of its own.

    Raises:
        UsageError: if a directory is given twice or holds no results.
    """
    for path, count in Counter(evaluation.path.resolve() for evaluation in evaluations).items():
        if count > 1:
            raise UsageError(f"{path} is given {count} times; name every evaluation once")
    parts: dict[tuple[object, ...], list[tuple[Evaluation, list[EvalResult]]]] = defaultdict(list)
    for evaluation in evaluations:
        if not evaluation.results:
            raise UsageError(
                f"{evaluation.path} holds no results yet; let the evaluation finish an attempt first"
            )
        own: dict[tuple[object, ...], list[EvalResult]] = defaultdict(list)
        for result in evaluation.results:
            own[result.arm.key].append(result)
        for key, results in own.items():
            parts[key].append((evaluation, results))
    found: list[list[tuple[Evaluation, list[EvalResult]]]] = []
    for found_parts in parts.values():
        names = [(r.problem, r.seed, r.sample) for _, results in found_parts for r in results]
        found += [found_parts] if len(names) == len(set(names)) else [[part] for part in found_parts]
    labels = _labels([(part[0][1][0].arm, tuple(e.path for e, _ in part)) for part in found])
    return [_method(label, part) for label, part in zip(labels, found, strict=True)]


def groups(methods: Iterable[Method]) -> list[list[Method]]:
    """Return the methods that may be ranked against each other, all with their problems in the same order."""
    alike: dict[tuple[object, ...], list[Method]] = defaultdict(list)
    for method in methods:
        alike[method.conditions].append(method)
    return [
        [replace(m, attempts={p: m.attempts[p] for p in members[0].attempts}) for m in members]
        for members in alike.values()
    ]


def refusals(methods: Sequence[Method]) -> list[str]:
    """Say in words why not all methods can be ranked against each other; empty when they can."""
    found = []
    if len({m.arm.benchmark_fingerprint for m in methods}) > 1:
        names = {m.label: m.arm.benchmark for m in methods}
        if len(set(names.values())) > 1:
            found.append(f"the benchmarks differ: {_by_value(names)}")
        else:
            prints = {m.label: f"{m.arm.benchmark} {m.arm.benchmark_fingerprint[:8]}" for m in methods}
            found.append(f"the benchmark's contents differ: {_by_value(prints)}")
    everywhere = set.intersection(*(set(m.attempts) for m in methods))
    anywhere = {problem: None for m in methods for problem in m.attempts}
    if len(anywhere) > len(everywhere):
        counts = {m.label: f"{len(m.attempts)} problems" for m in methods}
        lacking = _some([problem for problem in anywhere if problem not in everywhere])
        found.append(f"the problems differ: {_by_value(counts)}; not in all of them: {lacking}")
    budgets = {m.label: budget_text(m.arm.budget) for m in methods}
    if len(set(budgets.values())) > 1:
        found.append(f"the budgets differ: {_by_value(budgets)}")
    return found


def warnings(methods: Sequence[Method], evaluations: Sequence[Evaluation]) -> list[str]:
    """Say in words what a reader must keep in mind."""
    found = [note for evaluation in evaluations for note in evaluation.notes]
    found += [text for evaluation in evaluations if (text := _unfinished(evaluation))]
    found += _differing("the seeds differ", methods, _seeds)
    uneven = [m.label for m in methods if len({len(a) for a in m.attempts.values()}) > 1]
    if uneven:
        found.append(f"not every problem has the same number of attempts: {_some(uneven)}")
    models = {m.label: models_text(m.arm.models) for m in methods}
    if len(set(models.values())) > 1:
        found.append(f"the models differ: {_by_value(models)}")
    if len({m.arm.simulated for m in methods}) > 1:
        simulated = _some([m.label for m in methods if m.arm.simulated])
        found.append(f"some are simulation and some are not; simulated: {simulated}")
    found += _differing("the sandbox levels differ", methods, lambda r: r.sandbox)
    found += _differing(
        "the numbers of workers differ, so seconds cannot be compared", methods, lambda r: r.workers
    )
    for method in methods:
        results = method.results
        kinds = {
            "could not be judged": sum(r.program is not None and r.hidden == "unjudged" for r in results),
            "were not graded": sum(r.program is not None and r.hidden is None for r in results),
        }
        found += [
            f"{method.label}: {count} of {len(results)} attempts {what}"
            for what, count in kinds.items()
            if count
        ]
    return found


def models_text(models: Mapping[str, str]) -> str:
    """Return the models in one line: one name where all actions share it, else the actions of each."""
    by_spec: dict[str, list[str]] = defaultdict(list)
    for action, spec in sorted(models.items()):
        by_spec[spec].append(action)
    if len(by_spec) <= 1:
        return next(iter(by_spec), "no model")
    return ", ".join(f"{spec} ({' '.join(actions)})" for spec, actions in sorted(by_spec.items()))


def budget_text(budget: Mapping[str, float]) -> str:
    """Return limits in one line."""
    return ", ".join(f"{limit:,.15g} {name}" for name, limit in sorted(budget.items())) or "no limit"


def _method(label: str, parts: Sequence[tuple[Evaluation, list[EvalResult]]]) -> Method:
    attempts: dict[str, list[EvalResult]] = defaultdict(list)
    for _, results in parts:
        for result in results:
            attempts[result.problem].append(result)
    listed = dict.fromkeys(problem for evaluation, _ in parts for problem in evaluation.header.problems)
    order = [problem for problem in listed if problem in attempts] + [p for p in attempts if p not in listed]
    return Method(
        label=label,
        arm=parts[0][1][0].arm,
        attempts={p: tuple(sorted(attempts[p], key=lambda r: (r.seed, r.sample))) for p in order},
    )


def _labels(found: Sequence[tuple[Arm, tuple[Path, ...]]]) -> list[str]:
    """Name each method by its recipe, and add models, limits, fingerprint or directory until all names differ."""
    labels = [arm.recipe for arm, _ in found]
    additions: list[Callable[[Arm, tuple[Path, ...]], str]] = [
        lambda arm, _: models_text(arm.models),
        lambda arm, _: budget_text(arm.budget),
        lambda arm, _: arm.benchmark,
        lambda arm, _: f"version {arm.recipe_fingerprint[:6]}",
        lambda _, paths: paths[0].name or str(paths[0]),
        lambda _, paths: str(paths[0]),
    ]
    for addition in additions:
        alike = {label for label, count in Counter(labels).items() if count > 1}
        for label in alike:
            members = [index for index, own in enumerate(labels) if own == label]
            added = [addition(*found[index]) for index in members]
            if len(set(added)) > 1:
                for index, more in zip(members, added, strict=True):
                    labels[index] = f"{label} · {more}"
    return labels


def _unfinished(evaluation: Evaluation) -> str:
    header, results = evaluation.header, evaluation.results
    number, of = header.shard or (1, 1)
    # Recipes and seeds may have been added after the header was written.
    recipes = {*header.recipes, *(result.recipe for result in results)}
    seeds = {*header.seeds, *(result.seed for result in results)}
    planned = len(header.problems[number - 1 :: of]) * len(recipes) * len(seeds) * header.samples
    there = len(results)
    return f"{evaluation.path} is not finished: {there} of {planned} attempts" if there < planned else ""


def _seeds(result: EvalResult) -> str:
    return f"{result.seed}" if not result.sample else f"{result.seed}/{result.sample}"


def _differing(what: str, methods: Sequence[Method], value: Callable[[EvalResult], object]) -> list[str]:
    values = {
        m.label: _some(sorted({str(value(r)) for r in m.results}, key=_natural), most=8) for m in methods
    }
    mixed = any("," in text for text in values.values()) and what != "the seeds differ"
    return [f"{what}: {_by_value(values)}"] if len(set(values.values())) > 1 or mixed else []


def _natural(text: str) -> tuple[int, str]:
    return (len(text), text)


def _by_value(values: Mapping[str, str]) -> str:
    """Return ``a, b: 20 calls; c: 50 calls``."""
    holders: dict[str, list[str]] = defaultdict(list)
    for label, value in values.items():
        holders[value].append(label)
    return "; ".join(f"{_some(labels)}: {value}" for value, labels in holders.items())


def _some(names: Sequence[str], most: int = _SHOWN) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
