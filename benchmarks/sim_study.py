"""All recipes on the bundled problems at equal call budgets, with the simulated programmer: docs/sim-study.md.

A simulation. It shows what controllers make of a programmer whose rates are known, and says nothing about language
models. Attempts are made by `codegrove.evaluate`, one evaluation directory for each budget, and every figure comes
from `codegrove.compare`; this file only chooses what to run and writes the page.

    python -P benchmarks/sim_study.py --out sim-study [--quick] [--page FILE] [--jobs 2]

The same command goes on where it was ended. ``--quick`` takes a few problems, one seed and two budgets: about
half a minute on two cores. The whole study takes about ten minutes there.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from codegrove import Budget, Recipe, compare, evaluate, load_problems, load_recipe
from codegrove.evaluation.comparison import Comparison
from codegrove.evaluation.directory import Evaluation
from codegrove.evaluation.drawing import svg
from codegrove.evaluation.summary import Cost, Summary
from codegrove.models.sim import SimSkill

ROOT = Path(__file__).resolve().parents[1]
RECIPES = tuple(sorted(path.stem for path in (ROOT / "graphs" / "recipes").glob("*.yaml")))
MODEL = "sim:"
PICTURE = "sim-study.svg"
COMMAND = "python -P benchmarks/sim_study.py"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is run."""

    budgets: tuple[int, ...]
    """Calls of one attempt; one evaluation for each."""
    seeds: tuple[int, ...]
    every: int
    """Every so many-th of the bundled problems."""

    @property
    def problems(self) -> list[str]:
        """Ids of the problems."""
        return list(load_problems("bundled").ids[:: self.every])


FULL = Setting(budgets=(4, 8, 16), seeds=(0, 1), every=1)
QUICK = Setting(budgets=(4, 16), seeds=(0,), every=14)


def fitted(name: str, calls: int) -> Recipe:
    """Return a recipe as it makes sense with so many calls.

    Only `codet` is told: half of its calls draw programs, the other half tests to choose by. So it draws all that
    it planned to, where with its own numbers a small budget would end it.
    """
    overrides = [f"policy.programs={calls // 2}", f"policy.test_answers={calls // 2}"]
    return load_recipe(name, overrides=overrides if name == "codet" else ())


def run(setting: Setting, out: Path, jobs: int) -> dict[int, Evaluation]:
    """Make the attempts that are not on record, and return the evaluations by budget."""
    found: dict[int, Evaluation] = {}
    for calls in setting.budgets:
        found[calls] = evaluate(
            "bundled",
            [fitted(recipe, calls) for recipe in RECIPES],
            out=out / f"calls-{calls}",
            ids=setting.problems,
            seeds=setting.seeds,
            budget=Budget(calls=calls),
            model=MODEL,
            jobs=jobs,
        )
        there = len(found[calls].results)
        planned = len(RECIPES) * len(setting.problems) * len(setting.seeds)
        print(f"{calls} calls: {there} of {planned} attempts", flush=True)
        if there < planned:
            raise SystemExit(f"{out / f'calls-{calls}'} is not complete; the same command goes on")
    return found


def page(
    setting: Setting, evaluations: Mapping[int, Evaluation], comparisons: Mapping[int, Comparison]
) -> str:
    """Return the page."""
    parts = [_head(setting, evaluations)]
    for calls, comparison in comparisons.items():
        parts.append(f"## {calls} calls\n\n{_table(comparison.methods)}\n\n{_told_apart(comparison)}\n")
    parts.append(_CURVES.format(most=max(comparisons), picture=PICTURE))
    return "\n".join(parts)


_INTRODUCTION = """# A study with the simulated programmer

**This is a simulation. It says nothing about language models**, nor about how these methods rank with any of
them. It shows what the controllers make of a programmer whose rates are set ([models.md](models.md)): what a
budget buys, who stops early, who spends everything, and what the evaluation can tell apart.
"""
_EXPLANATION = """
Solved means that the returned program passes the hidden tests. Intervals are 95 % (bootstrap over problems;
Wilson's where there is one attempt a problem); calls, tokens and programs run are means of an attempt. A recipe
may stop before it has used up its calls: `direct` asks once, and most stop when a program passes the visible
tests. The same command gives the same tables, but for programs that take about as long as a time limit.

Over these problems a draft made from the task alone passes with {chance} on average. Where `direct`, which is
one such draft, has another rate, that is the luck of so few seeds.
"""
_CURVES = """## Solved within fewer calls

![All recipes, {most} calls allowed](images/{picture})

*Simulation, {most} calls allowed: rates with their intervals, and the share of attempts that had ended with a
right program within so many calls. The tables above answer another question: what a recipe does that may only
make so many.*
"""


def _head(setting: Setting, evaluations: Mapping[int, Evaluation]) -> str:
    skill = SimSkill()
    rows = [row for evaluation in evaluations.values() for row in evaluation.results]
    levels = ", ".join(sorted({row.sandbox for row in rows}))
    options = " --quick" if setting == QUICK else ""
    facts = {
        "model": f"`{MODEL}`: a draft passes with {skill.easy:g}, {skill.medium:g} or {skill.hard:g}"
        f" (easy, medium, hard), a repair that sees the failure with {skill.repair_rate:g};"
        f" {skill.wrong_tests:g} of written tests are wrong",
        "problems": f"{len(setting.problems)} of the {len(load_problems('bundled').ids)} bundled ones",
        "seeds": ", ".join(map(str, setting.seeds)),
        "calls allowed": f"{', '.join(map(str, setting.budgets))}; `codet` draws programs with half of them and"
        " tests with the other half; everything else is the recipe's own",
        "attempts": f"{len(rows):,}",
        "command": f"`{COMMAND}{options} --out sim-study --page docs/sim-study.md`",
        "made with": f"codegrove {version('codegrove')}, Python {platform.python_version()}, sandbox {levels}",
    }
    chances = [skill.solve(load_problems("bundled").by_id(problem).level) for problem in setting.problems]
    chance = f"{sum(chances) / len(chances):.1%}".replace("%", " %")
    listed = "\n".join(f"| {name} | {fact} |" for name, fact in facts.items())
    return f"{_INTRODUCTION}\n| | |\n|---|---|\n{listed}\n{_EXPLANATION.format(chance=chance)}"


def _table(rows: Sequence[Summary]) -> str:
    lines = [
        "| recipe | solved | 95 % interval | calls | tokens | programs run |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate = row.pass_1
        figures = [
            f"{100 * rate.value:.1f} %",
            f"{100 * rate.low:.1f} to {100 * rate.high:.1f}",
            _mean(row.costs["calls"], ".1f"),
            _mean(row.costs["tokens"], ",.0f"),
            _mean(row.costs["executions"], ".1f"),
        ]
        lines.append(f"| `{row.label}` | {' | '.join(figures)} |")
    return "\n".join(lines)


def _told_apart(comparison: Comparison) -> str:
    pairs = comparison.pairs
    found = sum(pair.significant for pair in pairs)
    said = [f"{found} of the {len(pairs)} pairs differ by more than chance (5 %, adjusted by Holm's method)."]
    return "\n\n".join([*said, *(f"Warning: {warning}." for warning in comparison.warnings)])


def _mean(cost: Cost | None, form: str) -> str:
    return "unknown" if cost is None else f"{cost.mean:{form}}"


def main() -> None:
    """Run the study and write its page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="directory of the evaluations")
    parser.add_argument("--quick", action="store_true", help="a few problems, one seed, two budgets")
    parser.add_argument("--page", type=Path, help="file of the page; OUT/sim-study.md by default")
    parser.add_argument("--jobs", type=int, default=2, help="attempts made at the same time")
    given = parser.parse_args()
    setting = QUICK if given.quick else FULL
    evaluations = run(setting, given.out, given.jobs)
    comparisons = {calls: compare(evaluation, ks=(1,)) for calls, evaluation in evaluations.items()}
    target: Path = given.page or given.out / "sim-study.md"
    picture = target.parent / "images" / PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(svg(comparisons[max(comparisons)]) + "\n", encoding="utf-8", newline="\n")
    target.write_text(page(setting, evaluations, comparisons), encoding="utf-8", newline="\n")
    print(target)


if __name__ == "__main__":
    main()
